"""Quality against cost: what a method's numbers took in hours, seconds an image and memory."""

from pathlib import Path

import pandas as pd

from replicate.lab.published import find_runs
from replicate.lab.run import method_name, read_record
from replicate.methods.base import DIRECTIONS
from replicate.report.tables import catalogue
from replicate.report.tables.catalogue import ABSENT, SHARE, number
from replicate.report.tables.frames import (
    PSEUDO,
    by_pseudo_masks,
    means,
    one_budget,
    with_share,
)
from replicate.report.tables.markdown import escape
from replicate.report.tables.pages import Page, Table
from replicate.report.tables.summary import cell_text

QUALITY = (
    ("kid", "kid/inception"), ("kid", "kid/efficientnet-lite0"),
    ("class_rate", "class-rate/efficientnet-lite0"), ("kid", "kid/standin"),
    (SHARE, "attention/iou-0.5"),
)  # fmt: skip
COST = ["hours", "seconds_per_image", "peak_memory_mb"]
PLACE = ["dataset", "direction", "name"]
HEADS = ["hours", "ms a training image", "peak memory, MB"]
LEGEND = (
    "Quality is the mean over seeds, as in the tables of the data sets. Hours and time an image "
    "(forward, backward and update) are the least over seeds, because other work on the machine "
    "only ever adds to them; memory is the most over seeds. Hours are those of training with its "
    "samples and checkpoints."
)
BUSY = 1.25  # hours over processor hours of a run on one thread; alone on its core it has 1.0


def costs(root: Path, budget: str) -> pd.DataFrame:
    """What training took, a row for each data set and METHOD[:VARIANT].

    Args:
        root: `paths.results()` or `paths.published()`; its finished runs are read.
        budget: "laptop" or "paper".

    Returns:
        `dataset, name, hours` (least over seeds), `seconds_per_image` (least), `peak_memory_mb`
        (most), `seeds` (their number) and `device`; NaN for what a record does not hold.
    """
    rows = [
        {
            "dataset": record["dataset"],
            "name": method_name(record["method"], record["label"]),
            "hours": record["hours"],
            "seconds_per_image": 1 / (record.get("images_per_second") or float("nan")),
            "peak_memory_mb": record.get("peak_memory_mb", float("nan")),
            "device": record.get("device", ABSENT),
        }
        for record in _finished(root, budget)
    ]
    columns = ["dataset", "name", *COST, "seeds", "device"]
    if not rows:
        return pd.DataFrame(columns=columns)
    groups = pd.DataFrame(rows).groupby(["dataset", "name"], sort=True)
    frame = groups[COST].min()
    frame["peak_memory_mb"] = groups["peak_memory_mb"].max()
    frame["seeds"] = groups.size()
    frame["device"] = groups["device"].agg(lambda names: ", ".join(sorted(set(names))))
    return frame.reset_index()[columns]


def contention(root: Path, budget: str) -> str:
    """Which hours other work on the machine made longer, and of how many runs nobody can tell."""
    finished = _finished(root, budget)
    known = [record for record in finished if _ratio(record) is not None]
    busy = {_place(record): _ratio(record) for record in _quickest(finished) if _is_busy(record)}
    parts = []
    if busy:
        names = "; ".join(f"{name}, {ratio:.1f} times" for name, ratio in sorted(busy.items()))
        parts.append(
            f"Hours marked `busy` are more than {BUSY} times the processor's, because the run "
            f"shared its core: {names}."
        )
    if unknown := len(finished) - len(known):
        which = f"all {unknown}" if unknown == len(finished) else f"{unknown} of {len(finished)}"
        parts.append(
            f"Of {which} runs no processor time is on record that would tell whether they shared "
            "their core: their hours may be too long, never too short."
        )
    return " ".join(parts)


def _finished(root: Path, budget: str) -> list[dict]:
    records = [read_record(folder) for folder in find_runs(root, budget)]
    return [record for record in records if record["status"] == "finished"]


def _ratio(record: dict) -> float | None:
    """Hours over processor hours; None where that tells nothing of the machine."""
    used = record.get("processor_hours")
    is_alone = record.get("device") == "cpu" and record.get("threads") == 1
    return record["hours"] / used if used and is_alone else None


def _is_busy(record: dict) -> bool:
    return (_ratio(record) or 0.0) > BUSY


