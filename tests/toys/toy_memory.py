"""Toy with a per-image memory: the attention map of an image's last visit is an input of the next.

An example of a method file, not of a paper.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from replicate.losses import l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Each field names its source; these have none."""

    load_size: int = 256  # equal to crop_size: a remembered map must fit the next visit
    flip: bool = False  # for the same reason
    batch_size: int = 4
    width: int = 16
    memory: int = 2000  # maps of each domain, at least as many as its images
    lr: float = 2e-4


@base.register(paper="toy")
class ToyMemory(Method):
    """Repaints where it attends; a buffer indexed by image keeps the maps, and so a resume does."""

    Config = Config
    SMOKE = {"load_size": 32, "crop_size": 32, "width": 4, "memory": 500, "iterations": 4}
    LAPTOP = {"load_size": 64, "crop_size": 64, "memory": 500, "iterations": 1000}

    def build(self, c: Config) -> None:
        self.G = base.per(
            DIRECTIONS,
            lambda: nn.Sequential(
                nn.Conv2d(4, c.width, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(c.width, 4, 3, padding=1),
            ),
        )
        init_weights(self, truncated=False)
        self.register_buffer("maps", torch.ones(2, c.memory, 1, c.crop_size, c.crop_size))
        self.optimizers = {"G": base.adam(c.lr, 0.5, self.G)}

    def translate(self, x: Tensor, direction: str) -> Translation:
        return self._repaint(x, torch.ones_like(x[:, :1]), direction)  # never seen before

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        for maps, (X, Y) in zip(self.maps, DIRECTIONS, strict=True):
            index = batch[f"{X}_index"]
            fake, attention = self._repaint(batch[X], maps[index], X + Y)
            losses[f"colour_{Y}"] = l1_loss(fake.mean((0, 2, 3)), batch[Y].mean((0, 2, 3)))
            losses[f"attention_{X}"] = 0.1 * attention.mean()
            maps[index] = attention.detach()
        self.update(sum(losses.values()), "G")
        return losses

    def _repaint(self, x: Tensor, seen: Tensor, direction: str) -> Translation:
        painted, attention = self.G[direction](torch.cat([x, seen], dim=1)).float().split([3, 1], 1)
        attention = attention.sigmoid()
        return Translation(attention * painted.tanh() + (1 - attention) * x, attention)
