"""What a run folder tells about its run without loading anything heavy."""

import time
from pathlib import Path

from replicate import checkpoint
from replicate.experiment.fingerprint import images_changed
from replicate.experiment.run import read_record, title

SILENT = 60.0  # s without a logged step after which a running run counts as stopped


def describe(folder: Path) -> dict:
    """Title, state, iterations and the seconds since the last sign of life, as JSON.

    A run whose record says running but whose log is silent was killed: it is "stopped", and asking
    for it resumes it. A finished run whose image files have changed since is "stale".
    """
    record = read_record(folder)
    log = folder / "losses.csv"
    beat = time.time() - (log if log.exists() else folder / "run.json").stat().st_mtime
    saved = checkpoint.generations(folder)
    state = record["status"]
    if state == "running" and beat > SILENT:
        state = "stopped"
    if state == "finished" and images_changed(record):
        state = "stale"
    return {
        "title": title(record),
        "state": state,
        "reason": record.get("reason", ""),
        "iteration": checkpoint.iteration_of(saved[0]) if saved else 0,
        "iterations": record["iterations"],
        "heartbeat_seconds": round(beat, 1),
        "folder": str(folder),
    }
