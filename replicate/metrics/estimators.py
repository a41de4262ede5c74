"""The estimators of protocols: from features of two image sets to a value and its spread."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from replicate.metrics.fid import fid, rank_note
from replicate.metrics.inception_score import inception_score
from replicate.metrics.kid import default_subset, kid, kid_blocks, kid_interval, kid_subsets
from replicate.metrics.precision_recall import share_among

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


ESTIMATORS: dict[str, Callable[..., Estimate]] = {
    "full sample": full_kid,
    "consecutive blocks": block_kid,
    "random subsets": subset_kid,
    "frechet": frechet,
    "precision": precision,
    "recall": recall,
    "splits": score_of_classes,
}
# FID and precision see copies of an image as images that agree, and blocks and subsets have a
# spread of their own; only the full-sample KID leaves pairs of copies out.
INTERVALS: dict[str, Callable[[np.ndarray, np.ndarray], Interval]] = {"full sample": kid_interval}
