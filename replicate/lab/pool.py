"""Runs trained a few at a time on the cores of this machine, the longest first.

Each is a process of its own. The time left follows from the iterations that the run folders tell.
Not a graph of `replicate.lab`: Snakemake neither starts the longest job first, which eight runs on
two cores need to end together, nor knows how far a job is.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from replicate import checkpoint, paths
from replicate.lab.plan import Planned, makespan
from replicate.lab.run import Run, method_name, read_record

EVERY = 30.0  # s between two lines about the time left
LOOK = 0.5  # s between two looks at the processes
KNOWN = 0.05  # share of a run after which its own pace tells more than the plan's ten steps
FINAL = 0.02  # share of a run's time that its scoring takes, after the last iteration


@dataclass
class Working:
    """A run in training: its process, when it began, and since when and from where it moves on."""

    planned: Planned
    process: subprocess.Popen
    began: float
    share: float  # done at the last look
    moving: float = 0.0  # when it was first seen to be farther; 0: not yet
    moved: float = 0.0  # how far it was then

    def look(self, now: float) -> None:
        """Takes the share that is done from the run's folder."""
        self.share = share_done(self.planned.run.folder)
        if not self.moving and self.share > self.moved:
            self.moving, self.moved = now, self.share

    def rest(self, now: float) -> float:
        """Seconds that the run still takes: by its own pace once that is known."""
        if not self.moving or self.share - self.moved < KNOWN:
            return max(self.planned.seconds - (now - self.began), 0.0)
        return (1 - self.share + FINAL) * self.pace(now)

    def pace(self, now: float) -> float:
        """Seconds for the whole of the run, at the speed seen."""
        return (now - self.moving) / (self.share - self.moved)


def longest_first(planned: Iterable[Planned]) -> list[Planned]:
    """What is left to train or to score, in an order that leaves no core idle at the end."""
    return sorted((p for p in planned if p.state != "scored"), key=lambda p: -p.seconds)


def train_all(
    planned: Sequence[Planned],
    jobs: int,
    command: Callable[[Run], Sequence[str]],
    say: Callable[[str], None] = lambda text: print(text, flush=True),
    every: float = EVERY,
) -> list[Run]:
    """Trains runs, `jobs` at a time in the order given, and says how far they are.

    A run that fails does not hold the others up. Whatever ends this process but SIGKILL ends its
    runs, too; a run that outlived it is waited for by the next start.

    Args:
        command: what trains a run; it finds its way on from a checkpoint.
        every: s between two lines about the time left.

    Returns:
        The runs whose command failed; each has a log, which `log` names.
    """
    waiting, working, failed = list(planned), [], []
    before = signal.signal(signal.SIGTERM, _leave)
    told = time.monotonic()
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                working.append(_begin(waiting.pop(0), command))
            if time.monotonic() - told >= every:
                told = time.monotonic()
                say(_left(working, waiting, jobs))
            time.sleep(LOOK)
            for each in [w for w in working if w.process.poll() is not None]:
                working.remove(each)
                failed += [each.planned.run] if each.process.returncode else []
                say(_ended(each, len(planned) - len(waiting) - len(working), len(planned)))
                told = -inf  # say at once what is left
    finally:
        signal.signal(signal.SIGTERM, before)
        for each in working:
            each.process.terminate()
        for each in working:
            each.process.wait()
    return failed


def log(run: Run) -> Path:
    """What the process of a run prints."""
    name = f"{run.dataset}-{run.method}-{run.folder.name}.log"
    return paths.results() / "logs" / "quick" / name


def share_done(folder: Path) -> float:
    """The share of its iterations after which a run was last saved or logged, 0 to 1."""
    record = read_record(folder) if (folder / "run.json").exists() else {}
    total = record.get("iterations") or 0
    if not total:
        return 0.0
    saved = checkpoint.generations(folder)
    return max(_last_logged(folder), checkpoint.iteration_of(saved[0]) if saved else 0) / total


def _last_logged(folder: Path) -> int:
    """The iteration of the last whole line of the log of losses; 0 without one."""
    path = folder / "losses.csv"
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().split(b"\n")[:-1]
    first = lines[-1].partition(b",")[0] if lines else b""
    return int(first) if first.isdigit() else 0


def _begin(planned: Planned, command: Callable[[Run], Sequence[str]]) -> Working:
    path = log(planned.run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        process = subprocess.Popen(
            command(planned.run), stdout=file, stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    share = share_done(planned.run.folder)
    return Working(planned, process, time.monotonic(), share, moved=share)


def _leave(number: int, frame: object) -> None:
    """Ends this process in the ordinary way, so that it ends its runs."""
    sys.exit(128 + number)


def _ended(each: Working, done: int, of: int) -> str:
    took = f"{(time.monotonic() - each.began) / 60:.1f} min"
    if each.process.returncode:
        return f"failed after {took}: {each.planned.run.title}; see {log(each.planned.run)}"
    return f"{done} of {of} done: {each.planned.run.title}, {took}"


def _left(working: list[Working], waiting: list[Planned], jobs: int) -> str:
    """What is at work, how far it is, and the minutes until all are done."""
    now = time.monotonic()
    for each in working:
        each.look(now)
    left = [each.planned._replace(seconds=each.rest(now)) for each in working]
    names = [method_name(w.planned.run.method, w.planned.run.variant) for w in working]
    shown = ", ".join(f"{name} {w.share:.0%}" for name, w in zip(names, working, strict=True))
    minutes = makespan([*left, *waiting], jobs) / 60
    return f"  {shown}; {len(waiting)} waiting; about {minutes:.0f} min left"
