"""A small classifier of images, by which the classes of translations are counted."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm


class ImageClassifier(nn.Module):
    """The class of the one object of an image, wherever it stands.

    Four convolutions, three of stride 2, and a linear layer on the maximum over places: what is
    looked for is small and its place must not matter.

    Args:
        n_classes: of the set.
        width: channels after the first convolution.

    Input (N, 3, H, W) in [-1, 1]; output (N, n_classes) logits, float32.
    """

    def __init__(self, n_classes: int, width: int = 8) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 4 * width, 4 * width)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=1 if i == 3 else 2, padding=1)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.norms = nn.ModuleList(InstanceNorm(b, affine=True) for b in widths[1:])
        self.head = nn.Linear(widths[-1], n_classes)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        return self.head(x.amax(dim=(2, 3))).float()
