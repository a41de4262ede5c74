"""The image files of a split on disk, and what is wrong with a folder."""

from pathlib import Path

from replicate import naming
from replicate.datasets import digits, layouts
from replicate.datasets.layouts import FOLDERS, OTHERS, SPLITS, shown
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError, unknown


def split_files(entry: Spec, split: str) -> dict[str, list[Path]]:
    """The image files of one split, by folder name (`trainA`, `trainB`; or `train`), each sorted.

    Of a set in the layout `torchvision` the archives of A and of B. Images that the set's entry
    leaves out are not among them.

    Raises:
        ReplicateError: the set is not there, one of the folders holds no image or two that differ
            by their endings only, or an archive is not there.
    """
    check_split(split)
    if not entry.folder.is_dir():
        raise missing(entry)
    if entry.layout == "torchvision":
        return digits.split_files(entry, split)
    files = {}
    for name in entry.folders(split):
        folder = entry.folder / name
        found = naming.image_files(folder) if folder.is_dir() else []
        files[name] = [file for file in found if f"{name}/{file.name}" not in entry.left_out]
        if not files[name]:
            raise ReplicateError(_empty(entry, folder))
        naming.check_stems(files[name])
    return files


def check_split(split: str) -> None:
    """Nothing, or the error for a split that is none."""
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)


def missing(entry: Spec) -> ReplicateError:
    """The error for a set whose folder does not exist, with the command that gets it."""
    lacking = f"data set {entry.name!r} is not here: {shown(entry.folder)} does not exist."
    entry = spec(entry.reverses) if entry.reverses else entry
    if how := entry.how():
        return ReplicateError(f"{lacking} About this set: {how}")
    if entry.layout == "torchvision":
        local, place = "", digits.expected(entry)
    else:
        local = "" if entry.urls else f" --from PATH/{entry.archive or 'ARCHIVE'}"
        place = layouts.expected(entry.layout, entry.folder)
    return ReplicateError(
        f"{lacking} Run `replicate data get {entry.name}{local}`, or put the images into {place}."
    )


def counts(entry: Spec, root: Path) -> dict[str, int]:
    """Images per folder of the set's layout below `root`, 0 where there is no such folder.

    Nothing for a set that has no folders of images.
    """
    splits = FOLDERS.get(entry.layout, {})
    names = [name for split in splits.values() for name in split]
    names += [OTHERS] if entry.labels else []
    places = {name: root / name for name in names}
    return {n: len(naming.image_files(d)) if d.is_dir() else 0 for n, d in places.items()}


def problems(entry: Spec, root: Path) -> list[str]:
    """What keeps `root` from being a complete copy of the set; an empty list if nothing does.

    Args:
        root: the folder looked at; not always the set's own, which a fetched archive is only moved
            to once it is complete.
    """
    if entry.layout == "torchvision":
        return [f"{place} is missing" for place in digits.absent(entry, *SPLITS)]
    faults = []
    for name, n in counts(entry, root).items():
        wanted = entry.counts.get(name)
        if n == 0 or wanted not in (None, n):
            faults.append(f"{name} has {n} images, expected {wanted or 'at least 1'}")
    return faults


def _empty(entry: Spec, folder: Path) -> str:
    return (
        f"{shown(folder)} has 0 images ({naming.looked_for(folder)}). "
        f"Expected {layouts.expected(entry.layout, entry.folder)}.{layouts.hint(entry.folder)}"
    )
