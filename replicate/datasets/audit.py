"""What is wrong or odd in the files of a set, one image at a time and by name."""

import csv
import hashlib
import io
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from replicate import naming
from replicate.datasets import captions, folders, labels, layouts, palettes
from replicate.datasets.palettes import Palette
from replicate.datasets.spec import Spec, spec
from replicate.files import write
from replicate.images import CHANGES, Decoded, Undecodable, decode
from replicate.progress import bar

STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment: TEM, RST0 to RST7, SOI
RESTARTS = range(0xD0, 0xD8)
SCAN, END, RESTART_INTERVAL = 0xDA, 0xD9, 0xDD
# What may stand between the scans of one picture: tables, heights, comments, another scan, the end.
BETWEEN = {0xC4, 0xDB, RESTART_INTERVAL, 0xDC, 0xFE, SCAN, END, *range(0xE0, 0xF0)}
MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)


def jpeg_damage(content: bytes) -> str | None:
    """`stray marker FF A3 at byte 20134` where the pixels' data are broken, else None.

    Inside the data of a scan the byte FF is followed by 00, or is a restart marker if the file
    announced an interval. Overwritten data break this about once in 256 bytes; a decoder goes on at
    the next place that it can read, with wrong pixels and no error. Data that keep the rule pass.

    Args:
        content: of the file; what is no JPEG gives None.

    Source: ITU-T T.81, B.1.1.2 and B.2.1.
    """
    if not content.startswith(b"\xff\xd8"):
        return None
    place, restarts, scanned = 2, False, False
    while marker := MARKER.search(content, place):
        code, place = marker[1][0], marker.end()
        if code == END and scanned:
            return None
        if code in RESTARTS and scanned and restarts:
            continue
        if scanned and code not in BETWEEN:
            return f"stray marker FF {code:02X} at byte {marker.start()}"
        if code in STANDALONE:
            continue
        length = int.from_bytes(content[place : place + 2])
        restarts = (
            content[place + 2 : place + 4] != b"\0\0" if code == RESTART_INTERVAL else restarts
        )
        scanned = scanned or code == SCAN
        place += length
    return "no end of image" if scanned else None


# Of a file alone, then against the other files; a report lists them in this order.
FAULTS = {
    "corrupt": "cannot be decoded, or its data are broken",
    "truncated": "ends before its last pixel",
    "odd width": "no pair side by side",
    "grey": "stored grey, or equal in all channels",
    "palette": "stored with a palette of at most 256 colours",
    "tiny": "shorter side below 64 px",
    "extreme aspect": "longer side over 2.5 times the shorter one",
    **CHANGES,
    "same stem": "differs by its ending only from another file of the folder",
    "off palette": "label colours that belong to no class",
    "leak": "equal pixels in train and test",
    "duplicate": "equal pixels within a split",
}
TINY = 64  # px; a shorter side is enlarged at every size that this project trains at
ASPECT = 2.5  # the squeeze to a square distorts shapes as much
GREY = 4  # levels between channels, in all but 1 % of the pixels: JPEG tints the seam of a pair
# Of label maps. On the 506 of facades at most 4 flat px are over 16 levels from every class, and at
# most 33 % of all pixels over 60; on photographs at least 255 flat px and 99 %. JPEG leaves nothing
# flat in a patch of 12 px or less, which is then not found.
FLAT = 4  # levels within 3 x 3 px
NEAR = 16  # levels (L2) from a class in a flat area
FEW = 8  # px, flat and not near
FAR = 60  # levels from every class, anywhere: even lines between classes are mostly nearer
MOST = 0.5  # of the pixels


@dataclass(frozen=True)
class Inspected:
    """One file: how it is stored, a hash of its pixels, and its faults with a detail each.

    `mode`, `size` (width, height; px) and `pixels` are empty where it cannot be decoded.
    """

    mode: str
    size: tuple[int, ...]
    pixels: str
    faults: dict[str, str]


