"""Kernel distance (KID) of two feature sets and the estimators under which papers print it.

The cubic kernel is summed block by block, so that no whole matrix is ever kept.
"""

import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair
from replicate.metrics.bootstrap import multiplicities, percentile_interval
from replicate.metrics.calling import Metric

GM_BLOCK = 10


class Sums(NamedTuple):
    """Of a kernel matrix whose diagonal, if it has one, is left out; float64."""

    rows: np.ndarray
    columns: np.ndarray
    squares: float

    @property
    def total(self) -> float:
        return float(self.rows.sum())


def kid(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD of the full samples, and the standard error of this estimate.

    The variance of the estimator splits by Hoeffding's decomposition into uncorrelated parts: one
    linear in each sample, which vanishes when both come from one distribution, and one from each
    block of the kernel matrix with its row and column means taken out, which does not. Each part
    is estimated without bias; only the linear one, which noise can make negative, is kept >= 0.
    So the error is valid with and without a difference between the sets. One pass over blocks of
    the kernel gathers all sums, so memory does not grow; the time does, with (N + M)^2. Blocks are
    computed in float64, so that the order of the images moves the last digits only.

    Args:
        x: (N, d), N >= 4, float32 or float64.
        y: (M, d), M >= 4.

    Returns:
        (value, standard error); the value is near 0 for sets of one distribution, and may be
        negative. It treats the images as independent draws.

    Source: Binkowski et al., ICLR 2018 (arXiv 1801.01401), sec. 4; Hoeffding, Ann. Math. Stat. 19
        (1948), sec. 5, for the decomposition.
    """
    x, y = feature_pair(x, y, at_least=4, what="the standard error of KID")
    n, m, centre = len(x), len(y), centre_of(x, y)
    xx, yy = _within_sums(x, centre), _within_sums(y, centre)
    xy = _sums(across(x, y, centre, np.float64), n, m)
    inner_xx, inner_yy, inner_xy = _inner_square(xx), _inner_square(yy), _cross_square(xy)
    linear_x = _linear_variance(xx.rows, xy.rows / m, inner_xx, inner_xy / m)
    linear_y = _linear_variance(yy.rows, xy.columns / n, inner_yy, inner_xy / n)
    linear = max(0.0, 4 * linear_x / n + 4 * linear_y / m)
    pairs = 2 * inner_xx / (n * (n - 1)) + 2 * inner_yy / (m * (m - 1)) + 4 * inner_xy / (n * m)
    value = xx.total / (n * (n - 1)) + yy.total / (m * (m - 1)) - 2 * xy.total / (n * m)
    return value, math.sqrt(max(0.0, linear + pairs))


def kid_interval(
    x: np.ndarray, y: np.ndarray, draws: int = 200, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Bootstrap interval, over images, of the unbiased squared MMD of the full samples.

    Each draw takes N images of x and M of y with replacement. A plain bootstrap then meets copies
    of one image, whose kernel value is as large as the diagonal that the estimator leaves out, and
    lands above the estimate; so pairs of copies of one image are left out of each draw as well.
    Where both sets come from one distribution the interval is wider than it need be (1.7 times in
    simulations), since resamples do not know that the linear part of the error is then 0.

    Args:
        x: (N, d), N >= 10.
        y: (M, d), M >= 10.
        draws: resamples; 200 know the ends of a 95 % interval to about a tenth of its half-width.
        seed: start of a generator that nothing else uses.
        level: coverage in (0, 1).

    Returns:
        (low, high), percentiles of the draws; both may be negative.

    Raises:
        ReplicateError: fewer than 10 images in a set, which draws of one image only would spoil.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; Arcones and
        Gine, Ann. Stat. 20 (1992), 655, for the bootstrap of U-statistics.
    """
    x, y = feature_pair(x, y, at_least=10, what="the bootstrap interval of KID")
    generator = np.random.default_rng(seed)
    w, v = (multiplicities(len(each), draws, generator).astype(each.dtype) for each in (x, y))
    return percentile_interval(weighted_mmd2(x, y, w, v), level)


def kid_blocks(x: np.ndarray, y: np.ndarray, block: int = GM_BLOCK) -> tuple[float, float | None]:
    """Mean of the unbiased squared MMD over consecutive blocks, and its standard error.

    Args:
        x: (N, d), the real images in the order of their names.
        y: (M, d), the translations in the order of their names.
        block: images in a block of the larger set.

    Returns:
        (mean over blocks, sqrt(variance over blocks / blocks)), the variance with Bessel's
        correction; the error of a single block is None.

    Raises:
        ReplicateError: the sizes differ so much that a block would hold fewer than two images of
            the smaller set (the official code divides 0 by 0 there).

    Source: taki0112/GAN_Metrics-Tensorflow @9ced680,
        frechet_kernel_Inception_distance.py l. 242-300.
    """
    x, y = feature_pair(x, y, at_least=2, what="KID")
    blocks = math.ceil(max(len(x), len(y)) / block)
    if min(len(x), len(y)) // blocks < 2:
        raise ReplicateError(
            f"KID in {blocks} blocks of {block} leaves blocks with fewer than 2 images: sets of "
            f"{len(x)} real and {len(y)} fake images; take sets of similar size"
        )
    cuts_x, cuts_y = _cuts(len(x), blocks), _cuts(len(y), blocks)
    values = [
        mmd2(x[cuts_x[i] : cuts_x[i + 1]], y[cuts_y[i] : cuts_y[i + 1]]) for i in range(blocks)
    ]
    error = math.sqrt(np.var(values, ddof=1) / blocks) if blocks > 1 else None
    return float(np.mean(values)), error


def kid_subsets(
    x: np.ndarray, y: np.ndarray, subset_size: int, subsets: int = 100, seed: int = 2020
) -> tuple[float, float]:
    """Mean and standard deviation of the unbiased squared MMD over random subsets.

    The draws are those of torch-fidelity, so that with its default seed 2020 equal features give
    equal numbers. The deviation shrinks with the subset size and is no error of the mean.

    Of float32 features the kernel is computed in float32, less its centre. At a KID of 0.001 from
    features with the mean of Inception's, 0.4, both numbers then lie within 1e-6 of their float64
    values (measured; torch-fidelity's within 4e-5).

    Args:
        x: (N, d), the translations, float32 or float64.
        y: (M, d), the real images.
        subset_size: images drawn from each set, without replacement; at least 2.
        subsets: number of draws.
        seed: start of a generator that nothing else uses.

    Returns:
        (mean over subsets, standard deviation over subsets without Bessel's correction).

    Raises:
        ReplicateError: subset_size exceeds a set; it is never shrunk silently.

    Source: toshas/torch-fidelity 0.4.0, metric_kid.py, kid_features_to_metric.
    """
    x, y = feature_pair(x, y, at_least=2, what="KID")
    check_subset(len(x), len(y), subset_size)
    first, second = _drawn(len(x), len(y), subset_size, subsets, seed)
    # Products of rows that both ways need, the matrices within a set being symmetric: all pairs of
    # images once, then their sums by indicator columns; or the pairs of each subset anew.
    once = (len(x) + len(y)) ** 2 * (x.shape[1] + subsets)
    anew = (2 * subset_size) ** 2 * x.shape[1] * subsets
    if once < anew:
        values = weighted_mmd2(x, y, _indicators(x, first), _indicators(y, second))
    else:
        values = np.array([mmd2(x[i], y[j]) for i, j in zip(first, second, strict=True)])
    return float(values.mean()), float(values.std())


def check_subset(n_fake: int, n_real: int, subset_size: int) -> None:
    """Nothing, or the error for subsets larger than a set or too small for the estimate."""
    smallest, name = min((n_fake, "fake"), (n_real, "real"))
    if subset_size > smallest:
        raise ReplicateError(
            f"KID subset {subset_size} > smallest set ({name}: {smallest}). Use subset <= "
            f"{smallest}; default here is min(n)/2 = {default_subset(n_fake, n_real)}."
        )
    if subset_size < 2:
        raise ReplicateError(f"KID subset {subset_size}: the unbiased estimate needs at least 2")


def default_subset(n_fake: int, n_real: int) -> int:
    """Half of the smaller set, so that subsets differ; at least 2."""
    return max(2, min(n_fake, n_real) // 2)


def _drawn(n: int, m: int, size: int, subsets: int, seed: int) -> np.ndarray:
    """(2, subsets, size), the images of each subset, drawn from the two sets in turn."""
    draws = np.random.RandomState(seed)
    pairs = [[draws.choice(k, size, replace=False) for k in (n, m)] for _ in range(subsets)]
    return np.swapaxes(pairs, 0, 1)


def _indicators(features: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(N, subsets) in the type of the features, 1 for the images of each subset, else 0."""
    columns = np.zeros((len(features), len(drawn)), features.dtype)
    columns[drawn, np.arange(len(drawn))[:, None]] = 1
    return columns


def _cuts(n: int, blocks: int) -> np.ndarray:
    """Where n images in order are cut into blocks that differ by one at most, the larger last."""
    sizes = np.full(blocks, n // blocks)
    sizes[blocks - n % blocks :] += 1
    return np.concatenate([[0], np.cumsum(sizes)])


def _sums(blocks: Iterator[tuple[slice, slice, np.ndarray]], n: int, m: int) -> Sums:
    """Row sums, column sums and the sum of squares over blocks of an (n, m) matrix."""
    rows, columns, squares = np.zeros(n), np.zeros(m), 0.0
    for i, j, values in blocks:
        rows[i] += values.sum(axis=1)
        columns[j] += values.sum(axis=0)
        squares += np.einsum("ij,ij->i", values, values).sum(dtype=np.float64)
    return Sums(rows, columns, squares)


def _within_sums(x: np.ndarray, centre: float) -> Sums:
    """The sums of the whole symmetric matrix from its blocks on and above the diagonal."""

    def mirrored() -> Iterator[tuple[slice, slice, np.ndarray]]:
        for i, j, values in within(x, centre, np.float64):
            yield i, j, values
            if i != j:
                yield j, i, values.T

    return _sums(mirrored(), len(x), len(x))


def _inner_square(xx: Sums) -> float:
    """Unbiased E h(x, x')^2, h the kernel with its expectations over x and over x' taken out.

    The sum of squares after U-centring (Szekely and Rizzo, Ann. Stat. 42 (2014), 2382): plain
    centring of a matrix whose diagonal is left out would leave a bias of order 1/n.
    """
    n = len(xx.rows)
    centred = xx.squares - 2 * xx.rows @ xx.rows / (n - 2) + xx.total**2 / ((n - 1) * (n - 2))
    return centred / (n * (n - 3))


def _cross_square(xy: Sums) -> float:
    """Unbiased E h(x, y)^2, the interaction mean square of a two-way table."""
    n, m = len(xy.rows), len(xy.columns)
    means = xy.rows @ xy.rows / m + xy.columns @ xy.columns / n - xy.total**2 / (n * m)
    return (xy.squares - means) / ((n - 1) * (m - 1))


def _linear_variance(
    within_sums: np.ndarray, across_means: np.ndarray, inner: float, cross: float
) -> float:
    """Unbiased variance of E k(x, x') - E k(x, y) over x; may come out negative.

    The sample variance of the row means also holds the kernel's own noise in each row, inner over
    n - 2 and the given one of the means across, which is taken off.
    """
    n = len(within_sums)
    witness = within_sums / (n - 2) - across_means
    return float(witness.var(ddof=1)) - inner / (n - 2) - cross


sys.modules[__name__].__class__ = Metric  # `replicate.metrics.kid(fake, real)`


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
