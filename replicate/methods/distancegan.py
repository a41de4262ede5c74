"""DistanceGAN: Benaim, Wolf, NeurIPS 2017 (arXiv 1706.00826).

Official code: sagiebenaim/DistanceGAN @f827205 ("DI" is its cyclegan_arch/distance_gan_model.py),
on the networks of the first PyTorch CycleGAN. Two images that are far apart should have
translations that are: in place of a way back, which one direction alone can therefore do without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations, islice

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code's options."""

    batch_size: settings.Count = 2
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3  # 70 px patches
    lambda_distance: settings.Weight = 1.0
    lambda_cyc: settings.Weight = 0.0  # deviation distancegan/cycle
    self_distance: bool = False  # deviation distancegan/self-distance
    one_sided: bool = False  # deviation distancegan/one-sided
    statistics: settings.Several = 900  # batches: deviation distancegan/batch-distance
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="benaim2017distancegan")
class DistanceGAN(Method):
    """A translation keeps how far images, or the halves of one, lie apart among their like."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "with-cycle": {"lambda_cyc": 10.0},
        "self-distance": {"self_distance": True},
        "one-sided": {"one_sided": True},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "ndf": 4, "n_layers": 1,
        "statistics": 3, "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 4, "ndf": 32, "n_layers": 2,
        "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {**base.CROPS, "ngf": 32, "n_blocks": 6, "ndf": 64, "iterations": 3000},
        "overnight": {
            **base.WHOLE, "ngf": 32, "n_blocks": 6, "ndf": 64, "n_layers": 3, "iterations": 30000,
        },
    }  # fmt: skip

    @classmethod
    def directions_of(cls, config: Mapping) -> tuple[str, ...]:
        return ("AB",) if config["one_sided"] else DIRECTIONS

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c)
        if c.batch_size < 2 and not c.self_distance:
            raise ReplicateError(
                f"batch_size={c.batch_size}: expected 2 or more, because distances are those "
                "between images of a batch; within one image they are self_distance=true"
            )
        if c.statistics < 3 and not c.self_distance:
            raise ReplicateError(
                f"statistics={c.statistics}: expected 3 or more batches, whose distances have a "
                "spread; the code's is 900"
            )
        if c.one_sided and c.lambda_cyc:
            raise ReplicateError(
                f"one_sided=true with lambda_cyc={c.lambda_cyc}: one direction has no way back; "
                "set lambda_cyc=0, or train both directions"
            )

    def build(self, c: Config) -> None:
        self.directions = self.directions_of(asdict(c))
        targets = [Y for _, Y in self.directions]
        self.G = base.per(
            self.directions, lambda: ResnetGenerator(c.ngf, c.n_blocks, "zero", affine=True)
        )
        self.D = base.per(targets, lambda: PatchDiscriminator(3, c.ndf, c.n_layers, affine=True))
        init_weights(self, truncated=False)
        self.pool = base.per(targets, lambda: ImagePool(c.pool_size, 3, c.crop_size))
        # of A and of B: mean and spread of the distances of real images; `setup` measures them
        self.register_buffer("distances", torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
        self.optimizers = {"G": base.adam(c.lr, c.beta1, self.G)}
        self.optimizers |= {f"D_{Y}": base.adam(c.lr, c.beta1, self.D[Y]) for Y in targets}

    @torch.no_grad()
    def setup(self, batches: Iterator[Batch]) -> None:
        seen: dict[str, list[Tensor]] = {"A": [], "B": []}
        for batch in islice(batches, self.config.statistics):
            for X, images in seen.items():
                images.append(batch[X])
        for place, (X, images) in enumerate(seen.items()):
            distances = self._distances_of(images)
            spread, mean = torch.std_mean(distances, correction=0)
            if not spread > 0:
                raise ReplicateError(
                    f"{len(images)} batches of domain {X}: all their distances are {float(mean)}; "
                    "expected images that differ"
                )
            self.distances[place] = torch.stack([mean, spread])

    def _distances_of(self, images: list[Tensor]) -> Tensor:
        """Distances of batches as the statistics take them: of all pairs, or within each."""
        if self.config.self_distance:
            return torch.stack([_within(x) for x in images])
        whole = torch.stack(images).flatten(1).float()
        return F.pdist(whole, p=1) / whole.shape[1]

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs))

    def translate(self, x: Tensor, direction: str) -> Translation:
        if direction not in self.directions:
            raise ReplicateError(
                f"distancegan:one-sided translates A to B alone, asked for {direction}; swap the "
                "domains of the data set, or take another variant"
            )
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        c, losses, fake = self.config, {}, {}
        with base.frozen(self.D):
            for X, Y in self.directions:
                fake[Y] = self.G[X + Y](batch[X])
                losses[f"adv_{Y}"] = lsgan_loss(self.D[Y](fake[Y]), is_real=True)
                gap = self._distance_gap(batch[X], fake[Y], X, Y)
                losses[f"distance_{X}"] = c.lambda_distance * gap
                if c.lambda_cyc:
                    losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(self.G[Y + X](fake[Y]), batch[X])
            self.update(sum(losses.values()), "G")
        for _, Y in self.directions:
            losses[f"dis_{Y}"] = lsgan_d_loss(self.D[Y](batch[Y]), self.D[Y](self.pool[Y](fake[Y])))
            self.update(losses[f"dis_{Y}"], f"D_{Y}")
        return losses

    def _distance_gap(self, x: Tensor, fake: Tensor, X: str, Y: str) -> Tensor:
        """How far the normalised distances of images and of their translations differ: a mean."""
        if self.config.self_distance:
            pairs = [(_within(x), _within(fake))]
        else:
            both = zip(combinations(x, 2), combinations(fake, 2), strict=True)
            pairs = [(l1_loss(*real), l1_loss(*made)) for real, made in both]
        gaps = [(self._normalised(a, X) - self._normalised(b, Y)).abs() for a, b in pairs]
        return torch.stack(gaps).mean()

    def _normalised(self, distance: Tensor, X: str) -> Tensor:
        """Against the distances between real images of domain `X`."""
        mean, spread = self.distances["AB".index(X)]
        return (distance - mean) / spread


def _within(x: Tensor) -> Tensor:
    """Distance between the upper and the lower halves of images (N, 3, H, W), a mean over all."""
    return l1_loss(*x.chunk(2, dim=2))
