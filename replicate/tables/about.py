"""What a run cost and what its networks hold."""

from collections.abc import Iterable

import pandas as pd
import torch

from replicate.experiment.run import Run, parameter_counts
from replicate.methods import METHODS
from replicate.tables.catalogue import ABSENT

RUNS = ["run", "state", "iterations", "images/s", "hours", "peak memory, MB", "threads"]
RUNS += ["precision", "device", "commit"]


def runs_table(runs: Iterable[Run]) -> pd.DataFrame:
    """What each run cost, as text: `-` for what a run that is not finished has not got yet.

    Returns:
        `run, state, iterations, images/s, hours, peak memory, threads, precision, device, commit`
        (ten digits, with a plus where the code differed from it).
    """
    return pd.DataFrame([_run(run) for run in runs], columns=RUNS)


def networks(runs: Iterable[Run]) -> pd.DataFrame:
    """Trainable parameters of one network of each kind, at the paper's sizes and in these runs.

    Returns:
        `method, network, paper, budget`: one row a kind of network of each method and variant, the
        last column named after the runs' budgets.
    """
    runs = list({(run.method, run.label, run.budget): run for run in runs}.values())
    rows = []
    for run in runs:
        with torch.device("meta"):
            here = METHODS[run.method](run.config).counts()
        paper = parameter_counts(run.method, run.variant)
        name = run.title.partition(" on ")[0]
        rows += [
            {"method": name, "network": kind, "paper": f"{n:,}", run.budget: f"{here[kind]:,}"}
            for kind, n in paper.items()
        ]
    columns = dict.fromkeys(["method", "network", "paper", *(run.budget for run in runs)])
    return pd.DataFrame(rows, columns=list(columns))


def short_commit(commit: str, dirty: bool) -> str:
    """Ten digits of a commit, with a plus where the code differed from it."""
    return commit[:10] + "+" * dirty


def _run(run: Run) -> dict[str, object]:
    record = run.record()
    shown = [record.get(key, ABSENT) for key in ("iterations", "images_per_second", "hours")]
    shown += [record.get(key, ABSENT) for key in ("peak_memory_mb", "threads", "precision")]
    commit = short_commit(record["commit"], record["dirty"]) if record else ABSENT
    values = [run.title, run.state(), *shown, record.get("device", ABSENT), commit]
    return dict(zip(RUNS, map(str, values), strict=True))
