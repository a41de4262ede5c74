"""DualGAN: Yi, Zhang, Tan, Gong, ICCV 2017 (arXiv 1704.02510).

Official code: duxingren14/DualGAN, which changed three times: @d71400c of April 2017 (the paper's
WGAN), @d7ee5b8 of August 2017 (followed here: AttentionGAN's Table V counts its networks) and
@bd64bf9 of 2020. Two generators undo each other, two discriminators see images only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, gradient_penalty, l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.optimizers import RMSProp, clip_weights
from replicate.networks.dualgan import SameDiscriminator, SameUNet


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the code of August 2017."""

    load_size: settings.Side = 256
    flip: bool = False  # deviation dualgan/flip
    epochs: settings.Length = 50
    ngf: settings.Count = 64
    ndf: settings.Count = 64
    levels: settings.Depth = 8  # of the U-Net: deviation dualgan/levels
    layers: Literal["2017", "2020"] = "2017"  # deviation dualgan/version
    dropout: bool = True
    global_head: bool = False  # D has one score an image
    gan: Literal["bce", "wgan", "wgan-gp"] = "bce"
    lambda_cyc: settings.Weight = 20.0
    n_critic: settings.Count = 1  # iterations, of which G has the last: deviation dualgan/steps
    g_steps: settings.Count = 2  # of G on its batch
    clip: settings.Rate = 0.01  # of wgan's critics
    lambda_gp: settings.Weight = 10.0
    lr: settings.Rate = 5e-5
    decay: settings.Beta = 0.9  # of RMSProp


@base.register(paper="yi2017dualgan")
class DualGAN(Method):
    """One step of D, then two of G on the same batch, by RMSProp at one learning rate."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "wgan": {
            "gan": "wgan", "global_head": True, "load_size": 128, "crop_size": 128,
            "lambda_cyc": 200.0, "n_critic": 3, "g_steps": 1, "epochs": 30,
        },
        "wgan-gp": {
            "gan": "wgan-gp", "layers": "2020", "dropout": False, "global_head": True,
            "lambda_cyc": 500.0, "g_steps": 1,
        },
    }  # fmt: skip
    SMOKE = {
        "load_size": 64, "crop_size": 64, "ngf": 2, "ndf": 2, "levels": 5, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 32, "levels": 6, "lr": 4e-4,
        "iterations": 1500,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": {**base.CROPS, "levels": 5, "lr": 5e-5, "iterations": 3000}}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY.times(2, 1)  # critics have no such scale, and other names

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 8)
        if any(c.crop_size <= 2**k < c.scored_size for k in range(1, c.levels + 1)):
            raise ReplicateError(
                f"levels={c.levels} with crop_size={c.crop_size} and test_size={c.scored_size}: in "
                "training an innermost level has 1 px, which its norm makes a constant, in tests "
                "more, so layers that never learnt would speak; expected fewer levels or one size"
            )
        if c.layers == "2020" and c.crop_size <= 32:
            raise ReplicateError(
                f"crop_size={c.crop_size} with layers=2020: expected more than 32 px, because five "
                "halvings leave 1 px, which the norm makes a constant"
            )

    def build(self, c: Config) -> None:
        deep, side = c.layers == "2020", c.crop_size if c.global_head else None
        unet = partial(SameUNet, c.ngf, c.levels, 3 if deep else 5, c.dropout)
        self.G = base.per(DIRECTIONS, unet)
        self.D = base.per("AB", lambda: SameDiscriminator(c.ndf, deep, side))
        self.optimizers = {
            kind: RMSProp(getattr(self, kind).parameters(), c.lr, c.decay) for kind in "GD"
        }
        self.begin(0, 1.0)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        self.turn_of_G = iteration % c.n_critic == c.n_critic - 1

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {f"{name}_{X}": None for name in ("adv", "cyc") for X in "AB"}
        losses |= self._update_discriminators(batch)
        for _ in range(self.config.g_steps if self.turn_of_G else 0):
            losses |= self._update_generators(batch)
        return losses

    def _update_discriminators(self, batch: Batch) -> Losses:
        c, mine = self.config, {}
        with torch.no_grad():
            fake = {Y: self.G[X + Y](batch[X]) for X, Y in DIRECTIONS}
        for Y in "AB":
            real, made = self.D[Y](batch[Y]), self.D[Y](fake[Y])
            if c.gan == "bce":
                mine[f"dis_{Y}"] = bce_loss(real, True) + bce_loss(made, False)
                continue
            mine[f"critic_{Y}"] = made.mean() - real.mean()
            if c.gan == "wgan-gp":
                penalty = gradient_penalty(self.D[Y], batch[Y], fake[Y])
                mine[f"penalty_{Y}"] = c.lambda_gp * penalty
        self.update(sum(mine.values()), "D")
        if c.gan == "wgan":
            clip_weights(self.D, c.clip)
        return mine

    def _update_generators(self, batch: Batch) -> Losses:
        """One step; a second one on this batch begins where it ends."""
        c, mine = self.config, {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fake = self.G[X + Y](batch[X])
                scores = self.D[Y](fake)
                mine[f"adv_{Y}"] = bce_loss(scores, True) if c.gan == "bce" else -scores.mean()
                again = self.G[Y + X](fake)
                mine[f"cyc_{X}"] = c.lambda_cyc * l1_loss(again, batch[X])
            self.update(sum(mine.values()), "G")
        return mine
