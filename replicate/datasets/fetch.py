"""A data set from an archive: found, checked, unpacked beside its place, and moved there whole."""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from replicate import paths
from replicate.datasets import digits, folders, hashes, layouts, passport
from replicate.datasets.archives import is_archive, unpack
from replicate.datasets.download import DownloadError, download
from replicate.datasets.layouts import shown
from replicate.datasets.spec import Mirror, Spec, spec
from replicate.errors import ReplicateError


def get(name: str, source: str | None = None, progress: bool = True) -> Path:
    """The folder of the set's images, fetched if it is not there yet.

    Digits come through torchvision, file by file: what is missing or fails its md5 is fetched.

    Args:
        name: of the set.
        source: an archive on this machine or an address, either checked against the entry's sha256;
            None takes the archive that lies in the data root under its own name, then the entry's
            addresses in turn.
        progress: whether bars run; torchvision's do anyway.

    Raises:
        ReplicateError: the set is drawn; digits are asked for from elsewhere; the set's folder
            exists but is incomplete; no source gave the archive; or the archive is damaged, unsafe
            or of another layout. Nothing is left behind then, but for what an interrupted download
            may resume from.
    """
    entry = spec(name)
    if entry.layout == "drawn":
        raise ReplicateError(
            f"{name} is drawn, not fetched: run `replicate data make {name} --size 64`"
        )
    if entry.layout == "torchvision" and source is not None:
        raise ReplicateError(
            f"{name} comes through torchvision, file by file, not from {source}: run `replicate "
            f"data get {name}`, or put the files into {digits.expected(entry)}"
        )
    with FileLock(_workshop() / f"{name}.lock"):
        if entry.layout == "torchvision":
            digits.get(entry)
            print(f"{name}: {shown(entry.folder)} is complete")
            return entry.folder
        if entry.folder.is_dir() and any(entry.folder.iterdir()):
            return _present(entry)
        archive = _archive(entry, source, progress)
        try:
            _install(entry, archive)
            passport.note_archive(entry, archive)
        finally:
            if archive.parent == _workshop():
                archive.unlink()
    print(f"{name}: unpacked to {shown(entry.folder)}")
    return entry.folder


def _workshop() -> Path:
    """The hidden folder of locks and half-done things, on the disk of the data."""
    folder = paths.data() / ".fetch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _present(entry: Spec) -> Path:
    if faults := folders.problems(entry, entry.folder):
        raise ReplicateError(
            f"{shown(entry.folder)} exists but is incomplete: {'; '.join(faults)}."
            f"{layouts.hint(entry.folder)} Move it away or complete it, and run again"
        )
    print(f"{entry.name}: {shown(entry.folder)} is complete, nothing to do")
    return entry.folder


def _archive(entry: Spec, source: str | None, progress: bool) -> Path:
    """The checked archive: a local one where it lies, a downloaded one in the workshop."""
    by_hand = paths.data() / (entry.archive or f"{entry.name}.zip")
    if source is None and by_hand.is_file():
        return _local(entry, str(by_hand))
    if source is not None and not source.startswith(("http://", "https://")):
        return _local(entry, source)
    mirrors = entry.urls
    if source is not None:
        known = [mirror for mirror in entry.urls if mirror.url == source]
        mirrors = known or [Mirror(url=source, sha256=entry.sha256)]
    failures = []
    for mirror in mirrors:
        try:
            return _downloaded(mirror, _workshop() / by_hand.name, progress)
        except DownloadError as error:
            failures.append(str(error))
    checksum = f" (sha256 {entry.sha256})" if entry.sha256 else ""
    raise ReplicateError(
        f"{by_hand.name}: {', '.join(failures) or 'no address is known'}. "
        f"Put the archive at {shown(by_hand)} yourself{checksum} and run again, or name it: "
        f"`replicate data get {entry.name} --from PATH/{by_hand.name}`"
    )


def _downloaded(mirror: Mirror, target: Path, progress: bool) -> Path:
    download(mirror.url, target, progress)
    found = hashes.sha256(target)
    wrong = mirror.sha256 and found != mirror.sha256
    if wrong or not is_archive(target):
        target.unlink()
        reason = f"sha256 mismatch (found {found}, expected {mirror.sha256})"
        raise DownloadError(f"{reason if wrong else 'no zip or tar archive'} at {mirror.url}")
    _say_unverified(mirror.url, found, mirror.sha256)
    return target


def _local(entry: Spec, source: str) -> Path:
    parsed = urlsplit(source)
    path = Path(unquote(parsed.path) if parsed.scheme == "file" else source).expanduser().resolve()
    if not path.is_file():
        raise ReplicateError(f"{shown(path)} is no file; expected a zip or tar archive")
    found = hashes.sha256(path)
    if entry.sha256 and found != entry.sha256:
        place = layouts.expected(entry.layout, entry.folder)
        raise ReplicateError(
            f"{shown(path)}: sha256 mismatch (found {found}, expected {entry.sha256}). "
            f"Get it again; or, if you trust it, unpack it to {place}"
        )
    _say_unverified(shown(path), found, entry.sha256)
    return path


def _say_unverified(where: str, found: str, expected: str) -> None:
    if not expected:
        print(f"{where}: unverified, no checksum is on record; this file has sha256 {found}")


def _install(entry: Spec, archive: Path) -> None:
    """Unpacks beside the final folder and renames; on any failure removes what it wrote."""
    prefix = f"{entry.name}-unpacking-"
    for left in _workshop().glob(f"{prefix}*"):  # of a killed run: the lock is ours
        shutil.rmtree(left)
    temporary = Path(tempfile.mkdtemp(dir=_workshop(), prefix=prefix))
    try:
        folder = temporary / "all"  # one level down, because mkdtemp's own folder is private
        folder.mkdir()
        unpack(archive, folder)
        root = folder if layouts.layout_of(folder) else layouts.nested(folder)
        faults = folders.problems(entry, root) if root else [layouts.contents(folder)]
        if faults:
            wanted = layouts.expected(entry.layout, Path(entry.name))
            raise ReplicateError(
                f"{shown(archive)} is not {entry.name}: {'; '.join(faults)}. "
                f"Expected {wanted} inside"
            )
        os.replace(root, entry.folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
