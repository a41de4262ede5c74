"""Intervals against scipy, by hand, and how often they hold the truth."""

import numpy as np
import pytest
from scipy.stats import binomtest

from replicate.preference.intervals import Z, kind, share_interval, wilson

T4 = 2.7764451052  # Student's quantile of 0.975 for 4 degrees of freedom, from tables


@pytest.mark.parametrize("k, n", [(0, 1), (1, 1), (0, 12), (5, 12), (12, 12), (301, 1000)])
def test_wilson_is_scipys(k, n):
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx(tuple(theirs), abs=1e-12)  # rounding of float64
    assert wilson(k, n) != pytest.approx(tuple(binomtest(k, n).proportion_ci(0.95)), abs=1e-6)


def test_one_person_has_wilsons_interval():
    assert share_interval(np.array([5]), np.array([12])) == wilson(5, 12)
    assert kind(1).startswith("Wilson, too narrow") and "2 people" in kind(2)


def test_the_effective_number_of_answers_by_hand():
    # 5 people, 10 answers each, share 0.5: between = 5/4 (25 + 9 + 0 + 9 + 25) / 2500 = 0.034,
    # alone = 0.25 / 50 = 0.005, so that 50 answers are worth 50 / 6.8
    k, n = np.array([0, 2, 5, 8, 10]), np.full(5, 10)
    worth = 50 / 6.8 * (Z / T4) ** 2
    assert share_interval(k, n) == pytest.approx(wilson(worth / 2, worth), rel=1e-9)  # T4's digits
    assert share_interval(k, n)[0] < wilson(25, 50)[0] - 0.2


@pytest.mark.parametrize("k", [0, 5, 10])
def test_people_who_agree_are_worth_all_their_answers(k):
    worth = 50 * (Z / T4) ** 2
    interval = share_interval(np.full(5, k), np.full(5, 10))
    assert interval == pytest.approx(wilson(worth * k / 10, worth), rel=1e-9)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    # 10 people of 20 answers whose own shares differ (beta, correlation 0.1 within a person);
    # of 1,000 studies the standard error of 95 % is 0.7 %, and 4 of them are 2.8 %
    rng = np.random.default_rng(0)
    n, held, naive = np.full(10, 20), 0, 0
    for _ in range(1000):
        k = rng.binomial(20, rng.beta(0.3 * 9, 0.7 * 9, 10))
        low, high = share_interval(k, n)
        held += low <= 0.3 <= high
        low, high = wilson(int(k.sum()), 200)
        naive += low <= 0.3 <= high
    assert held / 1000 == pytest.approx(0.95, abs=0.028)
    assert naive / 1000 < 0.8
