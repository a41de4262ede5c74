"""GANimorph: Gokaslan, Ramanujan, Ritchie, Kim, Tompkin, ECCV 2018 (arXiv 1808.04325).

Official code: brownvc/ganimorph, branch paper_version @ff6c636 ("GM"), TensorFlow with tensorpack.
A discriminator that sees far, by dilated convolutions, is to allow shapes to change; reconstruction
is judged by structure at several scales, and every kind of loss is divided by its running mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import (
    CROSS_ENTROPY,
    AdversarialScale,
    bce_d_loss,
    bce_loss,
    feature_gap,
    l1_loss,
)
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.ganimorph import DilatedDiscriminator, JoiningGenerator, init_scaled

TERMS = ("adv", "fm", "dssim", "l1")  # of G, each divided by its running mean over both domains
LOSSES = tuple(f"{name}_{X}" for name in ("dis", *TERMS) for X in "AB")
REFRESHED_ONCE, REFRESHED_EVERY = 36, 90  # iterations, at which divisors follow: GM model.py
DECAY = 0.9999  # of the running means
WINDOW, SIGMA = 8, 1.5  # px, of the structures that are compared
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights, the finest scale first
C1, C2 = 0.03**2, 0.05**2  # GM utils.py; of images in [0, 1]


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code."""

    load_size: settings.Side = 143  # 1.12 of the crop: deviation ganimorph/augmentation
    crop_size: settings.Side = 128
    batch_size: settings.Count = 16
    epochs: settings.Length = 300
    iterations: settings.Length | None = 300_000  # 1,000 in an epoch, whatever the set has
    ngf: settings.Count = 64
    ndf: settings.Count = 64
    leaky: bool = True  # deviation ganimorph/activation
    d_every: settings.Count = 2  # iterations
    recon: settings.Share = 0.33  # r: deviation ganimorph/unused-code
    # within the game and within reconstruction, of the first of two terms; the other has the rest
    share: settings.Share = 0.7
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 150  # then linear decay to 0


