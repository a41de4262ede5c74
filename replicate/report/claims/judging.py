"""Claims on measured scores: both arms seed by seed, the gain, its interval and the verdict."""

from collections.abc import Iterable, Sequence
from math import inf, nan
from typing import NamedTuple

import pandas as pd

from replicate.errors import ReplicateError
from replicate.evaluation import PIXELS
from replicate.metrics.power import NO_POWER, network_of, weak
from replicate.report.claims.entries import (
    BOTH,
    CEILING,
    CEILING_METRIC,
    IDLE,
    Claim,
    designs,
    of_paper,
)
from replicate.report.claims.rule import PAIRS, VERDICTS, judge, over_seeds

KEPT = "background_psnr"  # what a copy of the input keeps best
ATTENTION = "attention_"  # how the metrics of maps begin
COLLAPSED, CLOSED = "collapsed", "collapsed to 0"  # how the note of such a run's attention begins
NUMBERS = ["left", "right", "gain", "low", "high", "effect"]
COLUMNS = ["paper", "claim", "text", "dataset", "budget", "direction", "method", "against"]
COLUMNS += ["metric", "protocol", *NUMBERS, "margin", "unit", "n", "here", "verdict", "reason"]


class Side(NamedTuple):
    """One arm: a value for each seed, and what they were measured with."""

    name: str
    values: pd.Series
    extractors: frozenset[str]


def verdicts(scores: pd.DataFrame, key: str) -> pd.DataFrame:
    """The verdict on every claim of a paper, one row for each budget and direction.

    Args:
        scores: of `tables.scores` or `tables.of_runs`.
        key: the paper's, such as "mejjati2018aggan".

    Returns:
        `paper, claim, text, dataset, budget, direction, method, against, metric, protocol`; `left`
        and `right`, the means of the two arms over the seeds that both have; `gain`, `low` to
        `high`, its interval, and `effect`, of `over_seeds`, in the sense of the prediction (left
        minus right where that is equivalence); `margin, unit, n` (pairs), `here` (what this
        direction alone gives), `verdict` (of all directions: the worst) and `reason`. A claim of
        which nothing is measured on its data set has one row. At budget paper every data set
        decides.
    """
    return judged(scores, of_paper(key))


