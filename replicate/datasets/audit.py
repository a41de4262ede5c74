"""What is wrong or odd in a set's files, by name."""

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from replicate import naming
from replicate.datasets import folders, labels, layouts, palettes
from replicate.datasets.inspection import FAULTS, Inspected, inspect
from replicate.datasets.progress import bar
from replicate.datasets.spec import Spec, spec
from replicate.files import write

VERSION = 2  # raise it when the same files would be judged otherwise
SHOWN = 20  # files printed a fault; the report itself holds all
AT_ONCE = 16  # images a core; more wait, so that memory does not grow with the set
Seen = Iterator[tuple[Path, Inspected]]


def audit(name: str, progress: bool = True) -> dict:
    """What a look at every image of the set finds, as JSON.

    Returns:
        "name"; "folders": by folder name "count", "expected" (None: not on record), "bytes",
        "modes", "width" and "height" (smallest, largest; px), "left_out" (what else lies in it, in
        words); "palette": whether label colours
        were checked; "faults": {"file", "fault", "detail"} for each, in the order of
        `inspection.FAULTS`; "duplicates": groups of files of equal pixels within one split;
        "leaks": groups with files of both splits. A set that is drawn or torchvision's has no image
        files, so no folders.

    Raises:
        UnknownName, ReplicateError: no such set, or it is not here.
    """
    entry = spec(name)
    report = {"name": name, "folders": {}, "palette": False, "faults": []}
    report |= {"duplicates": [], "leaks": []}
    if entry.layout == "drawn":
        return report
    if not entry.folder.is_dir():
        raise folders.missing(entry)
    palette = palettes.load(name) if name in palettes.known() else None
    report["palette"] = palette is not None
    twins = defaultdict(list)
    for split in layouts.SPLITS:
        for i, folder in enumerate(entry.folders(split)):
            look = partial(inspect, parts=_parts(entry, i), palette=palette)
            seen = _look_at_all(entry.folder / folder, look, progress)
            report["folders"][folder] = _folder(entry, folder, seen, report["faults"], twins, split)
    _compare(twins, report)
    order = list(FAULTS)
    report["faults"].sort(key=lambda row: order.index(row["fault"]))  # stable: files as they lie
    return report


def format_audit(report: dict) -> str:
    """The report as text: a line a folder, then a table of the faults by file name."""
    counts = Counter(row["fault"] for row in report["faults"])
    lines = [f"{report['name']}: {summary(counts)}"]
    if not report["folders"]:
        lines = [
            f"{report['name']}: no image files (drawn, or read by torchvision): nothing to audit"
        ]
    for folder, found in report["folders"].items():
        lines.append(f"  {folder_line(folder, found)}")
        lines += [f"    left out: {found['left_out']}"] if found["left_out"] else []
    if "train" in report["folders"]:  # pairs, one half of which may be label maps
        file = f"data/palettes/{report['name']}.toml"
        how = f"checked against {file}" if report["palette"] else f"not checked: there is no {file}"
        lines.append(f"  label colours {how}")
    width = max((len(row["file"]) for row in report["faults"]), default=0)
    for fault, n in counts.items():
        lines.append(f"  {fault}: {FAULTS[fault]}")
        rows = [row for row in report["faults"] if row["fault"] == fault]
        lines += [f"    {row['file']:<{width}}  {row['detail']}".rstrip() for row in rows[:SHOWN]]
        lines += [f"    and {n - SHOWN} more"] if n > SHOWN else []
    return "\n".join(lines)


def folder_line(name: str, found: dict) -> str:
    """`trainA: 501 images (expected 500); 500 RGB, 1 L; 80 to 500 x 256 px`."""
    wanted = found.get("expected")
    expected = f" (expected {wanted})" if wanted not in (None, found["count"]) else ""
    if not found["modes"]:
        return f"{name}: {found['count']} images{expected}; none readable"
    modes = ", ".join(f"{n} {mode}" for mode, n in found["modes"].items())
    extents = (dict.fromkeys(found[side]) for side in ("width", "height"))
    sides = " x ".join(" to ".join(map(str, extent)) for extent in extents)
    return f"{name}: {found['count']} images{expected}; {modes}; {sides} px"


def summary(counts: dict[str, int]) -> str:
    """`2 grey, 1 leak`, or `no faults`."""
    return ", ".join(f"{n} {fault}" for fault, n in counts.items()) or "no faults"


def write_table(report: dict, path: Path) -> Path:
    """The faults as a CSV file with the columns file, fault and detail."""
    text = io.StringIO()
    table = csv.DictWriter(text, ("file", "fault", "detail"), lineterminator="\n")
    table.writeheader()
    table.writerows(report["faults"])
    return write(path, text.getvalue())


def _parts(entry: Spec, place: int) -> tuple[str, ...]:
    """The domains in a file of a split's folder: both halves from left to right, or its own."""
    if not entry.paired:
        return (entry.domains[place],)
    return entry.domains if entry.left == entry.domains[0] else entry.domains[::-1]


def _look_at_all(folder: Path, look: Callable[[Path], Inspected], progress: bool) -> Seen:
    """Each image file of a folder with its findings, by name.

    Threads serve, as decoding, hashing and arithmetic leave the interpreter free.
    """
    files = naming.image_files(folder) if folder.is_dir() else []
    cores = os.cpu_count() or 1
    with (
        bar(len(files), f"auditing {folder.name}", "image", progress) as steps,
        ThreadPoolExecutor(cores) as pool,
    ):
        for start in range(0, len(files), AT_ONCE * cores):
            some = files[start : start + AT_ONCE * cores]
            for path, found in zip(some, pool.map(look, some), strict=True):
                steps.update()
                yield path, found


def _folder(entry: Spec, name: str, seen: Seen, faults: list, twins: dict, split: str) -> dict:
    """The summary of one folder; adds its faults, and each image to `twins` by its pixels."""
    modes, sizes, count, size = Counter(), [], 0, 0
    stems: dict[str, str] = {}
    for path, found in seen:
        count, size = count + 1, size + path.stat().st_size
        file = f"{name}/{path.name}"
        faults += [{"file": file, "fault": k, "detail": v} for k, v in found.faults.items()]
        if (other := stems.setdefault(path.stem, file)) != file:
            faults.append({"file": file, "fault": "same stem", "detail": f"as {other}"})
        if found.pixels:
            modes[found.mode] += 1
            sizes.append(found.size)
            twins[found.pixels].append((split, file))
    widths, heights = zip(*sizes, strict=True) if sizes else ((), ())
    about = {"count": count, "expected": entry.counts.get(name), "bytes": size}
    place = entry.folder / name
    about["left_out"] = naming.left_out(place, known=(labels.NAME,)) if place.is_dir() else ""
    return about | {"modes": dict(modes), "width": _extent(widths), "height": _extent(heights)}


def _compare(twins: dict, report: dict) -> None:
    """Adds the groups of equal images, and a fault for each file in one."""
    for group in twins.values():
        if len(group) == 1:
            continue
        leak = len({split for split, _ in group}) > 1
        files = [file for _, file in group]
        report["leaks" if leak else "duplicates"].append(files)
        for file in files:
            others = ", ".join(other for other in files if other != file)
            row = {"file": file, "fault": "leak" if leak else "duplicate", "detail": f"= {others}"}
            report["faults"].append(row)


def _extent(sides: tuple[int, ...]) -> list[int]:
    return [min(sides), max(sides)] if sides else []
