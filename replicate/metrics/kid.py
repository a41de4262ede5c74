"""Kernel distance (KID) of two feature sets and the estimators under which papers print it."""

import math

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair

GM_BLOCK = 10


def kid(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD of the full samples, and the standard error of this estimate.

    The variance of the estimator splits by Hoeffding's decomposition into uncorrelated parts: one
    linear in each sample, which vanishes when both come from one distribution, and one from each
    block of the kernel matrix with its row and column means taken out, which does not. Each part
    is estimated without bias; only the linear one, which noise can make negative, is kept >= 0.
    So the error is valid with and without a difference between the sets.

    Args:
        x: (N, d), N >= 4.
        y: (M, d), M >= 4.

    Returns:
        (value, standard error); the value is near 0 for sets of one distribution, and may be
        negative. It treats the images as independent draws.

    Source: Binkowski et al., ICLR 2018 (arXiv 1801.01401), sec. 4; Hoeffding, Ann. Math. Stat. 19
        (1948), sec. 5, for the decomposition.
    """
    x, y = feature_pair(x, y, at_least=4, what="the standard error of KID")
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = xy.shape
    inner_xx, inner_yy, inner_xy = _inner_square(xx), _inner_square(yy), _cross_square(xy)
    linear_x = _linear_variance(xx, xy, inner_xx, inner_xy)
    linear_y = _linear_variance(yy, xy.T, inner_yy, inner_xy)
    linear = max(0.0, 4 * linear_x / n + 4 * linear_y / m)
    pairs = 2 * inner_xx / (n * (n - 1)) + 2 * inner_yy / (m * (m - 1)) + 4 * inner_xy / (n * m)
    return _mmd2(xx, yy, xy), math.sqrt(max(0.0, linear + pairs))


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

    Args:
        x: (N, d), the translations.
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
    smallest, name = min((len(x), "fake"), (len(y), "real"))
    if subset_size > smallest:
        raise ReplicateError(
            f"KID subset {subset_size} > smallest set ({name}: {smallest}). Use subset <= "
            f"{smallest}; default here is min(n)/2 = {default_subset(len(x), len(y))}."
        )
    if subset_size < 2:
        raise ReplicateError(f"KID subset {subset_size}: the unbiased estimate needs at least 2")
    draws = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        first = x[draws.choice(len(x), subset_size, replace=False)]
        second = y[draws.choice(len(y), subset_size, replace=False)]
        values.append(mmd2(first, second))
    return float(np.mean(values)), float(np.std(values))


def default_subset(n_fake: int, n_real: int) -> int:
    """Half of the smaller set, so that subsets differ; at least 2."""
    return max(2, min(n_fake, n_real) // 2)


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD of two samples of at least two images each, cubic kernel."""
    return _mmd2(kernel(x, x), kernel(y, y), kernel(x, y))


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, M) float64, (x.y / d + 1)^3 of every pair of rows of (N, d) and (M, d)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _cuts(n: int, blocks: int) -> np.ndarray:
    """Where n images in order are cut into blocks that differ by one at most, the larger last."""
    sizes = np.full(blocks, n // blocks)
    sizes[blocks - n % blocks :] += 1
    return np.concatenate([[0], np.cumsum(sizes)])


def _mmd2(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> float:
    n, m = xy.shape
    within_x = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    within_y = (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within_x + within_y - 2 * xy.mean())


def _inner_square(xx: np.ndarray) -> float:
    """Unbiased E h(x, x')^2, h the kernel with its expectations over x and over x' taken out."""
    n = len(xx)
    off = xx - np.diag(np.diag(xx))
    rows = off.sum(axis=1)
    # U-centring (Szekely and Rizzo, Ann. Stat. 42 (2014), 2382): plain centring of a matrix whose
    # diagonal is left out would leave a bias of order 1/n.
    centred = off - (rows[:, None] + rows[None]) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return float((centred**2).sum() / (n * (n - 3)))


def _cross_square(xy: np.ndarray) -> float:
    """Unbiased E h(x, y)^2, the interaction mean square of a two-way table."""
    n, m = xy.shape
    centred = xy - xy.mean(axis=0) - xy.mean(axis=1, keepdims=True) + xy.mean()
    return float((centred**2).sum() / ((n - 1) * (m - 1)))


def _linear_variance(within: np.ndarray, across: np.ndarray, inner: float, cross: float) -> float:
    """Unbiased variance of E k(x, x') - E k(x, y) over x; may come out negative.

    The sample variance of the row means also holds the kernel's own noise in each row, inner over
    n - 2 and cross over m, which is taken off.
    """
    n, m = across.shape
    witness = (within.sum(axis=1) - np.diag(within)) / (n - 2) - across.mean(axis=1)
    return float(witness.var(ddof=1)) - inner / (n - 2) - cross / m
