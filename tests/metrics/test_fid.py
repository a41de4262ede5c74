"""FID: closed forms, torch-fidelity's formula, sets smaller than the features are wide."""

import sys

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from replicate.errors import ReplicateError
from replicate.metrics.fid import fid, rank_note


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(("n", "d"), [(50, 8), (8, 50), (20, 20), (2, 3)])
def test_shifted_features_give_the_squared_shift(n, d):
    x, shift = normal(n, d), np.linspace(1, 2, d)
    assert fid(x, x + shift) == pytest.approx(shift @ shift, rel=1e-12)  # float64 rounding


@pytest.mark.parametrize(("n", "d"), [(50, 8), (8, 50)])
def test_scaled_features_give_the_scaled_trace(n, d):
    x = normal(n, d)
    x -= x.mean(axis=0)
    trace = np.trace(np.cov(x, rowvar=False))
    assert fid(x, 3 * x) == pytest.approx((3 - 1) ** 2 * trace, rel=1e-12)  # float64 rounding


@pytest.mark.parametrize(("n", "d"), [(300, 12), (20, 400)])
def test_a_set_with_itself_is_zero(n, d):
    x = 10 * normal(n, d)
    assert 0 <= fid(x, x) < 1e-4  # traces of 1e4 in float64 leave 1e-11
    assert fid(x, x[::-1]) < 1e-4
    assert fid(x, x + 0.1) > 1e-4  # the twin that fails


@pytest.mark.parametrize(("n", "m", "d"), [(60, 80, 10), (12, 60, 30), (12, 15, 30)])
def test_equals_torch_fidelity(n, m, d):
    x, y = normal(n, d), 1.5 * normal(m, d, seed=1) + 0.3
    statistics = [fid_features_to_statistics(torch.from_numpy(f)) for f in (x, y)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    # Its eigenvalues of a rank-deficient product carry sqrt(1e-16) each.
    assert fid(x, y) == pytest.approx(theirs, rel=1e-6)
    assert fid(x, y) == pytest.approx(fid(y, x), rel=1e-12)


def test_tall_sets_take_the_short_way_to_the_same_value():
    x, y = normal(40, 50), normal(30, 50, seed=1)
    wide = fid(x, y)
    spread = np.linalg.qr(normal(50, 50, seed=2))[0]  # a rotation leaves the distance unchanged
    assert fid(x @ spread, y @ spread) == pytest.approx(wide, rel=1e-12)
    tall = np.concatenate([x, x]), np.concatenate([y, y])
    # Doubling the images keeps means and divides each covariance by (2n-1) / (2n-2).
    factors = [np.sqrt((2 * n - 2) / (2 * n - 1)) for n in (40, 30)]
    shrunk = [f * (z - z.mean(0)) + z.mean(0) for f, z in zip(factors, (x, y), strict=True)]
    assert fid(*tall) == pytest.approx(fid(*shrunk), rel=1e-10)


@pytest.mark.parametrize(("n", "m", "d"), [(60, 80, 10), (12, 60, 30)])
def test_chunks_do_not_matter(n, m, d, monkeypatch):
    x, y = normal(n, d), normal(m, d, seed=1)
    whole = fid(x, y)
    monkeypatch.setattr("replicate.metrics.fid.CHUNK", 7)
    assert fid(x, y) == pytest.approx(whole, rel=1e-10)  # other order of float64 sums


def test_dead_and_repeated_features_leave_the_covariance_singular():
    x, y = normal(60, 10), normal(80, 10, seed=1)
    wide_x, wide_y = (np.concatenate([f, f[:, :3], 0 * f], axis=1) for f in (x, y))
    repeated = np.concatenate([np.ones(3) * np.sqrt(2), np.ones(7)])  # the same variances
    assert fid(wide_x, wide_y) == pytest.approx(fid(x * repeated, y * repeated), rel=1e-6)
    assert fid(np.ones((5, 3)), np.zeros((6, 3))) == 3  # no variance at all


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 64), (40, 50, 64), (40, 100, 64)])
def test_single_precision_and_order(n, m, d):
    x, y = (abs(normal(k, d, seed)).astype(np.float32) for k, seed in ((n, 0), (m, 1)))
    exact = fid(x.astype(np.float64), y.astype(np.float64))
    assert fid(x, y) == pytest.approx(exact, rel=1e-6)  # a product of two images holds 1e-7
    assert fid(x[::-1], np.roll(y, 7, axis=0)) == pytest.approx(fid(x, y), rel=1e-6)
    assert fid(x, 1.01 * y) != pytest.approx(exact, rel=1e-3)


def test_below_zero_is_rounding_or_an_error(monkeypatch):
    module = sys.modules[fid.__module__]  # `replicate.metrics.fid`, which the function's name hides
    true = module.eigvalsh

    def overlap_grown_by(share: float) -> float:
        grown = lambda s, **how: (1 + share) ** 2 * true(s, **how)  # noqa: E731
        monkeypatch.setattr(module, "eigvalsh", grown)
        x = 100 * normal(50, 8)  # traces of 1.6e5, of which 1e-6 is 0.16
        return fid(x, x)

    assert overlap_grown_by(0.5e-6) == 0
    with pytest.raises(ReplicateError, match="below 0 by more than rounding"):
        overlap_grown_by(2e-6)


def test_rank_note():
    assert rank_note(120, 2048) == "rank-deficient, n=120"
    assert rank_note(2048, 2048) == "rank-deficient, n=2048"  # centring costs one rank
    assert rank_note(2049, 2048) == ""


def test_one_image_is_refused():
    with pytest.raises(ReplicateError, match="FID needs at least 2 images a set, got 1 and 5"):
        fid(normal(1, 3), normal(5, 3))
