"""Runs that begin with another run's weights, and shorter runs of the same settings."""

from pathlib import Path

import torch

from replicate import checkpoint, paths, records
from replicate.errors import ReplicateError
from replicate.lab.published import find_runs
from replicate.lab.run import Run, title
from replicate.methods.base import Method

FIELD = "continued_from"


def mark(folder: Path) -> str:
    """`4abe7841-3000`: what a run that begins with the weights in `folder` says of its start.

    Raises:
        ReplicateError: the run has no checkpoint.
    """
    saved = checkpoint.generations(folder)
    if not saved:
        raise ReplicateError(f"no checkpoint in {folder}; train that run first")
    return f"{records.read(folder)['hash']}-{checkpoint.iteration_of(saved[0])}"


def begin(method: Method, run: Run) -> None:
    """Gives a method that was just built the weights that its run begins with, if it names any.

    Optimisers, learning rates and the order of images start anew, as of any run.

    Raises:
        ReplicateError: the named run is not here, has gone on since, or has other networks.
    """
    origin = getattr(run.config, FIELD)
    if not origin:
        return
    digest, _, iteration = origin.partition("-")
    here = [f for f in find_runs(paths.results()) if f.name.endswith(f"-{digest}")]
    if not here:
        raise ReplicateError(
            f"{run.title} begins with the weights of run {digest}, which is not below "
            f"{paths.results()}; put it there, or name another with --continue-from"
        )
    state = checkpoint.load(here[0], torch.device("cpu"))
    if state is None or state["iteration"] != int(iteration):
        at = "no checkpoint" if state is None else f"iteration {state['iteration']}"
        raise ReplicateError(
            f"{here[0]} is at {at}, expected iteration {iteration}, with which {run.title} begins; "
            "name it anew with --continue-from"
        )
    try:
        method.load_state_dict(state["method"])
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ReplicateError(
            f"{here[0]} has other networks than {run.title}: {reason}; expected a run of the same "
            "method and sizes"
        ) from None


def shorter(run: Run) -> list[Path]:
    """The trained runs here that differ from this one in their number of iterations alone."""
    mine, folders = run.identity(), []
    for folder in find_runs(paths.results()):
        record = records.read(folder)
        other = {key: record[key] for key in mine}
        differ = {k for k in mine["config"] if other["config"].get(k) != mine["config"][k]}
        same = all(other[key] == mine[key] for key in mine if key != "config")
        less = (record["config"].get("iterations") or 0) < (run.config.iterations or 0)
        if same and differ == {"iterations"} and less and checkpoint.generations(folder):
            folders.append(folder)
    return folders


def told(run: Run) -> str:
    """What `train` says of shorter runs of the same settings; empty where there are none."""
    lines = []
    for folder in shorter(run):
        record = records.read(folder)
        lines.append(
            f"{title(record)} is here with {record['iterations']} iterations. Its schedule was "
            f"squeezed into them, so {run.title} is trained from its start; --continue-from "
            f"{folder.name} would begin with its weights, as a run of its own"
        )
    return "\n".join(lines)
