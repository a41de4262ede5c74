"""FAL, feedback adversarial learning: Huh, Sun, Zhang, CVPR 2019, pp. 1476-1485.

The authors released no code. What runs here is the re-implementation by the authors of spatial
guidance, voidstrike/ASGIT @235f922, MIT, models/fal_model.py ("FM"), which presumably made the
pictures of their supplement. A generator makes an image several times; each time it is told its
last output and what the discriminator said of every place of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.fal import Feedback, FeedbackGenerator
from replicate.networks.pix2pix import BatchNormPatchDiscriminator

TRANSFORMS = ("channels", "spatial")
NORMS = ("batch", "instance")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of the re-implementation unless a comment names another source."""

    ngf: settings.Count = 64
    n_blocks: settings.Depth = 9
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    steps: settings.Depth = 3  # outputs one after the other: deviation fal/steps
    every_output: bool = False  # deviation fal/losses
    transform: Literal[*TRANSFORMS] = "channels"  # deviation fal/transform
    norm: Literal[*NORMS] = "batch"  # deviation fal/norm
    lambda_l1: settings.Weight = 100.0
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="huh2019feedback")
class FAL(Method):
    """For each direction a generator and the discriminator that it listens to, also in tests."""

    Config = Config
    VARIANTS = {
        "paper": {},
        "spatial": {"transform": "spatial"},
        "every-output": {"every_output": True},
        "instance-norm": {"norm": "instance"},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 5, "ndf": 4, "n_layers": 1,
        "steps": 2, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "ngf": 16, "n_blocks": 6, "ndf": 32, "n_layers": 2,
        "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    paired = True

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_decay(c, tail=1)
        base.check_multiple(c, 4)
        base.check_room(c, 3 * 2**c.n_layers)
        if c.transform == "channels" and c.scored_size < c.crop_size:
            raise ReplicateError(
                f"test_size={c.scored_size} with transform=channels and crop_size={c.crop_size}: "
                "expected no test images smaller than the crop, which is shrunk to one position"
            )
        if c.n_blocks < 5:
            raise ReplicateError(
                f"n_blocks={c.n_blocks}: expected 5 or more, four for the encoder and the others "
                "for the decoder"
            )
        if c.transform == "channels" and (c.crop_size < 32 or c.crop_size.bit_count() != 1):
            raise ReplicateError(
                f"crop_size={c.crop_size} with transform=channels, which shrinks a quarter of the "
                "crop to one position in three steps: expected 32, 64, 128 or 256 px, or "
                "transform=spatial"
            )

    def build(self, c: Config) -> None:
        spatial, batch_norm = c.transform == "spatial", c.norm == "batch"
        judge = BatchNormPatchDiscriminator if batch_norm else PatchDiscriminator
        self.G = base.per(
            DIRECTIONS,
            lambda: FeedbackGenerator(c.ngf, c.n_blocks, c.crop_size, spatial, batch_norm),
        )
        self.D = base.per("AB", lambda: judge(6, c.ndf, c.n_layers))  # D[Y] judges what G[XY] makes
        init_weights(self, truncated=False)
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c, epoch = self.config, int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self._outputs(x, direction)[-1])

    def step(self, batch: Batch) -> Losses:
        return self._update_discriminators(batch) | self._update_generators(batch)

    def _update_discriminators(self, batch: Batch) -> Losses:
        losses: Losses = {}
        for X, Y in DIRECTIONS:
            with torch.no_grad():
                fakes = self._judged(self._outputs(batch[X], X + Y))
            real = bce_loss(self._judge(batch[X], batch[Y], Y), is_real=True)
            made = [bce_loss(self._judge(batch[X], y, Y), is_real=False) for y in fakes]
            losses[f"dis_{Y}"] = 0.5 * (real + sum(made) / len(made))
        self.update(sum(losses.values()), "D")
        return losses

    def _update_generators(self, batch: Batch) -> Losses:
        """Outputs are made again, because the D that they listen to has moved."""
        losses: Losses = {}
        with base.frozen(self.D):
            for X, Y in DIRECTIONS:
                fakes = self._judged(self._outputs(batch[X], X + Y))
                adv = [bce_loss(self._judge(batch[X], y, Y), is_real=True) for y in fakes]
                gaps = [l1_loss(y, batch[Y]) for y in fakes]
                losses[f"adv_{Y}"] = sum(adv) / len(adv)
                losses[f"l1_{Y}"] = self.config.lambda_l1 * sum(gaps) / len(gaps)
            self.update(sum(losses.values()), "G")
        return losses

    def _outputs(self, x: Tensor, direction: str) -> list[Tensor]:
        """The translations of `x` (N, 3, H, W), each made with what D said of the one before."""
        G, feedback, outputs = self.G[direction], Feedback.none(x), []
        h = G.encode(x)
        for i in range(self.config.steps):
            if i:
                scores = self._judge(x, outputs[-1], direction[1])
                # the gradient also runs through D, whose weights the caller holds fast
                response = F.interpolate(scores, x.shape[2:], mode="bilinear")
                feedback = Feedback(outputs[-1], response)
            h = G.modulated(h, feedback)
            outputs.append(G.decode(h))
        return outputs

    def _judged(self, outputs: list[Tensor]) -> list[Tensor]:
        """Those of the outputs that losses see."""
        return outputs if self.config.every_output else outputs[-1:]

    def _judge(self, x: Tensor, y: Tensor, Y: str) -> Tensor:
        """D's scores of the output `y` of the input `x`."""
        return self.D[Y](torch.cat([x, y], dim=1))
