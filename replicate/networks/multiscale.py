"""Discriminators of UNIT, MUNIT and DRIT: the same layers at several scales of an image."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from replicate.networks.blocks import Pad


class MultiScaleDiscriminator(nn.Module):
    """4x4 convolutions of stride 2 without norms, at the image and at halves of it.

    Args:
        ndf: channels of the first convolution, doubled by every further one.
        n_layers: convolutions of each scale, before one 1x1 convolution.
        n_scales: the image, its half, its quarter, ...; each scale has weights of its own.
        slope: of LeakyReLU; 0.2 in UNIT and MUNIT, 0.01 in DRIT.

    Source: MsImageDis, UNIT networks.py:18-83 (see `replicate/methods/unit.py`) and MultiScaleDis,
        DRIT networks.py:29-56 (see `replicate/methods/drit.py`); 8,271,171 parameters at the
        defaults.
    """

    def __init__(
        self, ndf: int = 64, n_layers: int = 4, n_scales: int = 3, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_layers(ndf, n_layers, slope) for _ in range(n_scales))
        # means of the pixels that there are: padding does not count
        self.halve = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Raw scores (N, 1, h, w) of (N, 3, H, W) at each scale, the finest first."""
        scores = []
        for i, layers in enumerate(self.scales):
            x = self.halve(x) if i else x
            scores.append(layers(x).float())
        return scores


def _layers(ndf: int, n_layers: int, slope: float) -> nn.Sequential:
    widths = [3] + [ndf * 2**i for i in range(n_layers)]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [Pad(1, "reflect"), nn.Conv2d(a, b, 4, stride=2), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 1))


def smallest_image(n_layers: int, n_scales: int) -> int:
    """The least side in px of an image that `MultiScaleDiscriminator` can judge."""
    return 2 ** (n_layers + n_scales - 1)


@torch.no_grad()
def init_kernels(network: nn.Module) -> None:
    """Draws the kernels of convolutions from N(0, 0.02); all else keeps torch's start.

    Source: gaussian_weights_init of UNIT, branch version_02, trainers/init.py, and of DRIT
        networks.py:454-457.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
