"""MUNIT: Huang, Liu, Belongie, Kautz, ECCV 2018 (arXiv 1804.04732).

Official code: NVlabs/MUNIT @a82e222 ("MU"), the code base that UNIT's of 2018 is part of. An image
is a content, which the domains share, and a style of its own domain; a translation is the content
with a style of the other domain, drawn at random or taken from an image.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from replicate import settings
from replicate.losses import LEAST_SQUARES, AdversarialScale, l1_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.styles import normal, random_styles
from replicate.networks.autoencoders import (
    CELL,
    STYLE_DOWNS,
    StyleAutoencoder,
    init_by_fan,
)
from replicate.networks.blocks import init_weights
from replicate.networks.multiscale import MultiScaleDiscriminator, smallest_image


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of MU's configs/summer2winter_yosemite256_folder.yaml."""

    load_size: settings.Side = 256
    epochs: settings.Length = 100  # only shares of the schedule: an epoch is 10,000 iterations
    iterations: settings.Length | None = 1_000_000
    ngf: settings.Count = 64
    n_res: settings.Depth = 4
    style_dim: settings.Count = 8
    mlp_dim: settings.Count = 256
    ndf: settings.Count = 64
    n_layers: settings.Depth = 4
    n_scales: settings.Depth = 3
    lambda_adv: settings.Weight = 1.0
    lambda_rec: settings.Weight = 10.0
    lambda_style: settings.Weight = 1.0
    lambda_content: settings.Weight = 1.0
    lambda_cyc: settings.Weight = 10.0  # deviation munit/cycle-weight
    lr: settings.Rate = 1e-4
    beta1: settings.Beta = 0.5
    weight_decay: settings.Weight = 1e-4
    halve_epochs: settings.Epoch = 10  # of 10,000 iterations; never where 0


@base.register(paper="huang2018munit")
class MUNIT(Method):
    """Content that domains share and styles that they do not: many translations of an image."""

    Config = Config
    multimodal = True
    VARIANTS = {"paper": {}, "no-cyc": {"lambda_cyc": 0.0}}
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_res": 1, "mlp_dim": 8, "ndf": 4,
        "n_layers": 1, "n_scales": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "mlp_dim": 64, "ndf": 32, "n_layers": 3,
        "n_scales": 2, "lr": 4e-4, "halve_epochs": 50, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": {**base.CROPS, "lr": 1e-4}}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """Sums over the scales of an image, and D's without the factor 1/2."""
        weight = config["n_scales"] * config["lambda_adv"]
        return LEAST_SQUARES.times(2 * weight, weight)

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, CELL)
        # the style encoder pads its last map of 2 px or more by reflection
        base.check_room(c, max(smallest_image(c.n_layers, c.n_scales), 2**STYLE_DOWNS))

    def build(self, c: Config) -> None:
        self.AE = base.per("AB", lambda: StyleAutoencoder(c.ngf, c.n_res, c.style_dim, c.mlp_dim))
        self.D = base.per("AB", lambda: MultiScaleDiscriminator(c.ndf, c.n_layers, c.n_scales))
        init_by_fan(self.AE)
        init_weights(self.D, truncated=False)
        self.optimizers = {
            "G": base.decayed_adam(c.lr, c.beta1, c.weight_decay, self.AE),
            "D": base.decayed_adam(c.lr, c.beta1, c.weight_decay, self.D),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        self.set_lr(c.lr * base.halving(iteration, iterations_per_epoch, c.halve_epochs))

    def translate(
        self, x: Tensor, direction: str, seed: int = 0, target: Tensor | None = None
    ) -> Translation:
        X, Y = direction
        random = target is None
        style = (
            random_styles(x, self.config.style_dim, seed) if random else self.AE[Y].style(target)
        )
        return Translation(self.AE[Y].decode(self.AE[X].content(x), style))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        self._update_discriminators(batch, losses)
        self._update_generators(batch, losses)
        return losses

    def _styles(self, batch: Batch) -> dict[str, Tensor]:
        """Random styles of both domains, for the translations into them."""
        n, device = len(batch["A"]), batch["A"].device
        return {Y: normal(n, self.config.style_dim, device=device) for Y in "AB"}

    def _update_discriminators(self, batch: Batch, losses: Losses) -> None:
        weight, styles, fake = self.config.lambda_adv, self._styles(batch), {}
        with torch.no_grad():
            for X, Y in DIRECTIONS:
                fake[Y] = self.AE[Y].decode(self.AE[X].content(batch[X]), styles[Y])
        for Y in "AB":
            real_part = _adversarial(self.D[Y](batch[Y]), is_real=True)
            losses[f"dis_{Y}"] = weight * (real_part + _adversarial(self.D[Y](fake[Y]), False))
        self.update(losses["dis_A"] + losses["dis_B"], "D")

    def _update_generators(self, batch: Batch, losses: Losses) -> None:
        c, mine, styles = self.config, {}, self._styles(batch)
        with base.frozen(self.D):
            content = {X: self.AE[X].content(batch[X]) for X in "AB"}
            of_image = {X: self.AE[X].style(batch[X]) for X in "AB"}
            again = {}
            for Y, X in DIRECTIONS:  # images of Y: once made of themselves, once of X
                contents = torch.cat([content[Y], content[X]])
                made = self.AE[Y].decode(contents, torch.cat([of_image[Y], styles[Y]]))
                same, fake = made.chunk(2)
                again[X] = self.AE[Y].content(fake)
                mine[f"rec_{Y}"] = c.lambda_rec * l1_loss(same, batch[Y])
                mine[f"style_{Y}"] = c.lambda_style * l1_loss(self.AE[Y].style(fake), styles[Y])
                mine[f"content_{X}"] = c.lambda_content * l1_loss(again[X], content[X])
                mine[f"adv_{Y}"] = c.lambda_adv * _adversarial(self.D[Y](fake), is_real=True)
            if c.lambda_cyc:
                for X in "AB":
                    back = self.AE[X].decode(again[X], of_image[X])
                    mine[f"cyc_{X}"] = c.lambda_cyc * l1_loss(back, batch[X])
            self.update(sum(mine.values()), "G")
        losses.update(mine)


def _adversarial(scores: list[Tensor], is_real: bool) -> Tensor:
    """Least squares, summed over the scales."""
    return sum(lsgan_loss(one, is_real) for one in scores)
