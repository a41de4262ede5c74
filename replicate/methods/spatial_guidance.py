"""Attention-Based Spatial Guidance: Lin, Wang, Li, Gao, Wang, Khan, WACV 2021, pp. 816-825.

Official code: voidstrike/ASGIT @235f922, MIT; file and line numbers are its own. "DEV" is the same
author's earlier voidstrike/pytorch-CycleGAN-and-pix2pix @4a852a5. A discriminator tells real from
fake and where it looked; its map multiplies the generator's input. Here with CycleGAN as backbone.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Needs, Translation
from replicate.methods.map_memory import MapMemory
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.guidance import (
    FUSIONS,
    STAGES,
    GuidedGenerator,
    Judgement,
    PHADiscriminator,
    SComponent,
    TAMDiscriminator,
    enlarge,
    min_max,
)

ATTENTIONS = ("pha", "tam")
SOURCES = ("stored", "two-pass", "source", "constant", "shuffled", "oracle")
TEST_MAPS = ("mean", "released", "two-pass", "source", "none")
LOSSES = [
    f"{name}_{X}"
    for name in ("adv", "cyc", "idt", "first_adv", "first_cyc", "dis", "guide")
    for X in "AB"
]


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released unsupervised model unless a comment names another source."""

    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9  # seed 000 section 2
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # five convolutions: seed 000 section 2
    attention: Literal[*ATTENTIONS] = "pha"
    power: settings.Rate = 1.0  # of PHA's activations, networks.py:1017
    fusion: Literal[*FUSIONS] = "rhp"  # attn_cycle_gan_model.py:107-130
    stage: Literal[*STAGES] = "f0"  # seed 000 table 1
    # deviation spatial_guidance/map-source
    map_source: Literal[*SOURCES] = "stored"
    guided_cycle: bool = False  # the cycle pass too: attn_cycle_gan_v2_model.py:165-178
    s_component: bool = False  # DEV: deviation spatial_guidance/s-component
    test_map: Literal[*TEST_MAPS] = "mean"  # assumed: deviation spatial_guidance/test-time-constant
    start: settings.Share = 1.0  # data/aux_dataset.py:5-16; DEV v3: 0.25
    realign: bool = True  # assumed: deviation spatial_guidance/crop-misalignment
    memory: settings.Count = 3000  # maps of each domain, attn_cycle_gan_model.py:57
    lambda_cyc: settings.Weight = 10.0  # seed 000 section 2
    lambda_idt: settings.Weight = 0.0  # deviation spatial_guidance/identity-weight
    pool_size: settings.Number = 50  # options/train_options.py
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


_BY_SOURCE = {"map_source": "source", "test_map": "source", "guided_cycle": True}
# deviation spatial_guidance/as-released: train_attn.py:33-36
_RELEASED = {"realign": False, "flip": False, "order": "serial", "test_map": "released"}


