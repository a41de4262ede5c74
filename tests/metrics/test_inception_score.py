"""Inception score: closed forms on certain predictions, torch-fidelity on random ones, errors."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from replicate.errors import ReplicateError
from replicate.metrics.estimators import inception_score

# 12 images, 2 classes. In the first six p(y|x) is 3/4 for one class and 1/4 for the other, turn by
# turn, so that p(y) = 1/2 and KL = 3/4 log(3/2) + 1/4 log(1/2); the last six agree, so KL = 0.
TWELVE = np.log([[0.75, 0.25], [0.25, 0.75]] * 3 + [[0.9, 0.1]] * 6)
FIRST = 1.5**0.75 * 0.5**0.25


def test_twelve_images_by_hand():
    mean, spread = inception_score(TWELVE, splits=2)
    assert mean == pytest.approx((FIRST + 1) / 2, rel=1e-12)  # float64 rounding
    assert spread == pytest.approx((FIRST - 1) / 2, rel=1e-12)  # with Bessel it would be sqrt(2) x


def test_equal_predictions_give_one():
    logits = np.tile([3.0, -1.0, 0.5], (12, 1))
    assert inception_score(logits, splits=3) == pytest.approx((1, 0), abs=1e-12)  # rounding


@pytest.mark.parametrize("sure", [50.0, 1e4])
def test_certain_balanced_predictions_give_the_number_of_classes(sure):
    logits = sure * np.tile(np.eye(4), (6, 1))  # 24 images; at 1e4 the other classes underflow
    assert inception_score(logits, splits=3) == pytest.approx((4, 0), abs=1e-10)  # rounding
    assert inception_score(logits[:, :2], splits=3)[0] < 2  # unsure images 3 and 4 take from it


def test_classes_that_nobody_chose_do_not_break_it():
    logits = np.hstack([1e4 * np.tile(np.eye(2), (6, 1)), np.zeros((12, 5))])
    assert inception_score(logits, splits=2)[0] == pytest.approx(2, rel=1e-12)  # rounding


def theirs(logits: np.ndarray, splits: int, seed: int | None) -> tuple[float, float]:
    found = isc_features_to_metric(
        torch.from_numpy(logits), splits, shuffle=seed is not None, rng_seed=seed
    )
    return found["inception_score_mean"], found["inception_score_std"]


@pytest.mark.parametrize("seed", [None, 0, 2020])
@pytest.mark.parametrize(("n", "splits"), [(120, 10), (47, 10), (12, 1), (10, 10)])
def test_equal_to_torch_fidelity(seed, n, splits):
    logits = 3 * np.random.default_rng(1).normal(size=(n, 30))
    expected = theirs(logits, splits, seed)
    found = inception_score(logits, splits, seed)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)  # same splits, other rounding
    if n > splits > 1:  # the twins that fail: another order, another cut
        assert found[0] != pytest.approx(theirs(logits, splits, 1)[0], rel=1e-6)
        assert found[0] != pytest.approx(inception_score(logits, splits - 1, seed)[0], rel=1e-6)


def test_the_global_seed_does_not_matter():
    logits = np.random.default_rng(2).normal(size=(40, 5))
    np.random.seed(0)
    first = inception_score(logits, seed=3)
    np.random.seed(1)
    assert inception_score(logits, seed=3) == first


def test_errors_name_what_was_found():
    logits = np.zeros((7, 3))
    with pytest.raises(ReplicateError, match=r"in 10 splits of 7 images.*take 1 to 7 splits"):
        inception_score(logits)
    with pytest.raises(ReplicateError, match="in 0 splits of 7 images"):
        inception_score(logits, splits=0)
    for wrong in (np.nan, np.inf, -np.inf):
        logits[4, 1] = wrong
        with pytest.raises(ReplicateError, match=r"image 4 are not finite \(1 of 7 images\)"):
            inception_score(logits, splits=2)
    with pytest.raises(ReplicateError, match=r"shape \(7,\), expected \(N, K\)"):
        inception_score(np.zeros(7))
