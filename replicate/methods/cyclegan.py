"""CycleGAN: Zhu, Park, Isola, Efros, ICCV 2017 (arXiv 1703.10593).

Official code: junyanz/CycleGAN @40b4498 (Torch, made the paper's numbers) and its PyTorch successor
junyanz/pytorch-CycleGAN-and-pix2pix, whose defaults are followed here. Line numbers of networks.py
are those of its copy in Ha0Tang/AttentionGAN @45da496, of other files those of
taesungp/contrastive-unpaired-translation @b3ac297 ("CUT"), by the same authors.
"""

from dataclasses import dataclass

from torch import Tensor

from replicate import settings
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the PyTorch code unless a comment names another source."""

    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # 70 px patches
    lambda_cyc: settings.Weight = 10.0  # section 4
    lambda_idt: settings.Weight = 5.0  # 0.5 of lambda_cyc: deviation cyclegan/identity-default
    pool_size: settings.Number = 50  # section 4
    lr: settings.Rate = 2e-4  # section 4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="zhu2017cyclegan")
class CycleGAN(Method):
    """Two generators that undo each other, two discriminators that see images only."""

    Config = Config
    baseline = True
    VARIANTS = {"paper": {}}
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "ndf": 4, "n_layers": 1,
        "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 2,
        "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {
            **base.CROPS, "ngf": 24, "n_blocks": 6, "ndf": 64, "iterations": 6000,
        },
        "overnight": {
            **base.WHOLE, "ngf": 32, "n_blocks": 6, "ndf": 64, "n_layers": 3, "iterations": 60000,
        },
    }  # fmt: skip

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c, tail=1)

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: ResnetGenerator(c.ngf, c.n_blocks))
        self.D = base.per("AB", lambda: PatchDiscriminator(3, c.ndf, c.n_layers))
        init_weights(self, truncated=False)
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 3, c.crop_size))
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, self.G),
            "D": base.adam(c.lr, c.beta1, self.D),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        c, losses, fake = self.config, {}, {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fake[Y] = self.G[X + Y](batch[X])
                if c.lambda_idt:  # a pass of its own, left out where it weighs nothing
                    losses[f"idt_{Y}"] = c.lambda_idt * l1_loss(self.G[X + Y](batch[Y]), batch[Y])
                losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(self.G[Y + X](fake[Y]), batch[X])
                losses[f"adv_{Y}"] = lsgan_loss(self.D[Y](fake[Y]), is_real=True)
            self.update(sum(losses.values()), "G")
        for Y in "AB":
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]), self.D[Y](self.pool[Y](fake[Y])))
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        return losses
