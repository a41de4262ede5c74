"""ContrastGAN's networks as specified here: of CycleGAN and StarGAN, told labels."""

import torch
from torch import Tensor, nn

from replicate.networks.generators import ResnetGenerator
from replicate.networks.stargan import LabelDiscriminator, with_planes


class LabelResnet(ResnetGenerator):
    """CycleGAN's residual generator told by planes where to go, and where the object is.

    Zero-padded, because planes act through the zeros around the image alone, as in `StarGenerator`.

    Args:
        planes: entries of a label, and one more for a mask.
        ngf, n_blocks: as of `ResnetGenerator`.

    Input (N, 3, H, W) with H, W multiples of 4, labels (N, c_dim) and, with one plane more, masks
    (N, 1, H, W); output (N, 3, H, W) in [-1, 1].
    """

    def __init__(self, planes: int, ngf: int = 64, n_blocks: int = 6) -> None:
        super().__init__(ngf, n_blocks, padding="zero")
        self.model[1] = nn.Conv2d(3 + planes, ngf, 7)

    def forward(self, x: Tensor, label: Tensor, mask: Tensor | None = None) -> Tensor:
        told = with_planes(x, label)
        return super().forward(told if mask is None else torch.cat([told, mask.to(told)], dim=1))


class ContrastDiscriminator(LabelDiscriminator):
    """StarGAN's body with scores of patches for every category, and features of the whole image.

    Args:
        c_dim: categories.
        n_features: of an image.
        ndf, n_layers, image_size: as of `LabelDiscriminator`.

    Input (N, 3, image_size, image_size); output (N, c_dim, h, w) scores, of which those of an
    image's category count, and (N, n_features).
    """

    def __init__(
        self,
        c_dim: int = 8,
        n_features: int = 128,
        ndf: int = 64,
        n_layers: int = 6,
        image_size: int = 128,
    ) -> None:
        super().__init__(n_features, ndf, n_layers, image_size)
        self.score = nn.Conv2d(self.score.in_channels, c_dim, 3, padding=1, bias=False)
