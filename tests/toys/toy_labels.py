"""Toy with class labels: one generator told where to go, WGAN-GP, five D steps for one G step.

An example of a method file, not of a paper. The label of an image is the place of its domain.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.losses import gradient_penalty
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.blocks import init_weights

LABEL = {"A": 0, "B": 1}
LOSSES = ("critic", "penalty", "class_real", "adv", "class_fake")


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Each field names its source; these have none."""

    width: int = 16
    n_critic: int = 5  # D steps for one G step
    lambda_gp: float = 10.0
    lr: float = 1e-4


@base.register(paper="toy")
class ToyLabels(Method):
    """A label plane beside the image says which domain the generator has to reach."""

    Config = Config
    SMOKE = {"load_size": 32, "crop_size": 32, "width": 4, "iterations": 4}
    LAPTOP = {"load_size": 64, "crop_size": 64, "iterations": 1000}

    def build(self, c: Config) -> None:
        self.G = nn.Sequential(
            nn.Conv2d(4, c.width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c.width, 3, 3, padding=1),
            nn.Tanh(),
        )
        self.D = nn.Sequential(  # one score and one logit a class, for every patch
            nn.Conv2d(3, c.width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(c.width, 1 + len(LABEL), 4, stride=2, padding=1),
        )
        init_weights(self, truncated=False)
        self.optimizers = {name: base.adam(c.lr, 0.5, getattr(self, name)) for name in "GD"}

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        self.turn_of_G = iteration % self.config.n_critic == self.config.n_critic - 1

    def translate(self, x: Tensor, direction: str) -> Translation:
        label = x.new_full((len(x), 1, *x.shape[2:]), LABEL[direction[1]])
        return Translation(self.G(torch.cat([x, label], dim=1)).float())

    def step(self, batch: Batch) -> Losses:
        losses: Losses = dict.fromkeys(LOSSES)
        real = torch.cat([batch["A"], batch["B"]])
        with torch.no_grad():
            fake = self._fakes(batch)
        score, losses["class_real"] = self._judge(real)
        losses["critic"] = self._judge(fake)[0].mean() - score.mean()
        losses["penalty"] = self.config.lambda_gp * gradient_penalty(self._score, real, fake)
        self.update(losses["critic"] + losses["penalty"] + losses["class_real"], "D")
        if self.turn_of_G:
            with base.frozen(self.D):
                score, losses["class_fake"] = self._judge(self._fakes(batch))
                losses["adv"] = -score.mean()
                self.update(losses["adv"] + losses["class_fake"], "G")
        return losses

    def _fakes(self, batch: Batch) -> Tensor:
        """Images of A first, then of B, as the real ones stand."""
        return torch.cat([self.translate(batch[X], X + Y).image for Y, X in DIRECTIONS])

    def _score(self, x: Tensor) -> Tensor:
        return self._judge(x)[0]

    def _judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N,) and the classification loss of images of A, then as many of B."""
        score, *logits = self.D(x).float().mean(dim=(2, 3)).unbind(dim=1)
        label = torch.arange(len(LABEL), device=x.device).repeat_interleave(len(x) // len(LABEL))
        return score, F.cross_entropy(torch.stack(logits, dim=1), label)
