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
from replicate.methods.base import DIRECTIONS, Batch, Deviation, Losses, Method, Translation
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

DEVIATIONS = (
    Deviation(
        "unit/generation",
        "the last layers of both encoders and the first of both decoders are the same",
        "v2: one residual block of each is the same; UN: nothing is shared",
        "UN, which the KID tables of 2019 and 2020 very likely ran; shared blocks in the variant "
        "nips2017",
        "generation",
    ),
    Deviation(
        "unit/nips2017-networks",
        "not in a reachable source",
        "v2: COCOResGen with COCODis of 6 layers for animals, COCOResGen2 (no norms outside the "
        "residual blocks) with a shared discriminator for faces, with three scales for streets",
        "as for animals (cat2tiger.yaml, corgi2husky.yaml); its 6 layers are n_layers + 2",
    ),
    Deviation(
        "unit/weights",
        "not in a reachable source",
        "UN: 1, 10, 10, 0.01, 0.01; v2: ten times as much throughout",
        "the settings are UN's; the variant nips2017 multiplies all by 10",
    ),
    Deviation(
        "unit/kl",
        "Kullback-Leibler divergence of the code's distribution from N(0, I)",
        "the mean square of the code: UN before noise is added, v2 after, so that 1 is added",
        "as each code",
    ),
    Deviation(
        "unit/perceptual-loss",
        "none",
        "UN: an option by VGG16; weight 1 for streets, 0 for all other sets",
        "none",
    ),
    Deviation(
        "unit/layer-norm",
        "not in a reachable source",
        "UN: divides by the unbiased deviation + eps, over all channels",
        "as UN; not torch's layer norm, which has eps inside the root",
    ),
    Deviation(
        "unit/d-loss",
        "not in a reachable source",
        "sums of the real and the fake part over the scales, without the factor 1/2",
        "as code",
    ),
    Deviation(
        "unit/update-order",
        "discriminators, then encoders and decoders",
        "the same; each has its own forward pass, with fresh noise",
        "as code",
    ),
    Deviation(
        "unit/test-noise",
        "not in a reachable source",
        "none is added to the code at test",
        "as code, so that an image has one translation",
    ),
    Deviation(
        "unit/schedule",
        "not in a reachable source",
        "UN: halved every 100,000 of 1,000,000 iterations; v2: constant, 500,000 iterations",
        "as each code, as shares of the schedule; at laptop halved once, in its middle",
    ),
    Deviation(
        "unit/resize",
        "not in a reachable source",
        "UN: the shorter side becomes 256 px, then a random square of 256 px",
        "images are resized to a square once; the same for square images",
    ),
    Deviation(
        "unit/size",
        "not in a reachable source",
        "256 px, 64 channels, 4 layers at 3 scales",
        "at laptop 64 px, 16 channels in the autoencoders, 3 layers at 2 scales: patches of 22 and "
        "44 px, about CycleGAN's there",
    ),
)


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
