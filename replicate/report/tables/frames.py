"""All measured scores as one frame, each row with the state of the run that made it."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from replicate import paths, records
from replicate.errors import ReplicateError
from replicate.lab.published import check_alone, find_runs
from replicate.lab.run import COLUMNS, Run, method_name, read_record
from replicate.lab.state import Today
from replicate.records import CLASSES, SCORES
from replicate.report.tables.catalogue import CEILING, SHARE

PSEUDO = "pseudo masks"  # what every cell, column and panel says that rests on such masks
STATE = ["name", "stale", "precision", "hash", "commit", "dirty", "hours", "settings", "note"]
NUMBERS = ["value", "spread", "n_real", "n_fake", "floor", "do_nothing"]
WHOLE = ["seed", "iteration"]
CELL = ["dataset", "direction", "name", "metric", "protocol"]


def scores(root: Path, budget: str | None = None) -> pd.DataFrame:
    """The scores of all finished runs or records below a results folder.

    Args:
        root: `paths.results()` or `paths.published()`.
        budget: only runs of this budget; None: all.

    Returns:
        The columns of `scores.csv` and `name` (METHOD[:VARIANT]), `stale` (the code, or this
        machine's images, changed since training), `precision`, `hash`, `commit`, `dirty`, `hours`,
        `settings` (the configuration as JSON) and `note`; no rows where nothing is finished.

    Raises:
        ReplicateError: one method stands there with two configurations, a run twice; or a record
            or scores are damaged.
    """
    return _frame(find_runs(root, budget))


def of_runs(runs: Iterable[Run]) -> pd.DataFrame:
    """The same as `scores` for those of the given runs that are finished on this machine."""
    return _frame(run.folder for run in runs)


def one_budget(scores: pd.DataFrame) -> str:
    """The budget of all rows.

    Raises:
        ReplicateError: there are no rows, or rows of several budgets.
    """
    budgets = sorted(scores["budget"].unique())
    if not budgets:
        raise ReplicateError(
            "no finished run to show, expected at least one: `replicate status` lists the runs, "
            "`replicate train METHOD` starts or resumes one"
        )
    if len(budgets) > 1:
        raise ReplicateError(
            f"budgets {' and '.join(budgets)} in one table; expected one: their numbers do not "
            f"compare. Select one, as in tables.scores(root, {budgets[0]!r})"
        )
    return budgets[0]


def by_size(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores, with the size behind the name of a data set that has runs of several sizes.

    Scores of one protocol compare at one size of the images alone.
    """
    cropped, whole = (
        scores["settings"].str.extract(rf'"{side}": (\d+)', expand=False)
        for side in ("crop_size", "test_size")
    )
    size = whole.fillna(cropped)
    several = size.groupby(scores["dataset"]).transform("nunique") > 1
    named = scores["dataset"] + " at " + size + " px"
    return scores.assign(dataset=named.where(several, scores["dataset"]))


def with_share(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores, with the share of its ceiling after each attention IoU and without ceilings."""
    key = ["name", "dataset", "direction", "seed", "hash"]
    ceilings = scores.loc[scores["metric"] == CEILING].set_index(key)["value"]
    shares = scores[scores["metric"] == "attention_iou"].copy()
    ceiling = ceilings.reindex(pd.MultiIndex.from_frame(shares[key])).to_numpy()
    for column in ("value", "do_nothing", "floor"):
        shares[column] = shares[column] / ceiling
    shares = shares.assign(metric=SHARE, spread=float("nan"), spread_kind="")
    others = scores[scores["metric"] != CEILING]
    return pd.concat([others, shares], ignore_index=True)


def by_pseudo_masks(scores: pd.DataFrame) -> set[tuple[str, str]]:
    """The (data set, protocol) pairs whose scores rest on masks that a network made."""
    marked = scores[scores["note"].str.contains(PSEUDO)]
    return set(zip(marked["dataset"], marked["protocol"], strict=True))


def means(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: mean and standard deviation over seeds of what was measured.

    Returns:
        `dataset, direction, name, metric, protocol, method, variant, budget, value` (the mean of
        the finite values; inf where all are), `sd` (NaN below two), `n` (finite values),
        `identical` (infinite ones), `floor`, `do_nothing` (means), `stale`, `precision`,
        `extractor`.

    Raises:
        ReplicateError: values of two extractors in one cell.
    """
    columns = {name: scores[name].to_numpy() for name in scores}
    rows = []
    # plain arrays: a data frame for each of thousands of cells takes seconds
    for cell, places in scores.groupby(CELL, sort=False).indices.items():
        group = {name: column[places] for name, column in columns.items()}
        value = group["value"].astype(float)
        # a row without a value (weights out of reach when it was scored) has nothing to mix
        extractors = sorted(set(group["extractor"][~np.isnan(value)]))
        if len(extractors) > 1:
            raise _two_extractors(cell, extractors)
        endless = value == np.inf
        finite = value[~endless & ~np.isnan(value)]
        rows.append(
            dict(zip(CELL, cell, strict=True))
            | {key: group[key][0] for key in ("method", "variant", "budget", "extractor")}
            | {
                "value": _mean(finite) if len(finite) or not endless.any() else np.inf,
                "sd": finite.std(ddof=1) if len(finite) > 1 else np.nan,
                "n": len(finite),
                "identical": int(endless.sum()),
                "floor": _mean(group["floor"].astype(float)),
                "do_nothing": _mean(group["do_nothing"].astype(float)),
                "stale": bool(group["stale"].any()),
                "precision": " and ".join(sorted(set(group["precision"]))),
            }
        )
    names = ["method", "variant", "budget", "extractor", "value", "sd", "n", "identical"]
    names += ["floor", "do_nothing", "stale", "precision"]
    return pd.DataFrame(rows, columns=CELL + names)


def _mean(values: np.ndarray) -> float:
    """Of what is there; NaN of nothing."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else np.nan


def _two_extractors(cell: tuple[str, ...], extractors: list[str]) -> ReplicateError:
    return ReplicateError(
        f"{' / '.join(cell)} mixes the extractors {' and '.join(extractors)}; expected one: score "
        "these runs again with the same weights"
    )


def _frame(folders: Iterable[Path]) -> pd.DataFrame:
    every = [(folder, read_record(folder)) for folder in folders]
    scored = [pair for pair in every if _is_scored(*pair)]
    if not scored:
        return pd.DataFrame(columns=COLUMNS + STATE)
    check_alone(scored)
    today = Today()
    return pd.concat([_read(*pair, today) for pair in scored], ignore_index=True)


def _is_scored(folder: Path, record: dict) -> bool:
    return record.get("status") == "finished" and SCORES in records.kept(folder, record)


def _read(folder: Path, record: dict, today: Today) -> pd.DataFrame:
    """One run's scores with its state."""
    kinds = dict.fromkeys(COLUMNS, str) | dict.fromkeys(NUMBERS, float) | dict.fromkeys(WHOLE, int)
    names = [name for name in (SCORES, CLASSES) if name in records.kept(folder, record)]
    options = {"dtype": kinds, "usecols": COLUMNS}
    read = [records.table(folder, name, record, **options)[COLUMNS] for name in names]
    frame = pd.concat(read, ignore_index=True)
    texts = [name for name in COLUMNS if kinds[name] is str]
    frame[texts] = frame[texts].fillna("")
    notes = record.get("notes", {})
    keys = frame["direction"] + " " + frame["protocol"]
    return frame.assign(
        name=method_name(record["method"], record["label"]),
        stale=bool(today.changed(record, _is_local(folder)) or today.outdated(record)),
        precision=record["precision"],
        hash=record["hash"],
        commit=record["commit"],
        dirty=record["dirty"],
        hours=float(record["hours"]),
        settings=json.dumps(record["config"], sort_keys=True),
        note=[notes.get(key, "") for key in keys],
    )


def _is_local(folder: Path) -> bool:
    """Whether this machine trained the run, on its own images; published tables look at none."""
    return folder.is_relative_to(paths.results())
