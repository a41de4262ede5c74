"""What is wrong or odd in a set's files, by name; and what sets there are."""

import hashlib
from collections import Counter, defaultdict

import numpy as np

from replicate.datasets import folders, layouts
from replicate.datasets.decoding import Decoded, Undecodable, decode
from replicate.datasets.progress import bar
from replicate.datasets.spec import Spec, names, spec

TINY = 64  # px; a shorter side is enlarged at every size that this project trains at
SHOWN = 20  # file names printed a finding; the report itself holds all


def audit(name: str, progress: bool = True) -> dict:
    """What a look at every image of the set finds, as JSON.

    Returns:
        "name"; "folders": by folder name "count", "expected" (None: not on record), "modes",
        "width" and "height" (smallest, largest; px), and the files by name: "unreadable" (with
        reason), "grey" (stored grey, or equal in all channels), "tiny" (shorter side < 64 px),
        "turned" (by EXIF); "duplicates": groups of files of equal pixels within one split; "leaks":
        groups with files of both splits. A set that is drawn or torchvision's has no image
        files, so no folders.

    Raises:
        UnknownName, ReplicateError: no such set, or it is not here.
    """
    entry = spec(name)
    report = {"name": name, "tiny_below": TINY, "folders": {}, "duplicates": [], "leaks": []}
    if entry.layout == "drawn":
        return report
    if not entry.folder.is_dir():
        raise folders.missing(entry)
    twins = defaultdict(list)
    for split, group in layouts.FOLDERS.get(entry.layout, {}).items():
        for folder in group:
            report["folders"][folder] = _folder(entry, folder, twins, split, progress)
    for group in twins.values():
        if len({split for split, _ in group}) > 1:
            report["leaks"].append([file for _, file in group])
        elif len(group) > 1:
            report["duplicates"].append([file for _, file in group])
    return report


def format_audit(report: dict) -> str:
    """The report as text, every file by its name relative to the set."""
    lines = [f"{report['name']}:"]
    if not report["folders"]:
        lines.append("  no image files (drawn, or read by torchvision): nothing to audit")
    for folder, found in report["folders"].items():
        expected = f" (expected {found['expected']})" if _unexpected(found) else ""
        modes = ", ".join(f"{n} {mode}" for mode, n in found["modes"].items())
        lines.append(f"  {folder}: {found['count']} images{expected}; {modes or 'none readable'}")
        for side in ("width", "height"):
            lines += [f"    {side} {' to '.join(map(str, found[side]))} px"] if found[side] else []
        unreadable = [f"{file} ({reason})" for file, reason in found["unreadable"].items()]
        lines += _finding("unreadable", unreadable)
        lines += _finding("grey", found["grey"])
        lines += _finding(f"tiny (shorter side below {report['tiny_below']} px)", found["tiny"])
        lines += _finding("turned by EXIF", found["turned"])
    lines += _finding("equal pixels in train and test", [" = ".join(g) for g in report["leaks"]])
    lines += _finding("equal pixels", [" = ".join(g) for g in report["duplicates"]])
    return "\n".join(lines)


def describe() -> list[dict]:
    """One entry a set for a listing.

    Returns:
        "name", "layout", "domains", "licence", "source"; "counts" as on record, else as found;
        "state": "drawn", "present" (and complete), "incomplete" or "missing".
    """
    return [_line(spec(name)) for name in names()]


def _line(entry: Spec) -> dict:
    if entry.layout == "drawn":
        state = "drawn"
    elif not entry.folder.is_dir():
        state = "missing"
    else:
        state = "incomplete" if folders.problems(entry, entry.folder) else "present"
    return {
        "name": entry.name,
        "layout": entry.layout,
        "domains": list(entry.domains),
        "counts": dict(entry.counts) or folders.counts(entry, entry.folder),
        "state": state,
        "licence": entry.licence,
        "source": entry.source,
    }


def _folder(entry: Spec, name: str, twins: dict, split: str, progress: bool) -> dict:
    """The findings of one folder; adds each readable image to `twins` under its pixels' hash."""
    folder = entry.folder / name
    files = layouts.image_files(folder) if folder.is_dir() else []
    modes, sizes = Counter(), []
    found = {"unreadable": {}, "grey": [], "tiny": [], "turned": []}
    with bar(len(files), f"auditing {name}", "image", progress) as steps:
        for path in files:
            steps.update()
            file = f"{name}/{path.name}"
            try:
                decoded = decode(path)
            except Undecodable as error:
                found["unreadable"][file] = error.reason
                continue
            modes[decoded.mode] += 1
            sizes.append(decoded.image.size)
            pixels = np.asarray(decoded.image)
            twins[_content(pixels)].append((split, file))
            for finding in _findings(decoded, pixels):
                found[finding].append(file)
    about = {"count": len(files), "expected": entry.counts.get(name), "modes": dict(modes)}
    widths, heights = zip(*sizes, strict=True) if sizes else ((), ())
    return about | {"width": _extent(widths), "height": _extent(heights)} | found


def _findings(decoded: Decoded, pixels: np.ndarray) -> list[str]:
    equal = (pixels == pixels[..., :1]).all()
    tiny = min(decoded.image.size) < TINY
    return [
        name
        for name, holds in (("grey", equal), ("tiny", tiny), ("turned", decoded.turned))
        if holds
    ]


def _content(pixels: np.ndarray) -> str:
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _extent(sides: tuple[int, ...]) -> list[int]:
    return [min(sides), max(sides)] if sides else []


def _unexpected(found: dict) -> bool:
    return found["expected"] not in (None, found["count"])


def _finding(what: str, items: list[str]) -> list[str]:
    if not items:
        return []
    more = [f"      and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return [f"    {len(items)} {what}:", *(f"      {item}" for item in items[:SHOWN]), *more]
