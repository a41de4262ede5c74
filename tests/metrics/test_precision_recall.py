"""Precision and recall: points on a line by hand, torch-fidelity on random ones, copies, errors."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from replicate.errors import ReplicateError
from replicate.metrics import estimators as module
from replicate.metrics.estimators import share_among

# On a line with k = 1, a ball reaches to the nearest other point of its own set. The balls of the
# reals are [-1, 1], [0, 2], [6, 14] and [10, 18]; those of the fakes [1, 3], [2, 4], [15.5, 21.5],
# [18.5, 24.5], [21.5, 38.5], [30, 50], [40, 64] and [52, 80].
REAL = np.array([0.0, 1, 10, 14])[:, None]
FAKE = np.array([2, 3, 18.5, 21.5, 30, 40, 52, 66])[:, None]


def precision_recall(
    fake: np.ndarray, real: np.ndarray, neighbours: int = 3
) -> tuple[float, float]:
    """(precision, recall) in [0, 1]."""
    return share_among(fake, real, neighbours), share_among(real, fake, neighbours)


def test_twelve_points_by_hand():
    # Of the fakes only 2 lies in a real ball, on its edge; of the reals only 1, on an edge too.
    assert precision_recall(FAKE, REAL, neighbours=1) == (1 / 8, 1 / 4)
    assert precision_recall(REAL, FAKE, neighbours=1) == (1 / 4, 1 / 8)
    moved = FAKE + np.where(FAKE == 2, 1e-9, 0)  # past the edge of [0, 2]
    assert precision_recall(moved, REAL, neighbours=1)[0] == 0
    # With k = 3 the reals' balls reach to 14, 13, 20 and 28: fakes up to 28 are inside; the ball
    # [-17.5, 21.5] of the fake 2 holds all reals.
    assert precision_recall(FAKE, REAL, neighbours=3) == (4 / 8, 1)


def test_a_set_with_itself_is_all_inside():
    rng = np.random.default_rng(0)
    for x in (
        rng.normal(size=(30, 5)),
        1e4 + 1e-4 * rng.normal(size=(30, 5)),  # |x|^2 + |y|^2 - 2 xy has no digit left here
        np.ones((30, 5)) / 3,
    ):
        assert precision_recall(x, x) == (1, 1)
        assert precision_recall(x[::-1], x) == (1, 1)


def test_copies_are_inside_balls_of_no_size():
    rng = np.random.default_rng(1)
    real = rng.normal(size=(5, 64)).repeat(4, axis=0)  # each image four times: radius 0 for k = 3
    assert precision_recall(real[::4], real)[0] == 1
    assert precision_recall(real[::4] + 1e-12, real)[0] == 0  # far below the product's rounding


def test_single_precision_features_are_computed_in_double():
    rng = np.random.default_rng(7)
    real = (1e3 + rng.normal(size=(60, 64))).astype(np.float32)  # float32 products lose 6 digits
    fake = (1e3 + 0.9 * rng.normal(size=(50, 64))).astype(np.float32)
    expected = precision_recall(fake.astype(np.float64), real.astype(np.float64))
    assert precision_recall(fake, real) == expected
    assert min(expected) > 0 and max(expected) < 1


def test_far_apart_sets_share_nothing():
    x = np.random.default_rng(2).normal(size=(20, 4))
    assert precision_recall(x, x + 100) == (0, 0)


def test_narrow_fakes_are_precise_and_recall_little():
    rng = np.random.default_rng(3)
    precision, recall = precision_recall(0.2 * rng.normal(size=(200, 4)), rng.normal(size=(200, 4)))
    assert precision > 0.9 and recall < 0.2


def theirs(fake: np.ndarray, real: np.ndarray, neighbours: int) -> tuple[float, float]:
    found = prc_features_to_metric(
        torch.from_numpy(fake),
        torch.from_numpy(real),
        prc_neighborhood=neighbours,
        prc_batch_size=10000,
        save_cpu_ram=False,
        verbose=False,
    )
    return found["precision"], found["recall"]


@pytest.mark.parametrize("neighbours", [1, 3, 5])
def test_equal_to_torch_fidelity(neighbours):
    rng = np.random.default_rng(4)
    fake, real = 0.8 * rng.normal(size=(150, 12)) + 0.3, rng.normal(size=(170, 12))
    expected = theirs(fake, real, neighbours)
    found = precision_recall(fake, real, neighbours)
    assert found == pytest.approx(expected, abs=1e-6)  # they average in float32; one image is 6e-3
    assert found != pytest.approx(precision_recall(real, fake, neighbours), abs=1e-6)
    assert found != pytest.approx(precision_recall(fake, real, neighbours + 1), abs=1e-6)


def test_chunks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(5)
    # Whole numbers: many distances tie, and all of them are exact.
    fake, real = rng.integers(0, 4, (70, 3)) * 1.0, rng.integers(1, 5, (90, 3)) * 1.0
    expected = precision_recall(fake, real)
    assert min(expected) > 0 and max(expected) < 1
    for chunk in (1, 7, 70):
        monkeypatch.setattr(module, "CHUNK", chunk)
        assert precision_recall(fake, real) == expected


def test_errors_name_sizes_and_images():
    x = np.random.default_rng(6).normal(size=(12, 3))
    with pytest.raises(ReplicateError, match=r"neighbours=3 needs at least 4 images.* 12 and 3"):
        precision_recall(x, x[:3])
    with pytest.raises(ReplicateError, match="neighbours=0, expected at least 1"):
        precision_recall(x, x, neighbours=0)
    broken = x.copy()
    broken[5, 2] = np.nan
    with pytest.raises(ReplicateError, match="image 5 are not finite"):
        precision_recall(x, broken)
