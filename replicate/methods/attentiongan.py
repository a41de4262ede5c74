"""AttentionGAN, scheme II: Tang, Liu, Xu, Torr, Sebe, TNNLS 2021 (arXiv 1911.11897).

Official code: Ha0Tang/AttentionGAN @45da496, whose file and line numbers these are. Scheme I is
`attentiongan_v1`, the version for several domains `attentiongan_multi`. Paint n - 1 contents, mix
them by n attentions that sum to 1, and let the last attention copy the input:
fake = sum over f of C_f * A_f, plus x * A_n.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.attentiongan import Painting, SchemeTwoGenerator
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released code for horse2zebra (scripts/train_attentiongan.sh, options/)."""

    batch_size: settings.Count = 4  # scripts/train_attentiongan.sh
    epochs: settings.Length = 60  # scripts/train_attentiongan.sh: niter 60, niter_decay 0
    constant_epochs: settings.Epoch = 60  # then linear decay over the rest
    ngf: settings.Count = 64  # options/base_options.py
    n_blocks: settings.Depth = 9  # models/networks.py:379
    n_masks: settings.Several = 10  # n of the paper; models/networks.py:480-515
    mask_kernel: settings.Count = 1  # models/networks.py:472-474: deviation attentiongan/mask-head
    paint_background: bool = False  # True: AttentionGAN-geo
    ndf: settings.Count = 64  # options/base_options.py
    n_layers: settings.Depth = 3  # 70 px patches
    lambda_cyc: settings.Weight = 10.0  # models/attention_gan_model.py
    lambda_idt: settings.Weight = 5.0  # 0.5 of lambda_cyc there
    pool_size: settings.Number = 50  # options/train_options.py:35
    lr: settings.Rate = 2e-4  # options/train_options.py:33
    beta1: settings.Beta = 0.5  # options/train_options.py:32


@base.register(paper="tang2019attentiongan")
class AttentionGAN(Method):
    """CycleGAN whose generators choose, pixel by pixel, among n - 1 paintings and the input."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "geo": {"paint_background": True, "epochs": 200, "constant_epochs": 100},  # README:164
        "mask-head-7": {"mask_kernel": 7},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 1, "ngf": 4, "n_blocks": 1, "n_masks": 3,
        "ndf": 4, "n_layers": 1, "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 1, "ngf": 16, "n_blocks": 4, "ndf": 32,
        "n_layers": 2, "lr": 4e-4, "iterations": 3000,
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
        if c.mask_kernel % 2 == 0:
            raise ReplicateError(
                f"mask_kernel={c.mask_kernel}: expected an odd number, such as 1 or 7"
            )

    def build(self, c: Config) -> None:
        self.G = base.per(
            DIRECTIONS,
            lambda: SchemeTwoGenerator(
                c.ngf, c.n_blocks, c.n_masks, c.mask_kernel, c.paint_background
            ),
        )
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
        painting = self.G[direction](x)
        # the sum of the attentions may exceed 1 by a rounding error
        return Translation(painting.image.clamp(-1, 1), _foreground(painting.attention))

    def masks(self, x: Tensor, direction: str) -> Painting:
        """All n attentions and the contents for (N, 3, H, W) in [-1, 1], for galleries."""
        return self.G[direction](x)

    def step(self, batch: Batch) -> Losses:
        c, losses, made = self.config, {}, {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                # translation and identity in one pass, because no layer mixes images
                inputs = [batch[X], batch[Y]] if c.lambda_idt else [batch[X]]
                painted = self.G[X + Y](torch.cat(inputs))
                fake, *same = painted.image.chunk(len(inputs))
                attention = painted.attention.chunk(len(inputs))[0]
                back, made[Y] = self.G[Y + X](fake).image, (fake, attention)
                if same:
                    losses[f"idt_{Y}"] = c.lambda_idt * l1_loss(*same, batch[Y])
                losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(back, batch[X])
                losses[f"adv_{Y}"] = lsgan_loss(self.D[Y](fake), is_real=True)
            self.update(sum(losses.values()), "G")
        for X, Y in DIRECTIONS:
            fake, attention = made[Y]
            old = self.pool[Y](fake)
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]), self.D[Y](old))
            losses[f"attention_{X}"] = _foreground(attention).detach().mean()
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        return losses


def _foreground(attention: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1]: how much of a pixel is not the background's."""
    return 1 - attention[:, -1:]
