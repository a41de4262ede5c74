"""KID: closed forms on features of 0 and 1, torch-fidelity on random ones, honest errors."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from replicate.errors import ReplicateError
from replicate.metrics.kid import default_subset, kernel, kid, kid_blocks, kid_subsets, mmd2

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


def test_subsets_equal_torch_fidelity():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 8)), rng.normal(size=(50, 8)) + 0.5
    theirs = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=20,
        kid_subset_size=15,
        rng_seed=2020,
        verbose=False,
    )
    ours = kid_subsets(x, y, subset_size=15, subsets=20)
    expected = (
        theirs["kernel_inception_distance_mean"],
        theirs["kernel_inception_distance_std"],
    )
    assert ours == pytest.approx(expected, rel=1e-9)  # same draws, only the order of sums differs
    assert kid_subsets(x, y, subset_size=15, subsets=20, seed=1) != pytest.approx(expected, 1e-3)


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
