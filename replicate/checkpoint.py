"""Checkpoints that survive a kill at any moment: written aside, synced, renamed, two kept."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from replicate import files
from replicate.errors import ReplicateError

if TYPE_CHECKING:  # what only looks for checkpoints does without torch
    import torch

KEPT = 2  # generations
WEIGHTS, RECORD = "weights.pt", "record.json"  # of a network that judges others
NAME = re.compile(r"checkpoint-(\d+)\.pt")


def save(folder: Path, state: dict, iteration: int) -> Path:
    """The path of a new checkpoint; older ones beyond two generations are gone.

    Args:
        folder: of the run.
        state: tensors, numbers, strings and containers of them; `weights_only=True` loads no more.
        iteration: steps done; part of the file name.

    Raises:
        ReplicateError: the disk is full; what was there before is untouched.
    """
    import torch

    path = folder / f"checkpoint-{iteration:08d}.pt"
    files.sweep(folder)
    _check_space(folder, _nbytes(state))
    try:
        with files.replacing(path) as file:
            torch.save(state, file)
            file.flush()
            digest = files.sha256(Path(file.name))
            files.write(_digest_path(path), f"{digest}  {path.name}\n")
    except (OSError, RuntimeError) as error:  # torch's zip writer hides ENOSPC in a RuntimeError
        if getattr(error, "errno", None) == errno.ENOSPC or _free(folder) < _nbytes(state):
            raise _no_space(folder, _nbytes(state)) from error
        if isinstance(error, RuntimeError):
            raise files.unwritable(path, OSError(str(error))) from error
        raise
    for old in generations(folder)[KEPT:]:
        old.unlink()
        _digest_path(old).unlink(missing_ok=True)
    return path


def load(folder: Path, device: torch.device) -> dict | None:
    """The newest checkpoint that is whole, or None where the folder has none.

    A broken one (cut short, altered, digest missing) is set aside with a warning that names it.
    """
    import torch

    for path in generations(folder):
        if is_whole(path):
            return torch.load(path, map_location=device, weights_only=True)
        warnings.warn(
            f"{path} is damaged (its sha256 does not match); falling back to the one before. "
            f"The damaged file is kept as {path.name}.damaged",
            RuntimeWarning,
            stacklevel=2,
        )
        path.replace(path.with_name(path.name + ".damaged"))
    return None


def generations(folder: Path) -> list[Path]:
    """Checkpoint files, newest first; a file of another name is none."""
    saved = (path for path in folder.glob("checkpoint-*.pt") if NAME.fullmatch(path.name))
    return sorted(saved, key=iteration_of, reverse=True)


def iteration_of(path: Path) -> int:
    """Steps done when `path` was written."""
    return int(NAME.fullmatch(path.name)[1])


def is_whole(path: Path) -> bool:
    """Whether the file's sha256 equals the one written beside it."""
    digest = _digest_path(path)
    if not digest.is_file():
        return False
    return digest.read_bytes().split()[:1] == [files.sha256(path).encode()]


def keep_weights(folder: Path, network: torch.nn.Module, about: dict) -> dict:
    """Keeps a trained network that judges others; its record, which comes last.

    Args:
        about: the record but for `sha256`, which is added.
    """
    import torch

    record = about | {"sha256": weights_sha256(network.state_dict())}
    with files.replacing(folder / WEIGHTS) as file:
        torch.save(network.state_dict(), file)
    files.write_sealed(folder / RECORD, record)
    return record


def kept_weights(folder: Path) -> tuple[dict[str, torch.Tensor], dict] | None:
    """Weights and record from `keep_weights`; None where the folder has no record.

    Raises:
        ReplicateError: one of them is damaged, or they do not belong together.
    """
    import torch

    if not (folder / RECORD).exists():
        return None
    way_out = f"Delete {folder} and run again: it is trained anew"
    record, path = files.read_json(folder / RECORD, way_out), folder / WEIGHTS
    try:
        weights = torch.load(path, weights_only=True)
        found = weights_sha256(weights)
    except Exception as error:  # of zip, pickle, torch: whatever a damaged file leads to
        raise files.Damaged(path, str(error).partition("\n")[0], way_out) from error
    if found != record.get("sha256"):
        wanted = str(record.get("sha256"))
        raise files.Damaged(path, f"sha256 {found[:16]}, expected {wanted[:16]}", way_out)
    return weights, record


def weights_sha256(weights: dict[str, torch.Tensor]) -> str:
    """The sha256 of names and bytes, whatever file holds them."""
    digest = hashlib.sha256()
    for name, value in weights.items():
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _nbytes(state: object) -> int:
    import torch

    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(map(_nbytes, state.values()))
    if isinstance(state, list | tuple):
        return sum(map(_nbytes, state))
    return 64


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _check_space(folder: Path, needed: int) -> None:
    if _free(folder) < needed:
        raise _no_space(folder, needed)


def _no_space(folder: Path, needed: int) -> ReplicateError:
    old = generations(folder)
    kept = f"kept last good: iteration {iteration_of(old[0])}" if old else "nothing was saved yet"
    return ReplicateError(
        f"no space: a checkpoint needs {needed / 1e6:.1f} MB, {_free(folder) / 1e6:.1f} MB free in "
        f"{folder} ({kept}). Free some space, or move results with REPLICATE_RESULTS, and run again"
    )
