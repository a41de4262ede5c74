"""Whether a new seed gives what the published ones foretell: claim by claim, in lines.

A prediction interval is for one new value. So a seed that is itself among the published ones is
left out of the interval that it is held against.
"""

from collections.abc import Iterable, Iterator
from math import isfinite, nan

import pandas as pd

from replicate.report.claims.entries import BOTH, Claim
from replicate.report.claims.judging import pairs, sides
from replicate.report.claims.rule import LEVEL, prediction_interval

GAIN = "gain"
INSIDE, OUTSIDE, NONE = "inside", "OUTSIDE", "no interval"
AMONG = "among the published; the interval is that of the others"
COLUMNS = ["paper", "claim", "text", "dataset", "budget", "direction", "what", "unit", "seed"]
COLUMNS += ["here", "low", "high", "n", "answer", "note"]
PLACE = ["dataset", "budget", "direction"]


def foretold(local: pd.DataFrame, published: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """Each claim's gain and the values of its arms, one seed at a time, beside their intervals.

    Args:
        local: scores of this machine, as of `tables.of_runs`.
        published: scores of the published records.

    Returns:
        A row for each claim all of whose arms are among the local scores of its data set, each
        direction, each seed that all of them have, and each of: an arm's value, the gain. `here` is
        the local number; `low` to `high` the prediction interval of the `n` other published seeds;
        `answer` inside, OUTSIDE or no interval, with the reason in `note`.
    """
    rows = [row for claim in claims for row in _rows(claim, local, published)]
    return pd.DataFrame(rows, columns=COLUMNS)


def lines(rows: pd.DataFrame, page: str) -> list[str]:
    """The rows of `foretold` as text, a heading for each claim, and at the end how many lie inside.

    Args:
        page: where the published intervals stand, as the user finds it.
    """
    if rows.empty:
        return ["no claim has all its arms among these runs"]
    said = [f"{LEVEL:.0%} prediction intervals for one more seed, from {page}:"]
    for (paper, claim), group in rows.groupby(["paper", "claim"], sort=False):
        said.append(f"{paper}, {claim}: {group['text'].iloc[0]} ({group['unit'].iloc[0]})")
        said += [_line(row) for row in group.to_dict("records")]
    counts = rows["answer"].value_counts()
    inside, outside = counts.get(INSIDE, 0), counts.get(OUTSIDE, 0)
    known = inside + outside
    said.append(
        f"{inside} of {known} inside; by chance about {known * (1 - LEVEL):.1f} of {known} would "
        "lie outside"
    )
    among = sorted(set(rows.loc[rows["note"] == AMONG, "seed"]))
    if among:
        seeds = ", ".join(map(str, among))
        said.append(f"published itself, so left out of its intervals: seed {seeds}")
    return said


def untried(rows: pd.DataFrame, local: pd.DataFrame, claims: Iterable[Claim]) -> list[str]:
    """Of each claim without a row in `rows`, of `foretold`, a line with what `local` lacks."""
    tried, said = set(zip(rows["paper"], rows["claim"], strict=True)), []
    for claim in claims:
        if (claim.paper, claim.id) in tried:
            continue
        names = set(_own(local, claim)["name"])
        lacking = [arm for arm in claim.arms if arm not in names]
        why = f"needs {' and '.join(lacking)}" if lacking else f"no {claim.metric} of one seed"
        said.append(f"not tried, {why} on {claim.dataset}: {claim.paper}, {claim.id}")
    return said


def published_intervals(claim: Claim, published: pd.DataFrame) -> Iterator[dict]:
    """The prediction intervals of a claim: for each direction those of its arms and of the gain."""
    scores = _own(published, claim)
    for place, group in scores.groupby(PLACE):
        for what, values in _values(claim, group).items():
            yield dict(zip(PLACE, place, strict=True)) | {"what": what} | _interval(values)


def _rows(claim: Claim, local: pd.DataFrame, published: pd.DataFrame) -> Iterator[dict]:
    about = {"paper": claim.paper, "claim": claim.id, "text": claim.text, "unit": claim.unit}
    theirs = dict(list(_own(published, claim).groupby(PLACE)))
    for place, group in _own(local, claim).groupby(PLACE):
        where = about | dict(zip(PLACE, place, strict=True))
        for seed in pairs(claim, group).index:
            known = _values(claim, theirs[place]) if place in theirs else {}
            for what, values in _values(claim, group).items():
                row = {"what": what, "seed": int(seed), "here": float(values[seed])}
                yield where | row | _held(row, known.get(what, pd.Series(dtype=float)))


def _own(scores: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The scores on the claim's data set, in its directions."""
    scores = scores[scores["dataset"] == claim.dataset]
    return scores if claim.direction == BOTH else scores[scores["direction"] == claim.direction]


def _values(claim: Claim, group: pd.DataFrame) -> dict[str, pd.Series]:
    """What is foretold, by seed: the values of the arms, and the gain."""
    arms = {side.name: side.values for side in sides(claim, group)[: len(claim.arms)]}
    return arms | {GAIN: pairs(claim, group)["gain"]}


def _held(row: dict, published: pd.Series) -> dict:
    """The interval of the other seeds and whether the local value lies in it."""
    others = published[published.index != row["seed"]]
    interval = _interval(others)
    if interval["note"]:
        return interval | {"answer": NONE}
    inside = interval["low"] <= row["here"] <= interval["high"]
    note = AMONG if len(others) < len(published) else ""
    return interval | {"answer": INSIDE if inside else OUTSIDE, "note": note}


def _interval(values: pd.Series) -> dict:
    """`low`, `high` and `n` of published values, or in `note` why there is none."""
    known = values.dropna()
    note = ""
    if len(known) < 2:
        note = f"{len(known)} published seed{'s' * (len(known) != 1)}; an interval needs 2"
    elif not all(map(isfinite, known)):
        note = "an infinite value is published: copies of the input"
    low, high = (nan, nan) if note else prediction_interval(known.tolist())
    return {"low": low, "high": high, "n": len(known), "note": note}


def _line(row: dict) -> str:
    start = f"  {row['direction']}, {row['what']}: {row['here']:.4g} (seed {row['seed']}) "
    if row["answer"] == NONE:
        return f"{start}{NONE}: {row['note']}"
    return f"{start}{row['answer']} {row['low']:.4g} to {row['high']:.4g}, {row['n']} seeds"
