"""The last cell of a notebook: nothing that was asked for is missing or unexplained."""

from collections.abc import Iterable

import pandas as pd

from replicate.errors import ReplicateError
from replicate.lab import classes, recorded
from replicate.lab.notebook_parameters import Asked
from replicate.lab.run import Run
from replicate.lab.state import Today
from replicate.metrics.protocols import find
from replicate.report.tables.frames import one_budget

ENDLESS = ("psnr", "background_psnr")  # infinite where two images are identical


def check(scores: pd.DataFrame, params: Asked) -> str:
    """One line that counts what was checked; an error where anything is wrong.

    Args:
        scores: of `tables.of_runs` or `tables.scores`.
        params: what was asked for; each of its runs must have scores, at the budget shown.

    Raises:
        ReplicateError: a run without scores, another budget, a value that is missing without
            "not computed" and a reason, a value that is not finite, or methods that were not
            scored alike.
        UnknownName: a protocol that no table knows.
    """
    if (budget := one_budget(scores)) != params.shown():
        raise ReplicateError(f"the scores are of budget {budget}, expected {params.shown()}")
    runs = params.runs()
    scored = set(zip(scores["name"], scores["dataset"], scores["seed"], strict=True))
    for run in runs:
        if (recorded.name_of(run), run.dataset, run.seed) not in scored:
            word = recorded.word(run)
            raise ReplicateError(f"{run.title} has no scores, expected some: it is {word}")
    for row in scores.itertuples():
        _check_row(row)
    today = Today()
    here = [run for run in runs if recorded.word(run, today) != "missing"]
    _check_alike(_of(scores, here))  # records of several days may lack what is scored since
    explained = int(scores["value"].isna().sum())
    return (
        f"{len(scores)} scores of {scores['hash'].nunique()} runs at budget {budget}: "
        f"{len(scores) - explained} measured, {explained} not computed, with the reason beside them"
    )


def _of(scores: pd.DataFrame, runs: Iterable[Run]) -> pd.DataFrame:
    places = [(recorded.name_of(run), run.dataset, run.seed) for run in runs]
    return scores[pd.MultiIndex.from_frame(scores[["name", "dataset", "seed"]]).isin(places)]


def _check_row(row) -> None:
    place = f"{row.name} on {row.dataset}, {row.direction}, {row.metric} ({row.protocol})"
    if row.protocol not in classes.METRICS:
        find(row.protocol)
    if row.value != row.value:
        if "not computed" not in row.note:
            raise ReplicateError(
                f"{place}: no value and no reason; expected a number, or a note 'not computed: "
                "...': score the run again"
            )
    elif abs(row.value) == float("inf") and (row.metric not in ENDLESS or row.value < 0):
        raise ReplicateError(f"{place}: {row.value}; expected a finite number")


def _check_alike(scores: pd.DataFrame) -> None:
    """Every run of a data set has the scores of the others, but for those of attention maps."""
    plain = scores[~scores["metric"].str.startswith("attention")]
    # those of labelled sets are younger than some runs
    plain = plain[~plain["metric"].isin(classes.METRICS.values())]
    for dataset, group in plain.groupby("dataset"):
        cells = {
            name: set(zip(rows["direction"], rows["protocol"], strict=True))
            for name, rows in group.groupby(["name", "seed"])
        }
        measured = group[group["value"].notna()]  # what no run could compute, none lacks
        whole = set(zip(measured["direction"], measured["protocol"], strict=True))
        for (name, seed), pairs in cells.items():
            if lacking := sorted(whole - pairs):
                direction, protocol = lacking[0]
                raise ReplicateError(
                    f"{name} on {dataset}, seed {seed}, lacks {direction} {protocol}, which other "
                    "runs have; expected the same scores for all: score the run again"
                )
