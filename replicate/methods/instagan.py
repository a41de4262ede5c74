"""InstaGAN: Mo, Cho, Shin, ICLR 2019 (arXiv 1812.10889).

Official code: sangwoomo/instagan @f9c1d9c ("IG"), BSD. A generator translates an image together
with the masks of its instances, few at a time: the next ones are translated in the image that the
last ones left, and after each of these chunks G and D are updated.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import l1_loss, lsgan_d_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.methods.pool import ImagePool
from replicate.networks.blocks import init_weights
from replicate.networks.instagan import Scene, SetDiscriminator, SetGenerator, present

LOSSES = tuple(f"{name}_{X}" for name in ("adv", "cyc", "idt", "ctx", "dis") for X in "AB")
MOST = 255  # instances of an image, which a map of bytes can tell apart


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the official code, its sizes those of the COCO runs."""

    load_size: settings.Side = 220  # deviation instagan/size
    crop_size: settings.Side = 200
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9
    ndf: settings.Count = 64
    ins_max: settings.Count = 4  # instances of a training image, the largest ones
    ins_per: settings.Count = 2  # of them in a chunk
    test_max: settings.Count = 20  # instances of a test image: deviation instagan/test-instances
    lambda_cyc: settings.Weight = 10.0
    lambda_idt: settings.Weight = 10.0
    lambda_ctx: settings.Weight = 10.0
    pool_size: settings.Number = 50
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="mo2019instagan")
class InstaGAN(Method):
    """Losses are logged with their weights, as their means over the chunks that had them."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "one-pass": {"ins_per": 4},
        "no-context": {"lambda_ctx": 0.0},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1, "ndf": 4, "test_max": 4,
        "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 3, "ndf": 16, "test_max": 4,
        "lr": 4e-4, "iterations": 2000,
    }  # fmt: skip
    PHOTOGRAPHS = {"laptop": base.CROPS, "overnight": base.WHOLE}
    by_instances = True

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)
        base.check_multiple(c, 4)
        if c.batch_size > 1:
            raise ReplicateError(
                f"batch_size={c.batch_size}: expected 1, because each image has as many chunks as "
                "its instances make"
            )
        if c.crop_size < 32:
            raise ReplicateError(
                f"crop_size={c.crop_size}: expected 32 px or more, which the discriminator halves "
                "three times before two 4x4 convolutions"
            )
        for name in ("ins_max", "test_max"):
            count = getattr(c, name)
            if count % c.ins_per or count > MOST:
                raise ReplicateError(
                    f"{name}={count} with ins_per={c.ins_per}: expected whole chunks of ins_per "
                    f"instances, {MOST} instances or fewer"
                )

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: SetGenerator(c.ngf, c.n_blocks))
        self.D = base.per("AB", lambda: SetDiscriminator(c.ndf))
        init_weights(self, truncated=False)
        channels = 3 + c.ins_max
        self.pool = base.per("AB", lambda: ImagePool(c.pool_size, channels, c.crop_size))
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str, instances: Tensor | None = None) -> Translation:
        """As `base.Method.translate`.

        Args:
            instances: (N, 1, H, W), as of `masks_of`. None: the whole image is one instance.
        """
        instances = torch.ones_like(x[:, :1]) if instances is None else instances
        scene = Scene(x, masks_of(instances, self.config.test_max))
        return Translation(self.translate_scene(scene, direction).image)

    def translate_scene(self, scene: Scene, direction: str) -> Scene:
        """The translated image with the masks of its translated instances, in their order.

        Args:
            scene: with any whole number of chunks.
        """
        image, done = scene.image, []
        for i, masks in self._chunks(scene.masks):
            rows = [j for j in range(len(masks)) if self._goes(i, masks[j : j + 1])]
            if rows:  # of a batch the images that have so many instances
                places = torch.tensor(rows, device=image.device)
                made = self.G[direction](Scene(image[places], masks[places]))
                image = image.index_copy(0, places, made.image)
                masks = masks.index_copy(0, places, made.masks)
            done.append(masks)
        return Scene(image, torch.cat(done, dim=1))

    def step(self, batch: Batch) -> Losses:
        c, seen = self.config, {}
        real = {X: Scene(batch[X], masks_of(_instances(batch, X), c.ins_max)) for X in "AB"}
        image = {X: real[X].image for X in "AB"}  # as the chunks before have left it
        done: dict[str, list[Tensor]] = {"A": [], "B": []}  # masks that they have made
        pairs = zip(*(self._chunks(real[X].masks) for X in "AB"), strict=True)
        for (i, of_A), (_, of_B) in pairs:
            masks = {"A": of_A, "B": of_B}
            now = {X: Scene(image[X], masks[X]) for X in "AB" if self._goes(i, masks[X])}
            if not now:
                break
            fake, losses = self._update_generators(now, done)
            losses |= self._update_discriminators(real, fake, now, done)
            for X in now:
                image[X] = fake[X].image.detach()
                done[X].append(fake[X].masks.detach())
            for name, value in losses.items():
                seen.setdefault(name, []).append(value.detach())
        return dict.fromkeys(LOSSES) | {k: torch.stack(v).mean() for k, v in seen.items()}

    def _update_generators(
        self, now: dict[str, Scene], done: dict[str, list[Tensor]]
    ) -> tuple[dict[str, Scene], Losses]:
        """Translations of a chunk, by the letter of what they were made of."""
        c, fake, losses = self.config, {}, {}
        with base.frozen(self.D):
            for X, scene in now.items():
                Y = "BA"["AB".index(X)]
                fake[X] = made = self.G[X + Y](scene)
                back, same = self.G[Y + X](made), self.G[Y + X](scene)
                judged = self.D[Y](self._united(made, done[X]))
                losses[f"adv_{Y}"] = lsgan_loss(judged, is_real=True)
                losses[f"cyc_{X}"] = c.lambda_cyc * l1_loss(_joined(back), _joined(scene))
                losses[f"idt_{X}"] = c.lambda_idt * l1_loss(_joined(same), _joined(scene))
                losses[f"ctx_{X}"] = c.lambda_ctx * context_loss(scene, made)
            self.update(sum(losses.values()), "G")
        return fake, losses

    def _update_discriminators(
        self,
        real: dict[str, Scene],
        fake: dict[str, Scene],
        now: dict[str, Scene],
        done: dict[str, list[Tensor]],
    ) -> Losses:
        """Real scenes have all their instances, translations those of the chunks so far."""
        losses: Losses = {}
        for X in now:
            Y = "BA"["AB".index(X)]
            made = self.pool[Y](_joined(self._united(fake[X], done[X])).detach())
            of_real = self.D[Y](real[Y])  # first: spectral norm moves on with every pass
            of_fake = self.D[Y](Scene(made[:, :3], made[:, 3:]))
            losses[f"dis_{Y}"] = lsgan_d_loss(of_real, of_fake)
        self.update(sum(losses.values()), "D")
        return losses

    def _united(self, made: Scene, before: list[Tensor]) -> Scene:
        """The image with the masks of all chunks so far, filled up with empty ones."""
        masks = torch.cat([*before, made.masks], dim=1)
        missing = self.config.ins_max - masks.shape[1]
        empty = masks.new_full((len(masks), missing, *masks.shape[2:]), -1.0)
        return Scene(made.image, torch.cat([masks, empty], dim=1))

    def _chunks(self, masks: Tensor) -> Iterator[tuple[int, Tensor]]:
        return enumerate(masks.split(self.config.ins_per, dim=1))

    def _goes(self, i: int, masks: Tensor) -> bool:
        """Whether a chunk is translated: the first one always, others if they hold an instance."""
        return i == 0 or bool(present(masks).any())


def masks_of(instances: Tensor, most: int) -> Tensor:
    """The masks of a map of instances, the largest first.

    Args:
        instances: (N, 1, H, W), 0 where none is, else the number of one, up to `MOST`.
        most: how many masks there are to be; smaller instances are left out.

    Returns:
        (N, most, H, W): 1 on an instance, else -1; empty masks come last.
    """
    numbers = torch.arange(1, MOST + 1, device=instances.device)
    rows = []
    for image in instances.long():
        area = torch.bincount(image.flatten(), minlength=MOST + 1)[1:]
        largest = numbers[area.argsort(descending=True, stable=True)[:most]]
        rows.append((image == largest[:, None, None]).to(instances.dtype) * 2 - 1)
    return torch.stack(rows)


def context_loss(scene: Scene, made: Scene) -> Tensor:
    """Mean absolute change of the image where neither a mask nor its translation is.

    Where masks are between -1 and 1, so is the weight between 1 and 0; that of a place is lowered
    by the sum of all masks there.
    """
    inside = (torch.cat([scene.masks, made.masks], dim=1).float() + 1) / 2
    outside = 1 - inside.sum(dim=1, keepdim=True).clamp(0, 1)
    return (outside * (scene.image.float() - made.image.float()).abs()).mean()


def _joined(scene: Scene) -> Tensor:
    """(N, 3 + K, H, W)."""
    return torch.cat([scene.image, scene.masks], dim=1)


def _instances(batch: Batch, X: str) -> Tensor:
    """The map of instances of a training batch.

    Raises:
        ReplicateError: there is none.
    """
    if f"{X}_instances" not in batch:
        raise ReplicateError(
            f"{X}_instances: the batch has no maps of instances, which instagan translates; train "
            "it by `replicate train` on a set that has masks"
        )
    return batch[f"{X}_instances"]
