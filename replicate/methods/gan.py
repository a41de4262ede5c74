"""The classical GAN of the supplement of spatial guidance: Goodfellow et al., NeurIPS 2014.

As an image translator it is pix2pix with nothing but the game: an unconditional discriminator and
no distance to anything. Official code: voidstrike/ASGIT @235f922, MIT, models/raw_gan_model.py
("RG"). Nothing ties a translation to its input, so that one image can do for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_d_loss, bce_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator
from replicate.networks.pix2pix import BatchNormPatchDiscriminator
from replicate.networks.unet import UNet

BACKBONES = ("resnet-in", "unet-bn")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code unless a comment names another source."""

    backbone: Literal[*BACKBONES] = "resnet-in"  # deviation gan/backbone
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9  # of resnet-in
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="goodfellow2014gan")
class GAN(Method):
    """Each direction is a GAN of its own: no generator leads back, and none knows of the other."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "unet-bn": {"backbone": "unet-bn"},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "ndf": 4, "n_layers": 1,
        "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 2,
        "lr": 4e-4, "iterations": 4000,
    }  # fmt: skip

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its U-Net halves the crop down to one bottleneck" if c.backbone == "unet-bn" else ""

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        if c.backbone == "unet-bn" and (c.crop_size < 8 or c.crop_size.bit_count() != 1):
            raise ReplicateError(
                f"crop_size={c.crop_size} with backbone=unet-bn: expected 8, 16, 32 ... px, which "
                "the U-Net halves down to 1; take 64, 128 or 256, or backbone=resnet-in"
            )

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: _generator(c))
        self.D = base.per("AB", lambda: _discriminator(c))  # D[Y] judges what G[XY] makes
        init_weights(self, truncated=False)
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        fake = {Y: self.G[X + Y](batch[X]) for X, Y in DIRECTIONS}
        return self._update_discriminators(batch, fake) | self._update_generators(fake)

    def _update_discriminators(self, batch: Batch, fake: dict[str, Tensor]) -> Losses:
        losses: Losses = {}
        for Y, made in fake.items():
            real, false = self.D[Y](batch[Y]), self.D[Y](made.detach())
            losses[f"dis_{Y}"] = bce_d_loss(real, false)
        self.update(sum(losses.values()), "D")
        return losses

    def _update_generators(self, fake: dict[str, Tensor]) -> Losses:
        with base.frozen(self.D):
            losses = {f"adv_{Y}": bce_loss(self.D[Y](made), True) for Y, made in fake.items()}
            self.update(sum(losses.values()), "G")
        return losses


def _generator(c: Config) -> nn.Module:
    if c.backbone == "unet-bn":
        return UNet(c.ngf, c.crop_size.bit_length() - 1)
    return ResnetGenerator(c.ngf, c.n_blocks)


def _discriminator(c: Config) -> nn.Module:
    judge = BatchNormPatchDiscriminator if c.backbone == "unet-bn" else PatchDiscriminator
    return judge(3, c.ndf, c.n_layers)
