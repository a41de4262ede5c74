"""A data set from an archive: found, checked, unpacked beside its place, and moved there whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout

from replicate import files, naming, paths
from replicate.datasets import digits, folders, hashes, layouts, masks, passport, placing
from replicate.datasets.archives import is_archive, unpack
from replicate.datasets.download import DownloadError, download
from replicate.datasets.layouts import shown
from replicate.datasets.spec import Mirror, Original, Spec, spec
from replicate.errors import ReplicateError, hidden

HTML = (b"<!doctype html", b"<html")


def get(name: str, source: str | None = None, progress: bool = True) -> Path:
    """The folder of the set's images, fetched if it is not there yet.

    Digits come through torchvision, file by file: what is missing or fails its md5 is fetched. Of a
    set that a recipe prepares it is the folder of the originals.

    Args:
        name: of the set.
        source: an archive on this machine or an address, either checked against the entry's sha256
            (that of the set's masks is known by its name, and taken along where it lies beside it);
            None takes the archive that lies in the data root under its own name, then the entry's
            addresses in turn.
        progress: whether bars run; torchvision's do anyway.

    Raises:
        ReplicateError: the set is drawn, or restricted: the text tells what to do instead; digits
            are asked for from elsewhere; the set's folder exists but is incomplete; no source gave
            the archive; the archive is damaged, unsafe or of another layout; or the disk is full.
            Nothing is left behind then, but for what an interrupted download may resume from.
    """
    entry = spec(name)
    if entry.reverses:
        print(f"{name} is {entry.reverses} with A and B exchanged; one folder serves both")
        return get(entry.reverses, source, progress)
    if entry.layout == "drawn":
        raise ReplicateError(
            f"{name} is synthetic, not fetched: run `replicate data make {name} --size 64`"
        )
    if entry.layout == "torchvision" and source is not None:
        raise ReplicateError(
            f"{name} comes through torchvision, file by file, not from {hidden(source)}: run "
            f"`replicate data get {name}`, or put the files into {digits.expected(entry)}"
        )
    try:
        with placing.writing(name, paths.data()), _alone(name):
            file = None if source is None or _is_address(source) else Path(source).expanduser()
            if file is not None and masks.is_archive_of(entry, file):
                return masks.get(entry, file)
            place = _get(entry, source, progress)
            beside = file.with_name(entry.masks.archive) if file and entry.masks else None
            if beside is not None and beside.is_file():
                masks.get(entry, beside)
            return place
    except OSError as error:
        place = shown(paths.data())
        raise ReplicateError(
            f"{name}: {error}. Expected a folder to write to at {place}"
        ) from error


def get_file(
    name: str, target: Path, known: Mirror, source: str | None = None, progress: bool = True
) -> Path:
    """One file under its place in the folder of data, fetched if it is not there yet.

    Args:
        name: what it is called; the lock is on it.
        known: where it is published, and what is on record of its content.
        source: a file on this machine or another address, checked in the same way.

    Raises:
        ReplicateError: no such file, or not the one on record; or the disk is full. What lay at
            `target` is then as it was.
    """
    with placing.writing(name, target.parent), _alone(name):
        if target.is_file() and not known.mismatch(target):
            print(f"{name}: {shown(target)} is complete, nothing to do")
            return target
        try:
            if source is None or _is_address(source):
                mirror = known if source is None else _asked(source, bytes=known.bytes)
                download(mirror.url, target, progress, known.mismatch, known.bytes)
            else:
                _copy(Path(source).expanduser(), target, known)
        except DownloadError as error:
            raise ReplicateError(
                f"{name}: {error}. Get {known.url} yourself and run again with --from PATH"
            ) from error
    return target


def _copy(file: Path, target: Path, known: Mirror) -> None:
    if not file.is_file():
        raise ReplicateError(f"{shown(file)} is no file; expected that of {known.url}")
    if reason := known.mismatch(file):
        raise ReplicateError(f"{shown(file)}: {reason}; expected the file of {known.url}")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.copying")
    try:
        shutil.copyfile(file, aside)
        files.move(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _asked(source: str, **record: object) -> Mirror:
    """An address that a user gave; it may hold a password, which an entry must not."""
    return Mirror.model_construct(url=source, **record)


def _get(entry: Spec, source: str | None, progress: bool) -> Path:
    if entry.layout == "torchvision":
        digits.get(entry)
        print(f"{entry.name}: {shown(entry.folder)} is complete")
        return entry.folder
    if entry.folder.is_dir() and any(entry.folder.iterdir()):
        return _present(entry)
    file = None if source is None or _is_address(source) else Path(source).expanduser()
    if entry.originals and (source is None or (file and is_one_of(entry, file))):
        return get_originals(entry, progress, file)
    archive = _archive(entry, source, progress)
    try:
        _install(entry, archive)
        passport.note_archive(entry, archive)
    finally:
        if archive.parent == _workshop():
            archive.unlink()
    print(f"{entry.name}: unpacked to {shown(entry.folder)}")
    return entry.folder


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keeps other processes from fetching the same set, and says so while one is at it."""
    lock = FileLock(_workshop() / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: another process is fetching it; waiting for it", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


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
    if source is not None and not _is_address(source):
        return _local(entry, source)
    how = entry.how()
    if source is None and how and not entry.urls:
        raise ReplicateError(f"{entry.name} cannot be fetched by this command: {how}")
    mirrors = entry.urls
    if source is not None:
        known = [mirror for mirror in entry.urls if mirror.url == source]
        mirrors = known or [_asked(source, sha256=entry.sha256)]
    failures = []
    for mirror in mirrors:
        try:
            return _downloaded(entry, mirror, _workshop() / by_hand.name, progress)
        except DownloadError as error:
            failures.append(str(error))
    checksum = f" (sha256 {entry.sha256})" if entry.sha256 else ""
    raise ReplicateError(
        f"{by_hand.name}: {', '.join(failures) or 'no address is known'}. "
        f"Put the archive at {shown(by_hand)} yourself{checksum} and run again, or name it: "
        f"`replicate data get {entry.name} --from PATH/{by_hand.name}`"
        f"{f'. About this set: {how}' if how else ''}"
    )


def _downloaded(entry: Spec, mirror: Mirror, target: Path, progress: bool) -> Path:
    def refuse(path: Path) -> str:
        return mirror.mismatch(path) or ("" if is_archive(path) else _no_archive(path))

    download(mirror.url, target, progress, refuse, mirror.bytes)
    _say_unverified(entry, hidden(mirror.url), target, bool(mirror.sha256 or mirror.md5))
    return target


def _no_archive(path: Path) -> str:
    with path.open("rb") as file:
        page = file.read(1024).lstrip().lower().startswith(HTML)
    return "an HTML page in place of the archive" if page else "no zip or tar archive"


def _local(entry: Spec, source: str) -> Path:
    parsed = urlsplit(source)
    path = Path(unquote(parsed.path) if parsed.scheme == "file" else source).expanduser().resolve()
    if not path.is_file():
        raise ReplicateError(f"{shown(path)} is no file; expected a zip or tar archive")
    if reason := hashes.mismatch(path, entry.sha256):
        place = layouts.expected(entry.layout, entry.folder)
        raise ReplicateError(
            f"{shown(path)}: {reason}. Get it again; or, if you trust it, unpack it to {place}"
        )
    _say_unverified(entry, shown(path), path, bool(entry.sha256))
    return path


def _say_unverified(entry: Spec, where: str, path: Path, verified: bool) -> None:
    if verified:
        return
    digest, old = hashes.sha256(path), entry.old_host.sha256 if entry.old_host else ""
    if digest == old:
        print(f"{where}: verified, its sha256 is that on record of the same file at an older host")
        return
    record = "no checksum is on record"
    if old:
        record = f"none is on record for it, and that of an older host's file is another ({old})"
    print(f"{where}: unverified, {record}; this file has sha256 {digest}")


def _install(entry: Spec, archive: Path) -> None:
    """Unpacks beside the final folder and renames; on any failure removes what it wrote."""
    with files.building(_workshop() / entry.name, ".unpacking-") as folder:
        unpack(archive, folder)
        root = folder if layouts.layout_of(folder) else layouts.nested(folder)
        if root and entry.paired:
            _take_val_for_test(entry, root)
        faults = folders.problems(entry, root) if root else [naming.contents(folder)]
        if faults:
            wanted = layouts.expected(entry.layout, Path(entry.name))
            raise ReplicateError(
                f"{shown(archive)} is not {entry.name}: {'; '.join(faults)}. "
                f"Expected {wanted} inside{_packed_again(folder)}"
            )
        os.replace(root, entry.folder)


def _take_val_for_test(entry: Spec, root: Path) -> None:
    """Some archives of pairs hold `train` and `val` only."""
    if (root / "val").is_dir() and not (root / "test").is_dir():
        os.replace(root / "val", root / "test")
        print(f"{entry.name}: the archive has no folder `test`; its `val` serves as test split")


def _packed_again(folder: Path) -> str:
    """The way out where an archive holds but another one, which is not unpacked unasked."""
    inner = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_archive(path)]
    return f". It holds {inner[0].name}: unpack it and give that one with --from" if inner else ""


def is_one_of(entry: Spec, path: Path) -> bool:
    """Whether a file has the name of one of the set's originals."""
    return path.name in {original.file for original in entry.originals}


def get_originals(entry: Spec, progress: bool, file: Path | None = None) -> Path:
    """The folder of the set's originals, whole and with what its archives hold.

    Args:
        file: one of them, on this machine: it is copied, and so are those that lie beside it.
            None: those that lie in the data root are.

    Raises:
        ReplicateError: a file is not there and cannot be fetched, or is not the one on record; the
            text tells what to do by hand.
    """
    folder = entry.originals_folder
    folder.mkdir(parents=True, exist_ok=True)
    for original in entry.originals:
        place = folder / original.file
        at_hand = (file.parent if file else paths.data()) / original.file
        if at_hand.is_file() and not place.exists() and not _done(place).is_file():
            shutil.copyfile(at_hand, place)
    failures = [
        text for original in entry.originals if (text := _fetch(original, folder, progress))
    ]
    if failures:
        raise ReplicateError(f"{entry.name}: {'; '.join(failures)}. About this set: {entry.how()}")
    for original in entry.originals:
        _unpack(folder / original.file, folder)
    print(
        f"{entry.name}: its originals lie in {shown(folder)}; next, `replicate data prepare "
        f"{entry.name} {shown(folder)}`"
    )
    return folder


def _fetch(original: Original, folder: Path, progress: bool) -> str:
    """Nothing, once the file is there and checked; else what is wrong."""
    path = folder / original.file
    if _done(path).is_file():
        return ""
    if path.is_file():
        reason = original.mismatch(path)
        return f"{shown(path)}: {reason}, get it again" if reason else ""
    if not original.url:
        return f"{shown(path)} does not exist"
    try:
        download(original.url, path, progress, original.mismatch, original.bytes)
    except DownloadError as error:
        return f"{original.file}: {error}"
    return ""


def _unpack(path: Path, folder: Path) -> None:
    """Moves what the archive holds into `folder`, once; a file that is none stays as it is."""
    if _done(path).is_file() or not is_archive(path):
        return
    with files.building(path, ".unpacking-") as temporary:
        unpack(path, temporary)
        for item in sorted(temporary.iterdir()):
            if (folder / item.name).is_dir():
                shutil.rmtree(folder / item.name)
            os.replace(item, folder / item.name)
        _done(path).touch()


def _done(path: Path) -> Path:
    """A mark beside an archive that was checked and unpacked to its end."""
    return path.with_name(f".{path.name}.unpacked")
