"""What a paper says in words, tried on measured scores by a stated rule; nobody types a verdict.

Claims are data: `[[claim]]` in the paper's file in `data/reported/`.
"""

from collections.abc import Iterable
from math import inf, nan, sqrt
from typing import NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replicate import reported
from replicate.errors import ReplicateError, unknown

SEEDS = 3  # fewer give no standard deviation worth the name
VERDICTS = ("reproduced", "within seed noise", "not reproduced", "not comparable", "not run")
RULE = (
    f"noise = 2 sqrt(sd_left^2 / n_left + sd_right^2 / n_right), over {SEEDS} or more seeds; "
    "reproduced: difference - noise >= margin; not reproduced: difference + noise < margin; else "
    "within seed noise. Of the directions the worst one decides."
)
CEILING, IDLE, BOTH = "ceiling", "do nothing", "both"
CEILING_METRIC = "attention_iou_ceiling"
KEPT = "background_psnr"  # what a copy of the input keeps best
CLOSED = "collapsed to 0"  # how the note of such a run's attention begins
COLUMNS = ["claim", "text", "dataset", "budget", "direction", "left", "right", "difference"]
NUMBERS = ["left", "right", "difference", "noise"]
COLUMNS += ["noise", "margin", "unit", "n", "here", "verdict", "reason"]


class Claim(BaseModel):
    """One claim: the score of `method` exceeds that of `than` by at least `margin`.

    `than` is a METHOD[:VARIANT]; "ceiling", where the difference is the share of the IoU ceiling
    that is reached; or "do nothing", the input scored as output. `direction` is "both" or one
    direction in words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    source: str = Field(min_length=1)
    metric: str
    protocol: str
    method: str
    than: str
    margin: float
    unit: str
    direction: str


class Side(NamedTuple):
    """One side of a comparison: a value for each seed, and what they were measured with."""

    values: pd.Series
    extractors: frozenset[str]
    lack: str = ""  # why there are no values


def of_paper(key: str) -> list[Claim]:
    """The claims of a paper in their order, checked.

    Args:
        key: a name of `reported.keys()`.

    Raises:
        UnknownName: a key of a claim is none.
        ReplicateError: a key is missing, of the wrong type, or an id stands twice.
    """
    return parse(reported.load(key).claims, key)


def verdicts(scores: pd.DataFrame, key: str) -> pd.DataFrame:
    """The verdict on every claim of a paper, one row for each data set, budget and direction.

    Args:
        scores: of `tables.scores` or `tables.of_runs`.
        key: the paper's, such as "mejjati2018aggan".

    Returns:
        `claim, text, dataset, budget, direction, left, right, difference, noise, margin, unit, n`
        (seeds on each side), `here` (what this direction alone gives), `verdict` (of all
        directions: the worst) and `reason`. The verdict is one of `VERDICTS`, by `RULE`; "not run"
        where a side has fewer than 3 seeds, and the difference is shown all the same; "not
        comparable" for smoke runs, other protocols or feature networks, and backgrounds that a
        method keeps because its attention closed, which makes its output a copy of the input. A
        claim of which nothing is measured has one row.
    """
    return judged(scores, of_paper(key))


def judged(scores: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """The same for any claims."""
    rows, scores = [], scores.assign(closed=_is_closed(scores))
    for claim in claims:
        tried = scores[scores["metric"].isin(_metrics(claim))]
        tried = tried[tried["name"].isin([claim.method, claim.than])]
        if claim.direction != BOTH:
            tried = tried[tried["direction"] == claim.direction]
        if tried.empty:
            rows.append(_row(claim, "not run") | {"reason": f"no scores of {claim.method}"})
        for _, group in tried.groupby(["dataset", "budget"]):
            rows += _together(claim, group)
    return pd.DataFrame(rows, columns=COLUMNS)


def parse(entries: Iterable[dict[str, object]], key: str) -> list[Claim]:
    """The `[[claim]]` entries of the file `key`.toml, checked; raises what `of_paper` does."""
    claims = [_parse(entry, key) for entry in entries]
    ids = [claim.id for claim in claims]
    for name in ids:
        if ids.count(name) > 1:
            raise ReplicateError(f"{key}.toml: claim {name!r} stands twice; expected once")
    return claims


def _parse(entry: dict[str, object], key: str) -> Claim:
    try:
        return Claim.model_validate(entry)
    except ValidationError as error:
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    name = str(first["loc"][-1])
    if first["type"] == "extra_forbidden":
        raise unknown(f"key of a claim in {key}.toml", name, Claim.model_fields)
    raise ReplicateError(f"{key}.toml, claim {entry.get('id', '?')!r}, {name}: {first['msg']}")


def _metrics(claim: Claim) -> list[str]:
    return [claim.metric, CEILING_METRIC] if claim.than == CEILING else [claim.metric]


def _is_closed(scores: pd.DataFrame) -> pd.Series:
    """For each score, whether its run let nothing of a painting through in its direction."""
    runs = pd.MultiIndex.from_frame(scores[["name", "dataset", "budget", "direction", "seed"]])
    closed = scores["note"].str.startswith(CLOSED).to_numpy()
    return pd.Series(runs.isin(runs[closed]), index=scores.index)


def _together(claim: Claim, group: pd.DataFrame) -> list[dict]:
    """The rows of one data set at one budget, under the verdict of the worst direction."""
    rows = [
        _try(claim, each) | {"dataset": dataset, "budget": budget, "direction": direction}
        for (dataset, budget, direction), each in group.groupby(["dataset", "budget", "direction"])
    ]
    worst = max((row["here"] for row in rows), key=VERDICTS.index)
    if claim.direction == BOTH and len(rows) < 2:
        return [row | {"verdict": "not run", "reason": "one direction only"} for row in rows]
    return [row | {"verdict": worst} for row in rows]


def _try(claim: Claim, group: pd.DataFrame) -> dict:
    """One direction: both sides, their difference, its noise and the verdict on it alone."""
    left, right = _sides(claim, group)
    row = _row(claim, "not run") | {
        "left": left.values.mean(), "right": right.values.mean(),
        "n": f"{len(left.values)}, {len(right.values)}",
    }  # fmt: skip
    if inf in {*left.values, *right.values}:
        return row | {"here": "not comparable", "reason": "an infinite value has no spread"}
    difference, noise = _difference(claim, left.values, right.values)
    row["difference"] = difference
    least = min(len(left.values), len(right.values))
    if reason := _incomparable(claim, group, left, right):
        return row | {"here": "not comparable", "reason": reason}
    if least < SEEDS:
        lack = left.lack or right.lack or f"needs {SEEDS} seeds, has {least}"
        return row | {"reason": lack}
    stale = "stale: code or images changed since training" if group["stale"].any() else ""
    return row | {
        "noise": noise, "here": judge(difference, noise, claim.margin), "reason": stale
    }  # fmt: skip


def _difference(claim: Claim, left: pd.Series, right: pd.Series) -> tuple[float, float]:
    """What is held against the margin, and its noise: of means, or of the share seed by seed."""
    if claim.than == CEILING:
        share = left / right
        return share.mean(), 2 * sqrt(_variance(share))
    return left.mean() - right.mean(), 2 * sqrt(_variance(left) + _variance(right))


def _variance(values: pd.Series) -> float:
    """Of the mean over seeds; NaN below two."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else nan


