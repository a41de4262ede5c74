"""DRIT: Lee, Tseng, Huang, Singh, Yang, ECCV 2018 (arXiv 1808.00948).

Official code: HsinYingLee/DRIT @f19f50a, src/. An image is a content, which no discriminator shall
be able to tell the domain of, and an attribute; a translation is the content with an attribute of
the other domain, drawn at random or taken from an image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.styles import normal, random_styles
from replicate.networks.drit import (
    CELL,
    HALVINGS,
    Attribute,
    AttributeEncoder,
    ConcatGenerator,
    ContentDiscriminator,
    ContentEncoder,
    FeatureGenerator,
    VariationalAttributeEncoder,
    check_content_size,
)
from replicate.networks.multiscale import (
    MultiScaleDiscriminator,
    init_kernels,
    smallest_image,
)

LOSSES = {  # of an iteration; of each domain but for the discriminator of content
    "D": ("dis", "dis2"),
    "first": ("adv", "adv_content", "rec", "cyc", "kl", "kl_content"),
    "second": ("adv2", "latent"),
}


class Drawn(NamedTuple):
    """The random numbers of an iteration, by domain; attributes are (N, nz).

    `attributes` are what two random translations are made with, the second for mode seeking only.
    `of_...` is added to what the encoders say, None for attributes where those are not sampled:
    first of real images, then of translations.
    """

    content: dict[str, Tensor]
    of_real: dict[str, Tensor | None]
    attributes: tuple[Tensor, ...]
    content_again: dict[str, Tensor]
    of_fake: dict[str, Tensor | None]


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of options.py and model.py."""

    load_size: settings.Side = 256
    crop_size: settings.Side = 216
    batch_size: settings.Several = 2  # half of them are encoded, half are real images of D2
    epochs: settings.Length = 1200
    concat: bool = True  # deviation drit/concat
    mode_seeking: bool = False  # deviation drit/mode-seeking
    ngf: settings.Count = 64
    nz: settings.Count = 8
    ndf: settings.Count = 64
    n_layers: settings.Depth = 4
    n_scales: settings.Depth = 3
    content_layers: settings.Number = 3  # of the discriminator of content, 7x7
    d_iter: settings.Count = 3  # of so many iterations all but one train D_content alone
    clip: settings.Rate = 5.0  # the norm that D_content's gradient is shortened to
    lambda_rec: settings.Weight = 10.0  # of an image by itself, and through both domains
    lambda_latent: settings.Weight = 10.0
    lambda_kl: settings.Weight = 0.01  # of attributes and of contents
    lr: settings.Rate = 1e-4
    content_lr_factor: settings.Rate = 0.4  # D_content's rate is lr / 2.5
    beta1: settings.Beta = 0.5
    weight_decay: settings.Weight = 1e-4
    constant_epochs: settings.Epoch = 600  # then linear decay over the rest


