"""Toy on paired images with a frozen feature network: L1 on pixels and on features.

An example of a method file, not of a paper.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from replicate.losses import l1_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights
from replicate.networks.generators import ResnetGenerator


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Each field names its source; these have none."""

    ngf: int = 16
    lambda_features: float = 2.0
    lr: float = 2e-4


@base.register(paper="toy")
class ToyPaired(Method):
    """Regression to the other image of the pair, in pixels and in fixed random features."""

    Config = Config
    SMOKE = {"load_size": 32, "crop_size": 32, "ngf": 4, "iterations": 4}
    LAPTOP = {"load_size": 64, "crop_size": 64, "iterations": 1000}
    paired = True

    def build(self, c: Config) -> None:
        self.G = base.per(DIRECTIONS, lambda: ResnetGenerator(c.ngf, n_blocks=1))
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        init_weights(self, truncated=False)
        self.features.requires_grad_(False)  # neither an optimiser nor `counts` sees it
        self.optimizers = {"G": base.adam(c.lr, 0.5, self.G)}

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(self.G[direction](x))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        for X, Y in DIRECTIONS:
            fake, real = self.translate(batch[X], X + Y).image, batch[Y]
            losses[f"pixels_{Y}"] = l1_loss(fake, real)
            losses[f"features_{Y}"] = self.config.lambda_features * l1_loss(
                self.features(fake), self.features(real)
            )
        self.update(sum(losses.values()), "G")
        return losses
