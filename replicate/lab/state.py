"""The one place that decides what state a run is in, and whether it is stale.

`replicate status` tells it as JSON.
"""

import socket
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from replicate import checkpoint, files, paths, records
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab import fingerprint
from replicate.lab.facts import Facts
from replicate.lab.run import Run, read_record, run_of, scored_size, title
from replicate.metrics import weights

STATES = ("scored", "trained", "running", "stopped", "failed", "missing", "damaged")
STALE = "stale"
WORDS = (*STATES, STALE)
SILENT = 60.0  # s without a logged step after which a run of another machine counts as stopped


@dataclass(frozen=True)
class State:
    """What a run folder shows.

    Attributes:
        name: one of `STATES`.
        stale: what changed since it was trained: "method", "settings", "code", "images", "data" or
            "stream", how images come to it (see `streams`).
        reason: why it failed, stopped, is damaged or is to be scored, else empty.
        iteration: of the newest checkpoint, 0 where there is none.
        beat: seconds since the last sign of life, 0 where that is dated in the future.
        record: `run.json`, empty where the run was never started or the file is damaged.
    """

    folder: Path
    name: str
    stale: tuple[str, ...] = ()
    reason: str = ""
    iteration: int = 0
    beat: float = 0.0
    record: dict = field(default_factory=dict)

    @property
    def word(self) -> str:
        """One of `WORDS`, by which runs are counted: "stale" goes before all but running."""
        return STALE if self.stale and self.name != "running" else self.name

    @property
    def why(self) -> str:
        """The reasons of staleness and of the state, for a reader."""
        changed = f"{' and '.join(self.stale)} changed" if self.stale else ""
        if changed and self.name == "failed":
            return f"{changed}; it had failed: {self.reason}"
        return changed or self.reason


class Today:
    """Today's fingerprints, each made once however many runs are compared with it.

    Args:
        facts: what of them is known of this code from an earlier time, and kept for a later one.
    """

    def __init__(self, facts: Facts | None = None) -> None:
        self._known: dict[tuple, object] = {}
        self._facts = facts

    def changed(self, record: dict, images: bool = True) -> tuple[str, ...]:
        """What of a run is no longer as in its record: see `State.stale`.

        What cannot be told has not changed: images that are not on this machine, a drawn set that
        was not drawn at this size yet, what an older record lacks.

        Args:
            images: whether this machine's images count; published records were made from others.
        """
        method, dataset = record["method"], record["dataset"]
        if not self._of_code(("method", method), lambda: _is_known(method)):
            return ("method",)
        config = record["config"]
        load = config.get("load_size")  # a record of other code may lack either
        crop = scored_size(config) if "crop_size" in config else None
        now = {"code": self._of_code(("code", method), lambda: _code(method))}
        if images:
            now["images"] = self.images(dataset, crop)
            now["data"] = self._once(("data", dataset, load), lambda: _data(dataset, load))
        before = record.get("fingerprint", {})
        differ = [key for key, value in now.items() if value and before.get(key, value) != value]
        entry = self._once(("set", dataset), lambda: spec(dataset).model_dump_json())
        kind = (method, record["label"], record["budget"], dataset, entry)
        stream = self._of_code(("stream", *kind), lambda: _stream(record))
        if stream is not None and before.get("stream") != stream.get("stream"):
            differ.append("stream")
        settings = self._of_code(("settings", *kind), lambda: run_of(record).identity()["config"])
        return tuple(["settings"] * (not _agree(settings, config)) + differ)

    def images(self, dataset: str, size: int | None) -> str | None:
        """The fingerprint of this machine's images of a set; None where it cannot be told."""
        return self._once(("images", dataset, size), lambda: _images(dataset, size))

    def outdated(self, record: dict) -> list[str]:
        """The protocols of a run whose scores are not of today's code."""
        made = record.get("scoring", {})
        if not isinstance(made, dict):  # one hash of all, as records once had
            return ["all"]
        return [p for p, digest in made.items() if self._scoring(p) not in (None, digest)]

    def _scoring(self, protocol: str) -> object:
        how = fingerprint.scoring_fingerprint
        return self._of_code(("scoring", protocol), lambda: how(protocol))

    def _of_code(self, key: tuple, find: Callable[[], object]) -> object:
        """As `_once`, of what code and the key alone decide."""
        if self._facts is None:
            return self._once(key, find)
        return self._facts.get(key, lambda: self._once(key, find))

    def _once(self, key: tuple, find: Callable[[], object]) -> object:
        """What `find` says, None where it cannot be told."""
        if key not in self._known:
            try:
                self._known[key] = find()
            except ReplicateError:
                self._known[key] = None
        return self._known[key]


def of(run: Run, today: Today | None = None, held: bool = False, offline: bool = False) -> State:
    """The state of a run on this machine; arguments as of `look`."""
    return look(run.folder, today or Today(), held, offline)


def look(folder: Path, today: Today, held: bool = False, offline: bool = False) -> State:
    """What a run folder shows now; nothing is written or trained, no checkpoint is read whole.

    Args:
        held: the caller itself is at work on the run, so that nobody else is.
        offline: scores of networks that are here but were left out are not missing.
    """
    try:
        record = read_record(folder)
    except ReplicateError as error:
        return State(folder, "damaged", reason=str(error), beat=max(0.0, _beat(folder)))
    if not record:
        name = "missing" if held or not is_held(folder) else "running"
        return State(folder, name)
    saved, beat = checkpoint.generations(folder), _beat(folder)
    iteration = checkpoint.iteration_of(saved[0]) if saved else 0
    changed = today.changed(record)
    if not held and _is_alive(folder, beat):
        name, reason = "running", ""
    else:
        name, reason = _at_rest(folder, record, saved, today, offline)
    return State(folder, name, changed, reason, iteration, max(0.0, beat), record)


