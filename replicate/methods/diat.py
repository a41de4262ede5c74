"""DIAT, re-specified: after Li, Zuo, Zhang, 2016 (arXiv 1610.05586), of which no code was found.

Reported of its first version: three convolutions, five residual blocks, two transposed and one
convolution; a discriminator for each attribute; an identity loss by features of a face network; a
network beside it that removes noise. Widths, weights and rates are in no text that we could access.
So this is a stand-in, not that method: the reported layers at CycleGAN's widths, CycleGAN's
discriminator and rates, and an identity loss by a network that judges photographs. Tables say
're-specified'.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Needs, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator

BLURRED = 4  # px, of the squares that "blur" compares by their means


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Chosen here, all but the number of blocks: see data/deviations/diat.toml."""

    load_size: settings.Side = 128
    crop_size: settings.Side = 128
    batch_size: settings.Count = 8
    iterations: settings.Length | None = 200_000
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 5  # reported
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    # what says whether it is still the same: a published network, or for rehearsals the image
    identity: Literal["efficientnet-lite0", "blur"] = "efficientnet-lite0"
    lambda_identity: settings.Weight = 1.0
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="li2016diat")
class DIAT(Method):
    """For each direction a generator that keeps features and a discriminator; no way back."""

    Config = Config
    respecified = True
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 1, "ngf": 4, "n_blocks": 1, "ndf": 4,
        "n_layers": 1, "identity": "blur", "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 1, "ngf": 16, "n_blocks": 5, "ndf": 32,
        "n_layers": 2, "lr": 4e-4, "iterations": 6000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {**base.CROPS, "ngf": 32, "ndf": 64, "iterations": 8000},
    }

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(frozen=None if c.identity == "blur" else c.identity)

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c, tail=1)

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: ResnetGenerator(c.ngf, c.n_blocks))
        self.D = base.per("AB", lambda: PatchDiscriminator(3, c.ndf, c.n_layers))
        init_weights(self, truncated=False)
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 3, c.crop_size))
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}
        self._judge: tuple[nn.Module, ...] = ()  # in a tuple it is no part of the state

    def receive(self, network: nn.Module) -> None:
        self._judge = (network.eval().requires_grad_(False),)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        c, losses, fake = self.config, {}, {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fake[Y] = self.G[X + Y](batch[X])
                with torch.no_grad():
                    wanted = self._features(batch[X])
                gap = F.mse_loss(self._features(fake[Y]), wanted)
                losses[f"identity_{X}"] = c.lambda_identity * gap
                losses[f"adv_{Y}"] = lsgan_loss(self.D[Y](fake[Y]), is_real=True)
            self.update(sum(losses.values()), "G")
        for Y in "AB":
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]), self.D[Y](self.pool[Y](fake[Y])))
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        return losses

    def _features(self, x: Tensor) -> Tensor:
        """By which an image and its translation are compared."""
        if self.config.identity == "blur":
            return F.avg_pool2d(x, BLURRED)
        if not self._judge:
            raise ReplicateError(
                f"diat got no {self.config.identity} network before its first step; train it by "
                "`replicate train`, or give it one by `receive`"
            )
        return self._judge[0](x)