@base.register(paper="gokaslan2018ganimorph")
class GANimorph(Method):
    """D moves in every second iteration, before G; losses are logged as they are, undivided."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "relu": {"leaky": False},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "ngf": 2, "ndf": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 72, "crop_size": 64, "batch_size": 4, "ngf": 16, "ndf": 16,
        "iterations": 2000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": base.CROPS, "overnight": base.WHOLE}

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c)
        base.check_multiple(c, 16)

    def build(self, c: Config) -> None:
        slope = 0.2 if c.leaky else 0.0
        self.G = base.per(DIRECTIONS, lambda: JoiningGenerator(c.ngf, slope))
        self.D = base.per("AB", lambda: DilatedDiscriminator(c.ndf, slope))
        init_scaled(self)
        self.normaliser = base.per(TERMS, RunningMean)
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}
        self.begin(0, 1.0)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs))
        self.turn_of_D = (iteration + 1) % c.d_every == 0
        self.refreshed = iteration == REFRESHED_ONCE or iteration % REFRESHED_EVERY == 0

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(2 * self.G[direction]((x + 1) / 2) - 1)

    def step(self, batch: Batch) -> Losses:
        real = {X: (batch[X] + 1) / 2 for X in "AB"}
        losses: Losses = dict.fromkeys(LOSSES)
        if self.turn_of_D:
            losses |= self._update_discriminators(real)
        return losses | self._update_generators(real)

    def _update_discriminators(self, real: dict[str, Tensor]) -> Losses:
        losses: Losses = {}
        for X, Y in DIRECTIONS:
            with torch.no_grad():
                fake = self.G[X + Y](real[X])
            of_real, of_fake = self.D[Y](real[Y]).scores, self.D[Y](fake).scores
            losses[f"dis_{Y}"] = bce_d_loss(of_real, of_fake)
        self.update(sum(losses.values()), "D")
        return losses

    def _update_generators(self, real: dict[str, Tensor]) -> Losses:
        c, losses = self.config, {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fake = self.G[X + Y](real[X])
                again = self.G[Y + X](fake)
                judged, wanted = self.D[Y](fake), self.D[Y](real[Y]).features
                losses[f"adv_{Y}"] = bce_loss(judged.scores, True)
                losses[f"fm_{Y}"] = feature_gap(wanted, judged.features) / len(wanted)
                losses[f"dssim_{X}"] = 1 - ms_ssim(real[X], again)
                losses[f"l1_{X}"] = l1_loss(real[X], again)
            adv, fm, dssim, l1 = (self._divided(losses, term) for term in TERMS)
            game = c.share * adv + (1 - c.share) * fm
            back = c.share * dssim + (1 - c.share) * l1
            self.update((1 - c.recon) * game + c.recon * back, "G")
        return losses

    def _divided(self, losses: Losses, term: str) -> Tensor:
        """One term of both domains, by its running mean."""
        return self.normaliser[term](losses[f"{term}_A"] + losses[f"{term}_B"], self.refreshed)


class RunningMean(nn.Module):
    """Divides a loss by its running mean, which is taken over only now and then.

    Source: GM model.py `loss_normalize`. Mean and divisor start at 1; both are state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.ones(()))
        self.register_buffer("divisor", torch.ones(()))

    def forward(self, loss: Tensor, refreshed: bool) -> Tensor:
        """`loss`, a scalar, by a divisor without gradient.

        Args:
            refreshed: whether the divisor becomes the mean, this loss included.
        """
        self.mean.mul_(DECAY).add_((1 - DECAY) * loss.detach())
        if refreshed:
            self.divisor.copy_(self.mean)
        return loss / self.divisor


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Likeness of structures at several scales, 1 where two batches are equal.

    Args:
        x, y: (N, C, H, W) in [0, 1] with sides of 8 px or more; each scale is half of the one
            before. The mean of a channel is taken over the batch before its scales are multiplied.

    Returns:
        Scalar, the mean over channels. Sides below 128 px have room for fewer than five scales:
        the weights of those that are left are then divided by their sum.

    Raises:
        ReplicateError: smaller images.

    Source: GM utils.py `tf_ms_ssim`, after Wang, Simoncelli, Bovik 2003; variances and covariance
        are absolute values there, the window is not centred on a pixel.
    """
    levels = min(len(SCALES), (min(x.shape[2:]) // WINDOW).bit_length())
    if not levels:
        raise ReplicateError(
            f"ms_ssim of {x.shape[2]} x {x.shape[3]} px: expected {WINDOW} px or more a side"
        )
    weights = SCALES[:levels]
    whole = 1.0 if levels == len(SCALES) else sum(weights)
    x, y, product = x.float(), y.float(), 1.0
    for i, weight in enumerate(weights):
        contrast, luminance = _structure(x, y)
        likeness = contrast * luminance if i == levels - 1 else contrast
        product = product * likeness.mean((0, 2, 3)) ** (weight / whole)
        if i < levels - 1:
            x, y = F.avg_pool2d(x, 2, ceil_mode=True), F.avg_pool2d(y, 2, ceil_mode=True)
    return product.mean()


def _structure(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM's two factors at every place of a window: contrast and structure; luminance."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    square_x = (_blurred(x * x) - mean_x * mean_x).abs()
    square_y = (_blurred(y * y) - mean_y * mean_y).abs()
    product = (_blurred(x * y) - mean_x * mean_y).abs()
    contrast = (2 * product + C2) / (square_x + square_y + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    return contrast, luminance


def _blurred(x: Tensor) -> Tensor:
    """Means of (N, C, H, W) under a Gaussian window, of which none reaches over the border."""
    places = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - (WINDOW // 2 - 1)
    line = torch.exp(-places.square() / (2 * SIGMA**2))
    line = line / line.sum()
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = F.conv2d(F.conv2d(flat, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))
    return flat.reshape(*x.shape[:2], *flat.shape[2:])
