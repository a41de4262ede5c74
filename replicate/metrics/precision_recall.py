"""Precision and recall of generated images by nearest neighbours in feature space."""

from collections.abc import Iterator

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair

# 256 rows against 50,000 images take 102 MB, and matrix products are hardly faster with more.
CHUNK = 256


def share_among(points: np.ndarray, centres: np.ndarray, neighbours: int = 3) -> float:
    """Share of one set that lies among another: precision of (fake, real), recall of (real, fake).

    An image lies among a set where it is within the ball of at least one image of the set, edge
    included; a ball reaches to its image's k-th nearest neighbour in the set, itself left out.

    Args:
        points: (N, d), N > neighbours.
        centres: (M, d), M > neighbours.
        neighbours: k; 3 in the paper.

    Returns:
        In [0, 1]; 1 for a set with itself.

    Raises:
        ReplicateError: a set of `neighbours` images or fewer, neighbours below 1, or features
            that are not finite.

    Source: Kynkaanniemi et al., NeurIPS 2019 (arXiv 1904.06991), eq. 1 and 2.
    """
    if neighbours < 1:
        raise ReplicateError(f"neighbours={neighbours}, expected at least 1; the paper takes 3")
    what = f"precision and recall with neighbours={neighbours}"
    points, centres = feature_pair(points, centres, at_least=neighbours + 1, what=what)
    radii = np.concatenate([_radii(rows, i, centres, neighbours) for i, rows in _chunks(centres)])
    inside = [_inside(rows, centres, radii) for _, rows in _chunks(points)]
    return float(np.concatenate(inside).mean())


def _radii(rows: np.ndarray, start: int, x: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance of the rows of x from `start` on to their k-th nearest other row of x."""
    rough, slack = _rough(rows, x)
    rough[np.arange(len(rows)), start + np.arange(len(rows))] = np.inf
    kth = np.partition(rough, neighbours - 1, axis=1)[:, neighbours - 1]
    near = rough <= kth[:, None] + 2 * slack
    exact = [_exact(row, x[chosen]) for row, chosen in zip(rows, near, strict=True)]
    return np.array([np.partition(d, neighbours - 1)[neighbours - 1] for d in exact])


def _inside(rows: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(N,) bool, whether each row is within the squared radius of at least one centre."""
    rough, slack = _rough(rows, centres)
    rough -= radii
    inside = (rough < -slack).any(axis=1)
    close = np.abs(rough) <= slack
    for i in np.flatnonzero(~inside & close.any(axis=1)):
        inside[i] = (_exact(rows[i], centres[close[i]]) <= radii[close[i]]).any()
    return inside


def _rough(rows: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, float]:
    """(N, M) squared distances by matrix products, and a bound of their rounding error.

    |x|^2 + |y|^2 - 2 xy cancels where x is near y, as between copies of an image, so whatever
    the bound leaves undecided is computed anew by `_exact`; the rest is over ten times faster.
    """
    squares = np.einsum("ij,ij->i", rows, rows)
    found, largest = np.empty((len(rows), len(others))), 0.0
    for start, block in _chunks(others):
        block_squares = np.einsum("ij,ij->i", block, block)
        largest = max(largest, block_squares.max())
        found[:, start : start + CHUNK] = squares[:, None] + block_squares - 2 * (rows @ block.T)
    # Each of the three sums of d products errs by at most d eps / 2 of its squares, `_exact` by as
    # much again: 2 (d + 4) eps in all, and a factor of 2 to be safe.
    slack = 4 * (rows.shape[1] + 4) * np.finfo(np.float64).eps * (squares.max() + largest)
    return found, float(slack)


def _exact(row: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances by differences: 0 for copies, and the same from either side."""
    return ((others - row) ** 2).sum(axis=1)


def _chunks(x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The start and the float64 rows of each chunk, so that float32 features stay so as a whole."""
    for start in range(0, len(x), CHUNK):
        yield start, x[start : start + CHUNK].astype(np.float64, copy=False)
