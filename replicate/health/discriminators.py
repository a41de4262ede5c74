"""How far discriminators have won, from the losses that training logs."""

import math
import re

import pandas as pd

from replicate.losses import AdversarialScale

TAIL = 0.1  # of the log
NAMES = re.compile(r"dis(\w*)_([AB])")  # D's loss; G's against the same D begins with adv


def won(log: pd.DataFrame, scale: AdversarialScale) -> dict[str, float]:
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
