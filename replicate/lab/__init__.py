"""The lab trains what is missing, here or on a cluster, by the same command.

`run` says what one run is, `state` what state it is in and whether it is stale, `execute` trains,
resumes or loads it; `notebook_parameters` and `budget_grid` say which runs a notebook and a budget
ask for; `engine` works them off as one graph (`graph`) whose jobs are `job`, on this machine
(`machines`) or by `slurm`. `fingerprint` and `definitions` say what decides a result.

No module is named like a function here: its import would take the function's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replicate.lab.notebook_parameters import Parameters
    from replicate.lab.run import Run

__all__ = ["Parameters", "Run", "Runs", "ensure", "grid", "make_run", "parameters"]

PLACES = {  # imported where they are used: a job must choose its GPU before it imports torch
    "Parameters": "notebook_parameters",
    "parameters": "notebook_parameters",
    "Run": "run",
    "make_run": "run",
    "ensure": "execute",
}


class Runs(Sequence):
    """Runs in the order in which they were asked for; shown as their number in each state."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    def __getitem__(self, i):
        return self._runs[i]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        from collections import Counter

        from replicate.lab import recorded
        from replicate.lab.state import Today

        today = Today()
        words = Counter(recorded.word(run, today) for run in self)
        said = ", ".join(f"{n} {word}" for word, n in words.items())
        how = "; `train: true` trains here what is not" if words[recorded.WORD] else ""
        return f"{len(self)} runs: {said}{how}"


def __getattr__(name: str):
    """What `PLACES` names, from its module."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)


def grid(params: Parameters) -> Runs:
    """All runs of `params`: what is missing is trained, what is broken resumed, the rest loaded.

    Without `params.train` nothing is trained: what this machine does not have is read from the
    published records, see `recorded.here_or_recorded`.
    """
    from replicate.lab.execute import ensure
    from replicate.lab.recorded import Recorded, here_or_recorded

    if params.train:
        return Runs(ensure(run, params.device, wait=True) for run in params.runs())
    shown = here_or_recorded(params.runs())
    return Runs(
        run if isinstance(run, Recorded) else ensure(run, params.device, wait=True) for run in shown
    )
