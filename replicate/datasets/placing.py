"""How a folder comes to be: written beside its place, then moved there whole; full disks told."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from replicate import documents, files
from replicate.datasets.layouts import shown
from replicate.datasets.spec import NOTE, Spec
from replicate.errors import ReplicateError


def place(target: Path, write: Callable[[Path], None]) -> bool:
    """Whether this call made the folder `target`; else another process did meanwhile.

    Killed at any moment it leaves no folder under the final name; what it left under a temporary
    one is removed by the next call for the same folder.

    Args:
        target: the final folder; where it exists and holds something, nothing is done.
        write: fills the folder it is given.

    Raises:
        ReplicateError: the disk is full or read-only.
    """
    with files.locked(target.parent / f".{target.name}.lock"):
        if holds_something(target):
            return False
        try:
            with files.building(target) as folder:
                write(folder)
                os.replace(folder, target)
        except OSError as error:
            raise ReplicateError(
                f"{shown(target)} cannot be written ({error.strerror or error}); nothing of it is "
                "kept. Free some disk, or move the data with REPLICATE_DATA, and run again"
            ) from error
    return True


def holds_something(folder: Path) -> bool:
    """Whether there is such a folder and it is not empty."""
    return folder.is_dir() and any(folder.iterdir())


def describe(folder: Path, entry: Spec, made_by: str) -> None:
    """Writes the set's own entry beside its images, which `spec` reads where the registry has none.

    Args:
        folder: of the set.
        entry: what it is; its name is that of the folder, so it is not written.
        made_by: the command that made it, for readers.
    """
    fields = entry.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
    (folder / NOTE).write_text(f"# made by `{made_by}`\n{text}", encoding="utf-8")


def noted(folder: Path) -> dict:
    """The fields that `describe` wrote; none where it did not.

    Raises:
        ReplicateError: somebody spoilt them.
    """
    file = folder / NOTE
    try:
        return dict(documents.read_yaml(file)) if file.is_file() else {}
    except ReplicateError as error:
        raise ReplicateError(f"{error}. Move {shown(folder)} away") from None


# EFBIG: a file may not grow that long here, by a limit of the user or of the file system
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
WAY_OUT = "move the data with REPLICATE_DATA"


@contextmanager
def writing(what: str, folder: Path) -> Iterator[None]:
    """A block that writes `what` below `folder`; any other error of the system passes unchanged.

    Raises:
        ReplicateError: the disk is full, or the folder may not be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full(what, folder, error.strerror) from error
        if error.errno in DENIED:
            place = error.filename or shown(folder)
            raise ReplicateError(
                f"{what}: {place} cannot be written ({error.strerror}). Allow it, or {WAY_OUT}"
            ) from error
        raise


def check_room(what: str, folder: Path, need: int) -> None:
    """Nothing, or the error for more bytes than the disk has free."""
    if need > shutil.disk_usage(folder).free:
        raise full(what, folder, f"{need / 1e6:.0f} MB are needed")


def full(what: str, folder: Path, reason: str) -> ReplicateError:
    """The error for a disk without room, with the bytes that it has free."""
    while not folder.exists():  # what was to be written may be a folder
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return ReplicateError(
        f"{what}: no room on the disk ({reason}), {free / 1e6:.0f} MB are free at {shown(folder)}. "
        f"Free some and run again, or {WAY_OUT}"
    )