def judge(difference: float, noise: float, margin: float) -> str:
    """Reproduced, not reproduced, or within seed noise, by `RULE`."""
    if difference - noise >= margin:
        return "reproduced"
    if difference + noise < margin:
        return "not reproduced"
    return "within seed noise"


def _sides(claim: Claim, group: pd.DataFrame) -> tuple[Side, Side]:
    left = _side(group, claim, claim.method)
    if claim.than == CEILING:
        return left, _side(group, claim.model_copy(update={"metric": CEILING_METRIC}), claim.method)
    if claim.than == IDLE:
        return left, _side(group, claim, claim.method, "do_nothing")
    return left, _side(group, claim, claim.than)


def _side(group: pd.DataFrame, claim: Claim, name: str, column: str = "value") -> Side:
    """The values of a method by seed."""
    own = group[(group["name"] == name) & (group["metric"] == claim.metric)]
    own = own[own["protocol"] == claim.protocol]
    values = own.set_index("seed")[column].dropna().astype(float)
    if values.index.has_duplicates:
        raise ReplicateError(f"{name} has two scores for one seed; expected one run a seed")
    lack = "" if len(values) else f"no scores of {name}"
    return Side(values, frozenset(own["extractor"]), lack)


def _incomparable(claim: Claim, group: pd.DataFrame, left: Side, right: Side) -> str:
    """Why the two sides may not be compared; empty where they may."""
    if (group["budget"] == "smoke").any():
        return "smoke runs prove that the code executes, no more"
    lacking = [n for n, s in ((claim.method, left), (claim.than, right)) if s.lack]
    if others := set(group.loc[group["name"].isin(lacking), "protocol"]) - {claim.protocol}:
        return f"measured by other protocols: {_joined(others | {claim.protocol})}"
    if claim.metric == KEPT and len(closed := group[group["closed"]]):
        named = {f"{row.name}, seed {row.seed}" for row in closed.itertuples(index=False)}
        return f"copies of the input, attention closed: {'; '.join(sorted(named))}"
    if left.values.size and right.values.size and left.extractors != right.extractors:
        return f"other feature networks: {_joined(left.extractors | right.extractors)}"
    return ""


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _row(claim: Claim, verdict: str) -> dict:
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS, nan) | {
        "claim": claim.id, "text": claim.text, "margin": claim.margin, "unit": claim.unit,
        "here": verdict, "verdict": verdict,
    }  # fmt: skip
