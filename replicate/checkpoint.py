"""Checkpoints that survive a kill at any moment: written aside, synced, renamed, two kept."""

import errno
import hashlib
import os
import shutil
import warnings
from pathlib import Path

import torch

from replicate.errors import ReplicateError

KEPT = 2  # generations
PATTERN = "checkpoint-*.pt"


def save(folder: Path, state: dict, iteration: int) -> Path:
    """The path of a new checkpoint; older ones beyond two generations are gone.

    Args:
        folder: of the run.
        state: tensors, numbers, strings and containers of them; `weights_only=True` loads no more.
        iteration: steps done; part of the file name.

    Raises:
        ReplicateError: the disk is full; what was there before is untouched.
    """
    path = folder / f"checkpoint-{iteration:08d}.pt"
    partial = path.with_suffix(".partial")
    _check_space(folder, _nbytes(state))
    try:
        with partial.open("wb") as file:
            torch.save(state, file)
            _sync(file)
        _write_digest(path, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch's zip writer hides ENOSPC in a RuntimeError
        partial.unlink(missing_ok=True)
        if getattr(error, "errno", None) == errno.ENOSPC or _free(folder) < _nbytes(state):
            raise _no_space(folder, _nbytes(state)) from error
        raise
    _sync_folder(folder)
    for old in generations(folder)[KEPT:]:
        old.unlink()
        _digest_path(old).unlink(missing_ok=True)
    return path


def load(folder: Path, device: torch.device) -> dict | None:
    """The newest checkpoint that is whole, or None where the folder has none.

    A broken one (cut short, altered, digest missing) is set aside with a warning that names it.
    """
    for path in generations(folder):
        if is_whole(path):
            return torch.load(path, map_location=device, weights_only=True)
        warnings.warn(
            f"{path} is damaged (its sha256 does not match); falling back to the one before. "
            f"The damaged file is kept as {path.name}.damaged",
            RuntimeWarning,
            stacklevel=2,
        )
        os.replace(path, path.with_name(path.name + ".damaged"))
    return None


def generations(folder: Path) -> list[Path]:
    """Checkpoint files, newest first."""
    return sorted(folder.glob(PATTERN), reverse=True)


def iteration_of(path: Path) -> int:
    """Steps done when `path` was written."""
    return int(path.stem.split("-")[1])


def is_whole(path: Path) -> bool:
    """Whether the file's sha256 equals the one written beside it."""
    digest = _digest_path(path)
    return digest.exists() and digest.read_text().split()[:1] == [_sha256(path)]


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _write_digest(path: Path, partial: Path) -> None:
    digest = _digest_path(path)
    aside = digest.with_suffix(".partial-sha256")
    with aside.open("w") as file:
        file.write(f"{_sha256(partial)}  {path.name}\n")
        _sync(file)
    os.replace(aside, digest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(file) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _nbytes(state: object) -> int:
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
