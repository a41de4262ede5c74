"""Files and folders that are at any moment absent, old or new, never half; locks; checksums.

Whatever git keeps and whatever is evidence is written here. What a killed process leaves has a name
that begins with a dot, is never read, and goes with the next write to the same place.
"""

import ctypes
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from replicate.errors import ReplicateError

CHECKSUM = "checksum"  # the key of a sealed JSON object's own sha256
REPLACED = "replaced"  # an old folder while the new one takes its place
HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
WAY_OUT = (
    "Free some disk or allow the writing, or move results with REPLICATE_RESULTS and data with "
    "REPLICATE_DATA, and run again"
)


class Unwritable(ReplicateError, OSError):
    """A file or folder could not be written; what stood there before is untouched."""

    def __str__(self) -> str:  # OSError would print its number
        return str(self.args[0])


class Damaged(ReplicateError):
    """A file is not as it was written."""

    def __init__(self, path: Path, reason: str, way_out: str) -> None:
        super().__init__(f"{path} is damaged ({' '.join(reason.split())}). {way_out}")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` once the block has ended well.

    Raises:
        Unwritable: the disk is full, a limit is reached, or the folder may not be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _forget(aside)


def unwritable(path: Path, error: OSError) -> Unwritable:
    """The error for `path` that names the system's reason and keeps its number."""
    if isinstance(error, Unwritable):
        return error
    reason = error.strerror or str(error) or type(error).__name__
    failure = Unwritable(
        f"{path} cannot be written ({reason}); what stood there is kept. {WAY_OUT}"
    )
    failure.errno, failure.strerror = error.errno, error.strerror
    return failure


def write(path: Path, content: str | bytes) -> Path:
    """`path`, with `content` (text as UTF-8) in the place of what it held."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return path


def write_json(path: Path, content: object) -> Path:
    """`path`, with `content` as JSON."""
    return write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_sealed(path: Path, content: dict) -> Path:
    """`path`, with `content` as JSON and its own checksum, which `read_json` holds it to."""
    content = {key: value for key, value in content.items() if key != CHECKSUM}
    return write_json(path, content | {CHECKSUM: _checksum(content)})


def read_json(path: Path, way_out: str) -> dict:
    """The object that a JSON file holds; without its checksum, which is verified where it has one.

    Args:
        way_out: what the error tells to do about a damaged file.

    Raises:
        ReplicateError: the file cannot be read, is no JSON object or not the one that was written.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise Damaged(path, error.strerror or str(error), way_out) from error
    except (ValueError, RecursionError) as error:
        raise Damaged(path, f"no JSON: {error}", way_out) from error
    if not isinstance(content, dict):
        raise Damaged(path, f"{type(content).__name__}, expected a JSON object", way_out)
    wanted = content.pop(CHECKSUM, None)
    if wanted is not None and wanted != (digest := _checksum(content)):
        raise Damaged(path, f"checksum {str(wanted)[:16]}, content {digest[:16]}", way_out)
    return content


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def building(target: Path, prefix: str = ".building-") -> Iterator[Path]:
    """An empty folder beside `target` to build it in, gone when the block ends.

    What killed builders of the same target left goes first, so the caller holds a lock.

    Args:
        target: the final folder, which `put` or `os.replace` makes of the built one.
        prefix: of the names of such folders.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.iterdir():
            # mkdtemp's own letters hold no dash: `pets` takes nothing that is `pets-big`'s
            if left.name.rpartition("-")[0] == f"{prefix}{target.name}":
                _clear(left, target)
        place = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{prefix}{target.name}-"))
    except OSError as error:
        raise unwritable(target, error) from error
    try:
        folder = place / "all"  # one level down, because mkdtemp's own folder is private
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)


def put(folder: Path, target: Path) -> None:
    """A folder from `building`, its files written by `write`, takes the place of `target`.

    On file systems that cannot exchange two folders a kill in between leaves `target` away; the
    next `building` for it puts the old one back.
    """
    try:
        _sync(folder)
        if not target.exists():
            os.replace(folder, target)
        elif not _exchanged(folder, target):
            os.replace(target, folder.with_name(REPLACED))
            os.replace(folder, target)
        _sync(target.parent)
    except OSError as error:
        raise unwritable(target, error) from error


def move(source: Path, target: Path) -> None:
    """A file that was written by others takes the place of `target`, once it is on the disk."""
    _sync(source)
    os.replace(source, target)
    _sync(target.parent)


@contextmanager
def locked(path: Path, timeout: float = -1, waiting: str = "") -> Iterator[None]:
    """One process at a time; the kernel ends the lock with the process, however it ends.

    Args:
        path: of the lock file.
        timeout: s to wait for another process; -1: as long as it takes.
        waiting: what another process is said to be at where this one waits for it.

    Raises:
        Timeout: another process has it.
        Unwritable: there is no such folder to be, or its file system knows no locks.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting:
                print(f"another process is {waiting}; waiting for it", file=sys.stderr, flush=True)
            lock.acquire(timeout=timeout)
    except Timeout:
        raise
    except (OSError, NotImplementedError) as error:
        raise Unwritable(
            f"{path} cannot be locked ({getattr(error, 'strerror', None) or error}); some network "
            "file systems know no locks. Move results with REPLICATE_RESULTS, or data with "
            "REPLICATE_DATA, to a file system that does, and run again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def read_owner(path: Path) -> dict:
    """Process (`pid`) and `host` that hold something; empty where the file tells of none."""
    try:
        owner = read_json(path, "")
    except ReplicateError:  # gone, or just being written
        return {}
    pid = owner.get("pid")
    return owner if isinstance(pid, int) and 0 < pid < 2**31 else {}


def sweep(folder: Path) -> None:
    """Removes what killed writers left in a folder whose lock the caller holds."""
    for left in [*folder.glob(".*.partial")]:
        left.unlink(missing_ok=True)


def _clear(left: Path, target: Path) -> None:
    """Removes what a killed builder left; an old folder that it had put aside comes back."""
    if (left / REPLACED).is_dir() and not target.exists():
        os.replace(left / REPLACED, target)
    shutil.rmtree(left)


def _checksum(content: dict) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _forget(aside: Path) -> None:
    with suppress(OSError):  # there is no such folder, which was told already
        aside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Puts a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two folders changed places in one step, which not every system can."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0