@base.register(paper="lee2018drit")
class DRIT(Method):
    """Contents that an adversary makes alike, attributes of each domain: many translations."""

    Config = Config
    multimodal = True
    VARIANTS = {
        "paper": {},
        "no-concat": {"concat": False},
        "mode-seeking": {"mode_seeking": True},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "ndf": 4, "n_layers": 1, "n_scales": 2,
        "content_layers": 0, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 32, "n_layers": 3, "n_scales": 2,
        "content_layers": 1, "lr": 4e-4, "iterations": 6000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": {**base.CROPS, "lr": 1e-4}}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """Sums over the scales, and D's without the factor 1/2.

        With mode seeking D2's and its adversary's are sums of two translations: twice as much.
        """
        return CROSS_ENTROPY.times(2 * config["n_scales"], config["n_scales"])

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, CELL)
        base.check_room(c, max(smallest_image(c.n_layers, c.n_scales), 2**HALVINGS))
        check_content_size(c.crop_size, c.content_layers)
        base.check_decay(c, tail=1)
        if c.batch_size % 2:
            raise ReplicateError(
                f"batch_size={c.batch_size}: expected an even number, because half of the images "
                "are encoded and the others are what D2 sees as real; the paper's is 2"
            )

    def build(self, c: Config) -> None:
        encoder = VariationalAttributeEncoder if c.concat else AttributeEncoder
        generator = ConcatGenerator if c.concat else FeatureGenerator
        self.E_content = ContentEncoder(c.ngf)
        self.E_attribute = encoder(c.ngf, c.nz)
        self.G = generator(c.ngf, c.nz)
        # D judges translations with encoded attributes, D2 those with random ones
        for name in ("D", "D2"):
            judges = base.per("AB", self._judge)
            self.add_module(name, judges)
        self.D_content = ContentDiscriminator(CELL * c.ngf, c.content_layers)
        init_kernels(self)
        rates = (c.lr, c.beta1, c.weight_decay)
        self.optimizers = {
            "D": base.decayed_adam(*rates, self.D, self.D2),
            "D_content": base.decayed_adam(*rates, self.D_content),
            "G": base.decayed_adam(*rates, self.E_content, self.G),
            "E_attribute": base.decayed_adam(*rates, self.E_attribute),
        }
        base.clip_gradient(self.optimizers["D_content"], c.clip)
        self.whole = True  # whether an iteration trains more than D_content

    def _judge(self) -> nn.Module:
        c = self.config
        return MultiScaleDiscriminator(c.ndf, c.n_layers, c.n_scales, slope=0.01)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        lr = c.lr * base.linear_decay(epoch - 1, c.constant_epochs, c.epochs, tail=1)
        self.set_lr(lr)
        for group in self.optimizers["D_content"].param_groups:
            group["lr"] = c.content_lr_factor * lr
        self.whole = iteration % c.d_iter == c.d_iter - 1

    def translate(
        self, x: Tensor, direction: str, seed: int = 0, target: Tensor | None = None
    ) -> Translation:
        X, Y = direction
        z = random_styles(x if target is None else target, self.config.nz, seed)
        if target is not None:
            z = _sampled(self.E_attribute(target, Y), z)
        return Translation(self.G(self.E_content(x, X), z, Y))

    def step(self, batch: Batch) -> Losses:
        real = {X: batch[X].chunk(2)[0] for X in "AB"}
        names = [f"{name}_{X}" for names in LOSSES.values() for name in names for X in "AB"]
        names += ["seek_A", "seek_B"] * self.config.mode_seeking
        losses: Losses = dict.fromkeys(["dis_content", *names])
        if not self.whole:
            with torch.no_grad():
                content = self._contents(real, self._content_noise(real))
            self._update_content_discriminator(content, losses)
            return losses
        drawn = self._draw(real)
        content = self._contents(real, drawn.content)
        attribute = {X: self.E_attribute(real[X], X) for X in "AB"}
        z = {X: _sampled(attribute[X], drawn.of_real[X]) for X in "AB"}
        same, fake = {}, {}
        for Y, X in DIRECTIONS:  # images of Y: of the contents of Y and of X
            contents = torch.cat([content[Y], content[X]])
            same[Y], fake[Y] = self.G(contents, torch.cat([z[Y], z[Y]]), Y).chunk(2)
        self._update_discriminators(batch, content, fake, drawn, losses)
        self._update_content_discriminator(content, losses)
        mine = self._losses_of_codes(content, attribute)
        mine |= self._losses_of_images(real, same, fake, drawn)
        self.update(sum(mine.values()), "G", "E_attribute")
        losses.update(mine)
        self._update_by_random_translations(real, drawn, losses)
        return losses

    # Random numbers and codes

    def _content_noise(self, real: dict[str, Tensor]) -> dict[str, Tensor]:
        noise = {}
        for X, images in real.items():
            n, _, h, w = images.shape
            shape = (n, CELL * self.config.ngf, h // CELL, w // CELL)
            noise[X] = normal(*shape, device=images.device)
        return noise

    def _draw(self, real: dict[str, Tensor]) -> Drawn:
        c, (n, device) = self.config, (len(real["A"]), real["A"].device)

        def sampling() -> dict[str, Tensor | None]:
            return {X: normal(n, c.nz, device=device) if c.concat else None for X in "AB"}

        content, of_real = self._content_noise(real), sampling()
        random = tuple(normal(n, c.nz, device=device) for _ in range(1 + c.mode_seeking))
        return Drawn(content, of_real, random, self._content_noise(real), sampling())

    def _contents(self, images: dict[str, Tensor], noise: dict[str, Tensor]) -> dict[str, Tensor]:
        return {X: self.E_content(images[X], X) + noise[X] for X in "AB"}

    def _random(self, content: dict[str, Tensor], drawn: Drawn, Y: str) -> tuple[Tensor, ...]:
        """Translations into `Y`, one with each random attribute."""
        X = "BA"["AB".index(Y)]
        many = len(drawn.attributes)
        made = self.G(content[X].repeat(many, 1, 1, 1), torch.cat(drawn.attributes), Y)
        return made.chunk(many)

    # Updates

    def _update_discriminators(
        self,
        batch: Batch,
        content: dict[str, Tensor],
        fake: dict[str, Tensor],
        drawn: Drawn,
        losses: Losses,
    ) -> None:
        for Y in "AB":
            real, other = batch[Y].chunk(2)
            with torch.no_grad():
                random = self._random(content, drawn, Y)
            losses[f"dis_{Y}"] = _d_loss(self.D[Y], real, fake[Y])
            losses[f"dis2_{Y}"] = sum(_d_loss(self.D2[Y], other, one) for one in random)
        self.update(sum(losses[f"{name}_{Y}"] for name in LOSSES["D"] for Y in "AB"), "D")

    def _update_content_discriminator(self, content: dict[str, Tensor], losses: Losses) -> None:
        """Contents of A are 0, of B 1."""
        parts = [bce_loss(self.D_content(content[X].detach()), X == "B") for X in "AB"]
        losses["dis_content"] = sum(parts)
        self.update(losses["dis_content"], "D_content")

    def _losses_of_codes(
        self, content: dict[str, Tensor], attribute: dict[str, Attribute]
    ) -> Losses:
        mine, weight = {}, self.config.lambda_kl
        with base.frozen(self.D_content):
            for X in "AB":
                scores = self.D_content(content[X])
                # cross entropy with the target 0.5
                mine[f"adv_content_{X}"] = 0.5 * (bce_loss(scores, True) + bce_loss(scores, False))
                mine[f"kl_{X}"] = weight * _divergence(attribute[X])
                mine[f"kl_content_{X}"] = weight * content[X].square().mean()
        return mine

    def _losses_of_images(
        self,
        real: dict[str, Tensor],
        same: dict[str, Tensor],
        fake: dict[str, Tensor],
        drawn: Drawn,
    ) -> Losses:
        mine, weight = {}, self.config.lambda_rec
        # the content of a translation into Y is that of an image of X
        again = self._contents(fake, drawn.content_again)
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                z = _sampled(self.E_attribute(fake[X], X), drawn.of_fake[X])
                mine[f"cyc_{X}"] = weight * l1_loss(self.G(again[Y], z, X), real[X])
                mine[f"rec_{X}"] = weight * l1_loss(same[X], real[X])
                mine[f"adv_{X}"] = _fooled(self.D[X], fake[X])
        return mine

    def _update_by_random_translations(
        self, real: dict[str, Tensor], drawn: Drawn, losses: Losses
    ) -> None:
        """The second update of G and of the encoder of contents: deviation second-backward."""
        c, mine = self.config, {}
        content = self._contents(real, drawn.content)
        with base.frozen(self.D2, self.E_attribute):
            for Y in "AB":
                random = self._random(content, drawn, Y)
                mine[f"adv2_{Y}"] = sum(_fooled(self.D2[Y], one) for one in random)
                seen = self.E_attribute(random[0], Y).mean
                mine[f"latent_{Y}"] = c.lambda_latent * l1_loss(seen, drawn.attributes[0])
                if c.mode_seeking:
                    ratio = l1_loss(*random) / l1_loss(*drawn.attributes)
                    mine[f"seek_{Y}"] = 1 / (ratio + 1e-5)  # model.py:384-388
            self.update(sum(mine.values()), "G")
        losses.update(mine)


def _sampled(attribute: Attribute, noise: Tensor | None) -> Tensor:
    if attribute.log_variance is None:
        return attribute.mean
    return attribute.mean + noise * (0.5 * attribute.log_variance).exp()


def _divergence(attribute: Attribute) -> Tensor:
    """Of attributes from N(0, I), summed; or their mean square, where they have no variance."""
    mean, log_variance = attribute
    if log_variance is None:
        return mean.square().mean()
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()


def _d_loss(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Cross entropy, summed over the scales."""
    pairs = zip(D(real), D(fake.detach()), strict=True)
    return sum(bce_loss(r, is_real=True) + bce_loss(f, is_real=False) for r, f in pairs)


def _fooled(D: nn.Module, fake: Tensor) -> Tensor:
    """G's cross entropy, summed over the scales."""
    return sum(bce_loss(scores, is_real=True) for scores in D(fake))
