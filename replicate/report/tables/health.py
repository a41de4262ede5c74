"""Which runs have a known fault, and the numbers of all of them."""

from pathlib import Path

import pandas as pd

from replicate.lab import health as records
from replicate.lab.known_faults import FAULTS
from replicate.lab.published import find_runs
from replicate.lab.run import method_name, read_record
from replicate.report.tables.catalogue import ABSENT, method_order
from replicate.report.tables.pages import Page, Table

HEALTH = "health"  # stem of the files
CELL = ["dataset", "direction", "method"]
RUN = ["dataset", "method", "seed"]
TIDY = [*CELL, "seed", "fault", "value", "found", "images"]
LEGEND = (
    "A fault is a reason to look at the pictures, not a score. Each number is of one direction of "
    "one run at its last iteration, over all test images, or over the eight of its picture where "
    "`images` says 8. The limits were set by looking at the pictures of 63 finished runs at 64 px, "
    "that of checkered attention later, at 63 with maps."
)
MEANS = "Means over seeds; `(fault)` where one of them is a fault."


def health(root: Path, budget: str | None = None) -> pd.DataFrame:
    """Every number of the finished runs or records below a results folder.

    Args:
        root: `paths.results()` or `paths.published()`.
        budget: only runs of this budget; None: all.

    Returns:
        `dataset, direction, method` (METHOD[:VARIANT]), `seed, fault` (a key of
        `known_faults.FAULTS`), `value, found` (whether it is a fault) and `images`; no rows where
        no run has a `health.csv`.
    """
    frames = []
    for folder in find_runs(root, budget):
        record, frame = read_record(folder), records.read(folder)
        if record["status"] != "finished" or frame.empty:
            continue
        last = frame[frame["iteration"] == frame["iteration"].max()]
        name = method_name(record["method"], record["label"])
        frames.append(
            last.assign(dataset=record["dataset"], method=name, seed=record["seed"]).assign(
                found=[
                    FAULTS[f].found(v) for f, v in zip(last["fault"], last["value"], strict=True)
                ]
            )[TIDY]
        )
    if not frames:
        return pd.DataFrame(columns=TIDY)
    every = pd.concat(frames, ignore_index=True)
    place = {fault: i for i, fault in enumerate(FAULTS)}
    order = every["method"].map(method_order), every["fault"].map(place)
    every = every.assign(_method=order[0], _fault=order[1])
    keys = ["dataset", "direction", "_method", "seed", "_fault"]
    return every.sort_values(keys, kind="stable", ignore_index=True)[TIDY]


def health_page(root: Path, budget: str) -> list[Page]:
    """The page of a budget's runs; none where no run has its numbers."""
    every = health(root, budget)
    if every.empty:
        return []
    rules = [
        {"fault": f.title, "number": f.number, "rule": f.rule, "because": f.reason}
        for f in FAULTS.values()
    ]
    faulty = every[every["found"]]
    runs, count = (len(frame.drop_duplicates(RUN)) for frame in (every, faulty))
    parts = [LEGEND, Table("", pd.DataFrame(rules))]
    parts += ["## Faults found", f"{count} of {runs} runs have one."]
    parts += [Table("", _found(faulty))] if count else []
    parts += ["## All numbers", MEANS, Table("", _numbers(every))]
    return [Page(f"Health of runs, budget {budget}", parts, every)]


def faults(root: Path, budget: str) -> pd.DataFrame:
    """The faults found in the runs of a budget, as text; no rows where there is none.

    Returns:
        `dataset, direction, method, fault, seeds` (those that have it) and `worst number`.
    """
    every = health(root, budget)
    return _found(every[every["found"].astype(bool)])


def _found(faulty: pd.DataFrame) -> pd.DataFrame:
    """One row for each fault of a method in a direction: which seeds, and the worst number."""
    rows = []
    for (*cell, fault), group in faulty.groupby([*CELL, "fault"], sort=False):
        worst = group["value"].min() if FAULTS[fault].low else group["value"].max()
        seeds = ", ".join(map(str, group["seed"]))
        about = {"fault": FAULTS[fault].title, "seeds": seeds, "worst number": f"{worst:.3g}"}
        rows.append(dict(zip(CELL, cell, strict=True)) | about)
    return pd.DataFrame(rows, columns=[*CELL, "fault", "seeds", "worst number"])


def _numbers(every: pd.DataFrame) -> pd.DataFrame:
    """One row for each method and direction, one column for each fault."""
    rows = []
    for cell, numbers in every.groupby(CELL, sort=False):
        row = dict(zip(CELL, cell, strict=True)) | {"seeds": numbers["seed"].nunique()}
        for fault, about in FAULTS.items():
            group = numbers[numbers["fault"] == fault]
            text = f"{group['value'].mean():.3g}" if len(group) else ABSENT
            row[about.title] = f"{text} (fault)" if group["found"].any() else text
        rows.append(row | {"images": numbers["images"].min()})
    return pd.DataFrame(rows)
