"""AttentionGAN for several domains: Tang, Liu, Xu, Torr, Sebe, TNNLS 2021 (arXiv 1911.11897).

Official code: AttentionGAN-v1-multi/ of Ha0Tang/AttentionGAN @45da496, whose file and line numbers
these are: StarGAN (Choi et al., CVPR 2018) whose generator paints a mask beside the content. Labels
are expressions (RaFD, one of eight) or attributes (CelebA, any of five).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import gradient_penalty, l1_loss
from replicate.methods import base
from replicate.methods.base import Batch, Losses, Method, Translation
from replicate.networks.attentiongan import Painting
from replicate.networks.attentiongan_multi import LabelDiscriminator, LabelGenerator
from replicate.networks.generators import ResnetGenerator

LOSSES = ("critic", "penalty", "label_real", "adv", "cyc", "label_fake", "attention")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released code (AttentionGAN-v1-multi/main.py) for RaFD."""

    # torch's default there, data_loader.py; bicubic before
    resize: Literal[*base.FILTERS] = base.added("bicubic", now="bilinear")
    load_size: settings.Side = 128  # data_loader.py: deviation attentiongan_multi/crop
    crop_size: settings.Side = 128
    batch_size: settings.Count = 8  # of each domain: 16 images a step
    iterations: settings.Length | None = 200_000  # of D
    c_dim: settings.Several = 8  # expressions of RaFD
    attributes: bool = False  # True: each entry of a label is 0 or 1 by itself (CelebA)
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 6
    ndf: settings.Count = 64
    n_layers: settings.Depth = 6
    n_critic: settings.Count = 5  # D steps for one G step
    lambda_gp: settings.Weight = 10.0
    lambda_cyc: settings.Weight = 10.0  # lambda_rec there
    lambda_label: settings.Weight = 1.0  # lambda_cls there
    lr: settings.Rate = 1e-4
    beta1: settings.Beta = 0.5


@base.register(paper="tang2019attentiongan")
class AttentionGANMulti(Method):
    """One generator for all domains: the label says where to go, the mask what to change."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "celeba": {"c_dim": 5, "attributes": True},
        "two-domains": {"c_dim": 2},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "c_dim": 2, "ngf": 4, "n_blocks": 1,
        "ndf": 4, "n_layers": 4, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "resize": "bicubic", "batch_size": 2, "c_dim": 2,
        "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 5, "lr": 4e-4, "iterations": 4000,
    }  # fmt: skip

    @classmethod
    def also_counted(cls, domains: int) -> tuple[str, list[nn.Module]]:
        networks = [ResnetGenerator(n_blocks=6), LabelDiscriminator(c_dim=domains)]
        return f"CycleGAN's G of 6 blocks + StarGAN's D of {domains} labels", networks

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_room(c, 2**c.n_layers)
        base.check_multiple(c, max(4, 2**c.n_layers))

    def build(self, c: Config) -> None:
        self.G = LabelGenerator(c.c_dim, c.ngf, c.n_blocks)  # PyTorch's initial weights
        self.D = LabelDiscriminator(c.c_dim, c.ndf, c.n_layers, c.crop_size)
        self.optimizers = {name: base.adam(c.lr, c.beta1, getattr(self, name)) for name in "GD"}
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        self.turn_of_G = iteration % self.config.n_critic == self.config.n_critic - 1

    @classmethod
    def by_attributes(cls, c: Config) -> bool:
        return c.attributes

    def translate(self, x: Tensor, direction: str) -> Translation:
        return _translation(self.masks(x, direction))

    def translate_to(self, x: Tensor, label: Tensor) -> Translation:
        return _translation(self.paint(x, label))

    def masks(self, x: Tensor, direction: str) -> Painting:
        """Mask and its complement, and the content, for (N, 3, H, W) in [-1, 1].

        Scores translate by the true labels (`replicate.relabelling`); of images alone, as in
        samples, attributes besides those of A and B are what D sees.
        """
        label = self._domain(x, direction[1])
        if self.config.attributes:
            label[:, 2:] = (self.D(x)[1][:, 2:] > 0).to(x)
        return self.paint(x, label)

    def paint(self, x: Tensor, label: Tensor) -> Painting:
        """What G makes of (N, 3, H, W) for labels (N, c_dim) of 0 and 1."""
        return self.G(x, label)

    def step(self, batch: Batch) -> Losses:
        c, losses = self.config, dict.fromkeys(LOSSES)
        real = torch.cat([batch["A"], batch["B"]])
        here = torch.cat([self._label(batch, X) for X in "AB"])
        there = here[torch.randperm(len(here)).to(here.device)]  # on the CPU: one order everywhere
        with torch.no_grad():
            made = self.paint(real, there)
        score, logits = self.D(real)
        losses["label_real"] = c.lambda_label * self._label_loss(logits, here)
        losses["critic"] = self.D(made.image)[0].mean() - score.mean()
        losses["penalty"] = c.lambda_gp * gradient_penalty(self._score, real, made.image)
        losses["attention"] = made.attention[:, 0].mean()
        self.update(losses["critic"] + losses["label_real"] + losses["penalty"], "D")
        if self.turn_of_G:
            with base.frozen(self.D):
                made = self.paint(real, there).image
                score, logits = self.D(made)
                losses["adv"] = -score.mean()
                losses["cyc"] = c.lambda_cyc * l1_loss(self.paint(made, here).image, real)
                losses["label_fake"] = c.lambda_label * self._label_loss(logits, there)
                self.update(losses["adv"] + losses["cyc"] + losses["label_fake"], "G")
        return losses

    def _score(self, x: Tensor) -> Tensor:
        return self.D(x)[0]

    def _label(self, batch: Batch, X: str) -> Tensor:
        """(N, c_dim) of 0 and 1: the labels of the set, or the domain."""
        x, label = batch[X], batch.get(f"{X}_label")
        if label is None:
            return self._domain(x, X)
        c_dim = self.config.c_dim
        if label.ndim == 1 and int(label.min()) >= 0 and int(label.max()) < c_dim:
            return torch.eye(c_dim).to(x)[label.long()]
        if label.shape == (len(x), c_dim):
            return label.to(x)
        raise ReplicateError(
            f"{X}_label has shape {tuple(label.shape)} and values {int(label.min())} to "
            f"{int(label.max())}: expected ({len(x)},) of 0 to {c_dim - 1} or ({len(x)}, {c_dim}) "
            "of 0 and 1; set c_dim to the number of labels"
        )

    def _domain(self, x: Tensor, X: str) -> Tensor:
        """(N, c_dim): the class of domain `X` for every image."""
        label = x.new_zeros(len(x), self.config.c_dim)
        label[:, "AB".index(X)] = 1
        return label

    def _label_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        """Cross entropy; of attributes a sum over them, a mean over the images."""
        if not self.config.attributes:
            return F.cross_entropy(logits, label.argmax(dim=1))
        return F.binary_cross_entropy_with_logits(logits, label, reduction="sum") / len(label)


def _translation(painting: Painting) -> Translation:
    return Translation(painting.image.clamp(-1, 1), attention=painting.attention[:, :1])
