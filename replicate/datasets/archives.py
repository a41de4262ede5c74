"""Unpacking zip and tar archives that come from strangers."""

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from replicate.datasets import placing
from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError

HEADROOM = 0.9  # of the free disk; an archive that declares more is refused
RATIO = 100  # unpacked to packed bytes; images hardly shrink, so what shrinks more is a bomb
SLACK = 1 << 26  # bytes that an archive may unpack to, however small it is
FILES = 400_000  # twice as many as the largest set that a recipe knows
ENTRY = 100  # bytes of a zip's directory for a file; it is read whole
HEADER = 1 << 20  # bytes of a tar's header of names and remarks, which is read whole
HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
BLOCK = 512  # bytes; a tar consists of such blocks and ends with empty ones
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


class _Budget:
    """What an archive may unpack to: bytes by its own size and by the free disk, and files."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.archive = archive
        self.room = int(shutil.disk_usage(folder).free * HEADROOM)
        self.bytes = RATIO * archive.stat().st_size + SLACK
        self.files = FILES
        self.kept = 0  # bytes of global headers

    def take(self, size: int) -> None:
        """Sets aside what one more file declares, or refuses the archive."""
        self.room -= size
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0:
            raise self.bomb()
        if self.room < 0:
            raise ReplicateError(
                f"{shown(self.archive)} declares more bytes than the disk has free. Free some, or "
                f"{placing.WAY_OUT}"
            )
        if self.files < 0:
            raise self.too_many()

    def too_many(self) -> ReplicateError:
        """The error for an archive of more files than any set has."""
        return ReplicateError(f"{shown(self.archive)} refused: it holds more than {FILES} files")

    def take_header(self, header: tarfile.TarInfo) -> None:
        """Refuses a header that is too long to be read; global ones are kept, so they add up."""
        if header.type not in HEADERS:
            return
        self.kept += header.size * (header.type == tarfile.XGLTYPE)
        if max(header.size, self.kept) > HEADER:
            raise ReplicateError(
                f"{shown(self.archive)} refused: a header of {max(header.size, self.kept)} bytes, "
                f"expected at most {HEADER}, more than any name needs"
            )

    def bomb(self) -> ReplicateError:
        """The error for an archive that would grow beyond all images."""
        size = self.archive.stat().st_size
        return ReplicateError(
            f"{shown(self.archive)} refused: its {size} bytes unpack to more than "
            f"{RATIO * size + SLACK}, which no archive of images does"
        )


class _Stream:
    """The bytes of a tar, unpacked one after another; refuses more of them than a budget has."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self.file, self.budget = file, budget
        self.left, self.last, self.count = budget.bytes, b"", 0

    def read(self, size: int) -> bytes:
        self.last = self.file.read(size)
        self.count += len(self.last)
        if self.count > self.left:
            raise self.budget.bomb()
        return self.last

    def ends_at(self, offset: int) -> bool:
        """Whether an empty block lies there, among the bytes read last."""
        start = offset - self.count + len(self.last)
        return start >= 0 and self.last[start : start + BLOCK] == bytes(BLOCK)


def is_archive(path: Path) -> bool:
    """Whether the file looks like a zip or tar archive, whatever its name."""
    return _reader(path) is not None


def unpack(archive: Path, folder: Path) -> None:
    """Writes the archive's files below `folder`; the caller removes it if this fails.

    Raises:
        ReplicateError: the archive is damaged; it declares, or grows to, more bytes than the disk
            has free or than images do; it holds a path twice, or an absolute path, a `..`, a link
            or a device, none of which an image needs; or the disk is full.
    """
    members = _reader(archive)
    if members is None:
        raise ReplicateError(
            f"{shown(archive)} is no zip or tar archive, or a truncated one "
            f"({archive.stat().st_size} bytes). Get it again"
        )
    try:
        for name, size, file in members(archive, _Budget(archive, folder)):
            try:
                _write(file, folder / _safe(name, archive), size, archive)
            except FileExistsError:
                why = "stands twice in it, as this disk tells names apart"
                raise _refused(name, archive, why) from None
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        text = f"{shown(archive)} cannot be unpacked ({reason}). Get it again"
        raise ReplicateError(text) from error


