"""The rule for verdicts: an interval over paired seeds against a margin.

Student's t over seeds assumes that gains scatter about their mean like a normal variable; five
seeds cannot show that they do not.
"""

from collections.abc import Sequence
from math import inf, nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit  # quantiles of Student's t; scipy.stats takes a second to import

PAIRS = 5  # fewer paired seeds decide nothing
LEVEL = 0.95
EQUIVALENT = "equivalent"
PREDICTIONS = ("higher", "lower", EQUIVALENT)
VERDICTS = ("reproduced", "undecided", "not reproduced", "not comparable", "not run")
RULE = (
    f"runs of two arms with the same seed are a pair, and {PAIRS} pairs decide; the {LEVEL:.0%} "
    "interval is that of Student's t over the pairs' gains. Reproduced: the whole interval is at "
    "or above the margin; not reproduced: it is wholly below; undecided: the interval holds the "
    "margin. Equivalent: the whole interval lies within the margin of 0; not reproduced: wholly "
    "outside. The effect is the mean gain in standard deviations of the pairs. Of the directions "
    "the worst one decides."
)


class Spread(NamedTuple):
    """Values over seeds: their mean, its interval, mean over standard deviation, their number."""

    mean: float
    low: float
    high: float
    effect: float
    n: int


def over_seeds(values: Sequence[float]) -> Spread:
    """The mean of values over seeds with its interval at `LEVEL`.

    Args:
        values: one a seed, finite.

    Returns:
        `mean` and `low` to `high`, mean ± t sd / sqrt(n) with n - 1 degrees of freedom; `effect`,
        mean / sd, which is Cohen's d of paired samples. NaN where there are too few values: the
        mean of none, the interval of one, the effect of one or of equal ones.
    """
    mean, sd, n = _moments(values)
    reach = _quantile(n) * sd / sqrt(n) if n > 1 else nan
    return Spread(mean, mean - reach, mean + reach, mean / sd if sd > 0 else nan, n)


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where one new value falls in 95 of 100 cases, if it is like these.

    Args:
        values: one a seed, finite.

    Returns:
        mean ± t sd sqrt(1 + 1/n) with n - 1 degrees of freedom; NaN below two values.
    """
    mean, sd, n = _moments(values)
    reach = _quantile(n) * sd * sqrt(1 + 1 / n) if n > 1 else nan
    return mean - reach, mean + reach


def judge(low: float, high: float, margin: float, prediction: str = "higher") -> str:
    """Reproduced, not reproduced or undecided, by `RULE`.

    Args:
        low, high: the interval of the gain; of the difference where the prediction is equivalence.
        margin: in the same unit; above 0 for equivalence.
        prediction: one of `PREDICTIONS`.
    """
    above = inf
    if prediction == EQUIVALENT:
        margin, above = -margin, margin
    if margin <= low and high <= above:
        return "reproduced"
    if high < margin or low > above:
        return "not reproduced"
    return "undecided"


def _moments(values: Sequence[float]) -> tuple[float, float, int]:
    """Mean, standard deviation (NaN below two) and number."""
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    return float(array.mean()) if n else nan, float(array.std(ddof=1)) if n > 1 else nan, n


def _quantile(n: int) -> float:
    """Of Student's t with n - 1 degrees of freedom: 2.776 for five values."""
    return float(stdtrit(n - 1, (1 + LEVEL) / 2))
