"""Unpacking zip and tar archives that come from strangers."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError

HEADROOM = 0.9  # of the free disk; an archive that declares more is refused
# What the standard library raises on a damaged, truncated or encrypted archive.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
    NotImplementedError,
    UnicodeError,
)
Members = Iterator[tuple[str, int, IO[bytes]]]  # path, declared bytes, content


def is_archive(path: Path) -> bool:
    """Whether the file looks like a zip or tar archive, whatever its name."""
    return _reader(path) is not None


def unpack(archive: Path, folder: Path) -> None:
    """Writes the archive's files below `folder`; the caller removes it if this fails.

    Raises:
        ReplicateError: the archive is damaged; it declares more bytes than the disk has free; or it
            holds an absolute path, a `..`, a link or a device, none of which an image needs.
    """
    members = _reader(archive)
    if members is None:
        raise ReplicateError(
            f"{shown(archive)} is no zip or tar archive, or a truncated one "
            f"({archive.stat().st_size} bytes). Get it again"
        )
    room = int(shutil.disk_usage(folder).free * HEADROOM)
    try:
        for name, size, file in members(archive):
            room -= size
            if room < 0:
                raise ReplicateError(
                    f"{shown(archive)} declares more bytes than {shown(folder.parent)} has free. "
                    "Free some, or move the data with REPLICATE_DATA"
                )
            _write(file, folder / _safe(name, archive), size)
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        text = f"{shown(archive)} cannot be unpacked ({reason}). Get it again"
        raise ReplicateError(text) from error


def _reader(path: Path) -> Callable[[Path], Members] | None:
    """What lists the members; a tar is tried first, because one may end with a zip."""
    for fits, members in ((tarfile.is_tarfile, _tar_members), (zipfile.is_zipfile, _zip_members)):
        try:
            if fits(path):
                return members
        except DAMAGE:
            continue
    return None


def _zip_members(archive: Path) -> Members:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(info.filename, archive, "is a link or a device")
            if not info.is_dir():
                with opened.open(info) as file:
                    yield info.filename, info.file_size, file


def _tar_members(archive: Path) -> Members:
    with tarfile.open(archive) as opened:
        for info in opened:
            if not (info.isfile() or info.isdir()):
                raise _refused(info.name, archive, "is a link or a device")
            if info.isfile():
                with opened.extractfile(info) as file:
                    yield info.name, info.size, file


def _safe(name: str, archive: Path) -> PurePosixPath:
    """The member's path, if it stays inside wherever it is joined to."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0] or not path.parts:
        raise _refused(name, archive, "would lie outside the data set's folder")
    return path


def _write(file: IO[bytes], target: Path, size: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        shutil.copyfileobj(file, out, 1 << 20)
        if out.tell() != size:
            raise EOFError(f"{target.name}: {out.tell()} of {size} bytes")


def _refused(name: str, archive: Path, why: str) -> ReplicateError:
    return ReplicateError(f"{shown(archive)} refused: its member {name!r} {why}")
