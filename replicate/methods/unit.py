"""UNIT: Liu, Breuel, Kautz, NIPS 2017 (arXiv 1703.00848).

Official code: mingyuliutw/UNIT. Its master @28d5982 of 2018 ("UN") is the code base of MUNIT and
the default here; its branch version_02 of 2017 ("v2") is the variant `nips2017`. Both are VAE-GANs
whose codes are means with a variance of 1 and are shared by the two domains: an image is encoded by
the autoencoder of its domain and decoded by that of the other. Only v2 shares blocks, as the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from replicate import settings
from replicate.losses import (
    CROSS_ENTROPY,
    LEAST_SQUARES,
    AdversarialScale,
    bce_loss,
    l1_loss,
    lsgan_loss,
)
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.styles import normal
from replicate.networks.autoencoders import (
    CELL,
    PlainDiscriminator,
    SharedVaes,
    Vae,
    init_by_fan,
)
from replicate.networks.blocks import init_weights
from replicate.networks.multiscale import (
    MultiScaleDiscriminator,
    init_kernels,
    smallest_image,
)

GENERATIONS = ("2018", "nips2017")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of UN's configs/unit_summer2winter_yosemite256_folder.yaml."""

    load_size: settings.Side = 256
    epochs: settings.Length = 100  # only shares of the schedule: an epoch is 10,000 iterations
    iterations: settings.Length | None = 1_000_000
    generation: Literal[*GENERATIONS] = "2018"  # deviation unit/generation
    ngf: settings.Count = 64
    n_res: settings.Depth = 4
    ndf: settings.Count = 64
    n_layers: settings.Depth = 4
    n_scales: settings.Depth = 3
    lambda_adv: settings.Weight = 1.0
    lambda_rec: settings.Weight = 10.0
    lambda_kl: settings.Weight = 0.01
    lambda_cyc: settings.Weight = 10.0
    lambda_kl_cyc: settings.Weight = 0.01
    lr: settings.Rate = 1e-4
    beta1: settings.Beta = 0.5
    weight_decay: settings.Weight = 1e-4
    halve_epochs: settings.Epoch = 10  # of 10,000 iterations; never where 0, and in nips2017


@base.register(paper="liu2017unit")
class UNIT(Method):
    """Two variational autoencoders with one space of codes, discriminators at several scales."""

    Config = Config
    VARIANTS = {"paper": {}, "nips2017": {"generation": "nips2017", "iterations": 500_000}}
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_res": 1, "ndf": 4, "n_layers": 1,
        "n_scales": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 32, "n_layers": 3, "n_scales": 2,
        "lr": 4e-4, "halve_epochs": 50, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": {**base.CROPS, "lr": 1e-4}}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """Sums over the scales of an image, and D's without the factor 1/2."""
        if config["generation"] == "nips2017":
            weight = 10 * config["lambda_adv"]
            return CROSS_ENTROPY.times(2 * weight, weight)
        weight = config["n_scales"] * config["lambda_adv"]
        return LEAST_SQUARES.times(2 * weight, weight)

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, CELL)
        if c.generation == "2018":
            base.check_room(c, smallest_image(c.n_layers, c.n_scales))

    def build(self, c: Config) -> None:
        if c.generation == "nips2017":
            self.VAE = SharedVaes(c.ngf, c.n_res)
            self.D = base.per("AB", lambda: PlainDiscriminator(c.ndf, c.n_layers + 2))
            init_kernels(self)
        else:
            self.VAE = base.per("AB", lambda: Vae(c.ngf, c.n_res))
            make = MultiScaleDiscriminator
            self.D = base.per("AB", lambda: make(c.ndf, c.n_layers, c.n_scales))
            init_by_fan(self.VAE)
            init_weights(self.D, truncated=False)
        self.optimizers = {
            "G": base.decayed_adam(c.lr, c.beta1, c.weight_decay, self.VAE),
            "D": base.decayed_adam(c.lr, c.beta1, c.weight_decay, self.D),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        period = c.halve_epochs if c.generation == "2018" else 0
        self.set_lr(c.lr * base.halving(iteration, iterations_per_epoch, period))

    def encode(self, x: Tensor, X: str) -> Tensor:
        """Codes (N, C, H / 4, W / 4) of images (N, 3, H, W) of domain `X`, without noise."""
        shared = self.config.generation == "nips2017"
        return self.VAE.encode(x, X) if shared else self.VAE[X].encode(x)

    def decode(self, h: Tensor, X: str) -> Tensor:
        """Images of domain `X` in [-1, 1], of codes of either domain."""
        shared = self.config.generation == "nips2017"
        return self.VAE.decode(h, X) if shared else self.VAE[X].decode(h)

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.decode(self.encode(x, direction[0]), direction[1]))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        self._update_discriminators(batch, losses)
        self._update_generators(batch, losses)
        return losses

    @property
    def _scale(self) -> float:
        """Of all weights: deviation unit/weights."""
        return 10.0 if self.config.generation == "nips2017" else 1.0

    def _noisy(self, h: Tensor) -> Tensor:
        return h + normal(*h.shape, device=h.device)

    def _update_discriminators(self, batch: Batch, losses: Losses) -> None:
        weight = self._scale * self.config.lambda_adv
        with torch.no_grad():
            z = {X: self._noisy(self.encode(batch[X], X)) for X in "AB"}
            fake = {Y: self.decode(z[X], Y) for X, Y in DIRECTIONS}
        for Y in "AB":
            real_part = self._adversarial(self.D[Y](batch[Y]), is_real=True)
            fake_part = self._adversarial(self.D[Y](fake[Y]), is_real=False)
            losses[f"dis_{Y}"] = weight * (real_part + fake_part)
        self.update(losses["dis_A"] + losses["dis_B"], "D")

    def _adversarial(self, scores: list[Tensor], is_real: bool) -> Tensor:
        """Summed over the scales."""
        loss = bce_loss if self.config.generation == "nips2017" else lsgan_loss
        return sum(loss(one, is_real) for one in scores)

    def _update_generators(self, batch: Batch, losses: Losses) -> None:
        c, mine = self.config, {}
        with base.frozen(self.D):
            h = {X: self.encode(batch[X], X) for X in "AB"}
            z = {X: self._noisy(h[X]) for X in "AB"}
            fake, h_cyc, z_cyc = {}, {}, {}
            for Y, X in DIRECTIONS:  # images of Y: once made of themselves, once of X
                same, fake[Y] = self.decode(torch.cat([z[Y], z[X]]), Y).chunk(2)
                mine[f"rec_{Y}"] = c.lambda_rec * l1_loss(same, batch[Y])
                mine[f"kl_{Y}"] = c.lambda_kl * self._divergence(h[Y], z[Y])
                mine[f"adv_{Y}"] = c.lambda_adv * self._adversarial(self.D[Y](fake[Y]), True)
            for Y, X in DIRECTIONS:
                h_cyc[X] = self.encode(fake[Y], Y)
                z_cyc[X] = self._noisy(h_cyc[X])
            for X in "AB":
                mine[f"cyc_{X}"] = c.lambda_cyc * l1_loss(self.decode(z_cyc[X], X), batch[X])
                mine[f"kl_cyc_{X}"] = c.lambda_kl_cyc * self._divergence(h_cyc[X], z_cyc[X])
            mine = {name: self._scale * loss for name, loss in mine.items()}
            self.update(sum(mine.values()), "G")
        losses.update(mine)

    def _divergence(self, h: Tensor, z: Tensor) -> Tensor:
        """Of the code, but for a factor and a constant: deviation unit/kl."""
        return (z if self.config.generation == "nips2017" else h).square().mean()
