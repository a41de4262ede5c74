"""What a grid of runs would do: what is done, what is left, and the hours and disk that it takes.

Nothing is trained. Hours come from the preflight of a run's kind, else from finished runs of the
same kind, on this machine or published; without either they are not known.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from replicate import devices, paths
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab import preflight
from replicate.lab.grid import image_counts, iterations
from replicate.lab.published import find_runs
from replicate.lab.run import Run, method_name, read_record
from replicate.lab.state import WORDS, State, Today, look


class Foreseen(NamedTuple):
    """One run: what its folder shows, the hours that are left and the disk of the whole.

    `hours` and `disk_mb` are None where nothing of this kind was measured; `by` says what was.
    """

    run: Run
    seen: State
    hours: float | None
    disk_mb: float | None
    by: str


def forecast(runs: Iterable[Run], device: str) -> list[Foreseen]:
    """What is left of each run and what it takes; a stale run counts as one to train anew.

    Args:
        device: one of `devices.known()`, where they would train.
    """
    devices.check(device)
    counts: dict[str, dict] = {}
    whole: dict[tuple, tuple] = {}  # runs that differ in the seed alone share it
    today, history = Today(), History.gathered()
    found = []
    for run in runs:
        if run.dataset not in counts:
            counts[run.dataset] = image_counts(spec(run.dataset))
        alike = (run.method, run.label, run.dataset, run.budget)
        if alike not in whole:
            whole[alike] = _whole(run, device, counts[run.dataset], history)
        hours, disk, by = whole[alike]
        seen = look(run.folder, today)
        found.append(Foreseen(run, seen, _left(seen, hours), disk, by))
    return found


def _left(seen: State, hours: float | None) -> float | None:
    if seen.word in ("scored", "trained"):
        return 0.0
    if hours is None or seen.word in ("missing", "stale", "damaged"):
        return hours
    return hours * (1 - seen.iteration / seen.record["iterations"])


def _whole(
    run: Run, device: str, counts: dict, history: "History"
) -> tuple[float | None, float | None, str]:
    """Hours and disk of a whole run, and where they come from."""
    if (measured := preflight.estimate(run, device, counts)) is not None:
        return measured.hours, measured.disk_mb, "preflight"
    per_step, folder = history.of(run, device)
    if per_step is None:
        return None, None, ""
    steps = iterations(run, counts)
    disk = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6 if folder else None
    return None if steps is None else steps * per_step, disk, "finished runs"


@dataclass
class History:
    """What finished runs took, by their kind: hours a step, and a folder of this machine."""

    per_step: dict[str, list[float]]
    folders: dict[str, Path]

    @classmethod
    def gathered(cls) -> "History":
        """Of the finished runs of this machine, and for other kinds of the published ones."""
        local = cls._below(paths.results())
        published = cls._below(paths.published())
        return cls(published.per_step | local.per_step, local.folders)

    @classmethod
    def _below(cls, root: Path) -> "History":
        found = cls({}, {})
        for folder in find_runs(root):
            try:
                record = read_record(folder)
            except ReplicateError as error:  # it tells nothing; that of others does
                print(f"warning: {error}", file=sys.stderr)
                continue
            if record.get("status") == "finished" and record.get("hours"):
                key = _kind(
                    record, record["device"] if record["device"] in ("cpu", "mps") else "cuda"
                )
                found.per_step.setdefault(key, []).append(record["hours"] / record["iterations"])
                found.folders.setdefault(key, folder)
        return found

    def of(self, run: Run, device: str) -> tuple[float | None, Path | None]:
        """The median hours of one step of this kind, and the folder of a finished run."""
        key = _kind(json.loads(json.dumps(run.identity())), device.partition(":")[0])
        known = self.per_step.get(key)
        return (median(known) if known else None), self.folders.get(key)


def _kind(record: dict, device: str) -> str:
    """What runs share that take the same time a step."""
    kept = {key: record[key] for key in ("method", "variant", "config", "budget")}
    return json.dumps(kept | {"device": device}, sort_keys=True)


def by_method(found: Iterable[Foreseen]) -> list[dict]:
    """A row a method and variant, then one of all: counts by state, hours left, disk, unknown.

    Returns:
        "method", "runs", a count for each of `state.WORDS`; "hours" and "disk_gb" of what is known,
        None where nothing is; "not_measured", the runs left whose hours are not known.
    """
    groups: dict[str, list[Foreseen]] = {}
    for each in found:
        groups.setdefault(method_name(each.run.method, each.run.variant), []).append(each)
    everything = [each for group in groups.values() for each in group]
    return [_row(name, group) for name, group in {**groups, "all": everything}.items()]


def _row(name: str, group: list[Foreseen]) -> dict:
    states = Counter(each.seen.word for each in group)
    hours = [each.hours for each in group if each.hours is not None]
    disk = [each.disk_mb for each in group if each.disk_mb is not None]
    return {
        "method": name,
        "runs": len(group),
        **{column: states[column] for column in WORDS},
        "hours": sum(hours) if hours else None,
        "disk_gb": sum(disk) / 1e3 if disk else None,
        "not_measured": sum(each.hours is None for each in group),
    }
