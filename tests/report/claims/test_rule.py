"""Intervals by hand, and the verdicts at their edges."""

from math import isnan, sqrt

import numpy as np
import pytest

from replicate.report.claims import PAIRS, RULE, VERDICTS
from replicate.report.claims.rule import judge, over_seeds, prediction_interval

T4, T2 = 2.7764451, 4.3026527  # 97.5 % quantiles of Student's t in any printed table, 4 and 2 df
DIGITS = 1e-7  # those of the tables


def test_an_interval_by_hand() -> None:
    # mean 3, deviations -2 -1 0 1 2: variance 10 / 4
    found = over_seeds([1, 2, 3, 4, 5])
    reach = T4 * sqrt(2.5) / sqrt(5)
    assert (found.mean, found.n) == (3, 5) and found.effect == pytest.approx(3 / sqrt(2.5))
    assert (found.low, found.high) == pytest.approx((3 - reach, 3 + reach), rel=DIGITS)


def test_a_prediction_interval_by_hand() -> None:
    reach = T4 * sqrt(2.5) * sqrt(1 + 1 / 5)
    assert prediction_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - reach, 3 + reach), rel=DIGITS)
    reach = T2 * 1 * sqrt(1 + 1 / 3)
    assert prediction_interval([9, 10, 11]) == pytest.approx((10 - reach, 10 + reach), rel=DIGITS)


def test_prediction_intervals_hold_95_of_100_new_values() -> None:
    drawn = np.random.default_rng(0).normal(7, 2, (4000, 6))
    intervals = [prediction_interval(row) for row in drawn[:, :5]]
    inside = np.mean(
        [low <= new <= high for (low, high), new in zip(intervals, drawn[:, 5], strict=True)]
    )
    # four standard errors of sqrt(0.05 * 0.95 / 4000); the interval of the mean holds 0.7 of them
    assert abs(inside - 0.95) < 0.014


def test_too_few_or_equal_values() -> None:
    one = over_seeds([4])
    assert one.mean == 4 and one.n == 1 and isnan(one.low) and isnan(one.high)
    assert isnan(one.effect) and all(map(isnan, prediction_interval([4])))
    none = over_seeds([])
    assert isnan(none.mean) and none.n == 0 and isnan(none.low)
    same = over_seeds([4, 4, 4])
    assert (same.low, same.high) == (4, 4) and isnan(same.effect)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (3.0, 9.0, "reproduced"),  # the whole interval at or above the margin of 3
        (2.99, 9.0, "undecided"),
        (-9.0, 3.0, "undecided"),
        (-9.0, 2.99, "not reproduced"),
    ],
)
def test_edges_of_a_margin(low: float, high: float, verdict: str) -> None:
    assert judge(low, high, 3.0) == judge(low, high, 3.0, "lower") == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-3.0, 3.0, "reproduced"),
        (-3.01, 0.0, "undecided"),
        (0.0, 3.01, "undecided"),
        (-9.0, 9.0, "undecided"),
        (3.0, 9.0, "undecided"),
        (3.01, 9.0, "not reproduced"),
        (-9.0, -3.01, "not reproduced"),
    ],
)
def test_edges_of_an_equivalence(low: float, high: float, verdict: str) -> None:
    assert judge(low, high, 3.0, "equivalent") == verdict


def test_the_rule_in_words_names_the_numbers_of_the_code() -> None:
    assert f"{PAIRS} pairs" in RULE and "95%" in RULE
    assert all(verdict in RULE.lower() for verdict in VERDICTS[:3])
