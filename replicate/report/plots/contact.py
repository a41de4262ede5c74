"""Pictures of a data set: a sample of every split, and what its audit found."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from textwrap import shorten, wrap

import numpy as np
from PIL import Image, ImageOps

from replicate import naming
from replicate.datasets import digits, folders, layouts, packed
from replicate.datasets.audit import FAULTS
from replicate.datasets.layouts import FOLDERS, SPLITS
from replicate.datasets.packing import fitted
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.images import Undecodable, decode
from replicate.report.plots.picture import Picture, sheet

SIDE = 128  # px of a tile
DRAWN = 64  # px at which a drawn set is shown
CELL = 194  # px, the width of a picture with its caption
BOX = (CELL - 12, SIDE)  # px; a captioned picture fits into it
ACROSS = 8  # captioned tiles in a row
LETTERS = 34  # of a caption's line
MOST = 24  # files shown of a fault; the table has all
BLANK = 225  # grey level where there is no picture

Row = tuple[str, list[np.ndarray]]


def contact_sheet(name: str, columns: int = 8, seed: int = 0) -> Picture:
    """A sample of both domains and splits as training sees them, as squares.

    Of paired sets, each pair stands side by side. A file that cannot be decoded is a grey tile.

    Args:
        name: of the set.
        columns: tiles in a row, at least 2.
        seed: of the choice; the same one chooses the same images wherever the set lies.

    Raises:
        UnknownName, ReplicateError: no such set, it is not here, or it has no images.
    """
    entry = spec(name)
    if entry.layout in FOLDERS and not entry.folder.is_dir():
        raise folders.missing(entry)
    blocks = []
    for split in SPLITS:
        counts, rows = _rows(entry, split, columns, np.random.default_rng(seed))
        if rows:
            blocks.append((f"{name} {split}: {counts}", rows))
    if not blocks:
        wanted = layouts.expected(entry.layout, entry.folder)
        raise ReplicateError(f"data set {name!r} has no images; expected some in {wanted}")
    return sheet(blocks)


def fault_sheet(report: dict) -> Picture:
    """What an audit found: each file's picture whole, with file name and detail, by fault.

    Args:
        report: of `audit.audit`, with one fault or more. Of a fault, the first 24 files are shown.
    """
    entry, blocks = spec(report["name"]), []
    for fault, rows in groupby(report["faults"], itemgetter("fault")):
        rows = list(rows)
        more = f", {MOST} shown" if len(rows) > MOST else ""
        files = f"{len(rows)} file{'s' * (len(rows) > 1)}"
        blocks.append((f"{fault}: {FAULTS[fault]} ({files}{more})", rows[:MOST]))
    heading, cell = 30, SIDE + 58
    lines = [-(-len(rows) // ACROSS) for _, rows in blocks]
    height = sum(heading + cell * n for n in lines)
    picture, top = Picture(CELL * ACROSS, height), 0
    for (title, rows), n in zip(blocks, lines, strict=True):
        _write(picture, 6, top + heading / 2, title, 9, weight="bold", va="center")
        for i, row in enumerate(rows):
            y, x = divmod(i, ACROSS)
            _captioned(picture, entry.folder, row, x * CELL + 6, top + heading + y * cell)
        top += heading + n * cell
    return picture


def _rows(entry: Spec, split: str, columns: int, rng: np.random.Generator) -> tuple[str, list[Row]]:
    """How many images a split has, in words, and a row of each domain or two rows of pairs."""
    sources = _sources(entry, split)
    counts = ", ".join(f"{len(images)} {name}" for name, images in sources.items())
    if entry.paired:
        (images,) = sources.values()
        chosen = _chosen(len(images), columns // 2 * 2, rng)
        pairs = [half for i in chosen for half in _pair(images[i], entry.fit)]
        across = columns // 2 * 2
        name = " | ".join(entry.domains if entry.left == entry.domains[0] else entry.domains[::-1])
        return counts, [(name, pairs[k : k + across]) for k in range(0, len(pairs), across)]
    rows = []
    for letter, (name, images) in zip(("A", "B", " "), sources.items(), strict=False):
        tiles = [_tile(images[i], entry.fit) for i in _chosen(len(images), columns, rng)]
        rows += [(f"{letter}  {name}", tiles)] if tiles else []
    return counts, rows


def _sources(entry: Spec, split: str) -> dict[str, list[Path] | np.ndarray]:
    """The files or the arrays of a split by what they show: the domain, or "pairs"."""
    if entry.layout == "drawn":
        arrays = packed.load(entry.name, split, DRAWN).arrays
        return {name: arrays[key] for key, name in zip("AB", entry.domains, strict=True)}
    if entry.layout == "torchvision":
        digits.split_files(entry, split)  # tells what is missing, and the way out
        return {name: digits.read(entry, name, split)[0] for name in entry.domains}
    names = ["pairs"] if entry.paired else [*entry.domains, "others"]
    if entry.labels and split == "train":
        names = ["half of all", "other half"]
    places = [entry.folder / folder for folder in entry.folders(split)]
    files = [naming.image_files(place) if place.is_dir() else [] for place in places]
    return dict(zip(names, files, strict=False))


def _chosen(count: int, most: int, rng: np.random.Generator) -> list[int]:
    return sorted(rng.permutation(count)[:most].tolist())


def _tile(source: Path | np.ndarray, fit: str) -> np.ndarray:
    """A file as a square, an array as it is."""
    if isinstance(source, np.ndarray):
        return source
    image = _opened(source)
    return _blank() if image is None else np.asarray(fitted(image, fit, SIDE))


def _pair(path: Path, fit: str) -> list[np.ndarray]:
    image = _opened(path)
    if image is None:
        return [_blank()] * 2
    width, height = image.size
    halves = [image.crop((x, 0, x + width // 2, height)) for x in (0, width // 2)]
    return [np.asarray(fitted(half, fit, SIDE)) for half in halves]


def _opened(path: Path) -> Image.Image | None:
    try:
        return decode(path).image
    except Undecodable:
        return None


def _blank() -> np.ndarray:
    return np.full((SIDE, SIDE, 3), BLANK, np.uint8)


def _captioned(picture: Picture, root: Path, row: dict, x: float, y: float) -> None:
    """Draws a file, whole and not squeezed, and writes its name and the detail below."""
    image = _opened(root / row["file"])
    shown = _blank() if image is None else np.asarray(ImageOps.contain(image, BOX))
    height, width = shown.shape[:2]
    total_width, total_height = picture.get_size_inches() * picture.dpi
    bottom = 1 - (y + SIDE) / total_height  # all stand on their captions
    box = (x / total_width, bottom, width / total_width, height / total_height)
    axes = picture.add_axes(box)
    axes.imshow(shown, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    if image is None:
        _write(picture, x + 30, y + SIDE / 2, "no picture", 7, va="center")
    name = row["file"]
    name = name if len(name) <= LETTERS else f"{name[: LETTERS // 2 - 1]}…{name[-LETTERS // 2 :]}"
    detail = wrap(shorten(row["detail"], 3 * LETTERS - 12, placeholder=" …"), LETTERS)
    _write(picture, x, y + SIDE + 3, "\n".join([name, *detail]), 7, va="top")


def _write(picture: Picture, x: float, y: float, text: str, size: int, **how: str) -> None:
    """Text at a place in px from the left and from the top."""
    width, height = picture.get_size_inches() * picture.dpi
    # file names may hold dollar signs, which would begin a formula
    picture.text(x / width, 1 - y / height, text, fontsize=size, parse_math=False, **how)