@base.register(paper="lin2021spatial")
class SpatialGuidance(Method):
    """A discriminator's attention map of an image's last translation guides the next one.

    The map that guides images of X is that of `D[Y]`, the judge of their translations, or of
    `D[X]` on the images themselves where `map_source` is "source". `Translation.attention` is the
    map of a discriminator that guides the translation, and where a constant does at test time, the
    one that would be stored; None with fusion "none" and with the oracle, which needs no map.
    """

    Config = Config
    VARIANTS = {
        "paper": {},  # PHA + RHP
        "tam": {"attention": "tam"},
        "alpha": {"fusion": "alpha"},
        "tam-alpha": {"attention": "tam", "fusion": "alpha"},
        "mult": {"fusion": "mult"},
        "unguided": {"fusion": "none"},
        "two-pass": {"map_source": "two-pass", "test_map": "two-pass"},
        "source": _BY_SOURCE,
        # the four models of the README: PHA or TAM, RHP by stored maps, alpha by the source's D
        "released": _RELEASED,
        "tam-released": {"attention": "tam", **_RELEASED},
        "source-alpha": {"fusion": "alpha", **_BY_SOURCE},
        "tam-source-alpha": {"attention": "tam", "fusion": "alpha", **_BY_SOURCE},
        "constant": {"map_source": "constant"},
        "shuffled": {"map_source": "shuffled"},
        "oracle": {"map_source": "oracle"},
        "f1": {"stage": "f1"},
        "f2": {"stage": "f2"},
        "f3": {"stage": "f3"},
        "f4": {"stage": "f4"},
        "s-component": {"s_component": True},
        "test-1.5": {"test_map": "released"},
        "test-two-pass": {"test_map": "two-pass"},
        "test-plain": {"test_map": "none"},
        "guided-cycle": {"guided_cycle": True},
        "unaligned": {"realign": False, "flip": False},
        "squared": {"power": 2.0},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 2, "ndf": 4, "n_layers": 2,
        "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 2,
        "lambda_idt": 5.0, "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {
            **base.CROPS, "ngf": 24, "n_blocks": 6, "ndf": 64, "lambda_idt": 0.0,
            "iterations": 6000,
        },
        "overnight": {
            **base.WHOLE, "ngf": 32, "n_blocks": 6, "ndf": 64, "n_layers": 3, "lambda_idt": 0.0,
            "iterations": 60000,
        },
    }  # fmt: skip

    map_discriminators = {"PHA": "paper", "TAM": "tam"}

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(masks=c.map_source == "oracle", at_most=c.memory)

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c, tail=1)
        if c.crop_size % 2**c.n_layers:
            raise ReplicateError(
                f"crop_size={c.crop_size} with n_layers={c.n_layers}: expected a multiple of "
                f"{2**c.n_layers} px, a square of the discriminator's map"
            )

    def build(self, c: Config) -> None:
        self.cell = 2**c.n_layers  # px of the image in one of D's maps
        side = c.crop_size // self.cell
        self.G = base.per(DIRECTIONS, lambda: GuidedGenerator(c.ngf, c.n_blocks, c.fusion, c.stage))
        self.D = base.per("AB", lambda: _discriminator(c))
        trained = [self.G]
        if c.s_component:
            doublings = c.n_layers - (0 if c.stage in ("f0", "f1") else 2)
            self.S = base.per("AB", lambda: SComponent(doublings))
            trained.append(self.S)
        init_weights(self, truncated=False)
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 3, c.crop_size))
        self.memory = base.per("AB", lambda: MapMemory(c.memory, side, c.crop_size, c.start))
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, *trained),
            "D": base.adam(c.lr, c.beta1, self.D),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        c, (X, Y) = self.config, direction
        guide, seen = self._test_guide(x, X, Y)
        image = self.G[direction](x, guide)
        if c.fusion == "none" or c.map_source == "oracle":
            return Translation(image)
        if seen is None:
            seen = self._map_of(X, x) if c.map_source == "source" else self._map_of(Y, image)
        return Translation(image, seen)

    def step(self, batch: Batch) -> Losses:
        losses, fake = dict.fromkeys(LOSSES), {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fake[Y] = self._generate(batch, X, Y, losses)
            parts = [v for v in losses.values() if v is not None and v.requires_grad]
            self.update(sum(parts), "G")
        for Y in "AB":
            made = self.D[Y](self.pool[Y](fake[Y])).scores
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]).scores, made)
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        return losses

    def _generate(self, batch: Batch, X: str, Y: str, losses: Losses) -> Tensor:
        """What D learns from: the translation of a batch of X, or the first of two passes."""
        c, x, first = self.config, batch[X], None
        if c.map_source == "two-pass":  # decompose_attn_model.py:135-246
            fake = self.G[X + Y](x)
            first = self._judge(Y, fake)
            losses[f"first_adv_{Y}"] = lsgan_loss(first.scores, is_real=True)
            losses[f"first_cyc_{X}"] = c.lambda_cyc * l1_loss(self._back(fake, first, Y, X), x)
        guide = self._guide(batch, X, first)
        image = self.G[X + Y](x, guide)
        judged = self._judge(Y, image)
        losses[f"adv_{Y}"] = lsgan_loss(judged.scores, is_real=True)
        losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(self._back(image, judged, Y, X), x)
        if c.lambda_idt:
            losses[f"idt_{Y}"] = c.lambda_idt * l1_loss(self.G[X + Y](batch[Y]), batch[Y])
        losses[f"guide_{X}"] = guide.detach().mean()
        self.memory[X].write(batch[f"{X}_index"], batch[f"{X}_crop"], judged.attention, guide)
        return image if first is None else fake

    def _back(self, fake: Tensor, judged: Judgement, Y: str, X: str) -> Tensor:
        """The way back to X, without a map unless the configuration guides it too."""
        guided = self.config.guided_cycle
        guide = self._shaped(enlarge(judged.attention, fake.shape[2:]), Y) if guided else None
        return self.G[Y + X](fake, guide)

    def _guide(self, batch: Batch, X: str, first: Judgement | None) -> Tensor:
        """What multiplies a training batch of X in the generator, less the 1 of RHP."""
        c, x = self.config, batch[X]
        index, crop = batch[f"{X}_index"], batch[f"{X}_crop"]
        if c.map_source == "two-pass":
            maps = enlarge(first.attention, x.shape[2:])
        elif c.map_source == "source":
            maps = self._map_of(X, x)
        elif c.map_source == "oracle":
            maps = _mask(batch, X)
        else:
            if c.map_source == "shuffled":
                index = self.memory[X].another(index)
            maps = self.memory[X].read(index, crop, c.realign)
            if c.map_source == "constant":
                maps = maps.mean((2, 3), keepdim=True).expand_as(maps)
        return self._shaped(maps, X)

    def _test_guide(self, x: Tensor, X: str, Y: str) -> tuple[Tensor | None, Tensor | None]:
        """What guides a test image, and the map behind it where it is a discriminator's."""
        c = self.config
        if c.test_map in ("two-pass", "source"):
            two = c.test_map == "two-pass"
            maps = self._map_of(Y, self.G[X + Y](x)) if two else self._map_of(X, x)
            return self._shaped(maps, X), maps
        if c.test_map == "none":
            return None, None
        released = 1.0 if c.fusion == "alpha" else 0.5  # attn_cycle_gan_model.py:133-148
        level = self.memory[X].level() if c.test_map == "mean" else x.new_tensor(released)
        return level.expand(len(x), 1, *x.shape[2:]), None

    def _shaped(self, maps: Tensor, X: str) -> Tensor:
        """Maps (N, 1, H, W) as the generator gets them: as they are, or by the S-component."""
        if not self.config.s_component:
            return maps
        return self.S[X](F.avg_pool2d(maps, self.cell))

    def _judge(self, X: str, image: Tensor) -> Judgement:
        """D's scores, and its map in [0, 1] without gradient, on its own grid."""
        scores, attention = self.D[X](image)
        return Judgement(scores, min_max(attention.detach()))

    def _map_of(self, X: str, image: Tensor) -> Tensor:
        """D's map of images in [0, 1] and without gradient, at their size."""
        with torch.no_grad():
            return enlarge(self._judge(X, image).attention, image.shape[2:])


def _discriminator(c: Config) -> PHADiscriminator | TAMDiscriminator:
    if c.attention == "tam":
        return TAMDiscriminator(c.ndf, c.n_layers)
    return PHADiscriminator(c.ndf, c.n_layers, power=c.power)


def _mask(batch: Batch, X: str) -> Tensor:
    """The true masks (N, 1, H, W) of a batch, or the error that says that it has none."""
    key = f"{X}_mask"
    if key not in batch:
        raise ReplicateError(
            f"map_source=oracle needs the true masks of the training images; found "
            f"{', '.join(sorted(batch))}, expected {key} too: take a data set whose training split "
            "has masks, or map_source=stored"
        )
    return batch[key]
