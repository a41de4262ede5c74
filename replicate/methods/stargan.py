"""StarGAN: Choi, Choi, Kim, Ha, Kim, Choo, CVPR 2018 (arXiv 1711.09020).

Official code: yunjey/stargan @94dd002, whose solver AttentionGAN's version for several domains
repeats. One generator translates between all domains; labels are expressions (RaFD, one of eight)
or attributes (CelebA, any of five).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.losses import gradient_penalty, l1_loss
from replicate.methods import base, labelled
from replicate.methods.base import Batch, Losses, Translation
from replicate.methods.labelled import Labelled
from replicate.networks.stargan import LabelDiscriminator, StarGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of StarGAN's released code for RaFD (main.py), which AttentionGAN's repeats."""

    # torch's default there, data_loader.py; bicubic before
    resize: Literal[*base.FILTERS] = base.added("bicubic", now="bilinear")
    load_size: settings.Side = 128  # data_loader.py: deviations METHOD/crop
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


@base.register(paper="choi2018stargan")
class StarGAN(Labelled):
    """A critic that also tells labels moves five times as often as the generator."""

    Config = Config
    LOSSES: ClassVar[tuple[str, ...]] = (
        "critic", "penalty", "label_real", "adv", "cyc", "label_fake",
    )  # fmt: skip
    VARIANTS = {
        "paper": {},
        "celeba": {"c_dim": 5, "attributes": True},
        "two-domains": {"c_dim": 2},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "c_dim": 2, "ngf": 4, "n_blocks": 1,
        "ndf": 4, "n_layers": 4, "iterations": 4,
    }  # fmt: skip
    # About 15 minutes of a quiet core. Also tried on animals, seed 0: n_critic 2 with 6,000 steps,
    # the same mean KID over the twelve pairs (.296; here .297); lr 1e-4 and n_critic 1, coloured
    # noise on every picture after 1,800 steps.
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "resize": "bicubic", "batch_size": 2, "c_dim": 2,
        "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 5, "lr": 4e-4, "iterations": 6500,
    }  # fmt: skip

    @classmethod
    def by_attributes(cls, c: Config) -> bool:
        return c.attributes

    def build(self, c: Config) -> None:
        self.G = StarGenerator(c.c_dim, c.ngf, c.n_blocks)  # PyTorch's initial weights
        self.build_critic(c)

    def build_critic(self, c: Config) -> None:
        """D, and the optimisers of G and D."""
        self.D = LabelDiscriminator(c.c_dim, c.ndf, c.n_layers, c.crop_size)
        self.optimizers = {name: base.adam(c.lr, c.beta1, getattr(self, name)) for name in "GD"}
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        self.turn_of_G = iteration % self.config.n_critic == self.config.n_critic - 1

    def painted(self, x: Tensor, label: Tensor) -> Translation:
        return Translation(self.G(x, label))

    def target(self, x: Tensor, direction: str) -> Tensor:
        """Scores translate by the true labels (`replicate.relabelling`); of images alone, as in
        samples, attributes besides those of A and B are what D sees, all over a larger image.
        """
        label = super().target(x, direction)
        if self.config.attributes:
            logits = self.D(x)[1].unflatten(1, (self.config.c_dim, -1)).mean(dim=2)
            label[:, 2:] = (logits[:, 2:] > 0).to(x)
        return label

    def step(self, batch: Batch) -> Losses:
        c, losses = self.config, dict.fromkeys(self.LOSSES)
        real = torch.cat([batch["A"], batch["B"]])
        here = torch.cat([labelled.of_batch(batch, X, c.c_dim) for X in "AB"])
        there = here[torch.randperm(len(here)).to(here.device)]  # on the CPU: one order everywhere
        with torch.no_grad():
            made = self.painted(real, there)
        score, logits = self.D(real)
        losses["label_real"] = c.lambda_label * self._label_loss(logits, here)
        losses["critic"] = self.D(made.image)[0].mean() - score.mean()
        losses["penalty"] = c.lambda_gp * gradient_penalty(self._score, real, made.image)
        if made.attention is not None:
            losses["attention"] = made.attention.mean()
        self.update(losses["critic"] + losses["label_real"] + losses["penalty"], "D")
        if self.turn_of_G:
            with base.frozen(self.D):
                image = self.painted(real, there).image
                score, logits = self.D(image)
                losses["adv"] = -score.mean()
                losses["cyc"] = c.lambda_cyc * l1_loss(self.painted(image, here).image, real)
                losses["label_fake"] = c.lambda_label * self._label_loss(logits, there)
                self.update(losses["adv"] + losses["cyc"] + losses["label_fake"], "G")
        return losses

    def _score(self, x: Tensor) -> Tensor:
        return self.D(x)[0]

    def _label_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        """Cross entropy; of attributes a sum over them, a mean over the images."""
        if not self.config.attributes:
            return F.cross_entropy(logits, label.argmax(dim=1))
        return F.binary_cross_entropy_with_logits(logits, label, reduction="sum") / len(label)
