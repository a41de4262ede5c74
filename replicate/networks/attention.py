"""Networks whose output is a map of where to change an image."""

import torch
from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock, SamePad, upsample_nearest


class AttentionNet(nn.Module):
    """AGGAN's attention network: a map in (0, 1), constant on squares of 4 x 4 px.

    The released decoder is nearest x2, 1x1 convolution, nearest x2, two 1x1 convolutions. Nearest
    upsampling commutes with 1x1 convolutions and with instance normalisation, so all of them run at
    a quarter of the resolution and the map is enlarged once; the output is the same.

    Args:
        naf: channels after the first convolution.

    Input (N, 3, H, W) with H, W multiples of 4; output (N, 1, H, W).

    Source: AGGAN's model.py:100-132, 104,001 parameters at naf 32.
    """

    CELL = 4  # px

    def __init__(self, naf: int = 32) -> None:
        super().__init__()
        self.model = nn.Sequential(
            Pad(3, "reflect"),
            nn.Conv2d(3, naf, 7, stride=2),
            InstanceNorm(naf, affine=True),
            nn.ReLU(),
            SamePad(),
            nn.Conv2d(naf, 2 * naf, 3, stride=2),
            InstanceNorm(2 * naf, affine=True),
            nn.ReLU(),
            ResBlock(2 * naf, "reflect", affine=True, relu_after_add=True),
            nn.Conv2d(2 * naf, 2 * naf, 1),
            InstanceNorm(2 * naf, affine=True),
            nn.ReLU(),
            nn.Conv2d(2 * naf, naf, 1),
            InstanceNorm(naf, affine=True),
            nn.ReLU(),
            nn.Conv2d(naf, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return upsample_nearest(torch.sigmoid(self.model(x).float()), self.CELL)
