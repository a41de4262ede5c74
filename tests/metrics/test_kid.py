"""KID: closed forms on features of 0 and 1, torch-fidelity on random ones, honest errors."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair
from replicate.metrics.kid import (
    default_subset,
    kernel,
    kid,
    kid_blocks,
    kid_interval,
    kid_subsets,
    mmd2,
    weighted_mmd2,
)

# With d = 1 the kernel is 8 between two ones and 1 otherwise, so p ones of n against q ones of m
# give 7 (p(p-1)/n(n-1) + q(q-1)/m(m-1) - 2 p q / n m), which is done by hand below.
REAL = np.array([1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1], dtype=float)[:, None]
FAKE = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0], dtype=float)[:, None]


def test_kernel_by_hand():
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    assert kernel(x, y) == pytest.approx(np.array([[6.5**3]]), rel=1e-15)  # (11 / 2 + 1)^3


def test_full_sample_value_by_hand():
    assert kid(REAL, FAKE)[0] == pytest.approx(7 * (72 / 132 + 2 / 132 - 2 * 18 / 144), rel=1e-12)


def test_blocks_by_hand():
    # ceil(12 / 10) = 2 blocks of 6: 7 (6/30 + 0 - 0) = 1.4 and 7 (1 + 2/30 - 2 * 12/36) = 2.8
    mean, error = kid_blocks(REAL, FAKE)
    assert (mean, error) == pytest.approx((2.1, 0.7), rel=1e-12)  # float64 rounding


def test_the_larger_blocks_come_last():
    # 11 images in 2 blocks are 5 + 6, official l. 254-258; as 6 + 5 the value would be another
    mean, _ = kid_blocks(REAL[:11], FAKE[:11])
    expected = (mmd2(REAL[:5], FAKE[:5]) + mmd2(REAL[5:11], FAKE[5:11])) / 2
    other = (mmd2(REAL[:6], FAKE[:6]) + mmd2(REAL[6:11], FAKE[6:11])) / 2
    assert mean == pytest.approx(expected, rel=1e-12)
    assert abs(expected - other) > 0.05


def test_one_block_has_no_error():
    assert kid_blocks(REAL[:8], FAKE[:8])[1] is None


def test_unequal_sizes_name_both_sizes():
    with pytest.raises(ReplicateError, match="3400 real and 100 fake"):
        kid_blocks(np.ones((3400, 1)), np.ones((100, 1)))


def test_subsets_of_the_whole_set_are_the_full_sample():
    mean, spread = kid_subsets(FAKE, REAL, subset_size=12, subsets=5)
    assert mean == pytest.approx(kid(REAL, FAKE)[0], rel=1e-12)
    assert spread == pytest.approx(0, abs=1e-12)  # permutations of one set, float64 rounding


def torch_fidelity(x: np.ndarray, y: np.ndarray, size: int, subsets: int) -> tuple[float, float]:
    found = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=subsets,
        kid_subset_size=size,
        rng_seed=2020,
        verbose=False,
    )
    names = ("kernel_inception_distance_mean", "kernel_inception_distance_std")
    return tuple(found[name] for name in names)


@pytest.mark.parametrize("size", [15, 35])  # each subset anew; one matrix and indicator columns
def test_subsets_equal_torch_fidelity(size, monkeypatch):
    monkeypatch.setattr("replicate.metrics.kid.BLOCK", 7)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 8)), rng.normal(size=(50, 8)) + 0.5
    expected = torch_fidelity(x, y, size, subsets=20)
    ours = kid_subsets(x, y, subset_size=size, subsets=20)
    assert ours == pytest.approx(expected, rel=1e-9)  # same draws, only the order of sums differs
    assert kid_subsets(x, y, size, subsets=20, seed=1) != pytest.approx(expected, 1e-3)


def inception_like(n: int, shift: float, seed: int) -> np.ndarray:
    """(n, 512) float32, at least 0 with mean 0.4, about as correlated as Inception's features."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(9)
    mixing, direction = fixed.normal(size=(32, 512)), fixed.normal(size=512)
    linear = 0.1 * rng.normal(size=(n, 32)) @ mixing + 0.3 * rng.normal(size=(n, 512))
    return np.maximum(0, linear + 0.25 + shift * direction).astype(np.float32)


@pytest.mark.parametrize("size", [50, 250])  # each subset anew; one matrix and indicator columns
def test_single_precision_keeps_the_digits_of_a_small_distance(size):
    x, y = inception_like(500, 0.0, seed=0), inception_like(500, 0.02, seed=1)
    exact = kid_subsets(x.astype(np.float64), y.astype(np.float64), size, subsets=20)
    assert 1e-4 < abs(exact[0]) < 2e-3
    # Kernel values of about 2 hold 1e-7 each, less their centre 1e-8; a sum of them averages it.
    assert kid_subsets(x, y, size, subsets=20) == pytest.approx(exact, rel=1e-5)
    assert torch_fidelity(x, y, size, subsets=20) == pytest.approx(exact, rel=1e-3)
    full = kid(x.astype(np.float64), y.astype(np.float64))
    assert kid(x, y) == pytest.approx(full, rel=1e-5)


def test_subset_too_large_names_sizes_and_default():
    with pytest.raises(ReplicateError) as caught:
        kid_subsets(np.ones((120, 1)), np.ones((140, 1)), subset_size=1000)
    assert str(caught.value) == (
        "KID subset 1000 > smallest set (fake: 120). Use subset <= 120; default here is "
        "min(n)/2 = 60."
    )
    assert default_subset(120, 140) == 60
    with pytest.raises(ReplicateError, match="at least 2"):
        kid_subsets(np.ones((12, 1)), np.ones((12, 1)), subset_size=1)


