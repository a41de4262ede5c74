"""pix2pix: Isola, Zhu, Zhou, Efros, CVPR 2017 (arXiv 1611.07004).

Official code: phillipi/pix2pix @89ff2a8 (Torch, "P2P", made the paper's numbers) and its PyTorch
successor junyanz/pytorch-CycleGAN-and-pix2pix @032e884 ("PYT"), whose defaults are followed here;
line numbers of networks.py are those of its copy in Ha0Tang/AttentionGAN @45da496. A U-Net learns
from pairs, by their distance and by a discriminator that sees the input too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights
from replicate.networks.pix2pix import BatchNormPatchDiscriminator, PixelDiscriminator
from replicate.networks.unet import UNet

GANS = ("conditional", "unconditional", "none")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of both codes unless a comment names another source."""

    ngf: settings.Count = 64
    bottleneck: settings.Count = 1  # px, side of the innermost features: deviation pix2pix/levels
    skips: bool = True  # table 2; False: the encoder-decoder
    torch_layers: bool = False  # deviations pix2pix/dropout-layout and pix2pix/conv-bias-with-bn
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # 70 px patches
    pixel_d: bool = False  # table 3; True: 1 px patches, whatever n_layers is
    gan: Literal[*GANS] = "conditional"  # table 1
    lambda_l1: settings.Weight = 100.0  # P2P train.lua:53
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # PYT; then linear decay over the rest


@base.register(paper="isola2017pix2pix")
class Pix2Pix(Method):
    """For each direction a generator and a discriminator of its own."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "torch": {"torch_layers": True, "constant_epochs": 200},  # P2P
        "unet-128": {"bottleneck": 2},
        "encoder-decoder": {"skips": False, "torch_layers": True},
        "encoder-decoder-l1": {"skips": False, "torch_layers": True, "gan": "none"},
        "l1": {"gan": "none"},
        "gan": {"gan": "unconditional", "lambda_l1": 0.0},
        "cgan": {"lambda_l1": 0.0},
        "l1-gan": {"gan": "unconditional"},
        "pixel": {"pixel_d": True},
    }
    SMOKE = {
        "load_size": 64, "crop_size": 64, "ngf": 4, "ndf": 4, "n_layers": 1, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 32, "n_layers": 2, "lr": 4e-4,
        "iterations": 3000,
    }  # fmt: skip
    paired = True

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
        if c.bottleneck < 1 or levels(c) < 3 or c.bottleneck << levels(c) != c.crop_size:
            raise ReplicateError(
                f"crop_size={c.crop_size} with bottleneck={c.bottleneck}: expected the crop to be "
                "the bottleneck halved backwards, 8, 16, 32 ... times as wide; with bottleneck=1 "
                "take 64, 128 or 256"
            )
        if c.n_layers < 1 or c.crop_size >> c.n_layers < 3:
            raise ReplicateError(
                f"n_layers={c.n_layers} at crop_size={c.crop_size}: expected 1 or more, and at "
                "least 3 px left after so many halvings; 1 px patches are pixel_d=true"
            )
        if c.gan == "none" and not c.lambda_l1:
            raise ReplicateError(
                "gan=none with lambda_l1=0 leaves G without a loss; set lambda_l1, or "
                "gan=conditional"
            )

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: UNet(c.ngf, levels(c), c.skips, c.torch_layers))
        if c.gan != "none":
            self.D = base.per("AB", lambda: _discriminator(c))  # D[Y] judges what G[XY] makes
        init_weights(self, truncated=False)
        kinds = [kind for kind in "GD" if hasattr(self, kind)]
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in kinds}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        fake = {Y: self.G[X + Y](batch[X]) for X, Y in DIRECTIONS}
        if "D" in self.optimizers:
            self._update_discriminators(batch, fake, losses)
        self._update_generators(batch, fake, losses)
        return losses

    def _update_discriminators(self, batch: Batch, fake: dict[str, Tensor], losses: Losses) -> None:
        for X, Y in DIRECTIONS:
            real = bce_loss(self._judge(batch[X], batch[Y], Y), is_real=True)
            made = bce_loss(self._judge(batch[X], fake[Y].detach(), Y), is_real=False)
            losses[f"dis_{Y}"] = 0.5 * (real + made)
        self.update(losses["dis_A"] + losses["dis_B"], "D")

    def _update_generators(self, batch: Batch, fake: dict[str, Tensor], losses: Losses) -> None:
        mine: Losses = {}
        judges = [self.D] if "D" in self.optimizers else []
        with base.frozen(*judges):
            for X, Y in DIRECTIONS:
                if judges:
                    mine[f"adv_{Y}"] = bce_loss(self._judge(batch[X], fake[Y], Y), is_real=True)
                mine[f"l1_{Y}"] = self.config.lambda_l1 * l1_loss(fake[Y], batch[Y])
            self.update(sum(mine.values()), "G")
        losses.update(mine)

    def _judge(self, x: Tensor, y: Tensor, Y: str) -> Tensor:
        """D's scores of the output `y` of the input `x`."""
        return self.D[Y](torch.cat([x, y], dim=1) if self.config.gan == "conditional" else y)


def levels(c: Config) -> int:
    """How often the crop is halved until the side of the bottleneck is reached."""
    return (c.crop_size // c.bottleneck).bit_length() - 1


def _discriminator(c: Config) -> nn.Module:
    channels = 6 if c.gan == "conditional" else 3
    if c.pixel_d:
        return PixelDiscriminator(channels, c.ndf, c.torch_layers)
    return BatchNormPatchDiscriminator(channels, c.ndf, c.n_layers, c.torch_layers)
