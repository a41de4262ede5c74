"""BicycleGAN: Zhu, Zhang, Pathak, Darrell, Efros, Wang, Shechtman, NeurIPS 2017 (arXiv 1711.11586).

Official code: junyanz/BicycleGAN @40b9d52 ("BI" is its models/bicycle_gan_model.py). Pairs, as
pix2pix has, but many outputs of an input: a code says which. Encoded from an output it must give
that output back (cVAE-GAN); drawn at random it must be found again in what is made of it (cLR-GAN).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import LEAST_SQUARES, AdversarialScale, l1_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.styles import normal, random_styles
from replicate.networks.bicyclegan import (
    HALVINGS,
    Code,
    CodeEncoder,
    CodeUNet,
    TwoScalePatchDiscriminator,
    init_xavier,
)

JUDGES = ("D", "D2")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code's options."""

    batch_size: settings.Several = 2  # half of them are encoded, half are real images of D2
    ngf: settings.Count = 64
    nz: settings.Count = 8
    nef: settings.Count = 64
    ndf: settings.Several = 64
    n_layers: settings.Depth = 3  # 70 px patches, and as many of the half
    lambda_l1: settings.Weight = 10.0
    lambda_z: settings.Weight = 0.5
    lambda_kl: settings.Weight = 0.01
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="zhu2017bicyclegan")
class BicycleGAN(Method):
    """For each direction G, E and two D: one for encoded codes, one for random ones."""

    Config = Config
    VARIANTS = {
        "paper": {},
        # scripts/train_facades.sh: no crops, twice as long
        "facades": {"load_size": 256, "epochs": 400, "constant_epochs": 200},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "nef": 4, "ndf": 4, "n_layers": 1,
        "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "nef": 16, "ndf": 32, "n_layers": 2,
        "lr": 4e-4, "iterations": 8000,
    }  # fmt: skip
    paired = True
    multimodal = True

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """Sums over the two scales, and D's without the factor 1/2."""
        return LEAST_SQUARES.times(4, 2)

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its U-Net halves the crop down to 1 px"

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)
        if c.crop_size.bit_count() != 1 or c.crop_size < 2**HALVINGS:
            raise ReplicateError(
                f"crop_size={c.crop_size}: expected a power of two from {2**HALVINGS} px, which "
                "the U-Net halves down to 1 px"
            )
        base.check_room(c, 2 * 3 * 2**c.n_layers)
        if c.batch_size % 2:
            raise ReplicateError(
                f"batch_size={c.batch_size}: expected an even number, because half of the images "
                "are encoded and the others are what D2 sees as real; the paper's is 2"
            )

    def build(self, c: Config) -> None:
        levels = c.crop_size.bit_length() - 1
        self.G = base.per(DIRECTIONS, lambda: CodeUNet(c.ngf, levels, c.nz))
        self.E = base.per("AB", lambda: CodeEncoder(c.nef, c.nz))  # E[Y] encodes images of Y
        for name in JUDGES:  # D judges what encoded codes make, D2 what random ones do
            judges = base.per("AB", lambda: TwoScalePatchDiscriminator(c.ndf, c.n_layers))
            self.add_module(name, judges)
        init_xavier(self)
        kinds = ("G", "E", *JUDGES)
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in kinds}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(
        self, x: Tensor, direction: str, seed: int = 0, target: Tensor | None = None
    ) -> Translation:
        random = target is None
        code = random_styles(x, self.config.nz, seed) if random else self.E[direction[1]](target)[0]
        return Translation(self.G[direction](x, code))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        made = self._update_generators(batch, losses)
        half = self.config.batch_size // 2
        for name, part in zip(JUDGES, (slice(half), slice(half, None)), strict=True):
            mine = {}
            for Y, fake in made[name].items():
                D, real = getattr(self, name)[Y], batch[Y][part]
                mine[f"{name.replace('D', 'dis')}_{Y}"] = _adversarial(D(fake), False)
                mine[f"{name.replace('D', 'dis')}_{Y}"] += _adversarial(D(real), True)
            self.update(sum(mine.values()), name)
            losses |= mine
        return losses

    def _update_generators(self, batch: Batch, losses: Losses) -> dict[str, dict[str, Tensor]]:
        """A step of G and of E, which does not learn from finding random codes again.

        Returns:
            The translations by the discriminator that judges them and by their domain.
        """
        c, made = self.config, {name: {} for name in JUDGES}
        half = c.batch_size // 2
        with base.frozen(self.D, self.D2):
            for X, Y in DIRECTIONS:
                x, y = batch[X][:half], batch[Y][:half]
                code = self.E[Y](y)
                random = [normal(half, c.nz, device=x.device) for _ in JUDGES]
                encoded = code.mean + (0.5 * code.log_variance).exp() * random[0]
                made["D"][Y] = self.G[X + Y](x, encoded)
                made["D2"][Y] = self.G[X + Y](x, random[1])
                with base.frozen(self.E):
                    again = self.E[Y](made["D2"][Y]).mean
                losses[f"adv_{Y}"] = _adversarial(self.D[Y](made["D"][Y]), True)
                losses[f"adv2_{Y}"] = _adversarial(self.D2[Y](made["D2"][Y]), True)
                losses[f"l1_{Y}"] = c.lambda_l1 * l1_loss(made["D"][Y], y)
                losses[f"kl_{Y}"] = c.lambda_kl * _divergence(code)
                losses[f"z_{Y}"] = c.lambda_z * l1_loss(again, random[1])
            self.update(sum(losses.values()), "G", "E")
        return {name: {Y: x.detach() for Y, x in fakes.items()} for name, fakes in made.items()}


def _adversarial(scores: list[Tensor], is_real: bool) -> Tensor:
    """Least squares, summed over the scales."""
    return sum(lsgan_loss(one, is_real) for one in scores)


def _divergence(code: Code) -> Tensor:
    """Of N(mean, variance) from N(0, 1), summed over the numbers of a code and over the images."""
    mean, log_variance = code
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
