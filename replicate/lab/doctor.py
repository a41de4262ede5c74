"""What keeps this checkout from working, and a notebook from being committed as a source."""

import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import torch

from replicate import devices, paths, repro
from replicate.datasets import listing
from replicate.datasets.layouts import shown
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
    lines = [
        _line("python", platform.python_version(), sys.version_info >= (3, 11)),
        _line("torch", f"{version('torch')}, {torch.get_num_threads()} threads", True),
        _line("import name", *_import_name()),
        _line("gpu", devices.described(), True),
        _line("laptop precision", "bf16" if repro.bf16_pays() else "fp32", True),
        _line("commit", f"{head[:10]}{' with changes' if dirty else ''}", head != "unknown"),
        _line("data", _data(), True),
        _line("results", *_results()),
        _line("notebooks", " ".join(problems) or "sources without outputs", not problems),
        _line("Inception weights", str(inception.weights_path()) if weights else LACKING, weights),
    ]
    return lines + _sets(sets)


def _sets(sets: list[dict]) -> list[dict]:
    """How many sets are here, and a line for each that is here in part."""
    here = sum(entry["state"] in ("synthetic", "present") for entry in sets)
    how = "`replicate data list` says how to have the others"
    lines = [_line("data sets", f"{here} of {len(sets)} are here; {how}", True)]
    broken = [entry for entry in sets if entry["state"] == "incomplete"]
    return lines + [_line(f"data set {s['name']}", s["to_do"], False) for s in broken]


def _line(what: str, finding: str, ok: bool) -> dict:
    return {"what": what, "found": finding, "ok": ok}


def _import_name() -> tuple[str, bool]:
    """Whether another project's files lie in this package's folder.

    The client of a web service has `replicate` as the name of its distribution and of its import;
    whichever of the two is installed last overwrites files of the other one.
    """
    try:
        others = distribution("replicate").files or []
    except PackageNotFoundError:
        others = []
    if any(file.as_posix() == "replicate/client.py" for file in others):
        return (
            "clash: the distribution 'replicate', another project's client with the same import "
            "name, is installed here too. Uninstall both and install this one, or give each an "
            "environment of its own",
            False,
        )
    return f"replicate is {paths.PACKAGE}", True


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


KERNEL = "Python 3 (ipykernel)"  # JupyterLab puts it into every notebook that it saves


def source_problems(path: Path) -> list[str]:
    """One line for each thing that a source notebook must not hold; none where it is clean.

    Outputs belong into the executed copies: in a source they hide what changed in every diff.
    """
    notebook, name = json.loads(path.read_text(encoding="utf-8")), shown(path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    problems = []
    if any(cell["outputs"] or cell["execution_count"] is not None for cell in code):
        problems.append(f"{name} holds outputs; run 'make strip'.")
    metadata = [notebook["metadata"], *(cell["metadata"] for cell in notebook["cells"])]
    if any("papermill" in entry for entry in metadata):
        problems.append(f"{name} is an executed copy (papermill's metadata); restore the source.")
    spec = notebook["metadata"].get("kernelspec", {})
    kernel = spec.get("name")
    if kernel != "python3":
        problems.append(f"{name} asks for the kernel {kernel!r}, expected 'python3'; set it.")
    elif spec.get("display_name") != KERNEL:
        title = spec.get("display_name")
        problems.append(
            f"{name} calls its kernel {title!r}, expected {KERNEL!r} as JupyterLab does."
        )
    return problems
