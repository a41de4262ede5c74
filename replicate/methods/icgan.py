"""IcGAN: Perarnau, van de Weijer, Raducanu, Alvarez, 2016 (arXiv 1611.06355).

Official code: Guim3/IcGAN @0c73cf8 (Lua). Three stages: a GAN that makes images of noise and
labels; an encoder that finds the noise of what that GAN makes; an encoder that finds the labels of
real images. A translation is what the GAN makes of an image's noise with other labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss
from replicate.methods import base, labelled
from replicate.methods.base import Batch, Losses, Method, Translation
from replicate.methods.styles import normal
from replicate.networks.icgan import (
    FIRST,
    LabelledDiscriminator,
    NoiseGenerator,
    VectorEncoder,
    init_game,
)

LOSSES = ("dis", "adv", "noise", "label")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of cfg/mainConfig.lua for CelebA."""

    load_size: settings.Side = 64  # deviation icgan/crop
    crop_size: settings.Side = 64
    batch_size: settings.Count = 32  # of each domain: 64 images a step
    epochs: settings.Length = 55  # 25 of the GAN, 15 of E_z, 15 of E_y
    gan_epochs: settings.Epoch = 25
    noise_epochs: settings.Epoch = 15  # of E_z, on what G makes: deviation icgan/generated-set
    c_dim: settings.Several = 18  # attributes of CelebA
    attributes: bool = True  # deviation icgan/labels
    nz: settings.Count = 100
    ngf: settings.Count = 64
    ndf: settings.Count = 64
    nef: settings.Count = 32
    full: settings.Count = 512  # of E_y; E_z has as many as its convolutions leave
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    encoder_lr: settings.Rate = 1e-4
    encoder_beta1: settings.Beta = 0.1


@base.register(paper="perarnau2016icgan")
class IcGAN(Method):
    """A GAN of noise and labels, and both encoders that invert it; losses by stage."""

    many = True
    Config = Config
    VARIANTS = {
        "paper": {},
        "celeba": {"c_dim": 5, "attributes": True},  # those of AttentionGAN's Table III
        "two-domains": {"c_dim": 2, "attributes": False},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "epochs": 3, "gan_epochs": 1,
        "noise_epochs": 1, "c_dim": 2, "attributes": False, "nz": 4, "ngf": 4, "ndf": 4, "nef": 4,
        "full": 8, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "batch_size": 16, "c_dim": 2, "attributes": False, "crop_size": 64, "ngf": 32, "ndf": 32,
        "nef": 16, "iterations": 6000,
    }  # fmt: skip

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY.times(2, 1)  # real, and half of either kind of fake

    @classmethod
    def by_attributes(cls, c: Config) -> bool:
        return c.attributes

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its generator makes images of one size, of noise"

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        if c.crop_size.bit_count() != 1 or c.crop_size < 4 * FIRST:
            raise ReplicateError(
                f"crop_size={c.crop_size}: expected a power of two from {4 * FIRST} px, to which "
                f"{FIRST} px are doubled"
            )
        if c.gan_epochs < 1 or c.noise_epochs < 1 or c.gan_epochs + c.noise_epochs >= c.epochs:
            raise ReplicateError(
                f"gan_epochs={c.gan_epochs} and noise_epochs={c.noise_epochs} with "
                f"epochs={c.epochs}: expected 1 or more of either, and at least one epoch left for "
                "the encoder of labels"
            )

    def build(self, c: Config) -> None:
        self.G = NoiseGenerator(c.nz, c.c_dim, c.ngf, c.crop_size)
        self.D = LabelledDiscriminator(c.c_dim, c.ndf, c.crop_size)
        self.E_z = VectorEncoder(c.nz, c.nef, 0, c.crop_size)
        self.E_y = VectorEncoder(c.c_dim, c.nef, c.full, c.crop_size)
        init_game(self.G)
        init_game(self.D)
        self.optimizers = {name: base.adam(c.lr, c.beta1, getattr(self, name)) for name in "GD"}
        for name in ("E_z", "E_y"):
            encoder = getattr(self, name)
            self.optimizers[name] = base.adam(c.encoder_lr, c.encoder_beta1, encoder)
        self.begin(0, 1.0)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, iteration / iterations_per_epoch
        ends = (c.gan_epochs, c.gan_epochs + c.noise_epochs)
        self.stage = sum(epoch >= end for end in ends)  # 0 the GAN, 1 E_z, 2 E_y

    def translate(self, x: Tensor, direction: str) -> Translation:
        """By the labels that E_y sees, with the two of the domains as the target has them."""
        label = labelled.of_domain(x, direction[1], self.config.c_dim)
        if self.config.attributes:
            label[:, 2:] = (self.E_y(x)[:, 2:] > 0).to(label)
        return self.translate_to(x, label)

    def translate_to(self, x: Tensor, label: Tensor) -> Translation:
        return Translation(self.G(self.E_z(x), signed(label)))

    def step(self, batch: Batch) -> Losses:
        x = torch.cat([batch["A"], batch["B"]])
        y = signed(torch.cat([labelled.of_batch(batch, X, self.config.c_dim) for X in "AB"]))
        stages = (self._play, self._find_noise, self._find_labels)
        return dict.fromkeys(LOSSES) | stages[self.stage](x, y)

    def _play(self, x: Tensor, y: Tensor) -> Losses:
        """D: real images with their labels against those with wrong ones and against G's."""
        sampled = y[torch.randperm(len(y)).to(y.device)]  # on the CPU: one order everywhere
        fake = self.G(normal(len(y), self.config.nz, device=y.device), sampled)
        real = bce_loss(self.D(x, y), is_real=True)
        mistaken = bce_loss(self.D(x, wrong_labels(y)), is_real=False)
        made = bce_loss(self.D(fake.detach(), sampled), is_real=False)
        losses = {"dis": real + 0.5 * mistaken + 0.5 * made}
        self.update(losses["dis"], "D")
        with base.frozen(self.D):
            losses["adv"] = bce_loss(self.D(fake, sampled), is_real=True)
            self.update(losses["adv"], "G")
        return losses

    def _find_noise(self, x: Tensor, y: Tensor) -> Losses:
        z = normal(len(y), self.config.nz, device=y.device)
        self.G.eval()  # as in translations; `train` is called before every step
        with torch.no_grad():
            made = self.G(z, y)
        loss = F.mse_loss(self.E_z(made), z)
        self.update(loss, "E_z")
        return {"noise": loss}

    def _find_labels(self, x: Tensor, y: Tensor) -> Losses:
        loss = F.mse_loss(self.E_y(x), y)
        self.update(loss, "E_y")
        return {"label": loss}


def signed(label: Tensor) -> Tensor:
    """-1 and 1 for 0 and 1, as G, D and E_y have them."""
    return 2 * label - 1


def wrong_labels(y: Tensor) -> Tensor:
    """For every label (N, c_dim) another one of the batch, drawn from those that are not equal.

    Where all are equal it is the opposite of each; official code draws on until one differs.
    """
    others = (y[:, None] != y[None]).any(dim=2).float().cpu()  # drawn on the CPU: see `_play`
    alone = others.sum(dim=1) == 0
    others[alone] = 1.0
    drawn = y[torch.multinomial(others, 1).squeeze(1).to(y.device)]
    return torch.where(alone.to(y.device)[:, None], -y, drawn)
