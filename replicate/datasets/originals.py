"""The files that a recipe prepares a set from: fetched where they can be, checked, unpacked."""

import os
import shutil
from pathlib import Path

from replicate import files
from replicate.datasets.archives import is_archive, unpack
from replicate.datasets.download import DownloadError, download
from replicate.datasets.layouts import shown
from replicate.datasets.spec import Original, Spec
from replicate.errors import ReplicateError


def get(entry: Spec, progress: bool) -> Path:
    """The folder of the set's originals, whole and with what its archives hold.

    Raises:
        ReplicateError: a file is not there and cannot be fetched, or is not the one on record; the
            text tells what to do by hand.
    """
    folder = entry.originals_folder
    folder.mkdir(parents=True, exist_ok=True)
    failures = [text for each in entry.originals if (text := _fetch(each, folder, progress))]
    if failures:
        raise ReplicateError(f"{entry.name}: {'; '.join(failures)}. About this set: {entry.how()}")
    for each in entry.originals:
        _unpack(folder / each.file, folder)
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
