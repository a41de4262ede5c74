"""Whether a set on this disk is the one on record: counts, every file readable, content."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from replicate import naming
from replicate.datasets import digits, folders, layouts, passport
from replicate.datasets.layouts import SPLITS
from replicate.datasets.progress import bar
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.images import Undecodable, decode


def verify(name: str, progress: bool = True) -> dict:
    """What a check of every file of the set finds, as JSON.

    Digits have no image files; their archives are held to torchvision's md5.

    Returns:
        "name"; "ok": whether nothing below is wrong; "folders": by folder name "count" and
        "expected" (None: not on record); "unreadable": the reason by file name; "content": "found",
        "stored" (of the set's passport; None where none is stored) and "same" (None there).

    Raises:
        UnknownName, ReplicateError: no such set, it is not here, or it is drawn.
    """
    entry = spec(name)
    if entry.layout == "drawn":
        raise ReplicateError(
            f"{name} is drawn, so there is no file to verify: its passport holds the content of "
            f"the arrays; `replicate data make {name}` draws them"
        )
    if not entry.folder.is_dir():
        raise folders.missing(entry)
    counts = folders.counts(entry, entry.folder)
    report = {
        "name": name,
        "folders": {k: {"count": n, "expected": entry.counts.get(k)} for k, n in counts.items()},
        "unreadable": _unreadable(entry, progress),
        "content": _content(entry),
    }
    faults = folders.problems(entry, entry.folder)
    changed = report["content"]["same"] is False
    return report | {"ok": not (faults or report["unreadable"] or changed)}


def format_report(report: dict) -> str:
    """The report as text."""
    name, content = report["name"], report["content"]
    lines = [f"{name}: {'verified' if report['ok'] else 'NOT as it should be'}"]
    for folder, found in report["folders"].items():
        wanted = found["expected"]
        told = f"expected {wanted}" if wanted is not None else "no count is on record"
        lines.append(f"  {folder}: {found['count']} images, {told}")
    for file, reason in report["unreadable"].items():
        lines.append(f"  {file}: {reason}")
    if not report["unreadable"]:
        lines.append("  every file can be read")
    if content["stored"] is None:
        command = f"`replicate data passport {name}`"
        lines.append(f"  content {content['found']}: no passport is stored yet, {command} does")
    elif content["same"]:
        lines.append(f"  content {content['found']}, as in the stored passport")
    else:
        lines.append(f"  content {content['found']}, the stored passport has {content['stored']}")
    return "\n".join(lines)


def _unreadable(entry: Spec, progress: bool) -> dict[str, str]:
    """The reason by file, relative to the set's folder, of every file that cannot be read."""
    if entry.layout == "torchvision":
        return digits.faults(entry)
    names = [name for split in SPLITS for name in layouts.FOLDERS[entry.layout][split]]
    places = [entry.folder / name for name in names if (entry.folder / name).is_dir()]
    files = [file for place in places for file in naming.image_files(place)]
    found = {}
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow decodes without Python's lock
        bar(len(files), f"reading {entry.name}", "image", progress) as steps,
    ):
        for file, reason in zip(files, pool.map(_reason, files), strict=True):
            steps.update()
            if reason:
                found[file.relative_to(entry.folder).as_posix()] = reason
    return found


def _reason(file: Path) -> str:
    try:
        decode(file)
    except Undecodable as error:
        return error.reason
    return ""


def _content(entry: Spec) -> dict:
    stored = (passport.stored(entry) or {}).get("content")
    if entry.layout == "torchvision" and digits.absent(entry, *SPLITS):
        return {"found": None, "stored": stored, "same": None if stored is None else False}
    found = passport.content_hash(entry)
    return {"found": found, "stored": stored, "same": None if stored is None else stored == found}
