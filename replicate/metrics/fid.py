"""Frechet distance of two feature sets."""

import sys
from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigvalsh
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpstrf

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair
from replicate.metrics.calling import Metric

# Images turned to float64 at a time: 34 MB at 2048 features for a covariance, which is added up
# once a chunk; fewer where the product is small, so that no memory is touched for the first time.
CHUNK, SMALL_CHUNK = 2048, 256
ROUNDING = 1e-6  # of the traces


def fid(x: np.ndarray, y: np.ndarray) -> float:
    """Frechet distance of the Gaussians fitted to two feature sets.

    The trace of the square root of S_x S_y is the sum of the square roots of the eigenvalues of
    A S_y A^T, a symmetric matrix, for any A with A^T A = S_x. Where the smaller set has fewer
    images than features, A is its centred features and neither covariance is formed; otherwise a
    Cholesky factor. No matrix square root is taken, and no imaginary part can arise.

    Means, traces, covariances and eigenvalues are float64. Only the products of one image with
    another in the first form stay in the type of the features: of float32 they move the result by
    less than 2e-7 of the traces (2e-8 where no feature dwarfs the others), which is what the roots
    of eigenvalues near 0 move it by in float64 wherever images repeat.

    There is no bootstrap interval: resampling repeats images, which lowers the rank of the
    covariance and so raises the distance itself.

    Args:
        x: (N, d), N >= 2, float32 or float64.
        y: (M, d), M >= 2.

    Returns:
        |mu_x - mu_y|^2 + tr S_x + tr S_y - 2 tr (S_x S_y)^(1/2), covariances with N - 1; 0 for
        equal sets. Biased upwards at small N: see `rank_note` and the floor beside each score.

    Raises:
        ReplicateError: fewer than two images in a set, widths that differ, values that are not
            finite, or a result below 0 by more than rounding explains.

    Source: Heusel et al., NeurIPS 2017 (arXiv 1706.08500), eq. 6.
    """
    small, large = sorted(feature_pair(x, y, at_least=2, what="FID"), key=len)
    product_of = _from_rows if len(small) < small.shape[1] else _from_covariances
    product, traces = product_of(small, large)
    values = eigvalsh(product, overwrite_a=True, check_finite=False, driver="ev")
    overlap = np.sqrt(values.clip(min=0)).sum()
    shift = _mean(small) - _mean(large)
    return _not_negative(float(shift @ shift + traces - 2 * overlap), traces)


def rank_note(n_images: int, n_features: int) -> str:
    """`rank-deficient, n=120` where so few images cannot span the covariance, else empty."""
    return f"rank-deficient, n={n_images}" if n_images <= n_features else ""


def _from_rows(small: np.ndarray, large: np.ndarray) -> tuple[np.ndarray, float]:
    """A S A^T (its lower half) and both traces, A the centred features of the smaller set."""
    rows = small - _mean(small)
    # Centred rows sum to 0. The reflection that turns their mean direction into the first row takes
    # this null direction out, whose eigenvalue would be rounding and its root 1e-8 of the largest.
    first, rows = rows[0], rows[1:]
    rows += first / (np.sqrt(len(small)) - 1)
    # 1 / sqrt of both n - 1, so that the product needs no pass of its own.
    rows /= np.sqrt((len(small) - 1.0) * (len(large) - 1.0))
    narrow = rows.astype(small.dtype)
    product, trace = np.zeros((len(rows), len(rows)), order="F"), 0.0
    for chunk in _centred(large, SMALL_CHUNK):
        between = (narrow @ chunk.astype(narrow.dtype).T).astype(np.float64)
        product = dsyrk(1.0, between.T, 1.0, product, trans=True, lower=True, overwrite_c=True)
        trace += np.vdot(chunk, chunk)
    traces = np.vdot(rows, rows) * (len(large) - 1) + trace / (len(large) - 1)
    return product, float(traces)


def _from_covariances(small: np.ndarray, large: np.ndarray) -> tuple[np.ndarray, float]:
    """A S A^T and the sum of both traces, A the pivoted Cholesky factor of one covariance."""
    first, second = _covariance(small), _covariance(large)
    # Pivoting goes through where the covariance is singular: dead features, repeated images.
    factor, order, rank, _ = dpstrf(first)
    rows = np.triu(factor)[:rank]
    second_in_order = second[np.ix_(order - 1, order - 1)]
    return rows @ second_in_order @ rows.T, float(np.trace(first) + np.trace(second))


def _covariance(features: np.ndarray) -> np.ndarray:
    total = np.zeros((features.shape[1], features.shape[1]))
    for chunk in _centred(features, CHUNK):
        total += chunk.T @ chunk
    return total / (len(features) - 1)


def _centred(features: np.ndarray, chunk: int) -> Iterator[np.ndarray]:
    """The features less their mean in float64, so many images at a time."""
    mean = _mean(features)
    for start in range(0, len(features), chunk):
        yield features[start : start + chunk] - mean


def _mean(features: np.ndarray) -> np.ndarray:
    return features.mean(axis=0, dtype=np.float64)


def _not_negative(value: float, traces: float) -> float:
    """The value; 0 where rounding of the traces explains that it is below, else an error."""
    if value >= 0:
        return value
    # An eigenvalue that should be 0 is 1e-16 of the largest, so its root is 1e-8 of it.
    if value > -ROUNDING * max(traces, 1e3):
        return 0.0
    raise ReplicateError(f"FID is {value:.6g}, below 0 by more than rounding; check the features")


sys.modules[__name__].__class__ = Metric  # `replicate.metrics.fid(fake, real)`