def inspect(path: Path, parts: tuple[str, ...], palette: Palette | None) -> Inspected:
    """The findings of one file.

    Args:
        parts: the domains that the file holds: one, or those of the left and of the right half.
        palette: of the set's label maps, where one is known.
    """
    try:
        decoded = decode(path)
    except Undecodable as error:
        kind = "truncated" if error.reason.startswith("truncated") else "corrupt"
        return Inspected("", (), "", {kind: error.reason})
    pixels = np.asarray(decoded.image)
    faults = _stored(path, decoded)
    width = pixels.shape[1]
    if len(parts) == 2 and width % 2:
        faults["odd width"] = f"{width} px"
    parts = parts if width >= len(parts) else parts[:1]
    halves = np.split(pixels[:, : width // len(parts) * len(parts)], len(parts), axis=1)
    faults |= _shape(halves[0])
    if grey := [part for half, part in zip(halves, parts, strict=True) if _is_grey(half)]:
        faults["grey"] = f"mode {decoded.mode}" if len(parts) == 1 else " and ".join(grey)
    for half, part in zip(halves, parts, strict=True):
        if palette is not None and part == palette.domain and (off := off_palette(half, palette)):
            faults["off palette"] = off
    content = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Inspected(decoded.mode, decoded.image.size, content, faults)


def off_palette(image: np.ndarray, palette: Palette) -> str:
    """How far a label map is from the colours of its classes, in words; empty where it is not.

    Args:
        image: (H, W, 3) uint8. Lines of mixed colours between classes, as resizing and JPEG make
            them, are no fault: flat areas must be near a class, and most pixels not far from all.
    """
    distance, nearest = _nearest(image, palette.colours)
    wrong = _is_flat(image) & (distance > NEAR)
    if wrong.sum() <= FEW:
        wrong = distance > FAR
        if wrong.mean() <= MOST:
            return ""
    colours, counts = np.unique(image[wrong], axis=0, return_counts=True)
    common = colours[counts.argmax()]
    y, x = np.argwhere(wrong & (image == common).all(axis=2))[0]
    return (
        f"{100 * wrong.mean():.2g} % of the pixels, most often {tuple(map(int, common))}, "
        f"{distance[y, x]:.0f} levels from {palette.names[nearest[y, x]]}"
    )


def _nearest(image: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) each: the distance to the nearest colour (levels, L2), and which one it is."""
    channels = np.moveaxis(image, 2, 0).astype(np.int32)
    least = np.full(image.shape[:2], 4 * 255**2, np.int32)
    nearest = np.zeros(image.shape[:2], np.uint8)
    for i, colour in enumerate(colours.tolist()):  # one at a time, to hold few arrays
        square = sum((c - level) ** 2 for c, level in zip(channels, colour, strict=True))
        nearest[square < least] = i
        np.minimum(least, square, out=least)
    return np.sqrt(least), nearest


def _is_flat(image: np.ndarray) -> np.ndarray:
    """(H, W) bool: whether the 3 x 3 px around differ by at most `FLAT` levels; edges do not."""
    flat = np.zeros(image.shape[:2], bool)
    if min(flat.shape) >= 3:
        flat[1:-1, 1:-1] = True
        for channel in np.moveaxis(image, 2, 0):
            around = np.lib.stride_tricks.sliding_window_view(channel, (3, 3))
            high, low = around[..., 0, 0], around[..., 0, 0]
            for y, x in np.ndindex(3, 3):
                high = np.maximum(high, around[..., y, x])
                low = np.minimum(low, around[..., y, x])
            flat[1:-1, 1:-1] &= high - low <= FLAT
    return flat


def _stored(path: Path, decoded: Decoded) -> dict[str, str]:
    """Faults of the way in which the file holds its pixels."""
    faults = {}
    if damage := jpeg_damage(path.read_bytes()):
        faults["corrupt"] = damage
    if decoded.mode in ("P", "PA"):
        faults["palette"] = f"mode {decoded.mode}"
    return faults | decoded.changes


def _shape(image: np.ndarray) -> dict[str, str]:
    height, width = image.shape[:2]
    short, long = sorted((width, height))
    faults = {"tiny": f"{width}x{height} px"} if short < TINY else {}
    if long > ASPECT * short:
        faults["extreme aspect"] = f"{width}x{height} px, {long / max(short, 1):.1f} to 1"
    return faults


def _is_grey(image: np.ndarray) -> bool:
    red, green, blue = np.moveaxis(image, 2, 0)  # a maximum along the last axis is 20 times slower
    high, low = (f(f(red, green), blue) for f in (np.maximum, np.minimum))
    return bool((high - low > GREY).mean() <= 0.01)


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
            f"{report['name']}: no image files (synthetic, or read by torchvision), so nothing to "
            "audit"
        ]
    for folder, facts in report["folders"].items():
        lines.append(f"  {folder_line(folder, facts)}")
        lines += [f"    left out: {facts['left_out']}"] if facts["left_out"] else []
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


def folder_line(name: str, facts: dict) -> str:
    """`trainA: 501 images (expected 500); 500 RGB, 1 L; 80 to 500 x 256 px`."""
    wanted = facts.get("expected")
    expected = f" (expected {wanted})" if wanted not in (None, facts["count"]) else ""
    if not facts["modes"]:
        return f"{name}: {facts['count']} images{expected}; none readable"
    modes = ", ".join(f"{n} {mode}" for mode, n in facts["modes"].items())
    extents = (dict.fromkeys(facts[side]) for side in ("width", "height"))
    sides = " x ".join(" to ".join(map(str, extent)) for extent in extents)
    return f"{name}: {facts['count']} images{expected}; {modes}; {sides} px"


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
        return ((*entry.domains, "others")[place],)
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
            for path, findings in zip(some, pool.map(look, some), strict=True):
                steps.update()
                yield path, findings


def _folder(entry: Spec, name: str, seen: Seen, faults: list, twins: dict, split: str) -> dict:
    """The summary of one folder; adds its faults, and each image to `twins` by its pixels."""
    modes, sizes, count, size = Counter(), [], 0, 0
    stems: dict[str, str] = {}
    for path, findings in seen:
        count, size = count + 1, size + path.stat().st_size
        file = f"{name}/{path.name}"
        faults += [{"file": file, "fault": k, "detail": v} for k, v in findings.faults.items()]
        if (other := stems.setdefault(path.stem, file)) != file:
            faults.append({"file": file, "fault": "same stem", "detail": f"as {other}"})
        if findings.pixels:
            modes[findings.mode] += 1
            sizes.append(findings.size)
            twins[findings.pixels].append((split, file))
    widths, heights = zip(*sizes, strict=True) if sizes else ((), ())
    about = {"count": count, "expected": entry.counts.get(name), "bytes": size}
    place = entry.folder / name
    known = (labels.NAME, captions.NAME)
    about["left_out"] = naming.left_out(place, known=known) if place.is_dir() else ""
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
