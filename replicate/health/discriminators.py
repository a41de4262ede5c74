"""How far discriminators have won, from the losses that training logs."""

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

TAIL = 0.1  # of the log
NAMES = re.compile(r"dis(\w*)_([AB])")  # D's loss; G's against the same D begins with adv


class Scale(NamedTuple):
    """What D's and G's losses are where D cannot tell, and G's where D tells surely."""

    undecided_d: float
    undecided_g: float
    won_g: float

    def times(self, d: float, g: float) -> "Scale":
        """The same losses with other weights."""
        return Scale(self.undecided_d * d, self.undecided_g * g, self.won_g * g)


# scores of 0.5 for all images, and D's loss half of a sum as in `losses.lsgan_d_loss`; won: 0
LEAST_SQUARES = Scale(0.25, 0.25, 1.0)
# probabilities of a half, and D's loss the mean of two; G's has no end, so won: 1 in 100
CROSS_ENTROPY = Scale(math.log(2), math.log(2), math.log(100))


def _v1(c: Mapping) -> Scale:
    rate = 0.0 if c["curriculum_epochs"] is None else c["default_rate"]
    return LEAST_SQUARES.times(0.5, c["lambda_adv"] * (1 - rate))


def _ugatit(c: Mapping) -> Scale:
    """Sums of a global and a local discriminator's, and D's without the factor 1/2."""
    return LEAST_SQUARES.times(4 * c["lambda_adv"], 2 * c["lambda_adv"])


# by method where its losses are not those of CycleGAN
SCALES: dict[str, Callable[[Mapping], Scale]] = {
    "attentiongan_v1": _v1,
    "dagan": lambda c: CROSS_ENTROPY.times(2, 1),
    "pix2pix": lambda c: CROSS_ENTROPY,
    "spatial_guidance_paired": lambda c: CROSS_ENTROPY,
    "ugatit": _ugatit,
}


def scale(method: str, config: Mapping) -> Scale:
    """What a method's adversarial losses are at both ends; those of CycleGAN if nothing is known.

    Args:
        method: its name.
        config: its configuration, as `run.json` holds it.
    """
    return SCALES[method](config) if method in SCALES else LEAST_SQUARES


def won(log: pd.DataFrame, scale: Scale) -> dict[str, float]:
    """How far the discriminators of each direction have won, over the last tenth of a log.

    Args:
        log: a row for each iteration, or for each bin of them, with the losses' names as columns.
        scale: of these losses.

    Returns:
        By direction, "AB" for the discriminators of B: 0 where they cannot tell, 1 where their loss
        is 0 and the generator's as high as it gets; of the two the lesser, of several
        discriminators the one that has won most. NaN without a loss of each kind.
    """
    tail = log.tail(max(1, math.ceil(len(log) * TAIL))).mean()
    found = {"AB": float("nan"), "BA": float("nan")}
    for name in tail.index:
        match = NAMES.fullmatch(name)
        if not match or f"adv{match[1]}_{match[2]}" not in tail.index:
            continue
        ahead = 1 - tail[name] / scale.undecided_d
        behind = tail[f"adv{match[1]}_{match[2]}"] - scale.undecided_g
        value = min(ahead, behind / (scale.won_g - scale.undecided_g))
        direction = {"A": "BA", "B": "AB"}[match[2]]
        found[direction] = float(pd.Series([found[direction], value]).max())  # NaN counts least
    return found
