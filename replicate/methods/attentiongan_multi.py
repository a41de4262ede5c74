"""AttentionGAN for several domains: Tang, Liu, Xu, Torr, Sebe, TNNLS 2021 (arXiv 1911.11897).

Official code: AttentionGAN-v1-multi/ of Ha0Tang/AttentionGAN @45da496, whose file and line numbers
these are: StarGAN (Choi et al., CVPR 2018) whose generator paints a mask beside the content. Labels
are expressions (RaFD, one of eight) or attributes (CelebA, any of five).
"""

from torch import Tensor

from replicate.methods import base
from replicate.methods.base import Translation
from replicate.methods.stargan import Config, StarGAN
from replicate.networks.attentiongan import Painting
from replicate.networks.attentiongan_multi import LabelGenerator


@base.register(paper="tang2019attentiongan")
class AttentionGANMulti(StarGAN):
    """One generator for all domains: the label says where to go, the mask what to change."""

    LOSSES = (*StarGAN.LOSSES, "attention")

    def build(self, c: Config) -> None:
        self.G = LabelGenerator(c.c_dim, c.ngf, c.n_blocks)  # PyTorch's initial weights
        self.build_critic(c)

    def masks(self, x: Tensor, direction: str) -> Painting:
        """Mask and its complement, and the content, for (N, 3, H, W) in [-1, 1]."""
        return self.paint(x, self.target(x, direction))

    def paint(self, x: Tensor, label: Tensor) -> Painting:
        """What G makes of (N, 3, H, W) for labels (N, c_dim) of 0 and 1."""
        return self.G(x, label)

    def painted(self, x: Tensor, label: Tensor) -> Translation:
        painting = self.paint(x, label)
        return Translation(painting.image, painting.attention[:, :1])
