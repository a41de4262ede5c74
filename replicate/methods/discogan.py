"""DiscoGAN: Kim, Cha, Kim, Lee, Kim, ICML 2017 (arXiv 1703.05192).

Official code: SKTBrain/DiscoGAN @f044178 ("IT" is its discogan/image_translation.py). Two
generators undo each other; discriminators and generators take turns by the iteration, and a
generator also matches the mean features that a discriminator has of real images.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_d_loss, bce_loss, feature_gap
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.discogan import PyramidDiscriminator, PyramidGenerator, untracked

LOSSES = tuple(f"{name}_{X}" for name in ("dis", "adv", "fm", "recon") for X in "AB")
SIZE = 64  # px, at which D has one score an image


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code."""

    load_size: settings.Side = SIZE
    crop_size: settings.Side = SIZE
    flip: bool = False
    batch_size: settings.Several = 64
    epochs: settings.Length = 5000
    ngf: settings.Count = 64
    bottleneck: settings.Number = 0  # channels: deviation discogan/bottleneck
    ndf: settings.Count = 64
    patch_labels: bool = False  # deviation discogan/size
    d_every: settings.Several = 3  # iterations: deviation discogan/turns
    lambda_adv: settings.Weight = 0.1  # deviation discogan/loss-weights
    lambda_fm: settings.Weight = 0.9
    recon_first: settings.Share = 0.01  # r for `first_iterations`, then `recon_then`
    recon_then: settings.Share = 0.5
    first_iterations: settings.Epoch = 10_000
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    weight_decay: settings.Weight = 1e-5


@base.register(paper="kim2017discogan")
class DiscoGAN(Method):
    """Iterations of D and of G take turns; losses are logged without their weights."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "patch-labels": {"load_size": 256, "crop_size": 256, "patch_labels": True},
    }
    SMOKE = {
        "load_size": 64, "crop_size": 64, "batch_size": 2, "ngf": 2, "ndf": 2, "iterations": 4,
        "first_iterations": 2,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 16, "ngf": 32, "ndf": 32,
        "first_iterations": 200, "iterations": 2000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": {**base.CROPS, "iterations": 3000}}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 16)
        if c.crop_size < SIZE or (c.crop_size > SIZE and not c.patch_labels):
            raise ReplicateError(
                f"crop_size={c.crop_size} with patch_labels={c.patch_labels}: expected {SIZE} px, "
                "or more with patch_labels=true"
            )

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: PyramidGenerator(c.ngf, c.bottleneck))
        self.D = base.per("AB", lambda: PyramidDiscriminator(c.ndf))
        self.optimizers = {
            k: base.decayed_adam(c.lr, c.beta1, c.weight_decay, getattr(self, k)) for k in "GD"
        }
        self.begin(0, 1.0)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        self.turn_of_D = iteration % c.d_every == 0
        self.recon = c.recon_first if iteration < c.first_iterations else c.recon_then

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(2 * self.G[direction]((x + 1) / 2) - 1)

    def step(self, batch: Batch) -> Losses:
        real = {X: (batch[X] + 1) / 2 for X in "AB"}
        mine = self._train_D(real) if self.turn_of_D else self._train_G(real)
        return dict.fromkeys(LOSSES) | mine

    def _train_D(self, real: dict[str, Tensor]) -> Losses:
        losses: Losses = {}
        for X, Y in DIRECTIONS:
            with torch.no_grad():
                fake = self.G[X + Y](real[X])
            of_real, of_fake = self.D[Y](real[Y]).scores, self.D[Y](fake).scores
            losses[f"dis_{Y}"] = bce_d_loss(of_real, of_fake)
        self.update(sum(losses.values()), "D")
        return losses

    def _train_G(self, real: dict[str, Tensor]) -> Losses:
        c, losses, total = self.config, {}, 0.0
        with base.frozen(self.D):
            fake = {Y: self.G[X + Y](real[X]) for X, Y in DIRECTIONS}
            for X, Y in DIRECTIONS:
                judged = self.D[Y](fake[Y])
                losses[f"adv_{Y}"] = adv = bce_loss(judged.scores, True)
                losses[f"fm_{Y}"] = fm = feature_gap(self.D[Y](real[Y]).features, judged.features)
                with untracked(self.G[Y + X]):
                    again = self.G[Y + X](fake[Y])
                losses[f"recon_{X}"] = recon = F.mse_loss(again, real[X].float())
                game = c.lambda_adv * adv + c.lambda_fm * fm
                total = total + (1 - self.recon) * game + self.recon * recon
            self.update(total, "G")
        return losses
