"""A small U-Net that gives every pixel of a photograph a class. No paper's: a measuring device."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError

LEVELS = 4


class SegmentationNet(nn.Module):
    """Four convolutions of stride 2 down, as many steps up, joined level by level.

    Args:
        classes: their number, K.
        width: channels of the first convolution, doubled at every level.

    Input: (N, 3, H, W) in [-1, 1], H and W multiples of 16. Output: (N, K, H, W) logits.
    """

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(LEVELS)]
        self.downs = nn.ModuleList(
            _block(a, b, stride=2) for a, b in zip([3, *widths], widths, strict=False)
        )
        self.ups = nn.ModuleList(
            _block(a + b, b) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(width + 3, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] % 2**LEVELS or x.shape[3] % 2**LEVELS:
            raise ReplicateError(
                f"the segmentation network got {x.shape[2]} x {x.shape[3]} px; expected multiples "
                f"of {2**LEVELS} px: resize the images"
            )
        features, y = [x], x
        for down in self.downs:
            y = down(y)
            features.append(y)
        y = features.pop()
        for up in self.ups:
            y = up(torch.cat([F.interpolate(y, scale_factor=2.0), features.pop()], dim=1))
        return self.head(torch.cat([F.interpolate(y, scale_factor=2.0), features.pop()], dim=1))


def _block(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())
