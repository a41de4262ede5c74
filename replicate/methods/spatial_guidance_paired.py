"""Attention-Based Spatial Guidance on pairs: Lin, Wang, Li, Gao, Wang, Khan, WACV 2021.

The supervised setting of `spatial_guidance.py`, with pix2pix as backbone. Official code:
voidstrike/ASGIT @235f922, MIT, models/pix2pix_attn_model.py ("PAM"). A conditional discriminator
sees an image beside its translation; its map of them guides the generator when the image comes
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Needs, Translation
from replicate.methods.map_memory import MapMemory
from replicate.networks.blocks import init_weights
from replicate.networks.guidance import (
    Judgement,
    PHADiscriminator,
    SComponent,
    TAMDiscriminator,
    enlarge,
    fuse,
    min_max,
)
from replicate.networks.unet import UNet

ATTENTIONS = ("pha", "tam")
SOURCES = ("stored", "constant", "shuffled", "none")
TEST_MAPS = ("mean", "released", "two-pass", "none")
LOSSES = [f"{name}_{X}" for name in ("dis", "adv", "l1", "guide") for X in "AB"]


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released supervised model unless a comment names another source."""

    load_size: settings.Side = 143  # deviation spatial_guidance_paired/supervised-size
    crop_size: settings.Side = 128  # seed 000 section 2
    ngf: settings.Count = 64
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # five convolutions: seed 000 section 2
    attention: Literal[*ATTENTIONS] = "pha"
    # deviation spatial_guidance_paired/controls
    map_source: Literal[*SOURCES] = "stored"
    s_component: bool = True  # PAM:101; deviation spatial_guidance_paired/s-component
    # assumed: deviation spatial_guidance_paired/test-time-map
    test_map: Literal[*TEST_MAPS] = "mean"
    start: settings.Share = 1.0  # data/aux_dataset.py:5-16
    realign: bool = True  # assumed: deviation spatial_guidance_paired/crop-misalignment
    memory: settings.Count = 7000  # maps of each domain, PAM:64
    # PAM:39; deviation spatial_guidance_paired/supervised-weights
    lambda_l1: settings.Weight = 100.0
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="lin2021spatial")
class SpatialGuidancePaired(Method):
    """For each direction a U-Net guided by the last map of the discriminator that judges it.

    The map that guides images of X is that of `D[Y]` on the image beside its translation.
    `Translation.attention` is this map of a test image, the one that would be stored, or with
    "two-pass" the one that guided it; None where nothing guides.
    """

    Config = Config
    VARIANTS = {
        "paper": {},  # PHA + RHP
        "tam": {"attention": "tam"},
        "no-s-component": {"s_component": False},
        "unguided": {"map_source": "none"},
        "constant": {"map_source": "constant"},
        "shuffled": {"map_source": "shuffled"},
        "test-released": {"test_map": "released"},
        "test-two-pass": {"test_map": "two-pass"},
        "test-plain": {"test_map": "none"},
        "unaligned": {"realign": False, "flip": False},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "ndf": 4, "n_layers": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 32, "n_layers": 2, "lr": 4e-4,
        "iterations": 3000,
    }  # fmt: skip
    paired = True

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(pairs=True, at_most=None if c.map_source == "none" else c.memory)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its U-Net halves the crop down to one bottleneck"

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)
        if c.crop_size < 8 or c.crop_size.bit_count() != 1:
            raise ReplicateError(
                f"crop_size={c.crop_size}: expected 8, 16, 32 ... px, which the U-Net halves down "
                "to 1; take 64, 128 or 256"
            )
        if c.n_layers < 1 or c.crop_size >> c.n_layers < 3:
            raise ReplicateError(
                f"n_layers={c.n_layers} at crop_size={c.crop_size}: expected 1 or more, and at "
                "least 3 px left after so many halvings"
            )

    def build(self, c: Config) -> None:
        self.cell = 2**c.n_layers  # px of the image in one of D's maps
        side = c.crop_size // self.cell
        self.G = base.per(DIRECTIONS, lambda: UNet(c.ngf, c.crop_size.bit_length() - 1))
        self.D = base.per("AB", lambda: _discriminator(c))  # D[Y] judges what G[XY] makes
        trained = [self.G]
        if c.map_source != "none":
            self.memory = base.per("AB", lambda: MapMemory(c.memory, side, c.crop_size, c.start))
            if c.s_component:
                self.S = base.per("AB", lambda: SComponent(c.n_layers))
                trained.append(self.S)
        init_weights(self, truncated=False)
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, *trained),
            "D": base.adam(c.lr, c.beta1, self.D),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        if self.config.map_source == "none":
            return Translation(self._make(x, None, direction))
        guide, seen = self._test_guide(x, direction)
        image = self._make(x, guide, direction)
        return Translation(image, self._map_of(x, image, direction[1]) if seen is None else seen)

    def step(self, batch: Batch) -> Losses:
        losses = dict.fromkeys(LOSSES)
        guide = {X: self._guide(batch, X) for X in "AB"}
        fake = {Y: self._make(batch[X], guide[X], X + Y) for X, Y in DIRECTIONS}
        for X, Y in DIRECTIONS:
            real = bce_loss(self._judge(batch[X], batch[Y], Y).scores, is_real=True)
            made = bce_loss(self._judge(batch[X], fake[Y].detach(), Y).scores, is_real=False)
            losses[f"dis_{Y}"] = 0.5 * (real + made)
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        with base.frozen(self.D):
            total = sum(self._g_loss(batch, X, Y, guide[X], fake[Y], losses) for X, Y in DIRECTIONS)
            self.update(total, "G")
        return losses

    def _g_loss(
        self, batch: Batch, X: str, Y: str, guide: Tensor | None, fake: Tensor, losses: Losses
    ) -> Tensor:
        """What G[XY] minimises; keeps the map of its translation, made by the D of this step."""
        judged = self._judge(batch[X], fake, Y)
        losses[f"adv_{Y}"] = bce_loss(judged.scores, is_real=True)
        losses[f"l1_{Y}"] = self.config.lambda_l1 * l1_loss(fake, batch[Y])
        if guide is not None:
            losses[f"guide_{X}"] = guide.detach().mean()
            index, crop = batch[f"{X}_index"], batch[f"{X}_crop"]
            self.memory[X].write(index, crop, judged.attention, guide)
        return losses[f"adv_{Y}"] + losses[f"l1_{Y}"]

    def _guide(self, batch: Batch, X: str) -> Tensor | None:
        """What multiplies a training batch of X in the generator, less the 1 of RHP."""
        c = self.config
        if c.map_source == "none":
            return None
        memory, index = self.memory[X], batch[f"{X}_index"]
        if c.map_source == "shuffled":
            index = memory.another(index)
        guide = self._shaped(memory.read(index, batch[f"{X}_crop"], c.realign), X)
        if c.map_source == "constant":  # after the S-component, which makes a pattern of anything
            guide = guide.mean((2, 3), keepdim=True).expand_as(guide)
        return guide

    def _test_guide(self, x: Tensor, direction: str) -> tuple[Tensor | None, Tensor | None]:
        """What guides a test image, and the map behind it where it is a discriminator's."""
        c, (X, Y) = self.config, direction
        if c.test_map == "none":
            return None, None
        if c.test_map == "released":  # the memory as it was before any visit
            return self._shaped(torch.full_like(x[:, :1], c.start), X), None
        level = self.memory[X].level().expand(len(x), 1, *x.shape[2:])
        if c.test_map == "mean":
            return level, None
        maps = self._map_of(x, self._make(x, level, direction), Y)
        return self._shaped(maps, X), maps

    def _shaped(self, maps: Tensor, X: str) -> Tensor:
        """Maps (N, 1, H, W) as the generator gets them: as they are, or by the S-component."""
        if not self.config.s_component:
            return maps
        return self.S[X](F.avg_pool2d(maps, self.cell))

    def _make(self, x: Tensor, guide: Tensor | None, direction: str) -> Tensor:
        return self.G[direction](fuse(x, guide, "rhp"))

    def _judge(self, x: Tensor, y: Tensor, Y: str) -> Judgement:
        """D's scores of `x` translated as `y`, and its map in [0, 1] without gradient."""
        scores, attention = self.D[Y](torch.cat([x, y], dim=1))
        return Judgement(scores, min_max(attention.detach()))

    def _map_of(self, x: Tensor, y: Tensor, Y: str) -> Tensor:
        """D's map in [0, 1] and without gradient, at the images' size."""
        with torch.no_grad():
            return enlarge(self._judge(x, y, Y).attention, x.shape[2:])


def _discriminator(c: Config) -> PHADiscriminator | TAMDiscriminator:
    kind = TAMDiscriminator if c.attention == "tam" else PHADiscriminator
    return kind(c.ndf, c.n_layers, in_channels=6)
