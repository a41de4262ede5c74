"""Toy with a setup pass: the mean colour of each domain is measured before the first iteration.

An example of a method file, not of a paper.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from replicate.losses import l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights
from replicate.networks.generators import ResnetGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Each field names its source; these have none."""

    ngf: int = 16
    setup_batches: int = 100
    lr: float = 2e-4


@base.register(paper="toy")
class ToySetup(Method):
    """Gives every translation the mean colour of the domain that it goes to."""

    Config = Config
    SMOKE = {"load_size": 32, "crop_size": 32, "ngf": 4, "setup_batches": 2, "iterations": 4}
    LAPTOP = {"load_size": 64, "crop_size": 64, "iterations": 1000}

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: ResnetGenerator(c.ngf, n_blocks=1))
        init_weights(self, truncated=False)
        self.register_buffer("colour_A", torch.zeros(3))
        self.register_buffer("colour_B", torch.zeros(3))
        self.optimizers = {"G": base.adam(c.lr, 0.5, self.G)}

    def setup(self, batches: Iterator[Batch]) -> None:
        count = self.config.setup_batches
        for batch in islice(batches, count):
            self.colour_A += batch["A"].mean((0, 2, 3)) / count
            self.colour_B += batch["B"].mean((0, 2, 3)) / count

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        colour = {"A": self.colour_A, "B": self.colour_B}
        losses: Losses = {}
        for X, Y in DIRECTIONS:
            fake = self.translate(batch[X], X + Y).image
            losses[f"colour_{Y}"] = l1_loss(fake.mean((0, 2, 3)), colour[Y])
            losses[f"keep_{X}"] = 0.1 * l1_loss(fake, batch[X])
        self.update(sum(losses.values()), "G")
        return losses
