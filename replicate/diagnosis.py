"""What this machine has, and what a run would miss."""

import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch

from replicate import devices, paths, repro
from replicate.datasets import listing
from replicate.experiment.notebooks import source_problems
from replicate.metrics import inception

ENOUGH = 2e9  # bytes; the packed images and checkpoints of a data set at 256 px
LACKING = "missing: FID and KID rows with Inception stay 'not computed'"


def examine() -> list[dict]:
    """A list of {"what", "found", "ok"}; not ok means that something asked for would fail."""
    head, dirty = repro.commit()
    weights = inception.available()
    sets = listing.describe()
    problems = [
        p for file in sorted(paths.notebooks().glob("*.ipynb")) for p in source_problems(file)
    ]
    found = [
        _line("python", platform.python_version(), sys.version_info >= (3, 11)),
        _line("torch", f"{version('torch')}, {torch.get_num_threads()} threads", True),
        _line("gpu", devices.described(), True),
        _line("laptop precision", "bf16" if repro.matrix_units() else "fp32", True),
        _line("commit", f"{head[:10]}{' with changes' if dirty else ''}", head != "unknown"),
        _line("data", _data(), True),
        _line("results", *_results()),
        _line("notebooks", " ".join(problems) or "sources without outputs", not problems),
        _line("Inception weights", str(inception.weights_path()) if weights else LACKING, weights),
    ]
    return found + _sets(sets)


def _sets(sets: list[dict]) -> list[dict]:
    """How many sets are here, and a line for each that is here in part."""
    here = sum(each["state"] in ("drawn", "present") for each in sets)
    how = "`replicate data list` says how to have the others"
    lines = [_line("data sets", f"{here} of {len(sets)} are here; {how}", True)]
    broken = [each for each in sets if each["state"] == "incomplete"]
    return lines + [_line(f"data set {s['name']}", s["to_do"], False) for s in broken]


def _line(what: str, found: str, ok: bool) -> dict:
    return {"what": what, "found": found, "ok": ok}


def _data() -> str:
    """The data folder, and where copies go if it may only be read."""
    folder = paths.data()
    if not _refused(folder):
        return str(folder)
    cache = paths.derived("packed").parent
    return f"{folder}, may only be read: packed copies and passports go to {cache}"


def _results() -> tuple[str, bool]:
    folder = paths.results()
    if refused := _refused(folder):
        return refused, False
    free = shutil.disk_usage(_existing(folder)).free
    return f"{folder}, {free / 1e9:.0f} GB free", free > ENOUGH


def _refused(folder: Path) -> str:
    """Why no file can be written into a folder, by trying it; empty where one can."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as file:
            file.write(b"tried")
    except OSError as error:
        error.filename = str(folder)
        return paths.refusal(error) or f"{folder}: {error}"
    return ""


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