def _place(record: dict) -> str:
    return f"{method_name(record['method'], record['label'])} on {record['dataset']}"


def _quickest(records: list[dict]) -> list[dict]:
    """Of each method and data set the run whose hours are shown."""
    quickest: dict[str, dict] = {}
    for record in records:
        first = quickest.setdefault(_place(record), record)
        if record["hours"] < first["hours"]:
            quickest[_place(record)] = record
    return list(quickest.values())


def quality_and_cost(scores: pd.DataFrame, root: Path) -> pd.DataFrame:
    """KID and attention IoU beside cost, as numbers: a row a data set, direction and method.

    Args:
        scores: of `tables.scores(root, budget)`.
        root: where the records lie that tell what their runs took.

    Returns:
        `dataset, direction, name`, a column for each of `QUALITY` that was measured, named by its
        protocol, then those of `costs`.

    Raises:
        ReplicateError: no scores, or scores of several budgets.
    """
    cells = _quality(_gathered(scores))
    wide = cells.pivot(index=PLACE, columns="protocol", values="value")
    wide = wide[[protocol for _, protocol in QUALITY if protocol in wide]].reset_index()
    spent = costs(root, one_budget(scores))
    return wide.rename_axis(columns=None).merge(spent, on=["dataset", "name"])


def cost(scores: pd.DataFrame, root: Path) -> pd.DataFrame:
    """The same as text, `mean ± sd (seeds)` as in other tables; arguments and errors as there."""
    scores = _gathered(scores)
    cells, budget = _quality(scores), one_budget(scores)
    spent = costs(root, budget).set_index(["dataset", "name"])
    busy = {_place(record) for record in _quickest(_finished(root, budget)) if _is_busy(record)}
    pseudo = by_pseudo_masks(scores)
    qualities = {
        (*cell[PLACE], (cell["metric"], cell["protocol"])): cell_text(cell)
        + f", {PSEUDO}" * ((cell["dataset"], cell["protocol"]) in pseudo)
        for _, cell in cells.iterrows()
    }
    shown = [pair for pair in QUALITY if any(pair == key[3] for key in qualities)]
    places = set(scores[PLACE].itertuples(index=False, name=None))
    rows = []
    for place in sorted(places, key=lambda key: (*key[:2], catalogue.method_order(key[2]))):
        row = dict(zip(("dataset", "direction", "method"), place, strict=True))
        row |= {catalogue.column(*pair): qualities.get((*place, pair), ABSENT) for pair in shown}
        hours, seconds, memory = spent.loc[(place[0], place[2]), COST]
        mark = " (busy)" if f"{place[2]} on {place[0]}" in busy else ""
        texts = [number(hours, 2) + mark, number(seconds * 1e3, 0), number(memory, 0)]
        rows.append(row | dict(zip(HEADS, texts, strict=True)))
    return pd.DataFrame(rows)


def cost_page(scores: pd.DataFrame, root: Path) -> Page:
    """The page of all data sets; its data are those of `quality_and_cost`."""
    budget = one_budget(scores)
    parts: list[str | Table] = [LEGEND, *filter(None, [contention(root, budget)])]
    for dataset, rows in cost(scores, root).groupby("dataset"):
        parts += [f"## {escape(dataset)}", Table("", rows.drop(columns="dataset"))]
    title = f"Quality against cost, budget {budget}"
    return Page(title, parts, quality_and_cost(scores, root))


def _gathered(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores, those of a set of many domains as means over its directions, which a run pays for
    together."""
    parts = []
    for _, rows in scores.groupby("dataset", sort=False):
        if (ways := rows["direction"].nunique()) > len(DIRECTIONS):
            of_run = ["name", "seed", "metric", "protocol"]
            how = dict.fromkeys(rows.columns.difference(of_run), "first") | {"value": "mean"}
            means_of_runs = rows.groupby(of_run, sort=False).agg(how).reset_index()
            rows = means_of_runs[rows.columns].assign(direction=f"mean of {ways} directions")
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _quality(scores: pd.DataFrame) -> pd.DataFrame:
    """The means of what `QUALITY` names, where measured."""
    chosen = scores[scores["protocol"].isin([protocol for _, protocol in QUALITY])]
    cells = means(with_share(chosen))
    pairs = pd.MultiIndex.from_frame(cells[["metric", "protocol"]])
    return cells[pairs.isin(QUALITY) & cells["value"].notna()]
