"""Run folders without training: a record, a log, a checkpoint file, scores."""

import json
import os
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from replicate import records
from replicate.lab.fingerprint import code_fingerprint, scoring_fingerprint
from replicate.lab.run import Run
from replicate.lab.state import lock_of
from replicate.methods import METHODS

DEAD = 2**22 + 1  # above the largest process id of Linux


def record_of(run: Run, status: str = "finished", **changes: object) -> dict:
    """The `run.json` of a run by today's code and metrics, with `changes`."""
    return run.identity() | {
        "label": run.label,
        "hash": run.hash,
        "fingerprint": {"code": code_fingerprint(METHODS[run.method])},
        "iterations": 4,
        "commit": "a" * 40,
        "dirty": False,
        "device": "cpu",
        "precision": "fp32",
        "status": status,
        "hours": 2.0,
        "scoring": {"kid/standin": scoring_fingerprint("kid/standin")},
    } | changes  # fmt: skip


def make_up(run: Run, status: str = "finished", done: int = 4, **record: object) -> Path:
    """The folder of a run as training would have left it, of today's code and metrics.

    Args:
        status: of the record; "running" with the process id `DEAD` beside it is a killed run.
        done: iterations in the name of the checkpoint.
        record: fields of `run.json` in place of those.
    """
    folder = run.folder
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record_of(run, status, **record)))
    with zipfile.ZipFile(folder / f"checkpoint-{done:08d}.pt", "w") as file:
        file.writestr("weights", b"")
    (folder / "losses.csv").write_text("iteration\n")
    if status == "finished":
        (folder / "scores.csv").write_text("method\n")
    return folder


def make_up_examined(run: Run) -> Path:
    """The folder of a scored run with its health on record: its translations are copies."""
    folder, words = make_up(run), ("horse->zebra", "zebra->horse")
    faults = (("copy", 0.5), ("checkerboard", 1.0))
    rows = [f"4,{way},{fault},{value},8\n" for way in words for fault, value in faults]
    (folder / "health.csv").write_text("iteration,direction,fault,value,images\n" + "".join(rows))
    (folder / "scores.csv").write_text("direction\n" + "".join(f"{way}\n" for way in words))
    records.write(folder, records.read(folder) | {"results": records.results(folder)})
    return folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Inside, a process is at the run."""
    owned(folder)
    with FileLock(lock_of(folder)):
        yield


def owned(folder: Path, pid: int | None = None, host: str = "") -> None:
    """Writes who took a run last: this process unless another one is given."""
    owner = {"pid": pid or os.getpid(), "host": host or socket.gethostname()}
    folder.with_name(f"{folder.name}.owner.json").write_text(json.dumps(owner))