def judged(scores: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """The same for any claims."""
    rows, scores = [], _with_collapse(scores)
    for claim in claims:
        tried = _tried(scores, claim)
        tried = tried[(tried["dataset"] == claim.dataset) | (tried["budget"] == "paper")]
        if tried.empty:
            lack = _unmeasured(scores, claim)
            rows.append(_row(claim) | {"dataset": claim.dataset, "reason": lack})
        for _, group in tried.groupby(["dataset", "budget"]):
            rows += _together(claim, group)
    return pd.DataFrame(rows, columns=COLUMNS)


def elsewhere(scores: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """What the arms of claims measure on data sets that decide nothing, where both have a seed.

    Returns:
        The columns of `verdicts` without `here` and `verdict`.
    """
    rows, scores = [], _with_collapse(scores)
    for claim in claims:
        tried = _tried(scores, claim)
        tried = tried[(tried["dataset"] != claim.dataset) & (tried["budget"] != "paper")]
        for _, group in tried.groupby(["dataset", "budget", "direction"]):
            row = _try(claim, group, decides=False)
            if row["n"]:
                shown = row["reason"] if row["here"] == "not comparable" else ""
                rows.append(row | {"reason": shown})
    return pd.DataFrame(rows, columns=COLUMNS).drop(columns=["here", "verdict"])


def pairs(claim: Claim, scores: pd.DataFrame) -> pd.DataFrame:
    """What is compared, seed by seed.

    Args:
        scores: of one data set, budget and direction.

    Returns:
        `left`, `right` and `gain`, indexed by the seeds that both arms have.
    """
    left, right = sides(claim, scores)
    both = pd.DataFrame({"left": left.values, "right": right.values}).dropna()
    if claim.against == CEILING:
        return both.assign(gain=both["left"] / both["right"])
    sign = -1 if claim.prediction == "lower" else 1
    return both.assign(gain=sign * (both["left"] - both["right"]))


def sides(claim: Claim, scores: pd.DataFrame) -> tuple[Side, Side]:
    """The two arms; the second one's values are ceilings or baselines where no arm stands there."""
    left = _side(scores, claim, claim.metric, claim.method)
    if claim.against == CEILING:
        return left, _side(scores, claim, CEILING_METRIC, claim.method)
    if claim.against == IDLE:
        return left, _side(scores, claim, claim.metric, claim.method, "do_nothing")
    return left, _side(scores, claim, claim.metric, claim.against)


def _unmeasured(scores: pd.DataFrame, claim: Claim) -> str:
    """Why there is no score to try a claim on."""
    lack = f"no {claim.metric} of {claim.method} on {claim.dataset}"
    needs, _ = PIXELS.get(claim.protocol, ((), None))
    here = scores[scores["name"].isin(claim.arms) & (scores["budget"] == "paper")]
    if "mask" not in needs or here.empty:
        return lack
    return (
        f"no {claim.metric} on {_joined(here['dataset'])}: photographs have no masks. `replicate "
        "score FAKE REAL --source INPUTS --mask MASKS` takes a folder of them; say so where a "
        "network made them (pseudo masks)"
    )


def _tried(scores: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The scores of both arms, under any protocol."""
    metrics = [claim.metric, *([CEILING_METRIC] if claim.against == CEILING else [])]
    metrics += ["kid"] if claim.metric == "fid" else []  # which tells of its power
    tried = scores[scores["metric"].isin(metrics) & scores["name"].isin(claim.arms)]
    return tried if claim.direction == BOTH else tried[tried["direction"] == claim.direction]


def _with_collapse(scores: pd.DataFrame) -> pd.DataFrame:
    """For each score, whether its run's attention collapsed in its direction, and whether to 0."""
    runs = pd.MultiIndex.from_frame(scores[["name", "dataset", "budget", "direction", "seed"]])
    flags = {}
    for column, note in (("collapsed", COLLAPSED), ("closed", CLOSED)):
        flags[column] = runs.isin(runs[scores["note"].str.startswith(note).to_numpy()])
    return scores.assign(**flags)


def _together(claim: Claim, group: pd.DataFrame) -> list[dict]:
    """The rows of one data set at one budget, under the verdict of the worst direction."""
    rows = [_try(claim, scores) for _, scores in group.groupby("direction")]
    if claim.direction == BOTH and len(rows) < 2:
        return [row | {"verdict": "not run", "reason": "one direction only"} for row in rows]
    worst = max((row["here"] for row in rows), key=VERDICTS.index)
    return [row | {"verdict": worst} for row in rows]


def _try(claim: Claim, group: pd.DataFrame, decides: bool = True) -> dict:
    """One direction: both arms, the gain, its interval and the verdict on it alone.

    Args:
        decides: whether the data set decides the claim, for which its score must have power.
    """
    place = {key: group[key].iloc[0] for key in ("dataset", "budget", "direction")}
    paired = pairs(claim, group)
    row = _row(claim) | place | {"n": len(paired)}
    row |= {"left": paired["left"].mean(), "right": paired["right"].mean()}
    if reason := _incomparable(claim, group) or (decides and _powerless(claim, group)):
        return row | {"here": "not comparable", "reason": reason}
    gain, low, high, effect, n = over_seeds(paired["gain"].tolist())
    row |= {"gain": gain, "low": low, "high": high, "effect": effect}
    if n < PAIRS:
        return row | {"reason": _missing(claim, group, n)}
    stale = "stale: code or images changed since training" if group["stale"].any() else ""
    return row | {"here": judge(low, high, claim.margin, claim.prediction), "reason": stale}


def _side(group: pd.DataFrame, claim: Claim, metric: str, name: str, column: str = "value") -> Side:
    """The values of a method by seed."""
    of_metric = (group["metric"] == metric) & (group["protocol"] == claim.protocol)
    scores = group[(group["name"] == name) & of_metric]
    values = scores.set_index("seed")[column].dropna().astype(float)
    if values.index.has_duplicates:
        raise ReplicateError(f"{name} has two scores for one seed; expected one run a seed")
    return Side(name, values, frozenset(scores["extractor"]))


def _missing(claim: Claim, group: pd.DataFrame, n: int) -> str:
    """Which seeds of which arm a verdict waits for."""
    arms = [side for side in sides(claim, group) if side.name in claim.arms]
    for arm in arms:
        if arm.values.empty:
            return f"no {claim.metric} of {arm.name}"
    dataset = group["dataset"].iloc[0]
    wanted = [seed for d in designs() if d.dataset == dataset for seed in d.seeds] or range(PAIRS)
    lacking = {arm.name: [s for s in wanted if s not in arm.values.index] for arm in arms}
    named = [f"{name} lacks {_seeds(seeds)}" for name, seeds in lacking.items() if seeds]
    return f"needs {PAIRS} paired seeds, has {n}" + (": " if named else "") + "; ".join(named)


def _incomparable(claim: Claim, group: pd.DataFrame) -> str:
    """Why the two arms may not be compared; empty where they may."""
    left, right = sides(claim, group)
    if (group["budget"] == "smoke").any():
        return "smoke runs prove that the code executes, no more"
    for side in (left, right):
        if inf in set(side.values):
            copies = side.values.index[side.values == inf]
            return f"infinite, copies of the input: {side.name}, {_seeds(copies)}"
    lacking = [side.name for side in (left, right) if side.values.empty]
    if others := set(group.loc[group["name"].isin(lacking), "protocol"]) - {claim.protocol}:
        return f"measured by other protocols: {_joined(others | {claim.protocol})}"
    if claim.metric == KEPT and len(closed := group[group["closed"]]):
        return f"copies of the input, attention closed: {_runs(closed)}"
    walkover = group[(group["name"] == claim.against) & group["collapsed"]]
    if claim.metric.startswith(ATTENTION) and len(walkover):
        return f"no map to compare with, attention collapsed: {_runs(walkover)}"
    if left.values.size and right.values.size and left.extractors != right.extractors:
        return f"other feature networks: {_joined(left.extractors | right.extractors)}"
    return ""


def _powerless(claim: Claim, group: pd.DataFrame) -> str:
    """Why no verdict may rest on a score that cannot tell doing nothing from real images."""
    protocol = claim.protocol
    if protocol.startswith("fid/"):  # which has no standard error, so its network's KID tells
        protocol = f"kid/{network_of(protocol)}"
    if any(name == protocol for *_, name in weak(group)):
        return f"{NO_POWER}: {claim.protocol} gives inputs and real images the same score"
    return ""


def _runs(scores: pd.DataFrame) -> str:
    """The runs of scores in words."""
    return "; ".join(f"{name}, {_seeds(group['seed'])}" for name, group in scores.groupby("name"))


def _seeds(seeds: Iterable[int]) -> str:
    """`seed 1` or `seeds 0, 1`."""
    numbers: Sequence[int] = sorted({int(seed) for seed in seeds})
    return f"seed{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _row(claim: Claim) -> dict:
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS, nan) | {
        "paper": claim.paper, "claim": claim.id, "text": claim.text, "method": claim.method,
        "against": claim.against, "metric": claim.metric, "protocol": claim.protocol,
        "margin": claim.margin, "unit": claim.unit, "n": 0, "here": "not run", "verdict": "not run",
    }  # fmt: skip