def _at_rest(
    folder: Path, record: dict, saved: list[Path], today: Today, offline: bool
) -> tuple[str, str]:
    """The state and the reason of a run that nobody is at."""
    if record["status"] == "running":
        return "stopped", "killed"
    if record["status"] != "finished":
        return record["status"], record.get("reason", "")
    if not saved:
        return "stopped", "its checkpoint is gone"
    if checkpoint.iteration_of(saved[0]) < record["iterations"]:
        return "stopped", f"its last checkpoint is that of iteration {saved[0].stem[-8:]}"
    if not zipfile.is_zipfile(saved[0]):
        return "stopped", f"{saved[0]} is cut short"
    if faults := records.faults(folder, record):
        return "trained", records.told(folder, faults)
    if not (folder / records.SCORES).exists():
        return "trained", "not scored"
    if outdated := today.outdated(record):
        return "trained", f"other code scored {', '.join(outdated)}"
    has_weights = weights.is_here(weights.INCEPTION)
    if has_weights and not offline and not record.get("inception", False):
        return "trained", "Inception's weights are here now"
    return "scored", ""


def is_held(folder: Path) -> bool:
    """Whether a process of this machine holds the run; the kernel knows, whatever files say."""
    lock = lock_of(folder)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0, mode=0o666):
            return False
    except Timeout:
        return True
    except OSError:  # of a folder that may not be written: nobody else can hold it either
        return False


def lock_of(folder: Path) -> Path:
    """What a process holds while it is at the run."""
    return folder.with_name(f"{folder.name}.lock")


def owner_of(folder: Path) -> dict:
    """Who took the run last: "pid" and "host"; empty where nobody is known."""
    return files.read_owner(folder.with_name(f"{folder.name}.owner.json"))


def _is_alive(folder: Path, beat: float) -> bool:
    """Whether a process is at the run; of another machine, whose locks do not reach, by its log."""
    if is_held(folder):
        return True
    host = owner_of(folder).get("host", socket.gethostname())
    return host != socket.gethostname() and abs(beat) <= SILENT  # no future is a sign of life


def _beat(folder: Path) -> float:
    """Seconds since a step was logged, or since the record was written where none was.

    Below 0 where a clock was ahead.
    """
    for name in (records.LOG, records.RECORD):
        try:
            return time.time() - (folder / name).stat().st_mtime
        except FileNotFoundError:
            continue
    return 0.0


# These import the methods, and with them torch.


def _is_known(method: str) -> bool:
    from replicate.methods import METHODS

    return method in METHODS


def _code(method: str) -> str:
    from replicate.methods import METHODS

    return fingerprint.code_fingerprint(METHODS[method])


def _stream(record: dict) -> dict[str, str]:
    from replicate.lab.streams import is_special

    return fingerprint.of_stream(is_special(run_of(record)))


def _agree(today: object, config: dict) -> bool:
    """Whether a run's settings are what its name means today; precision is the machine's."""
    if today is None:
        return False
    return all(config.get(key) == value for key, value in today.items() if key != "precision")


def _images(dataset: str, crop: int) -> str | None:
    return (
        fingerprint.images_fingerprint(dataset, crop) if _is_cheap(dataset, "test", crop) else None
    )


def _data(dataset: str, load: int) -> str | None:
    """None for images from files: `_images` compares them, and packing them takes long."""
    drawn = spec(dataset).layout == "drawn"
    cheap = drawn and _is_cheap(dataset, "train", load)
    return fingerprint.data_fingerprint(dataset, load) if cheap else None


def _is_cheap(dataset: str, split: str, size: int) -> bool:
    """Whether nothing need be drawn: the set has files, or was drawn at this size before."""
    drawn = spec(dataset).layout == "drawn"
    return not drawn or any(paths.derived("packed").glob(f"{dataset}-{split}-{size}-*"))


def describe(folder: Path, today: Today | None = None) -> dict:
    """Title, state, iterations and the seconds since the last sign of life, as JSON.

    Args:
        today: today's fingerprints, where several runs are described.

    Returns:
        "title" (of a damaged record its folder); "state", "stale", "reason", "word" and "why" (see
        `state.State`); "iteration", "iterations", "heartbeat_seconds", "folder"; "log", that
        of the last try where it ran as a job, else empty.
    """
    seen = look(folder, today or Today())
    log = paths.results() / "logs" / "runs" / Path(*folder.parts[-3:]) / "latest.log"
    return {
        "title": title(seen.record) if seen.record else "/".join(folder.parts[-3:]),
        "state": seen.name,
        "stale": list(seen.stale),
        "reason": seen.reason,
        "word": seen.word,
        "why": seen.why,
        "iteration": seen.iteration,
        "iterations": seen.record.get("iterations", 0),
        "heartbeat_seconds": round(seen.beat, 1),
        "folder": str(folder),
        "log": str(log) if log.exists() else "",
    }
