"""What a set of runs will do and how long it takes, measured on this machine beforehand."""

from collections.abc import Iterable
from typing import NamedTuple

from replicate import checkpoint
from replicate.lab import state
from replicate.lab.execute import seconds_per_step
from replicate.lab.run import Run
from replicate.lab.state import Today

OVERHEAD = 1.25  # sampling, checkpoints and scoring, and two runs that share caches and memory


class Planned(NamedTuple):
    """One run: its state, steps left, seconds a step and seconds in all (0 when trained)."""

    run: Run
    state: str
    steps: int
    per_step: float
    seconds: float


def plan(runs: Iterable[Run], device: str) -> list[Planned]:
    """Ten steps of every kind of run are timed; runs of one kind share the measurement."""
    timed: dict[tuple, tuple[float, int]] = {}
    planned, today = [], Today()
    for run in runs:
        word = state.of(run, today).word
        if word in ("scored", "trained", "stale"):
            planned.append(Planned(run, word, 0, 0.0, 0.0))
            continue
        kind = (run.method, run.label, run.dataset)
        if kind not in timed:
            timed[kind] = seconds_per_step(run, device)
        per_step, total = timed[kind]
        saved = checkpoint.generations(run.folder)
        left = total - (checkpoint.iteration_of(saved[0]) if saved else 0)
        planned.append(Planned(run, word, left, per_step, left * per_step * OVERHEAD))
    return planned


def makespan(planned: Iterable[Planned], jobs: int) -> float:
    """Seconds until all are done, `jobs` at a time, each next one to the first that is free."""
    free = [0.0] * jobs
    for each in planned:
        free[free.index(min(free))] += each.seconds
    return max(free)
