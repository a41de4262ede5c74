"""IcGAN's networks: a conditional DCGAN, and encoders that find its noise and its labels.

Line numbers are those of IcGAN @0c73cf8, see `replicate/methods/icgan.py`.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from replicate.networks.discogan import BatchNorm

FIRST = 4  # px, the side of G's first maps and of D's last


class FlatBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of (N, C) in float32 also under autocast."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


def _widths(channels: int, side: int) -> list[int]:
    """Channels of the maps from half of the image's side down to 4 px, doubled at each halving."""
    return [channels * 2**i for i in range((side // FIRST).bit_length() - 1)]


class NoiseGenerator(nn.Module):
    """Images of noise (N, nz) and labels (N, c_dim) of -1 and 1, by transposed 4x4 convolutions.

    Args:
        nz: numbers in a noise.
        c_dim: entries of a label.
        ngf: channels before the last convolution; at 64 px eight times as many after the first.
        side: px of the images, a power of two from 16.

    Output (N, 3, side, side) in [-1, 1].

    Source: trainGAN.lua:62-89, 3,725,123 parameters at the defaults.
    """

    def __init__(self, nz: int = 100, c_dim: int = 18, ngf: int = 64, side: int = 64) -> None:
        super().__init__()
        widths = _widths(ngf, side)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(nz + c_dim, widths[0], FIRST)]
        for a, b in pairwise(widths):
            layers += [BatchNorm(a), nn.ReLU(), nn.ConvTranspose2d(a, b, 4, 2, 1)]
        layers += [BatchNorm(ngf), nn.ReLU(), nn.ConvTranspose2d(ngf, 3, 4, 2, 1), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.model(torch.cat([z, y], dim=1)[..., None, None]).float()


class LabelledDiscriminator(nn.Module):
    """One raw score (N,) of an image with its label, which joins after the first convolution.

    Args:
        c_dim: entries of a label.
        ndf: channels of the first 4x4 convolution of stride 2, doubled by every further one.
        side: px of the images.

    Source: trainGAN.lua:91-134, 2,803,393 parameters at the defaults; its sigmoid is left to the
        loss.
    """

    def __init__(self, c_dim: int = 18, ndf: int = 64, side: int = 64) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2))
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(_widths(ndf, side))):
            layers.append(nn.Conv2d(a if i else a + c_dim, b, 4, 2, 1))
            # no running averages: D only works in training
            layers += [BatchNorm(b, track_running_stats=False), nn.LeakyReLU(0.2)]
        self.rest = nn.Sequential(*layers, nn.Conv2d(b, 1, FIRST))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.first(x)
        planes = y[:, :, None, None].expand(-1, -1, *h.shape[2:]).to(h)
        return self.rest(torch.cat([h, planes], dim=1)).float().flatten()


class VectorEncoder(nn.Module):
    """Numbers (N, out) of images: four 5x5 convolutions of stride 2 and two full layers.

    Args:
        out: numbers of an image.
        nef: channels of the first convolution, doubled by every further one.
        full: numbers after the first full layer; 0: as many as the convolutions leave.
        side: px of the images, a multiple of 16.

    Source: trainEncoder.lua:139-182, 18,278,244 parameters for 100 numbers of noise and 3,186,962
        for 18 labels with 512 numbers in between.
    """

    def __init__(self, out: int, nef: int = 32, full: int = 0, side: int = 64) -> None:
        super().__init__()
        widths = [3] + [nef * 2**i for i in range(4)]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 5, 2, 2), BatchNorm(b), nn.ReLU()]
        left = widths[-1] * (side // 16) ** 2
        full = full or left
        layers += [nn.Flatten(), nn.Linear(left, full), FlatBatchNorm(full), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Linear(full, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()


@torch.no_grad()
def init_game(network: nn.Module) -> None:
    """Draws what G and D begin with: kernels N(0, 0.02), scales N(1, 0.02), biases 0.

    Source: trainGAN.lua:40-49; the encoders keep torch's start.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, BatchNorm):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
