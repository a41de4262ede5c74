"""AGGAN: Mejjati, Richardt, Tompkin, Cosker, Kim, NeurIPS 2018 (arXiv 1806.02311).

Official code: AlamiMejjati/Unsupervised-Attention-guided-Image-to-Image-Translation @a691e3a (TF1);
file and line numbers here are its own. Repaint what the attention map marks, copy the rest:
fake = a * F(x) + (1 - a) * x.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from replicate import settings
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.attention import AttentionNet
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released code (configs/exp_01.json, model.py, main.py)."""

    # TensorFlow's default, data_loader.py:60-63: deviation aggan/resize; bicubic before
    resize: Literal[*base.FILTERS] = base.added("bicubic", now="bilinear")
    epochs: settings.Length = 100  # configs/exp_01, 02, 04
    ngf: settings.Count = 32  # model.py:20
    n_blocks: settings.Depth = 9
    naf: settings.Count = 32
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # 70 px patches
    lambda_cyc: settings.Weight = 10.0  # configs/exp_01
    pool_size: settings.Number = 50  # main.py:328-350
    lr: settings.Rate = 1e-4  # configs/exp_01
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 50  # main.py:395-399
    switch_epoch: settings.Epoch | None = 30  # main.py:401-409; None: never, whole images
    threshold: settings.Share = 0.1  # main.py:549-552, of the map on D's input


@base.register(paper="mejjati2018aggan")
class AGGAN(Method):
    """An attention network per domain decides where its generator's output is used.

    Until `switch_epoch` the attention networks learn while D sees whole, normalised images; from
    then on they are frozen and D, without norms, sees only what their thresholded maps leave.
    """

    Config = Config
    VARIANTS = {
        "paper": {},
        "whole-image-d": {"switch_epoch": None},
        "summer2winter": {"lr": 2e-4, "epochs": 200, "constant_epochs": 100},  # configs/exp_05
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "naf": 4, "ndf": 4,
        "n_layers": 1, "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "resize": "bicubic", "ngf": 16, "n_blocks": 4, "naf": 16,
        "ndf": 32, "n_layers": 2, "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {
            **base.CROPS, "ngf": 24, "n_blocks": 6, "naf": 24, "ndf": 64, "lr": 1e-4,
            "iterations": 6000,
        },
        "overnight": {
            **base.WHOLE, "ngf": 32, "n_blocks": 6, "naf": 32, "ndf": 64, "n_layers": 3,
            "lr": 1e-4, "iterations": 60000,
        },
    }  # fmt: skip
    attention_cell = AttentionNet.CELL

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 2**c.n_layers)
        base.check_decay(c)

    def build(self, c: Config) -> None:
        self.A = base.per("AB", lambda: AttentionNet(c.naf))
        self.G = base.per(
            DIRECTIONS,
            lambda: ResnetGenerator(c.ngf, c.n_blocks, "zero", True, True, tf_same=True),
        )
        self.D = base.per(
            "AB",
            lambda: PatchDiscriminator(3, c.ndf, c.n_layers, 2, affine=True, norm_first=True),
        )
        init_weights(self, truncated=True)
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 4, c.crop_size))
        self.optimizers = {f"G_{d}": base.adam(c.lr, c.beta1, self.G[d]) for d in DIRECTIONS}
        self.optimizers |= {f"A_{X}": base.adam(c.lr, c.beta1, self.A[X]) for X in "AB"}
        self.optimizers |= {f"D_{X}": base.adam(c.lr, c.beta1, self.D[X]) for X in "AB"}
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs))
        self.switched = c.switch_epoch is not None and epoch >= c.switch_epoch

    def translate(self, x: Tensor, direction: str) -> Translation:
        a = self.A[direction[0]](x)
        return Translation(a * self.G[direction](x) + (1 - a) * x, attention=a)

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        for X, Y in DIRECTIONS:  # F_AB [and A_A], D_B, F_BA [and A_B], D_A: main.py:418-497
            with base.frozen(self.D, self.A[Y], self.G[Y + X], *([self.A[X]] * self.switched)):
                fake, a = self._update_generator(batch, X, Y, losses)
            self._update_discriminator(batch, fake, a, Y, losses)
            losses[f"attention_{X}"] = a.mean()
        return losses

    def _update_generator(self, batch: Batch, X: str, Y: str, losses: Losses) -> Translation:
        lambda_cyc = self.config.lambda_cyc
        fake = self.translate(batch[X], X + Y)
        with torch.no_grad():  # F_YX and A_Y are not updated here
            back = self.translate(batch[Y], Y + X).image
        losses[f"cyc_{X}"] = lambda_cyc * l1_loss(self.translate(fake.image, Y + X).image, batch[X])
        cyc_Y = lambda_cyc * l1_loss(self.translate(back, X + Y).image, batch[Y])
        losses[f"adv_{Y}"] = lsgan_loss(self._judge(Y, *fake), is_real=True)
        names = [f"G_{X}{Y}"] if self.switched else [f"G_{X}{Y}", f"A_{X}"]
        self.update(losses[f"adv_{Y}"] + losses[f"cyc_{X}"] + cyc_Y, *names)
        return fake

    def _update_discriminator(
        self, batch: Batch, fake: Tensor, a: Tensor, Y: str, losses: Losses
    ) -> None:
        with torch.no_grad():
            real_a = self.A[Y](batch[Y])
            fake, a = self.pool[Y](torch.cat([fake, a], dim=1)).split([3, 1], dim=1)
        losses[f"dis_{Y}"] = lsgan_d_loss(self._judge(Y, batch[Y], real_a), self._judge(Y, fake, a))
        self.update(losses[f"dis_{Y}"], f"D_{Y}")

    def _judge(self, Y: str, image: Tensor, a: Tensor) -> Tensor:
        """D's scores: of the whole image with norms, or after the switch of its attended part."""
        if not self.switched:
            return self.D[Y](image)
        # >=, and no gradient through the mask (model.py:226-227); hidden pixels are 0, mid grey
        return self.D[Y](image * (a.detach() >= self.config.threshold), normalize=False)
