"""What this machine has, and what a run would miss."""

import platform
import shutil
import sys
from importlib.metadata import version

import torch

from replicate import paths, repro
from replicate.datasets import audit
from replicate.metrics import inception

ENOUGH = 2e9  # bytes; the packed images and checkpoints of a data set at 256 px


def examine() -> list[dict]:
    """A list of {"what", "found", "ok"}; not ok means that something asked for would fail."""
    free = shutil.disk_usage(_existing(paths.results())).free
    head, dirty = repro.commit()
    weights = inception.available()
    sets = [s for s in audit.describe() if s["state"] == "missing"]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return [
        _line("python", platform.python_version(), sys.version_info >= (3, 11)),
        _line("torch", f"{version('torch')}, {torch.get_num_threads()} threads", True),
        _line("gpu", gpu, True),
        _line("laptop precision", "bf16" if repro.matrix_units() else "fp32", True),
        _line("commit", f"{head[:10]}{' with changes' if dirty else ''}", head != "unknown"),
        _line("data", f"{paths.data()}", True),
        _line("results", f"{paths.results()}, {free / 1e9:.0f} GB free", free > ENOUGH),
        _line("Inception weights", str(inception.weights_path()) if weights else _lacking(), weights),
        *(_line(f"data set {s['name']}", f"missing; `replicate data get {s['name']}`", False) for s in sets),
    ]  # fmt: skip


def _lacking() -> str:
    return "missing: FID and KID rows with Inception stay 'not computed'"


def _line(what: str, found: str, ok: bool) -> dict:
    return {"what": what, "found": found, "ok": ok}


def _existing(folder):
    while not folder.exists():
        folder = folder.parent
    return folder
