"""What stands after the "±" of one and the same KID."""

import numpy as np
import pandas as pd

from replicate.effects.choices import ENOUGH, NETWORKS
from replicate.effects.studies import Study
from replicate.metrics.kid import kid, kid_blocks, kid_interval, kid_subsets

RUNG = "half"
SUBSETS = 100
PARTS = (8, 4, 2)  # a subset is one of so many parts of the images


def spreads(study: Study) -> pd.DataFrame:
    """KID of one rung with every kind of "±" that is in use.

    Returns:
        `network, n, what, value, low, high`: for an interval its ends, else value ± spread. A
        network that sees fewer than 20 images is left out.
    """
    rows = []
    for protocol in NETWORKS:
        ladder = study.images(protocol)
        fake = study.features(ladder.rungs()[RUNG], protocol, RUNG)
        real = study.features(ladder.real, protocol, "real")
        n = min(len(fake), len(real))
        if n >= ENOUGH:
            rows += [
                {"network": study.name(protocol), "n": n} | row for row in of_features(fake, real)
            ]
    return pd.DataFrame(rows, columns=["network", "n", "what", "value", "low", "high"])


def of_features(fake: np.ndarray, real: np.ndarray) -> list[dict]:
    """The rows of `spreads` for features (N, d) and (M, d), N and M at least 20."""
    value, error = kid(fake, real)
    low, high = kid_interval(fake, real)
    rows = [
        _row("standard error of the full sample", value, error),
        {"what": "95 % bootstrap interval over images", "value": value, "low": low, "high": high},
        _row("standard error over blocks of 10 (GM)", *kid_blocks(real, fake)),
    ]
    n = min(len(fake), len(real))
    for size in dict.fromkeys(max(2, n // part) for part in PARTS):
        mean, sd = kid_subsets(fake, real, size, SUBSETS)
        rows.append(_row(f"sd over {SUBSETS} subsets of {size}", mean, sd))
    return rows


def _row(what: str, value: float, spread: float) -> dict:
    return {"what": what, "value": value, "low": value - spread, "high": value + spread}
