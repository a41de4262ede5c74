"""Which sets there are, which of them are here, and what a user must do to have the others."""

from pathlib import Path

from replicate.datasets import folders, layouts
from replicate.datasets.layouts import SPLITS, shown
from replicate.datasets.spec import Spec, names, spec

UNKNOWN = "not on record"


def describe() -> list[dict]:
    """One entry a set for a listing, made without reading any image.

    Returns:
        "name", "layout", "paired", "domains", "licence", "source", "image_size", "used_by",
        "faults" and "reverses" as on record, empty where nothing is; "counts" as on record, else
        as found, with A first; "bytes" on the disk; "state": "synthetic", "present" (and
        complete), "incomplete" or "missing"; "faults_here": what keeps it from being complete;
        "to_do": what a user must do to have it, in one line.
    """
    return [_line(spec(name)) for name in names()]


def size_on_disk(folder: Path) -> int:
    """The bytes of all files below a folder; 0 where there is none."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())


def to_do(entry: Spec, faults: list[str] | None) -> str:
    """What a user must do to have the set, in one line.

    Args:
        faults: what keeps its folder from being complete; None where there is no folder.
    """
    if entry.layout == "drawn":
        return "nothing: it is made when it is first used"
    if faults == []:
        return "nothing: it is here"
    if faults and entry.layout != "torchvision":
        return f"{'; '.join(faults)}: complete {shown(entry.folder)}, or move it away and get it"
    if entry.reverses:
        return f"{to_do(spec(entry.reverses), None)}: one folder serves both"
    if how := entry.how():
        return how
    command = f"`replicate data get {entry.name}`"
    if entry.layout == "torchvision":
        return f"{command}, by torchvision"
    if not entry.urls:
        command = f"`replicate data get {entry.name} --from PATH/{entry.archive}`"
        return f"no address is on record; with the archive at hand, {command}"
    size = entry.urls[0].bytes or (entry.old_host.bytes if entry.old_host else 0)
    return f"{command}, {f'about {size / 1e6:.0f} MB' if size else f'size {UNKNOWN}'}"


def _line(entry: Spec) -> dict:
    here = entry.folder.is_dir() and any(entry.folder.iterdir())
    faults = folders.problems(entry, entry.folder) if here else None
    state = "missing" if faults is None else "incomplete" if faults else "present"
    return {
        "name": entry.name,
        "layout": entry.layout,
        "paired": entry.paired,
        "domains": list(entry.domains),
        "counts": _counts(entry),
        "state": "synthetic" if entry.layout == "drawn" else state,
        "bytes": size_on_disk(entry.folder),
        "to_do": to_do(entry, faults),
        "faults_here": faults or [],
        "licence": entry.licence,
        "source": entry.source,
        "image_size": entry.image_size,
        "used_by": {paper: list(tables) for paper, tables in entry.used_by.items()},
        "faults": list(entry.faults),
        "reverses": entry.reverses,
    }


def _counts(entry: Spec) -> dict[str, int]:
    """Images by split and domain letter; of a set that reverses another, A is that one's B."""
    known = dict(entry.counts) or folders.counts(entry, entry.folder)
    if not any(known.values()):
        return {}
    if not entry.reverses or entry.paired:
        return known
    pairs = zip(
        (name for split in SPLITS for name in layouts.FOLDERS[entry.layout][split]),
        (name for split in SPLITS for name in entry.folders(split)),
        strict=True,
    )
    return {name: known[place] for name, place in pairs if place in known}
