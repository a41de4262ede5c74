"""The state of a run as its folder tells it: cheap enough for a thousand runs at once."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from replicate import checkpoint, files, paths, records
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.experiment.fingerprint import (
    code_fingerprint,
    data_fingerprint,
    images_fingerprint,
    scoring_fingerprint,
)
from replicate.experiment.run import read_record
from replicate.methods import METHODS

# stopped: killed, or asked to stop; asking for the run resumes it
STATES = ("finished", "running", "stopped", "failed", "stale", "missing", "damaged")
SILENT = 60.0  # s without a logged step after which a run of another machine counts as stopped


@dataclass(frozen=True)
class Seen:
    """What a run folder shows.

    Attributes:
        state: one of `STATES`.
        scored: whether its scores are those of today's metrics; where not, it is scored again.
        reason: why it failed, is stale or damaged, else empty.
        iteration: of the newest checkpoint, 0 where there is none.
        beat: seconds since the last sign of life.
        record: `run.json`, empty where the run was never started or the file is damaged.
    """

    folder: Path
    state: str
    scored: bool
    reason: str
    iteration: int
    beat: float
    record: dict


class Today:
    """Today's fingerprints, each found once however many runs are compared with it."""

    def __init__(self) -> None:
        self._known: dict[tuple, str | None] = {}

    def changed(self, record: dict) -> list[str]:
        """Which of code, images and data of a run are no longer those of its record.

        What cannot be told has not changed: a method that is gone, images that are not on this
        machine, a drawn set that was not drawn at this size yet, what an older record lacks.
        """
        method, dataset, config = record["method"], record["dataset"], record.get("config", {})
        load, crop = config.get("load_size"), config.get("crop_size")
        find = {
            "code": (lambda: code_fingerprint(METHODS[method]), method),
            "images": (lambda: _images(dataset, crop), dataset, crop),
            "data": (lambda: _data(dataset, load), dataset, load),
        }
        before, found = record.get("fingerprint", {}), []
        for what, (how, *key) in find.items():
            if what in before and self._once((what, *key), how) not in (None, before[what]):
                found.append(what)
        return found

    def scoring(self) -> str:
        """The fingerprint of the metrics."""
        return self._once(("scoring",), scoring_fingerprint) or ""

    def _once(self, key: tuple, find: Callable[[], str | None]) -> str | None:
        if key not in self._known:
            try:
                self._known[key] = find()
            except ReplicateError:
                self._known[key] = None
        return self._known[key]


def look(folder: Path, today: Today) -> Seen:
    """What a run folder shows now; nothing is written, locked or trained.

    A run whose record says running, but whose process is gone, was killed: it is "stopped", and
    asking for it resumes it. No checkpoint is read: whether it is whole is found when it is loaded.
    """
    try:
        record = read_record(folder)
    except ReplicateError as error:
        return Seen(folder, "damaged", False, str(error), 0, max(_beat(folder), 0.0), {})
    if not record:
        return Seen(folder, "missing", False, "", 0, 0.0, record)
    beat, saved = _beat(folder), checkpoint.generations(folder)
    iteration = checkpoint.iteration_of(saved[0]) if saved else 0
    state, reason = record["status"], record.get("reason", "")
    if state == "running" and not _is_alive(folder, beat):
        state = "stopped"
    if state != "running" and (changed := today.changed(record)):
        was = f"; it had {state}: {reason}" if state == "failed" else ""
        state, reason = "stale", f"{' and '.join(changed)} changed{was}"
    elif state == "finished" and not saved:
        state, reason = "stopped", "its checkpoint is gone"
    faults = records.faults(folder, record) if state == "finished" else {}
    if faults:
        reason = records.told(folder, faults)
    current = record.get("scoring") == today.scoring() and not faults
    scored = current and (folder / "scores.csv").exists()
    return Seen(folder, state, scored, reason, iteration, max(beat, 0.0), record)


def _beat(folder: Path) -> float:
    """Seconds since a step was logged, or since the record was written where none was."""
    for name in ("losses.csv", "run.json"):
        try:
            return time.time() - (folder / name).stat().st_mtime
        except FileNotFoundError:
            continue
    return 0.0


def _is_alive(folder: Path, beat: float) -> bool:
    """Whether the process that wrote "running" still runs; of another machine, by its log."""
    owner = files.read_owner(folder.with_name(folder.name + ".owner.json"))
    if owner.get("host") != socket.gethostname():
        return abs(beat) <= SILENT  # a log dated in the future is no sign of life
    try:
        os.kill(owner["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of somebody else
        return True
    return True


def _images(dataset: str, crop: int) -> str | None:
    return images_fingerprint(dataset, crop) if _is_cheap(dataset, "test", crop) else None


def _data(dataset: str, load: int) -> str | None:
    """None for images from files: `_images` compares them, and packing them takes long."""
    drawn = spec(dataset).layout == "drawn"
    return data_fingerprint(dataset, load) if drawn and _is_cheap(dataset, "train", load) else None


def _is_cheap(dataset: str, split: str, size: int) -> bool:
    """Whether nothing need be drawn: the set has files, or was drawn at this size before."""
    drawn = spec(dataset).layout == "drawn"
    return not drawn or any((paths.data() / "packed").glob(f"{dataset}-{split}-{size}-*"))
