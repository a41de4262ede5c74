"""SPA-GAN: Emami, Aliabadi, Dong, Chinnam, IEEE TMM 23, 2021 (arXiv 1908.06616).

No official code is known, and we could not access the text: figures and losses come from
a-elrawy/SPA-GAN-Selected @69320f9 ("SPA-U", unofficial, with figures of the paper), the scheme from
V2 of voidstrike/ASGIT @235f922 (see `spatial_guidance.py`), which is nearly the same. The map of
the source domain's discriminator multiplies the generator's input, at test time too.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.guidance import GuidedGenerator, PHADiscriminator, by_maximum, enlarge, fuse

LOSSES = [f"{name}_{X}" for name in ("adv", "cyc", "fm", "dis", "guide") for X in "AB"]


class Pass(NamedTuple):
    """One attended pass through a generator."""

    image: Tensor  # (N, 3, H, W) in [-1, 1]
    features: Tensor  # (N, 2 ngf, H / 2, W / 2) of the decoder's first layer
    attention: Tensor  # (N, 1, H, W) in [0, 1]
    attended: Tensor  # (N, 3, H, W), what the generator got


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """CycleGAN's values where no source says otherwise; assumed: deviation spagan/whole-method."""

    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    fusion: Literal["mult", "rhp"] = "mult"  # rhp: 1 + A
    early_map: bool = False  # deviation spagan/map-layer
    detach_map: bool = True  # deviation spagan/map-gradient
    attended_target: bool = True  # SPA-U train.py:117
    lambda_cyc: settings.Weight = 10.0  # SPA-U
    lambda_fm: settings.Weight = 1.0  # SPA-U
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4  # SPA-U
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="emami2021spagan")
class SPAGAN(Method):
    """Each discriminator shows the generator that starts from its domain where to look."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "residual": {"fusion": "rhp", "attended_target": False},  # tanh does not reach x (1 + A)
        "no-features": {"lambda_fm": 0.0},
        "plain-target": {"attended_target": False},
        "early-map": {"early_map": True},
        "map-gradient": {"detach_map": False},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 2, "ndf": 4, "n_layers": 2,
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
        if c.fusion not in ("mult", "rhp"):
            raise ReplicateError(f"fusion={c.fusion}: expected mult, or rhp for the residual form")
        self.G = base.per(DIRECTIONS, lambda: GuidedGenerator(c.ngf, c.n_blocks, c.fusion))
        block = c.n_layers + (0 if c.early_map else 1)
        self.D = base.per("AB", lambda: PHADiscriminator(c.ndf, c.n_layers, block))
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
        """The image, and as attention the map of the source domain's D on the input."""
        image, _, attention, _ = self._pass(x, direction)
        return Translation(image, attention)

    def step(self, batch: Batch) -> Losses:
        c, losses = self.config, dict.fromkeys(LOSSES)
        with base.frozen(self.D):
            there = {d: self._pass(batch[d[0]], d) for d in DIRECTIONS}
            back = {d: self._pass(there[d].image, d[::-1]) for d in DIRECTIONS}
            for d in DIRECTIONS:
                X, Y = d
                losses[f"adv_{Y}"] = lsgan_loss(self.D[Y](there[d].image).scores, is_real=True)
                target = there[d].attended if c.attended_target else batch[X]
                losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(back[d].image, target)
                if c.lambda_fm:  # by one generator: of a real image of X, and of a made one
                    features = there[d].features, back[Y + X].features
                    losses[f"fm_{X}"] = c.lambda_fm * l1_loss(*features)
            self.update(sum(v for v in losses.values() if v is not None), "G")
        for X, Y in DIRECTIONS:
            made = self.D[Y](self.pool[Y](there[X + Y].image)).scores
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]).scores, made)
            losses[f"guide_{X}"] = there[X + Y].attention.mean()
        self.update(losses["dis_A"] + losses["dis_B"], "D")
        return losses

    def _pass(self, x: Tensor, direction: str) -> Pass:
        attention = self.D[direction[0]](x).attention
        if self.config.detach_map:
            attention = attention.detach()
        attention = enlarge(by_maximum(attention), x.shape[2:])
        image, features = self.G[direction].with_features(x, attention)
        return Pass(image, features, attention, fuse(x, attention, self.config.fusion))
