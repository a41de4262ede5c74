"""How far the runs of a start are, said while they work: from their folders, on one machine."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from replicate import checkpoint
from replicate.lab import attempts
from replicate.lab.forecast import makespan
from replicate.lab.job import STOPPED
from replicate.lab.run import read_record
from replicate.parallel import repeating
from replicate.training import LOG

EVERY = 30.0  # s between two lines
ENOUGH = 0.05  # share of a run after which its own pace tells more than the estimate
SCORING = 0.02  # share of a run's time that its scores take, after the last iteration


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
    path = folder / LOG
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().split(b"\n")[:-1]
    first = lines[-1].partition(b",")[0] if lines else b""
    return int(first) if first.isdigit() else 0


@dataclass
class Pace:
    """A run at work: what was estimated to be left, since when it moves on and from where.

    Attributes:
        seconds: that were left when it was first seen, by its estimate; None where there is none.
        began: when it was first seen.
        share: done, at the last look.
        moving: when it was first seen to be farther than it began; 0: not yet.
        moved: how far it was then.
    """

    seconds: float | None
    began: float
    share: float
    moving: float = 0.0
    moved: float = 0.0

    def look(self, share: float, now: float) -> None:
        """Takes the share that is done."""
        if not self.moving and share > self.share:
            self.moving, self.moved = now, share
        self.share = share

    def left(self, now: float) -> float | None:
        """Seconds that the run still takes, by its own pace once that is known."""
        if self.moving and self.share - self.moved >= ENOUGH:
            return (1 - self.share + SCORING) * (now - self.moving) / (self.share - self.moved)
        return None if self.seconds is None else max(self.seconds - (now - self.began), 0.0)


class Watch:
    """The runs of a graph, looked at again and again.

    Args:
        content: the graph.
        at_once: runs at a time.
        since: when the start began, in seconds since 1970; tries before it do not count.
    """

    def __init__(self, content: dict, at_once: int, since: float) -> None:
        self.results = Path(content["results"])
        self.runs, self.at_once, self.since = content["runs"], at_once, since
        self.paces: dict[str, Pace] = {}

    def line(self, now: float) -> str:
        """What is at work, how far it is, and the minutes until all runs are done."""
        states = {key: self._state(key) for key in self.runs}
        working = [key for key in self.runs if states[key] == "working"]
        waiting = [key for key in self.runs if states[key] == "waiting"]
        times = [self._left(key, now) for key in working]
        shown = [self._shown(key, time) for key, time in zip(working, times, strict=True)]
        numbers = Counter(states.values())
        parts = [f"{numbers['done']} of {len(self.runs)} runs done"]
        parts += [f"{numbers[word]} {word}" for word in ("stopped", "failed") if numbers[word]]
        parts += [*shown, *([f"{len(waiting)} waiting"] if waiting else [])]
        times += [self.runs[key]["seconds"] for key in sorted(waiting, key=self._rank)]
        if None not in times:
            parts.append(f"about {makespan(times, self.at_once) / 60:.0f} min of training left")
        return "  " + "; ".join(parts)

    def _state(self, key: str) -> str:
        if (self.results / ".done" / "runs" / key).exists():
            return "done"
        tries = attempts.read(attempts.folder(self.results, "runs", key))
        if not tries or tries[-1].get("started", 0) < self.since:
            return "waiting"
        if "ended" not in tries[-1] and psutil.pid_exists(tries[-1]["pid"]):
            return "working"
        ends = {0: "done", STOPPED: "stopped"}
        return ends.get(tries[-1].get("status"), "failed")  # and perhaps about to be tried again

    def _left(self, key: str, now: float) -> float | None:
        share = share_done(Path(self.runs[key]["folder"]))
        pace = self.paces.setdefault(key, Pace(self.runs[key]["seconds"], now, share))
        pace.look(share, now)
        return pace.left(now)

    def _shown(self, key: str, seconds: float | None) -> str:
        minutes = "" if seconds is None else f" ({seconds / 60:.0f} min)"
        return f"{self.runs[key]['name']} {self.paces[key].share:.0%}{minutes}"

    def _rank(self, key: str) -> float:
        return -self.runs[key]["priority"]


@contextmanager
def watching(
    watch: Watch,
    every: float = EVERY,
    say: Callable[[str], None] = lambda text: print(text, flush=True),
) -> Iterator[None]:
    """Inside, a line says how far the runs are, now and again."""
    with repeating(lambda: say(watch.line(time.monotonic())), every):
        yield
