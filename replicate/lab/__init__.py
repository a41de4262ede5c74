"""The lab trains what is missing, here or on a cluster, by the same command.

`run` says what one run is, `state` what state it is in and whether it is stale, `execute` trains,
resumes or loads it; `parameters` and `budget_grid` say which runs a notebook and a budget ask for;
`engine` works them off as one graph (`graph`) whose jobs are `job`, on this machine (`machines`) or
by `slurm`. `fingerprint` and `definitions` say what decides a result.
"""

from collections.abc import Iterable, Sequence

from replicate.lab.parameters import Parameters, parameters
from replicate.lab.run import Run, make_run

__all__ = ["Parameters", "Run", "Runs", "ensure", "grid", "make_run", "parameters"]


class Runs(Sequence[Run]):
    """Runs in the order in which they were asked for."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    def __getitem__(self, i):
        return self._runs[i]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        from replicate.lab.state import Today, of

        today = Today()
        words = [(run, of(run, today).word) for run in self]
        return "\n".join(f"{run.title}: {word}, {run.folder.name}" for run, word in words)


def __getattr__(name: str):
    """`ensure`, imported where it is used: what only looks at runs starts without its packages."""
    if name != "ensure":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from replicate.lab.execute import ensure

    return ensure


def grid(params: Parameters) -> Runs:
    """All runs of `params`: what is missing is trained, what is broken resumed, the rest loaded."""
    from replicate.lab.execute import ensure

    return Runs(ensure(run, params.device, wait=True) for run in params.runs())