def repeated(n: int, m: int, d: int, shift: float, times: int = 300) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    found = [kid(rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift) for _ in range(times)]
    values, errors = np.array(found).T
    return values, errors


@pytest.mark.parametrize(
    ("n", "m", "d"), [(40, 40, 16), (30, 60, 16), (40, 40, 200), (12, 10, 8), (40, 40, 1)]
)
def test_error_holds_where_both_sets_are_one_distribution(n, m, d):
    values, errors = repeated(n, m, d, shift=0)
    # 300 repetitions know the sd to 4 %, worse at d = 1, and keeping the linear part >= 0 adds
    # about 10 %. The linear part alone would give 0.3, and 1.4 without its correction.
    assert 0.75 < errors.mean() / values.std() < 1.3
    assert (np.abs(values) < 4 * errors).mean() > 0.99
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))  # unbiased


def test_error_holds_where_the_sets_differ():
    values, errors = repeated(40, 40, 16, shift=0.4)
    assert 0.8 < errors.mean() / values.std() < 1.2  # the sd is known to 4 %
    assert (values > 2 * errors).mean() > 0.9  # 0.7 lies four errors of 0.18 above 0


def test_order_and_global_seed_do_not_matter():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(25, 6))
    np.random.seed(0)
    first = kid(x, y), kid_subsets(x, y, 10, 5)
    np.random.seed(1)
    assert (kid(x, y), kid_subsets(x, y, 10, 5)) == first
    assert kid(x[::-1], y) == pytest.approx(first[0], rel=1e-9)  # other order of float64 sums
    assert kid(y, x) == pytest.approx(first[0], rel=1e-9)


def test_blocks_of_the_kernel_do_not_matter(monkeypatch):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(25, 6)) + 0.3
    whole = kid(x, y), kid_interval(x, y, draws=20)
    for block in (7, 20, 24):  # a rest in both sets, in one, a rest of one image
        monkeypatch.setattr("replicate.metrics.kid.BLOCK", block)
        assert kid(x, y) == pytest.approx(whole[0], rel=1e-9)  # other order of float64 sums
        assert kid_interval(x, y, draws=20) == pytest.approx(whole[1], rel=1e-9)


def test_weights_leave_out_pairs_of_copies_by_hand():
    x, y = np.array([[1.0], [0.0], [2.0]]), np.array([[1.0], [3.0]])
    # w = (2, 1, 0): the one pair of different images is k(1, 0) = 1; v = (1, 1): k(1, 3) = 64.
    # Across, of six: 2 k(1, 1) + 2 k(1, 3) + k(0, 1) + k(0, 3) = 16 + 128 + 1 + 1 = 146.
    w, v = np.array([[2.0], [1.0], [0.0]]), np.ones((2, 1))
    assert weighted_mmd2(x, y, w, v) == pytest.approx(1 + 64 - 2 * 146 / 6, rel=1e-12)
    copies = x[[0, 0, 1]]
    assert mmd2(copies, y) == pytest.approx((2 * 8 + 4 * 1) / 6 + 64 - 2 * 146 / 6, rel=1e-12)


def test_interval_covers_and_a_bootstrap_with_pairs_of_copies_does_not():
    rng = np.random.default_rng(6)
    covered = plain = 0
    # With z = a.b / d, E (z + 1)^3 = 1 + 3 E z + 3 E z^2 + E z^3. Within x, E z^2 = 1/d is all;
    # across, E z^2 = (1 + q)/d with q = 0.4^2; within y, E z = q, E z^2 = q^2 + (1 + 2q)/d and
    # E z^3 = q^3 + 3q (1 + 2q)/d + 6q/d^2.
    q, d = 0.16, 16
    truth = 3 * q + 3 * q**2 + q**3 + 3 * q * (1 + 2 * q) / d + 6 * q / d**2
    for seed in range(100):
        x, y = rng.normal(size=(40, 16)), rng.normal(size=(40, 16)) + 0.4
        low, high = kid_interval(x, y, draws=100, seed=seed)
        covered += low <= truth <= high
        drawn = [mmd2(x[rng.integers(40, size=40)], y[rng.integers(40, size=40)]) for _ in "x" * 40]
        plain += np.quantile(drawn, 0.025) <= truth <= np.quantile(drawn, 0.975)
    assert covered >= 87  # 95 expected, standard deviation 2.2
    assert plain < 70


def test_interval_repeats_and_narrows_with_the_level():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(30, 6)), rng.normal(size=(35, 6)) + 0.5
    low, high = kid_interval(x, y)
    assert kid_interval(x, y) == (low, high)
    assert kid_interval(x, y, seed=1) != (low, high)
    inner = kid_interval(x, y, level=0.5)
    assert low < inner[0] < inner[1] < high
    with pytest.raises(ReplicateError, match="at least 10 images a set, got 9 and 35"):
        kid_interval(x[:9], y)


def test_features_keep_their_type_without_a_copy():
    single, double = np.ones((5, 2), np.float32), np.ones((5, 2))
    kept = feature_pair(single, single, 2, "")
    assert kept[0] is single and kept[1] is single
    assert feature_pair(double, double, 2, "")[0] is double
    assert {each.dtype for each in feature_pair(single, double, 2, "")} == {np.dtype("float64")}
    assert feature_pair(single.astype(int), single, 2, "")[0].dtype == np.float64


def test_bad_features_are_named():
    good = np.ones((5, 2))
    bad = good.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ReplicateError, match="image 3 are not finite"):
        kid(good, bad)
    with pytest.raises(ReplicateError, match=r"\(5, 2\) and \(5, 3\)"):
        kid(good, np.ones((5, 3)))
    with pytest.raises(ReplicateError, match="at least 4 images a set, got 5 and 3"):
        kid(good, good[:3])
