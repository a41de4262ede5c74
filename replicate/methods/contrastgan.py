"""ContrastGAN, re-specified: after Liang, Zhang, Lin, Xing, ECCV 2018 (arXiv 1708.00315).

No official code is known, and of the paper only the abstract was within reach. It says: a generator
told the category, and an objective that compares distances, a translation being nearer to real
images of the target category than to its input, in the features of the discriminator; a variant
told a mask of the object keeps the background apart. Networks, weights and training are choices of
this project (`data/deviations/contrastgan.toml`), so a number of this method is not the paper's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from replicate import settings
from replicate.losses import contrast_loss, l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base, labelled
from replicate.methods.base import DIRECTIONS, Batch, Losses, Needs, Translation
from replicate.methods.labelled import Labelled
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.contrastgan import ContrastDiscriminator, LabelResnet


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Sizes of StarGAN, training of CycleGAN: deviation contrastgan/specification."""

    load_size: settings.Side = 128
    crop_size: settings.Side = 128
    batch_size: settings.Count = 8  # of each of A and B
    c_dim: settings.Several = 8  # categories
    masks: bool = False  # deviation contrastgan/masks
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 6
    ndf: settings.Count = 64
    n_layers: settings.Depth = 6
    n_features: settings.Count = 128
    lambda_cyc: settings.Weight = 10.0
    lambda_contrast: settings.Weight = 1.0  # 0: no comparison of distances, and features go unused
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="liang2018contrastgan")
class ContrastGAN(Labelled):
    """Re-specified: the i-th image of A becomes what the i-th of B shows, and the reverse."""

    Config = Config
    respecified = True
    VARIANTS = {
        "paper": {},
        "masks": {"masks": True},
        "two-domains": {"c_dim": 2},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "c_dim": 2, "ngf": 4, "n_blocks": 1,
        "ndf": 4, "n_layers": 4, "n_features": 4, "pool_size": 2, "iterations": 4,
    }  # fmt: skip
    # a first guess, about 20 minutes of a quiet core; nobody has looked for better values
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 2, "c_dim": 2, "ngf": 16, "n_blocks": 4,
        "ndf": 32, "n_layers": 5, "n_features": 32, "lr": 4e-4, "iterations": 3600,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(masks=c.masks)

    @classmethod
    def by_masks(cls, c: Config) -> bool:
        return c.masks

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)

    def build(self, c: Config) -> None:
        self.G = LabelResnet(c.c_dim + c.masks, c.ngf, c.n_blocks)
        self.D = ContrastDiscriminator(c.c_dim, c.n_features, c.ndf, c.n_layers, c.crop_size)
        init_weights(self, truncated=False)
        # an image and the planes of its label
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, 3 + c.c_dim, c.crop_size))
        self.optimizers = {name: base.adam(c.lr, c.beta1, getattr(self, name)) for name in "GD"}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str, mask: Tensor | None = None) -> Translation:
        return self.painted(x, self.target(x, direction), mask)

    def painted(self, x: Tensor, label: Tensor, mask: Tensor | None = None) -> Translation:
        """As of `Labelled`.

        Args:
            mask: (N, 1, H, W) of 0 and 1, where the object is; None: everywhere. Only the variant
                `masks` looks at it: outside, the image stays.
        """
        if not self.config.masks:
            return Translation(self.G(x, label))
        mask = torch.ones_like(x[:, :1]) if mask is None else mask.to(x)
        return Translation(mask * self.G(x, label, mask) + (1 - mask) * x)

    def step(self, batch: Batch) -> Losses:
        c, losses, fake = self.config, {}, {}
        label = {X: labelled.of_batch(batch, X, c.c_dim) for X in "AB"}
        differ = (label["A"] != label["B"]).any(dim=1)
        with base.frozen(self.D):
            with torch.no_grad():
                feature = {X: self.D(batch[X])[1] for X in "AB"}
            centre = _centres(feature, label)
            for X, Y in DIRECTIONS:
                mask = batch.get(f"{X}_mask")
                fake[Y] = self.painted(batch[X], label[Y], mask).image
                back = self.painted(fake[Y], label[X], mask).image
                scores, made = self.D(fake[Y])
                losses[f"adv_{Y}"] = lsgan_loss(_of_category(scores, label[Y]), is_real=True)
                nearer = contrast_loss(made, centre[Y], feature[X], differ)
                losses[f"contrast_{Y}"] = c.lambda_contrast * nearer
                losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(back, batch[X])
            self.update(sum(losses.values()), "G")
        self._update_discriminator(batch, label, fake, losses)
        return losses

    def _update_discriminator(
        self, batch: Batch, label: dict[str, Tensor], fake: dict[str, Tensor], losses: Losses
    ) -> None:
        c = self.config
        seen = {X: self.D(batch[X]) for X in "AB"}
        feature = {X: features for X, (_, features) in seen.items()}
        centre = _centres(feature, label)
        differ = (label["A"] != label["B"]).any(dim=1)
        for X, Y in DIRECTIONS:
            planes = label[Y][:, :, None, None].expand(-1, -1, *fake[Y].shape[2:])
            kept = self.pool[Y](torch.cat([fake[Y], planes], dim=1))
            made, category = kept[:, :3], kept[:, 3:, 0, 0]
            real = _of_category(seen[Y][0], label[Y])
            losses[f"dis_{Y}"] = lsgan_d_loss(real, _of_category(self.D(made)[0], category))
            apart = contrast_loss(feature[Y], centre[Y], feature[X], differ)
            losses[f"apart_{Y}"] = c.lambda_contrast * apart
        self.update(sum(losses[f"{name}_{X}"] for name in ("dis", "apart") for X in "AB"), "D")


def _of_category(scores: Tensor, label: Tensor) -> Tensor:
    """(N, 1, h, w): of scores (N, c_dim, h, w) those of each image's category (N, c_dim)."""
    return (scores * label[:, :, None, None]).sum(dim=1, keepdim=True)


def _centres(feature: dict[str, Tensor], label: dict[str, Tensor]) -> dict[str, Tensor]:
    """(N, F) for A and B: the mean features of a batch's real images of each image's category."""
    features, labels = (torch.cat([each["A"], each["B"]]) for each in (feature, label))
    means = labels.T @ features / labels.sum(dim=0).clamp(min=1)[:, None]
    return {X: label[X] @ means for X in "AB"}
