"""One measured number together with what decides whether it may be compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """A number, its protocol and what stands beside it; plain values, never times 100.

    Attributes:
        metric: "kid", "fid", "psnr", "ssim", "attention_iou", ...
        value: the number; None where it was not computed, and `note` says why.
        protocol: the id that decides what the number may be compared with.
        spread: the dispersion named by `spread_kind`, in the unit of `value`.
        spread_kind: "standard error", "sd over images", ...; tables never mix two kinds.
        n_real: images of the target set.
        n_fake: images that are scored.
        extractor: id of the feature network with the start of its sha256; "" without one.
        floor: the same protocol between two sets of real images.
        floor_halves: the same between two halves of the real images.
        do_nothing: the same protocol with the input scored as the output.
        low, high: bounds of 95 % of bootstrap draws over images; None where the estimator does not
            allow it.
        note: what a reader must know beside the number, parts joined by "; ".
    """

    metric: str
    value: float | None
    protocol: str
    spread: float | None = None
    spread_kind: str = ""
    n_real: int | None = None
    n_fake: int | None = None
    extractor: str = ""
    floor: float | None = None
    floor_halves: float | None = None
    do_nothing: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def joined(*parts: str) -> str:
    """The parts that are not empty, joined as one note."""
    return "; ".join(part for part in parts if part)


def mean_score(metric: str, protocol: str, values: Sequence[float] | np.ndarray) -> Score:
    """The mean over images as a `Score`, with the standard deviation over images as spread.

    PSNR is infinite where two images are identical. A mean over them would be infinite however
    bad the rest is, so they are counted in the note and left out of the mean; only a set that is
    identical throughout has the value inf.

    Args:
        metric: name of the score.
        protocol: its protocol id.
        values: (N,), one per image, N >= 1; inf marks an identical pair.

    Returns:
        The mean of the finite values, `n_real` and `n_fake` N; inf with the note "identical" when
        no value is finite; `spread` is None below two finite values.
    """
    values = np.asarray(values, dtype=np.float64)
    finite = values[~np.isposinf(values)]
    n, identical = len(values), len(values) - len(finite)
    if not len(finite):
        return Score(metric, math.inf, protocol, n_real=n, n_fake=n, note="identical")
    spread = float(finite.std(ddof=1)) if len(finite) > 1 else None
    note = f"{identical} of {n} identical, mean over the rest" if identical else ""
    kind = "" if spread is None else "sd over images"
    return Score(metric, float(finite.mean()), protocol, spread, kind, n, n, note=note)
