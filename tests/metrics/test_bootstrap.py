"""The bootstrap over images: binomial quantiles in closed form, multiplicities, refusals."""

import numpy as np
import pytest
from scipy.stats import binom

from replicate.errors import ReplicateError
from replicate.metrics.bootstrap import mean_interval, multiplicities


def test_means_of_zeros_and_ones_have_binomial_quantiles():
    values = np.repeat([0.0, 1.0], [70, 30])
    expected = binom.ppf([0.025, 0.975], 100, 0.3) / 100  # 0.21 and 0.39
    # 2000 draws know the quantiles to 0.0025; the next possible mean lies 0.01 away.
    assert mean_interval(values) == pytest.approx(expected, abs=0.011)
    assert np.diff(mean_interval(values, level=0.5)) < 0.08  # 0.06, against 0.18


def test_seed_decides_and_global_state_does_not():
    values = np.random.default_rng(0).normal(size=30)
    np.random.seed(0)
    first = mean_interval(values, draws=50)
    np.random.seed(1)
    assert mean_interval(values, draws=50) == first
    assert mean_interval(values, draws=50, seed=1) != first


def test_multiplicities_count_one_resample_a_column():
    counts = multiplicities(50, 400, np.random.default_rng(0))
    assert counts.shape == (50, 400)
    assert (counts.sum(axis=0) == 50).all()
    # Left out of a resample: (1 - 1/50)^50 = 0.364, known to 0.003 from 20,000 counts.
    assert (counts == 0).mean() == pytest.approx(0.364, abs=0.012)


@pytest.mark.parametrize(
    ("values", "level", "text"),
    [
        ([30.0, np.inf, 28.0], 0.95, "score of image 1 is inf"),
        ([30.0], 0.95, r"shape \(1,\), expected \(N,\) with N >= 2"),
        ([30.0, 28.0], 95, r"level 95: expected a coverage in \(0, 1\)"),
    ],
)
def test_what_has_no_interval_is_named(values, level, text):
    with pytest.raises(ReplicateError, match=text):
        mean_interval(np.array(values), level=level)
