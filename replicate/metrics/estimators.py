"""The estimators of protocols: from features of two image sets to a value and its spread.

KID and FID have files of their own; inception score, precision and recall stand here.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, logsumexp

from replicate.errors import ReplicateError
from replicate.metrics.arrays import feature_pair
from replicate.metrics.class_rate import answers, probabilities
from replicate.metrics.fid import fid, rank_note
from replicate.metrics.kid import default_subset, kid, kid_blocks, kid_interval, kid_subsets

Interval = tuple[float, float] | None


class Estimate(NamedTuple):
    """A value, what stands after its "±", and a word on how it came about."""

    value: float
    spread: float | None = None
    note: str = ""


def full_kid(fake: np.ndarray, other: np.ndarray) -> Estimate:
    """KID over all pairs, with its standard error."""
    return Estimate(*kid(fake, other))


def block_kid(fake: np.ndarray, other: np.ndarray, block: int) -> Estimate:
    """KID over consecutive blocks, with the standard error over blocks."""
    return Estimate(*kid_blocks(other, fake, block))


def subset_kid(fake: np.ndarray, other: np.ndarray, subsets: int, subset_size: int = 0) -> Estimate:
    """KID over random subsets; size 0 stands for half of the smaller set."""
    size = subset_size or default_subset(len(fake), len(other))
    value, spread = kid_subsets(fake, other, size, subsets)
    return Estimate(value, spread, f"{subsets} subsets of {size}")


def frechet(fake: np.ndarray, other: np.ndarray) -> Estimate:
    """FID, with a note where the images are too few for its covariances."""
    note = rank_note(min(len(fake), len(other)), fake.shape[1])
    return Estimate(fid(fake, other), None, note)


def precision(fake: np.ndarray, other: np.ndarray, neighbours: int) -> Estimate:
    """The share of fake images that look real."""
    return Estimate(share_among(fake, other, neighbours))


def recall(fake: np.ndarray, other: np.ndarray, neighbours: int) -> Estimate:
    """The share of real images that could have been made."""
    return Estimate(share_among(other, fake, neighbours))


def score_of_classes(
    fake: np.ndarray, other: None, splits: int, classes: int, shuffle: int = -1
) -> Estimate:
    """Inception score of the first `classes` logits; `shuffle` is a seed, -1 keeps the order."""
    value, spread = inception_score(fake[:, :classes], splits, None if shuffle < 0 else shuffle)
    return Estimate(value, spread, f"{splits} splits")


def class_rate(fake: np.ndarray, other: None, classes: tuple[int, ...] = ()) -> Estimate:
    """The share of logits whose first answer lies in the classes, with its standard error."""
    return _mean(answers(fake, classes))


def class_probability(fake: np.ndarray, other: None, classes: tuple[int, ...] = ()) -> Estimate:
    """The mean probability of the classes, with its standard error."""
    return _mean(probabilities(fake, classes))


def _mean(values: np.ndarray) -> Estimate:
    n = len(values)
    return Estimate(float(values.mean()), float(values.std(ddof=1) / n**0.5) if n > 1 else None)


ESTIMATORS: dict[str, Callable[..., Estimate]] = {
    "full sample": full_kid,
    "consecutive blocks": block_kid,
    "random subsets": subset_kid,
    "frechet": frechet,
    "precision": precision,
    "recall": recall,
    "splits": score_of_classes,
    "class rate": class_rate,
    "class probability": class_probability,
}
# FID and precision see copies of an image as images that agree, and blocks and subsets have a
# spread of their own; only the full-sample KID leaves pairs of copies out.
INTERVALS: dict[str, Callable[[np.ndarray, np.ndarray], Interval]] = {"full sample": kid_interval}


def inception_score(
    logits: np.ndarray, splits: int = 10, seed: int | None = None
) -> tuple[float, float]:
    """Mean and standard deviation over splits of exp(mean KL(p(y|x) || p(y))).

    Args:
        logits: (N, K), N >= splits, before the softmax.
        splits: parts of nearly equal size; p(y) is the mean within a part. The score grows with
            the size of a part, so that numbers of other N or splits do not compare.
        seed: shuffles the images first, with the draws of torch-fidelity (its default is 2020);
            None keeps their order, as GAN_Metrics-Tensorflow does.

    Returns:
        (mean, standard deviation without Bessel's correction) over splits; the mean is in [1, K],
        1 where all predictions agree, K where each is certain and all classes are equally many.

    Raises:
        ReplicateError: fewer images than splits, or logits that are not finite.

    Source: Salimans et al., NeurIPS 2016 (arXiv 1606.03498), sec. 4; toshas/torch-fidelity 0.4.0,
        metric_isc.py, isc_features_to_metric; taki0112/GAN_Metrics-Tensorflow @9ced680,
        inception_score.py l. 36-43.
    """
    logits = _checked(logits, splits)
    n = len(logits)
    order = np.arange(n) if seed is None else np.random.RandomState(seed).permutation(n)
    cuts = [i * n // splits for i in range(splits + 1)]
    values = [_score(logits[order[start:stop]]) for start, stop in pairwise(cuts)]
    return float(np.mean(values)), float(np.std(values))


def _score(logits: np.ndarray) -> float:
    """The score of one split."""
    log_p = log_softmax(logits, axis=1)
    # In logarithms throughout: 0 * (log 0 - log 0) of a class that nobody chose would be NaN.
    log_marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    return float(np.exp((np.exp(log_p) * (log_p - log_marginal)).sum(axis=1).mean()))


def _checked(logits: np.ndarray, splits: int) -> np.ndarray:
    """The logits as float64, or the error that names what is wrong with them."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or not logits.size:
        raise ReplicateError(f"logits of shape {logits.shape}, expected (N, K) with N, K >= 1")
    if not 1 <= splits <= len(logits):
        raise ReplicateError(
            f"Inception score in {splits} splits of {len(logits)} images: every split needs an "
            f"image; take 1 to {len(logits)} splits or score more images"
        )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise ReplicateError(
            f"logits of image {broken[0]} are not finite ({len(broken)} of {len(logits)} images); "
            "check the images and the extractor"
        )
    return logits


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
