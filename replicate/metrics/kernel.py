"""The cubic kernel of two feature sets, block by block, so that no whole matrix is ever kept.

Every estimate of the squared MMD is unchanged when a constant is taken off the kernel. `centre_of`
gives one near the kernel's mean: what is left is small, so that single precision keeps its digits.
"""

from collections.abc import Iterator

import numpy as np

BLOCK = 1024  # images; a float32 block is 4 MB and stays in cache, the product runs at full speed


def kernel(x: np.ndarray, y: np.ndarray, centre: float = 0.0) -> np.ndarray:
    """The kernel (x.y / d + 1)^3 of every pair of rows, less centre^3.

    Args:
        x: (N, d) float32 or float64.
        y: (M, d), the same type.
        centre: c; the difference is formed as e (e^2 + 3 c e + 3 c^2) with e = x.y / d + 1 - c,
            which does not cancel.

    Returns:
        (N, M) in the type of the features.

    Source: Binkowski et al., ICLR 2018 (arXiv 1801.01401), sec. 4.
    """
    excess = x @ y.T
    excess *= 1 / x.shape[1]
    excess += 1 - centre
    values = excess + 3 * centre
    values *= excess
    values += 3 * centre**2
    values *= excess
    return values


def centre_of(x: np.ndarray, y: np.ndarray) -> float:
    """x.y / d + 1 averaged over all pairs of one row of each set."""
    return float(x.mean(axis=0) @ y.mean(axis=0)) / x.shape[1] + 1


def within(
    x: np.ndarray, centre: float, dtype: type | None = None
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Rows, columns and values of the blocks on and above the diagonal, the diagonal itself 0.

    `dtype` is what blocks are computed in; None takes that of the features.
    """
    for rows in _slices(len(x)):
        for columns in _slices(len(x), rows.start):
            values = _block(x, rows, x, columns, centre, dtype)
            if rows == columns:
                np.fill_diagonal(values, 0)
            yield rows, columns, values


def across(
    x: np.ndarray, y: np.ndarray, centre: float, dtype: type | None = None
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Rows, columns and values of all blocks of the matrix between two sets; `dtype` as above."""
    for rows in _slices(len(x)):
        for columns in _slices(len(y)):
            yield rows, columns, _block(x, rows, y, columns, centre, dtype)


def weighted_mmd2(x: np.ndarray, y: np.ndarray, w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Unbiased squared MMD of weighted samples, one for every pair of columns of weights.

    Each is sum_{i != j} w_i w_j k(x_i, x_j) / sum_{i != j} w_i w_j, the same of y, less twice the
    mean of k(x_i, y_j) under w_i v_j. A subset has weights 1 and 0, a bootstrap draw the number of
    copies; pairs of copies of one image are left out. The kernel is computed once for all columns.

    Args:
        x: (N, d) float32 or float64.
        y: (M, d).
        w: (N, S), weights of x, in the type of the features.
        v: (M, S).

    Returns:
        (S,) float64.
    """
    centre = centre_of(x, y)
    value = _within_mean(x, w, centre) + _within_mean(y, v, centre)
    total = np.zeros(w.shape[1])
    for rows, columns, values in across(x, y, centre):
        total += _form(w[rows], values, v[columns])
    return value - 2 * total / (_sum(w) * _sum(v))


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD of two samples of at least two images each."""
    ones = (np.ones((len(features), 1), features.dtype) for features in (x, y))
    return float(weighted_mmd2(x, y, *ones)[0])


def _block(
    x: np.ndarray, rows: slice, y: np.ndarray, columns: slice, centre: float, dtype: type | None
) -> np.ndarray:
    first, second = (part.astype(dtype or x.dtype, copy=False) for part in (x[rows], y[columns]))
    return kernel(first, second, centre)


def _within_mean(x: np.ndarray, w: np.ndarray, centre: float) -> np.ndarray:
    """Mean of the kernel over pairs of different images, for every column of weights."""
    total = np.zeros(w.shape[1])
    for rows, columns, values in within(x, centre):
        total += (1 if rows == columns else 2) * _form(w[rows], values, w[columns])
    return total / (_sum(w) ** 2 - _sum(w**2))


def _form(w: np.ndarray, values: np.ndarray, v: np.ndarray) -> np.ndarray:
    """w^T K v of each column; terms in the type of the features, their sum in float64."""
    return _sum(w * (values @ v))


def _sum(columns: np.ndarray) -> np.ndarray:
    return columns.sum(axis=0, dtype=np.float64)


def _slices(n: int, start: int = 0) -> Iterator[slice]:
    return (slice(i, min(i + BLOCK, n)) for i in range(start, n, BLOCK))
