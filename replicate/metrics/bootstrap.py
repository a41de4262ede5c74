"""Percentile bootstrap over images, with explicit seeds."""

import numpy as np

from replicate.errors import ReplicateError


def mean_interval(
    values: np.ndarray, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Bootstrap interval of the mean of per-image scores, such as PSNR, SSIM or IoU.

    Args:
        values: (N,) one score an image, N >= 2, finite. Below about 20 images the interval is
            too narrow, by a factor of sqrt((N - 1) / N) and for want of Student's t.
        draws: resamples of N images.
        seed: start of a generator that nothing else uses.
        level: coverage in (0, 1).

    Returns:
        (low, high), percentiles of the means of the draws, in the unit of the scores.

    Raises:
        ReplicateError: another layout, fewer than two images, a score that is not finite (PSNR of
            identical images), or a level outside (0, 1).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ReplicateError(
            f"scores of shape {values.shape}, expected (N,) with N >= 2; pass one score an image"
        )
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        raise ReplicateError(
            f"score of image {broken[0]} is {values[broken[0]]} ({len(broken)} of {len(values)} "
            "images are not finite); an interval of the mean needs finite scores, leave them out"
        )
    generator = np.random.default_rng(seed)
    means = [values[generator.integers(len(values), size=len(values))].mean() for _ in range(draws)]
    return percentile_interval(np.array(means), level)


def multiplicities(n: int, draws: int, generator: np.random.Generator) -> np.ndarray:
    """(n, draws) integers: how often each image occurs in each resample of n; columns sum to n."""
    counts = np.empty((n, draws), np.int32)
    for column in counts.T:
        column[:] = np.bincount(generator.integers(n, size=n), minlength=n)
    return counts


def percentile_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """The quantiles of the values that leave (1 - level) / 2 out on each side."""
    if not 0 < level < 1:
        raise ReplicateError(f"level {level}: expected a coverage in (0, 1), such as 0.95")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