def _reader(path: Path) -> Callable[[Path, _Budget], Members] | None:
    """What lists the members; a tar is tried first, because one may end with a zip."""
    for fits, members in ((_is_tar, _tar_members), (zipfile.is_zipfile, _zip_members)):
        try:
            if fits(path):
                return members
        except DAMAGE:
            continue
    return None


def _zip_members(archive: Path, budget: _Budget) -> Members:
    _check_directory(archive, budget)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(info.filename, archive, "is a link or a device")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # zipfile unpacks the others without a limit on the memory they take
                raise _refused(info.filename, archive, "is neither stored nor deflated")
            budget.take(info.file_size)
        for info in opened.infolist():
            if not info.is_dir():
                with opened.open(info) as file:
                    yield info.filename, info.file_size, file


def _check_directory(archive: Path, budget: _Budget) -> None:
    """Refuses a zip whose directory, which zipfile reads whole, is that of too many files.

    The record at its end is found by zipfile's own function, so that it is the one that is used.
    """
    with archive.open("rb") as file:
        end = zipfile._EndRecData(file)
    if not end:
        raise zipfile.BadZipFile("no directory at its end")
    count, size = end[zipfile._ECD_ENTRIES_TOTAL], end[zipfile._ECD_SIZE]
    if count > FILES or size > ENTRY * FILES:
        raise budget.too_many()


def _is_tar(path: Path) -> bool:
    try:
        with _tar(path, _Budget(path, path.parent)):
            return True
    except ReplicateError:  # a bomb in its first header: whoever unpacks it is told
        return True


@contextmanager
def _tar(path: Path, budget: _Budget) -> Iterator[tuple[tarfile.TarFile, _Stream]]:
    """The opened archive, read from front to back, and the stream that it is read from."""
    with path.open("rb") as file:
        start = file.read(6)
    opener = next((o for magic, o in COMPRESSED.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file:
        stream = _Stream(file, budget)

        class Member(tarfile.TarInfo):
            """One whose size is looked at before tarfile reads what it announces."""

            @classmethod
            def frombuf(cls, *arguments: object) -> tarfile.TarInfo:
                member = super().frombuf(*arguments)
                budget.take_header(member)
                return member

        with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member) as opened:
            yield opened, stream


def _tar_members(archive: Path, budget: _Budget) -> Members:
    with _tar(archive, budget) as (opened, stream):
        while info := opened.next():
            if not (info.isfile() or info.isdir()):
                raise _refused(info.name, archive, "is a link or a device")
            budget.take(info.size)
            if info.isfile():
                with opened.extractfile(info) as file:
                    yield info.name, info.size, file
            opened.members.clear()  # else the memory grows with the number of files
        # tarfile takes a cut or a damaged header for the end
        if not stream.ends_at(opened.offset):
            raise EOFError(f"cut or damaged after {opened.offset} bytes of the tar")
        while stream.read(1 << 20):  # the checksum of the compressed bytes comes last
            pass


def _safe(name: str, archive: Path) -> PurePosixPath:
    """The member's path, if it stays inside wherever it is joined to."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0] or not path.parts:
        raise _refused(name, archive, "would lie outside the data set's folder")
    return path


def _write(file: IO[bytes], target: Path, size: int, archive: Path) -> None:
    with placing.writing(shown(archive), target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            shutil.copyfileobj(file, out, 1 << 16)
            if out.tell() != size:
                raise EOFError(f"{target.name}: {out.tell()} of {size} bytes")


def _refused(name: str, archive: Path, why: str) -> ReplicateError:
    return ReplicateError(f"{shown(archive)} refused: its member {name!r} {why}")
