"""AttentionGAN, scheme I: Tang, Xu, Sebe, Yan, IJCNN 2019 (arXiv 1903.12296).

Official code: AttentionGAN-v1/ of Ha0Tang/AttentionGAN @45da496, whose file and line numbers these
are. It calls itself AGGAN, as the method of `aggan` does. One network paints a content and a mask:
fake = A * C + (1 - A) * x.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from replicate import settings
from replicate.losses import (
    LEAST_SQUARES,
    AdversarialScale,
    l1_loss,
    lsgan_d_loss,
    lsgan_loss,
)
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.attentiongan import Painting
from replicate.networks.attentiongan_v1 import (
    NORMS,
    PooledDiscriminator,
    SchemeOneGenerator,
    init_weights_v1,
)
from replicate.networks.discriminators import PatchDiscriminator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the released code (AttentionGAN-v1/train.py, models.py)."""

    load_size: settings.Side = 256  # train.py:106-108: nothing is resized or cropped
    ngf: settings.Count = 64  # models.py:6-56
    n_blocks: settings.Depth = 6
    norm: Literal[*NORMS] = "batch"
    ndf: settings.Count = 64  # models.py:82-106
    n_layers: settings.Depth = 4
    patch_d: bool = False  # True: CycleGAN's discriminator, deviation attentiongan_v1/d-one-score
    attention_guided_d: bool = False  # True: the paper's, not in released code
    lambda_adv: settings.Weight = 0.5  # train.py:126-167
    lambda_cyc: settings.Weight = 10.0  # train.py:42
    lambda_pixel: settings.Weight = 1.0  # train.py:44
    lambda_tv: settings.Weight = 1e-6  # train.py:45, of a sum over pixels
    # train.py:47; None: no rate, all losses with their weight
    curriculum_epochs: settings.Epoch | None = 10
    starting_rate: settings.Share = 0.01  # train.py:48
    default_rate: settings.Share = 0.5  # train.py:49
    pool_size: settings.Number = 50  # utils.py:87
    lr: settings.Rate = 1e-4  # train.py:34
    beta1: settings.Beta = 0.5  # train.py:87-90
    constant_epochs: settings.Epoch = 100  # train.py:35


@base.register(paper="tang2019attentiongan")
class AttentionGANv1(Method):
    """One mask says where the content replaces the input; losses keep it from covering all."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "attention-guided-d": {"attention_guided_d": True},
        "plain-sum": {"curriculum_epochs": None},
        "instance-norm": {"norm": "instance"},
        "low-rate": {"default_rate": 0.1},  # of this project: deviation curriculum
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "ndf": 4, "n_layers": 2,
        "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 2,
        "patch_d": True, "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        rate = 0.0 if config["curriculum_epochs"] is None else config["default_rate"]
        return LEAST_SQUARES.times(0.5, config["lambda_adv"] * (1 - rate))

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        # one score an image: convolutions without padding
        base.check_room(c, 3 * 2**c.n_layers if c.patch_d else 6 * 2**c.n_layers - 2)
        base.check_decay(c)

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: SchemeOneGenerator(c.ngf, c.n_blocks, c.norm))
        self.D = base.per("AB", lambda: _discriminator(3, c))
        self._judges = [self.D]
        if c.attention_guided_d:
            self.D_pair = base.per("AB", lambda: _discriminator(4, c))
            self._judges.append(self.D_pair)
        init_weights_v1(self)
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 4, c.crop_size))
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, self.G),
            "D": base.adam(c.lr, c.beta1, *self._judges),
        }
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs))
        if c.curriculum_epochs is None:
            self.judged, self.kept = 1.0, 1.0  # weights of adversarial and TV, cycle and pixel
        else:
            rate = c.starting_rate if epoch < c.curriculum_epochs else c.default_rate
            self.judged, self.kept = 1 - rate, rate

    def translate(self, x: Tensor, direction: str) -> Translation:
        painting = self.G[direction](x)
        return Translation(painting.image.clamp(-1, 1), attention=painting.attention[:, :1])

    def masks(self, x: Tensor, direction: str) -> Painting:
        """Mask and its complement, and the content, for (N, 3, H, W) in [-1, 1]."""
        return self.G[direction](x)

    def step(self, batch: Batch) -> Losses:
        losses, pair = {}, {}
        with base.frozen(*self._judges):
            for X, Y in DIRECTIONS:
                pair[Y] = self._judge_made(batch, X, Y, losses)
            self.update(sum(losses.values()), "G")
        for Y in "AB":
            losses |= self._judge_both(self.pool[Y](pair[Y]), batch[Y], Y)
        self.update(sum(loss for name, loss in losses.items() if name.startswith("dis")), "D")
        for X, Y in DIRECTIONS:
            losses[f"attention_{X}"] = pair[Y][:, 3:].detach().mean()
        return losses

    def _judge_made(self, batch: Batch, X: str, Y: str, losses: Losses) -> Tensor:
        """Enters the losses of G_XY; (N, 4, H, W), the image made and its mask."""
        c = self.config
        made = self.G[X + Y](batch[X])
        back, mask = self.G[Y + X](made.image).image, made.attention[:, :1]
        pair = torch.cat([made.image, mask], dim=1)
        losses[f"adv_{Y}"] = self.judged * c.lambda_adv * lsgan_loss(self.D[Y](made.image), True)
        if c.attention_guided_d:
            score = self.D_pair[Y](pair)
            losses[f"adv_pair_{Y}"] = self.judged * c.lambda_adv * lsgan_loss(score, True)
        losses[f"tv_{X}"] = self.judged * c.lambda_tv * _total_variation(mask)
        losses[f"cyc_{X}"] = self.kept * c.lambda_cyc * l1_loss(back, batch[X])
        losses[f"pixel_{X}"] = self.kept * c.lambda_pixel * l1_loss(made.image, batch[X])
        return pair

    def _judge_both(self, pair: Tensor, real: Tensor, Y: str) -> Losses:
        """D's losses: of images, and of images beside the mask of the one that was made."""
        fake, mask = pair.split([3, 1], dim=1)
        losses = {f"dis_{Y}": 0.5 * lsgan_d_loss(self.D[Y](real), self.D[Y](fake))}
        if self.config.attention_guided_d:
            beside = self.D_pair[Y](torch.cat([real, mask], dim=1))
            losses[f"dis_pair_{Y}"] = 0.5 * lsgan_d_loss(beside, self.D_pair[Y](pair))
        return losses


def _discriminator(in_channels: int, c: Config) -> nn.Module:
    """One score an image, or one a patch."""
    if c.patch_d:
        return PatchDiscriminator(in_channels, c.ndf, c.n_layers)
    return PooledDiscriminator(in_channels, c.ndf, c.n_layers, c.norm)


def _total_variation(mask: Tensor) -> Tensor:
    """Sum of absolute differences of neighbours in (N, 1, H, W), three times, a mean over N.

    Source: AttentionGAN-v1/train.py, loss_reg_A: a sum over the mask repeated to three channels.
    """
    mask = mask.float()
    across = (mask[..., :, 1:] - mask[..., :, :-1]).abs().sum()
    down = (mask[..., 1:, :] - mask[..., :-1, :]).abs().sum()
    return 3 * (across + down) / len(mask)
