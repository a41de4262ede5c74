"""ComboGAN: Anoosheh, Agustsson, Timofte, Van Gool, CVPR Workshops 2018 (arXiv 1712.06909).

Official code: AAnoosheh/ComboGAN @295e61b, that of December 2017, which AttentionGAN's Table V
counts; the variant `head` is that of @27643b6. Every domain has an encoder, a decoder and a
discriminator; any encoder goes with any decoder, so m domains need m models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase

from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import LEAST_SQUARES, AdversarialScale, l1_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Needs, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.combogan import ResnetDecoder, ResnetEncoder, SplitDiscriminator
from replicate.networks.discriminators import PatchDiscriminator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of options/ at 295e61b."""

    epochs: settings.Length = 800  # 100 x n_domains, of eight
    constant_epochs: settings.Epoch = 400  # 50 x n_domains, then linear decay over the rest
    c_dim: settings.Several = 8  # n_domains there: expressions of RaFD, as Table V counts
    head: bool = False  # deviation combogan/version
    ngf: settings.Count = 64
    n_blocks: settings.Several = 9  # half of them in the encoder
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    d_pad: settings.Depth = 2  # px: deviation combogan/padding
    lambda_cyc: settings.Weight = 10.0
    lambda_idt: settings.Weight = 0.0  # "autoencode"
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5


@base.register(paper="anoosheh2018combogan")
class ComboGAN(Method):
    """A step is CycleGAN's, of two domains; losses are those of its pair, A and B of the batch."""

    Config = Config
    many = True
    VARIANTS = {
        "paper": {},
        "head": {"head": True, "n_layers": 4},
        "two-domains": {"c_dim": 2, "epochs": 200, "constant_epochs": 100},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "c_dim": 2, "ngf": 4, "n_blocks": 2, "ndf": 4,
        "n_layers": 1, "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    # a first guess, about 20 minutes of a quiet core; nobody has looked for better values
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "c_dim": 2, "ngf": 16, "n_blocks": 4, "ndf": 32,
        "n_layers": 2, "lr": 4e-4, "iterations": 8500,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(domain_pairs=True)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        if not config["head"]:
            return LEAST_SQUARES
        return LEAST_SQUARES.times(1 / config["n_layers"], 1 / config["n_layers"])

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c)
        if c.c_dim > len(ascii_uppercase):
            raise ReplicateError(
                f"c_dim={c.c_dim}: expected at most {len(ascii_uppercase)} domains, a letter each"
            )

    def build(self, c: Config) -> None:
        letters, activation = ascii_uppercase[: c.c_dim], nn.PReLU if c.head else nn.ReLU
        first = c.n_blocks // 2
        self.E = base.per(letters, lambda: ResnetEncoder(c.ngf, first, activation))
        self.G = base.per(letters, lambda: ResnetDecoder(c.ngf, c.n_blocks - first, activation))
        self.D = base.per(letters, lambda: self._discriminator(c))
        init_weights(self, truncated=False)
        self.pool = base.per(letters, lambda: ImagePool(c.pool_size, 3, c.crop_size))
        made = {f"G_{X}": base.adam(c.lr, c.beta1, self.E[X], self.G[X]) for X in letters}
        judges = {f"D_{X}": base.adam(c.lr, c.beta1, self.D[X]) for X in letters}
        self.optimizers = made | judges

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction[1]](self.E[direction[0]](x)))

    def step(self, batch: Batch) -> Losses:
        c, losses, fake = self.config, {}, {}
        domain = dict(zip("AB", self._pair(batch), strict=True))
        cycle = F.smooth_l1_loss if c.head else l1_loss
        with base.frozen(*(self.D[Z] for Z in domain.values())):
            for X, Y in DIRECTIONS:
                source, target = domain[X], domain[Y]
                code = self.E[source](batch[X])
                fake[Y] = self.G[target](code)
                back = self.G[source](self.E[target](fake[Y]))
                losses[f"adv_{Y}"] = self._judged(target, fake[Y], is_real=True)
                losses[f"cyc_{X}"] = c.lambda_cyc * cycle(back, batch[X])
                losses[f"idt_{X}"] = None
                if c.lambda_idt > 0:
                    itself = self.G[source](code)
                    losses[f"idt_{X}"] = c.lambda_idt * self._likeness(itself, batch[X])
            total = sum(loss for loss in losses.values() if loss is not None)
            self.update(total, *(f"G_{Z}" for Z in domain.values()))
        for X, Z in domain.items():
            real = self._judged(Z, batch[X], is_real=True)
            made = self._judged(Z, self.pool[Z](fake[X]), is_real=False)
            losses[f"dis_{X}"] = 0.5 * (real + made)
        self.update(losses["dis_A"] + losses["dis_B"], *(f"D_{Z}" for Z in domain.values()))
        return losses

    @staticmethod
    def _discriminator(c: Config) -> nn.Module:
        if c.head:
            return SplitDiscriminator(c.ndf, c.n_layers)
        return PatchDiscriminator(3, c.ndf, c.n_layers, pad=c.d_pad)

    def _judged(self, domain: str, x: Tensor, is_real: bool) -> Tensor:
        """The least-squares loss of a domain's D; of several depths the deeper weigh more."""
        scores = self.D[domain](x)
        if not self.config.head:
            return lsgan_loss(scores, is_real)
        weights = [*range(1, len(scores)), len(scores) + 1]  # official: GANLoss at 27643b6
        parts = [w * lsgan_loss(s, is_real) for w, s in zip(weights, scores, strict=True)]
        return sum(parts) / (sum(weights) * len(parts))

    def _likeness(self, made: Tensor, real: Tensor) -> Tensor:
        if not self.config.head:
            return l1_loss(made, real)
        return F.smooth_l1_loss(*(F.avg_pool2d(image, 3, stride=2) for image in (made, real)))

    def _pair(self, batch: Batch) -> tuple[str, str]:
        """The letters of the two domains that a batch shows; without labels A and B."""
        if "A_label" not in batch:
            return "A", "B"
        shown = [sorted(set(batch[f"{X}_label"].tolist())) for X in "AB"]
        labels = {label for domain in shown for label in domain}
        alone = len(shown[0]) == len(shown[1]) == 1 and len(labels) == 2
        if not alone or not 0 <= min(labels) <= max(labels) < self.config.c_dim:
            raise ReplicateError(
                f"A_label shows {shown[0]} and B_label {shown[1]}: expected one label in A and "
                f"another one in B, both of 0 to {self.config.c_dim - 1}; set c_dim to the number "
                "of labels"
            )
        first, second = (ascii_uppercase[label] for (label,) in shown)
        return first, second
