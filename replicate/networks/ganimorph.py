"""GANimorph's networks: a U-Net of blocks that join instead of adding, a dilated discriminator."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm

DEPTH = 3  # blocks in a row
RATES = (2, 4, 8)  # of the dilated convolutions


def _normed(conv: nn.Module, activation: nn.Module) -> nn.Sequential:
    """A convolution, an instance norm with scale and offset, an activation."""
    return nn.Sequential(conv, InstanceNorm(conv.out_channels, affine=True), activation)


class JoiningBlock(nn.Module):
    """Two 3x3 convolutions, joined with what they were made of, and a third one over both.

    Args:
        in_channels: of the input (N, in_channels, H, W).
        channels: of the output (N, channels, H, W).
        slope: of the LeakyReLU; 0 is a ReLU.
    """

    def __init__(self, in_channels: int, channels: int, slope: float) -> None:
        super().__init__()

        def conv(inner: int) -> nn.Module:
            plain = nn.Conv2d(inner, channels, 3, padding=1, bias=False)
            return _normed(plain, nn.LeakyReLU(slope))

        self.body = nn.Sequential(conv(in_channels), conv(channels))
        self.join = conv(in_channels + channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([self.body(x), x], dim=1))


class JoiningGenerator(nn.Module):
    """Four convolutions of stride 2 down and four up, blocks at three sizes, two skips.

    Args:
        ngf: channels after the first convolution, doubled three times.
        slope: of the LeakyReLU behind convolutions; behind transposed ones it is a ReLU.

    Input and output: (N, 3, H, W) in [0, 1], H and W multiples of 16.

    Source: brownvc/ganimorph, branch paper_version @ff6c636, model.py; 53,017,728 parameters at the
        defaults: no layer has a bias beside its norm's offset.
    """

    def __init__(self, ngf: int = 64, slope: float = 0.2) -> None:
        super().__init__()

        def down(inner: int, outer: int) -> nn.Module:
            return _normed(nn.Conv2d(inner, outer, 4, 2, 1, bias=False), nn.LeakyReLU(slope))

        def up(inner: int, outer: int) -> nn.Module:
            return _normed(nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=False), nn.ReLU())

        def blocks(inner: int, outer: int) -> nn.Module:
            widths = [inner] + [outer] * (DEPTH - 1)
            return nn.Sequential(*(JoiningBlock(width, outer, slope) for width in widths))

        first = nn.Conv2d(3, ngf, 4, 2, 1, bias=False)
        self.down_1 = nn.Sequential(
            first, nn.LeakyReLU(slope), down(ngf, 2 * ngf), blocks(2 * ngf, 2 * ngf)
        )
        self.down_2 = nn.Sequential(down(2 * ngf, 4 * ngf), blocks(4 * ngf, 4 * ngf))
        self.down_3 = nn.Sequential(down(4 * ngf, 8 * ngf), blocks(8 * ngf, 8 * ngf))
        self.up_3 = up(8 * ngf, 4 * ngf)
        self.up_2 = nn.Sequential(blocks(8 * ngf, 4 * ngf), up(4 * ngf, 2 * ngf))
        last = nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False)
        self.up_1 = nn.Sequential(blocks(4 * ngf, 2 * ngf), up(2 * ngf, ngf), last)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.down_1(x)
        middle = self.down_2(wide)
        y = self.up_3(self.down_3(middle))
        y = self.up_2(torch.cat([y, middle], dim=1))
        return self.up_1(torch.cat([y, wide], dim=1)).float().sigmoid()


class Judged(NamedTuple):
    """What a discriminator makes of images: raw scores (N, 1, h, w), features of seven layers."""

    scores: Tensor
    features: list[Tensor]


class DilatedDiscriminator(nn.Module):
    """A patch discriminator that sees far beyond its patches by dilated convolutions.

    Args:
        ndf: half of the channels of the first convolution, which are doubled twice.
        slope: of the LeakyReLU; 0 is a ReLU.

    Source: as `JoiningGenerator`; 16,798,208 parameters at the defaults.
    """

    def __init__(self, ndf: int = 64, slope: float = 0.2) -> None:
        super().__init__()
        wide = 8 * ndf

        def conv(inner: int, outer: int, kernel: int, stride: int, rate: int = 1) -> nn.Module:
            layer = nn.Conv2d(inner, outer, kernel, stride, rate, rate, bias=False)
            return _normed(layer, nn.LeakyReLU(slope))

        first = nn.Conv2d(3, 2 * ndf, 4, 2, 1, bias=False)
        self.first = nn.Sequential(first, nn.LeakyReLU(slope))
        self.near = nn.ModuleList(
            [conv(2 * ndf, 4 * ndf, 4, 2), conv(4 * ndf, wide, 4, 2), conv(wide, wide, 3, 1)]
        )
        self.far = nn.ModuleList(conv(wide, wide, 3, 1, rate) for rate in RATES)
        self.join = conv(2 * wide, wide, 3, 1)
        # TensorFlow's SAME padding of an even kernel: one more pixel to the right and below
        self.head = nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(wide, 1, 4, bias=False))

    def forward(self, x: Tensor) -> Judged:
        x, features = self.first(x), []
        for layer in (*self.near, *self.far):
            x = layer(x)
            features.append(x)
        near = features[len(self.near) - 1]
        features.append(self.join(torch.cat([near, x], dim=1)))
        return Judged(self.head(features[-1]).float(), features)


@torch.no_grad()
def init_scaled(network: nn.Module) -> None:
    """Draws kernels uniformly from +- sqrt(0.999 / fan_in), dilated ones by Glorot's rule.

    Source: the official model.py: `variance_scaling_initializer(factor=0.333, uniform=True)`; its
        dilated convolutions are of another library and keep that one's default.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            if layer.dilation != (1, 1):
                nn.init.xavier_uniform_(layer.weight)
            else:  # of a transposed kernel, too, the official fan_in has the second dimension
                bound = (0.999 / layer.weight[0].numel()) ** 0.5
                nn.init.uniform_(layer.weight, -bound, bound)
