"""How long a run takes, in how much memory and on how much disk: the one answer to these questions.

Nothing is trained. The answer is the preflight of a run's kind on this machine, else what finished
runs of the kind took here, else a preflight of another machine or published runs, which are named
as such; without any of them it is not known. `plan`, `runs`, `all` and `preflight` read it.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import NamedTuple

from replicate import devices, paths
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab import preflight
from replicate.lab.budget_grid import image_counts, iterations
from replicate.lab.published import find_runs
from replicate.lab.run import Run, method_name, read_record
from replicate.lab.state import WORDS, State, Today, look

HERE, FINISHED, PUBLISHED = "preflight", "finished runs", "published runs"


class Known(NamedTuple):
    """What a whole run takes, as far as it is known.

    Attributes:
        memory_mb: of the host.
        written_mb: all checkpoints of the run; None without a preflight.
        by: what says so: `HERE`, `FINISHED`, "preflight on DEVICE" or `PUBLISHED`, the last two of
            another machine; empty where nothing does.
    """

    hours: float | None = None
    memory_mb: float | None = None
    disk_mb: float | None = None
    by: str = ""
    written_mb: float | None = None


class Foreseen(NamedTuple):
    """One run: what its folder shows, the hours that are left, and what the whole takes."""

    run: Run
    seen: State
    hours: float | None
    whole: Known


class Estimates:
    """What runs take, found out once for each kind."""

    def __init__(self) -> None:
        self._counts: dict[str, dict] = {}
        self._known: dict[tuple, Known] = {}

    @cached_property
    def _histories(self) -> tuple["History", "History"]:
        return History.below(paths.results()), History.below(paths.published())

    def of(self, run: Run, device: str) -> Known:
        """What a run takes on a device, one of `devices.known()`."""
        alike = (run.method, run.label, run.dataset, run.budget, device)
        if alike not in self._known:
            if run.dataset not in self._counts:
                self._counts[run.dataset] = image_counts(spec(run.dataset))
            self._known[alike] = self._find(run, device, self._counts[run.dataset])
        return self._known[alike]

    def _find(self, run: Run, device: str, counts: dict) -> Known:
        measured = preflight.estimate(run, device, counts)
        if measured and preflight.is_here(measured):
            return _measured(measured, HERE)
        steps, (local, published) = iterations(run, counts), self._histories
        if finished := local.of(run, device, steps, FINISHED):
            return finished
        if measured:
            return _measured(measured, f"preflight on {measured.device_name}")
        return published.of(run, device, steps, PUBLISHED) or Known()


def _measured(estimate: preflight.Estimate, by: str) -> Known:
    return Known(estimate.hours, estimate.host_memory_mb, estimate.disk_mb, by, estimate.written_mb)


def forecast(runs: Iterable[Run], device: str) -> list[Foreseen]:
    """What is left of each run and what it takes; a stale run counts as one to train anew.

    Args:
        device: one of `devices.known()`, where they would train.
    """
    devices.check(device)
    estimates, today, foreseen = Estimates(), Today(), []
    for run in runs:
        whole, seen = estimates.of(run, device), look(run.folder, today)
        foreseen.append(Foreseen(run, seen, _left(seen, whole.hours), whole))
    return foreseen


def _left(seen: State, hours: float | None) -> float | None:
    if seen.word in ("scored", "trained"):
        return 0.0
    if hours is None or seen.word in ("missing", "stale", "damaged"):
        return hours
    return hours * (1 - seen.iteration / seen.record["iterations"])


def makespan(times: Iterable[float], at_once: int) -> float:
    """When all are done, so many at a time, each next one by the first that is free."""
    free = [0.0] * at_once
    for time in times:
        free[free.index(min(free))] += time
    return max(free)


@dataclass
class History:
    """What finished runs took, by their kind: hours a step, peak memory in MB, and a folder."""

    per_step: dict[str, list[float]]
    memory: dict[str, list[float]]
    folders: dict[str, Path]

    @classmethod
    def below(cls, root: Path) -> "History":
        """Of the finished runs in a results folder."""
        history = cls({}, {}, {})
        for folder in find_runs(root):
            try:
                record = read_record(folder)
            except ReplicateError as error:  # it tells nothing; that of others does
                print(f"warning: {error}", file=sys.stderr)
                continue
            if record.get("status") == "finished" and record.get("hours"):
                device = record["device"] if record["device"] in ("cpu", "mps") else "cuda"
                key = _kind(record, device)
                history.per_step.setdefault(key, []).append(record["hours"] / record["iterations"])
                history.memory.setdefault(key, []).append(record.get("peak_memory_mb", 0.0))
                history.folders.setdefault(key, folder)
        return history

    def of(self, run: Run, device: str, steps: int | None, by: str) -> Known | None:
        """The median of finished runs of this kind; None without one, or of a GPU's host memory."""
        device = device.partition(":")[0]
        key = _kind(json.loads(json.dumps(run.identity())), device)
        if key not in self.per_step:
            return None
        hours = None if steps is None else steps * median(self.per_step[key])
        memory = (median(self.memory[key]) or None) if device == "cpu" else None
        whole = self.folders[key].is_relative_to(paths.results())  # a published one is a part
        files = self.folders[key].rglob("*") if whole else ()
        disk = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
        return Known(hours, memory, disk if whole else None, by)


def _kind(record: dict, device: str) -> str:
    """What runs share that take the same time a step."""
    fields = {key: record[key] for key in ("method", "variant", "config", "budget")}
    return json.dumps(fields | {"device": device}, sort_keys=True)


def by_method(foreseen: Iterable[Foreseen]) -> list[dict]:
    """A row a method and variant, then one of all: counts by state, hours left, disk, unknown.

    Returns:
        "method", "runs", a count for each of `state.WORDS`; "hours", "disk_gb" and "written_gb"
        (checkpoints) of what is known, None where nothing is; "not_measured", the runs left whose
        hours are not known.
    """
    groups: dict[str, list[Foreseen]] = {}
    for entry in foreseen:
        groups.setdefault(method_name(entry.run.method, entry.run.label), []).append(entry)
    everything = [entry for group in groups.values() for entry in group]
    return [_row(name, group) for name, group in {**groups, "all": everything}.items()]


def _row(name: str, group: list[Foreseen]) -> dict:
    states = Counter(entry.seen.word for entry in group)
    hours = [entry.hours for entry in group if entry.hours is not None]
    disk = [entry.whole.disk_mb for entry in group if entry.whole.disk_mb is not None]
    written = [entry.whole.written_mb for entry in group if entry.whole.written_mb is not None]
    return {
        "method": name,
        "runs": len(group),
        **{column: states[column] for column in WORDS},
        "hours": sum(hours) if hours else None,
        "disk_gb": sum(disk) / 1e3 if disk else None,
        "written_gb": sum(written) / 1e3 if written else None,
        "not_measured": sum(entry.hours is None for entry in group),
    }
