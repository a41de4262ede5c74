"""Whether a score can tell doing nothing from perfection on these images: its power.

The floor scores other real images as output, do-nothing the input. Where the two lie together, a
good translation and none at all have the same number, and no order of methods by it means anything.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

from replicate.metrics.score import Score, joined

if TYPE_CHECKING:
    from pandas import DataFrame

NO_POWER = "no power here"
ERRORS = 3.0  # standard errors of the difference within which two numbers count as one
LOWER, HIGHER = ("kid", "fid"), ("class_rate", "class_probability")  # is better
PLACE = ["dataset", "direction"]
NEEDED = ("metric", "floor", "do_nothing", "spread", "n_real")  # of a score, by `lacks_power`
WHY = f"{NO_POWER}: doing nothing lies within {ERRORS:.0f} standard errors of real images"


def lacks_power(metric: str, floor: float, do_nothing: float, spread: float, n: float) -> bool:
    """Whether doing nothing cannot be told from real images.

    Args:
        metric: one of `LOWER` and `HIGHER`; no other score is judged.
        floor: of real images; for `HIGHER` the rate that they reach.
        do_nothing: of the inputs.
        spread: the standard error of the score. Floor and do-nothing are scores of about as many
            images and have about that error, too; their difference then has sqrt(2) times it. A
            rate of 0 has error 0 whatever `n`, so that of the real images' rate counts instead.
        n: real images.

    Returns:
        False where any number is missing (NaN): nothing is known then.
    """
    if metric in LOWER:
        return do_nothing - floor <= ERRORS * sqrt(2) * spread
    if metric in HIGHER:
        return floor - do_nothing <= ERRORS * sqrt(2 * max(floor * (1 - floor), 0) / n)
    return False


def network_of(protocol: str) -> str:
    """`standin` of `kid/standin`; the KID of a network tells of its FID, which has no error."""
    return protocol.partition("/")[2]


def with_power(scores: Sequence[Score]) -> list[Score]:
    """The scores of one pair of sets, with `WHY` in the notes of those without power."""
    weak = {
        (score.metric, network_of(score.protocol))
        for score in scores
        if None not in (getattr(score, name) for name in NEEDED)
        and "standard error" in score.spread_kind
        and lacks_power(*(getattr(score, name) for name in NEEDED))
    }
    weak |= {("fid", network) for metric, network in weak if metric == "kid"}
    return [
        replace(score, note=joined(score.note, WHY))
        if (score.metric, network_of(score.protocol)) in weak
        else score
        for score in scores
    ]


def weak(scores: "DataFrame") -> set[tuple[str, str, str]]:
    """The places without power: (data set, direction, protocol).

    Args:
        scores: with the columns of `scores.csv`, without which nothing is known; of a place the
            means over its runs count. A FID, which has no error, is as its network's KID.
    """
    if not {*NEEDED, "spread_kind"} <= set(scores):
        return set()
    errors = scores["spread_kind"].fillna("").str.contains("standard error")
    numbers = list(NEEDED[1:])
    known = scores[errors][[*PLACE, "metric", "protocol", *numbers]].dropna()
    if known.empty:
        return set()
    cells = known.groupby([*PLACE, "metric", "protocol"])[numbers].mean()
    found = {
        (place[0], place[1], place[3])
        for place, row in cells.iterrows()
        if lacks_power(place[2], *row[numbers])
    }
    kids = {(*key[:2], network_of(key[2])) for key in found if key[2].startswith("kid/")}
    return found | {(*key[:2], f"fid/{key[2]}") for key in kids}
