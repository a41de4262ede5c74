"""BicycleGAN's networks: a U-Net that sees a code at every level, its encoder, two-scale patches.

Line numbers are those of models/networks.py of BicycleGAN @40b9d52, see
`replicate/methods/bicyclegan.py`.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm
from replicate.networks.discriminators import PatchDiscriminator

HALVINGS = 5  # in the encoder; 256 px become 8
MOST = 4  # times `nef`, the encoder's channels


class CodeUNet(nn.Module):
    """4x4 convolutions of stride 2 down to 1 px and up again, joined level by level.

    The code, spread over the image, is joined to what every level down sees.

    Args:
        ngf: channels of the first convolution, doubled up to 8 ngf.
        levels: convolutions down, as many as up; 8 at 256 px.
        nz: numbers in a code.

    Input (N, 3, H, W), H and W multiples of 2**levels, and codes (N, nz); output in [-1, 1].

    Source: G_Unet_add_all and UnetBlock_with_z, 54,794,627 parameters at the defaults.
    """

    def __init__(self, ngf: int = 64, levels: int = 8, nz: int = 8) -> None:
        super().__init__()
        widths = [3] + [ngf * min(2**i, 8) for i in range(levels)]  # by level, 0 is the image
        self.downs = nn.ModuleList(nn.Conv2d(a + nz, b, 4, 2, 1) for a, b in pairwise(widths))
        inner = range(2, levels)  # levels that are neither the outermost nor the innermost
        self.down_norms = nn.ModuleDict({str(i): InstanceNorm(widths[i]) for i in inner})
        up = range(levels, 0, -1)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(widths[i] * (1 if i == levels else 2), widths[i - 1], 4, 2, 1)
            for i in up
        )
        self.up_norms = nn.ModuleList(InstanceNorm(widths[i - 1]) for i in up if i > 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        seen: list[Tensor] = []
        for i, conv in enumerate(self.downs, start=1):
            joined = torch.cat([x, z[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)
            x = conv(F.leaky_relu(joined, 0.2) if i > 1 else joined)
            if str(i) in self.down_norms:
                x = self.down_norms[str(i)](x)
            seen.append(x)
        x = seen.pop()
        for conv, norm in zip(self.ups, self.up_norms, strict=False):
            x = torch.cat([norm(conv(F.relu(x))), seen.pop()], dim=1)
        return torch.tanh(self.ups[-1](F.relu(x)).float())


class Code(NamedTuple):
    """What the encoder says of images: means (N, nz), and logarithms of their variances."""

    mean: Tensor
    log_variance: Tensor


class NormedPooledBlock(nn.Module):
    """Two 3x3 convolutions, each behind a norm and an activation, halved; and a halved shortcut.

    Source: BasicBlock.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(InstanceNorm(a) for _ in range(2))
        self.convs = nn.ModuleList((nn.Conv2d(a, a, 3, padding=1), nn.Conv2d(a, b, 3, padding=1)))
        self.shortcut = nn.Conv2d(a, b, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(F.leaky_relu(norm(y), 0.2))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class CodeEncoder(nn.Module):
    """Codes of images (N, 3, H, W), H and W multiples of 32 px, as the mean over the image.

    Args:
        nef: channels of the first convolution; they grow to four times as many.
        nz: numbers in a code.

    Source: E_ResNet with five blocks, whose average pool takes 8x8 px, all that 256 px leave;
        2,590,032 parameters at the defaults.
    """

    def __init__(self, nef: int = 64, nz: int = 8) -> None:
        super().__init__()
        widths = [nef * min(i, MOST) for i in range(1, HALVINGS + 1)]
        blocks = [NormedPooledBlock(a, b) for a, b in pairwise(widths)]
        self.layers = nn.Sequential(nn.Conv2d(3, nef, 4, 2, padding=1), *blocks, nn.LeakyReLU(0.2))
        self.mean = nn.Linear(widths[-1], nz)
        self.log_variance = nn.Linear(widths[-1], nz)

    def forward(self, x: Tensor) -> Code:
        pooled = self.layers(x).float().mean((2, 3))
        return Code(self.mean(pooled).float(), self.log_variance(pooled).float())


class TwoScalePatchDiscriminator(nn.Module):
    """PatchGANs of the image and, with half the channels, of its half.

    Args:
        ndf, n_layers: as of `PatchDiscriminator`; `ndf` of the image's own.

    Source: D_NLayersMulti, 3,458,978 parameters at the defaults.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(3, width, n_layers) for width in (ndf, ndf // 2)
        )
        # means of the pixels that there are: padding does not count
        self.halve = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Raw scores (N, 1, h, w) of (N, 3, H, W) at both scales, the finer first."""
        finer, coarser = self.scales
        return [finer(x), coarser(self.halve(x))]


@torch.no_grad()
def init_xavier(network: nn.Module) -> None:
    """Draws the kernels of convolutions and linear layers as Glorot does, times 0.02; biases 0.

    Source: init_weights with init_type xavier and init_gain 0.02.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_normal_(layer.weight, gain=0.02)
            nn.init.zeros_(layer.bias)
