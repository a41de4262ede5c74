"""Frechet distance of two feature sets."""

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair

ROUNDING = 1e-3


def fid(x: np.ndarray, y: np.ndarray) -> float:
    """Frechet distance of the Gaussians fitted to two feature sets, in float64.

    The trace of the square root of S_x S_y equals the nuclear norm of A_x A_y^T for any A with
    A^T A = S. With A the centred features over sqrt(n - 1) this holds at any rank and needs the
    singular values of an n x m matrix only, neither a matrix square root nor an imaginary part.

    Args:
        x: (N, d), N >= 2.
        y: (M, d), M >= 2.

    Returns:
        |mu_x - mu_y|^2 + tr S_x + tr S_y - 2 tr (S_x S_y)^(1/2), covariances with N - 1; 0 for
        equal sets. Biased upwards at small N: see `rank_note` and the floor beside each score.

    Raises:
        ReplicateError: fewer than two images in a set, widths that differ, values that are not
            finite, or a result below -1e-3, which rounding does not explain.

    Source: Heusel et al., NeurIPS 2017 (arXiv 1706.08500), eq. 6.
    """
    x, y = feature_pair(x, y, at_least=2, what="FID")
    a, b = _factor(x), _factor(y)
    shift = x.mean(axis=0) - y.mean(axis=0)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    value = float(shift @ shift + (a**2).sum() + (b**2).sum() - 2 * overlap)
    if value >= 0:
        return value
    if value > -ROUNDING:
        return 0.0
    raise ReplicateError(f"FID is {value:.6g}, below 0 by more than rounding; check the features")


def rank_note(n_images: int, n_features: int) -> str:
    """`rank-deficient, n=120` where so few images cannot span the covariance, else empty."""
    return f"rank-deficient, n={n_images}" if n_images <= n_features else ""


def _factor(features: np.ndarray) -> np.ndarray:
    """A with A^T A = covariance, no taller than wide."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if len(centred) > centred.shape[1]:
        return np.linalg.qr(centred, mode="r")
    return centred
