"""What a disk that is full, or that may not be written to, means for who asked for a data set."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError

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
