"""The figure that every plot returns, sheets of labelled image rows, and what all plots share."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import BinaryIO, NamedTuple

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from replicate import files
from replicate.lab.recorded import name_of as name_of  # plots name methods as tables do
from replicate.report.tables.catalogue import method_order

DPI = 100
WIDTH = 1600  # px at most
LABEL = 200  # px left of the images
LETTERS = 28  # that fit there; a longer METHOD:VARIANT is broken at its colon
GAP = 2  # px between tiles
SIDE, LETTER, ACROSS = 128, 12, 20  # of a sentence's tile: px, px, letters in a line
NEAR = 128  # px of a tile, where there is room


class Picture(Figure):
    """A figure without pyplot: it shows itself in a notebook, once, and no window keeps it."""

    def __init__(self, width: float, height: float) -> None:
        """Sizes in px."""
        super().__init__(figsize=(width / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        stream = BytesIO()
        _write(self, stream)
        return stream.getvalue()


def save(figure: Figure, path: Path) -> Path:
    """The PNG file of a figure, without time stamps or versions: equal figures, equal bytes."""
    with files.replacing(path) as file:
        _write(figure, file)
    return path


def sheet(
    blocks: Sequence[tuple[str, Sequence[tuple[str, Sequence[np.ndarray]]]]],
    columns_named: Sequence[str] = (),
    *,
    room: int = LABEL,
    near: int = NEAR,
) -> Picture:
    """Blocks of image rows under headings, each row with its label at the left.

    Args:
        blocks: (heading, rows); a row is (label, tiles), a tile (H, W) or (H, W, 3) uint8, square.
            Tiles are enlarged by whole factors without smoothing, or shrunk where too wide.
        columns_named: a heading above each column, in the place of the first block's.
        room: px left of the images, for the labels of rows.
        near: px; no tile is enlarged beyond it.
    """
    columns = max(len(tiles) for _, rows in blocks for _, tiles in rows)
    natural = max(tile.shape[0] for _, rows in blocks for _, tiles in rows for tile in tiles)
    side = _side(natural, columns, room, near)
    heading, row_height = 30, side + GAP
    height = sum(heading + row_height * len(rows) for _, rows in blocks)
    width = max(700, room + columns * row_height)
    picture = Picture(width, height)
    top = 0
    for title, rows in blocks:
        _text(picture, 6 / width, 1 - (top + heading / 2) / height, title, weight="bold")
        for i, name in enumerate(_fitted(columns_named, row_height) if top == 0 else ()):
            x = (room + i * row_height) / width
            _text(picture, x, 1 - (top + heading / 2) / height, name)
        top += heading
        for label, tiles in rows:
            label = label if len(label) <= LETTERS else label.replace(":", ":\n  ", 1)
            _text(picture, 6 / width, 1 - (top + side / 2) / height, label)
            strip = np.concatenate([_tile(tile, side) for tile in tiles], axis=1)
            box = (room / width, 1 - (top + side) / height)
            axes = picture.add_axes((*box, strip.shape[1] / width, side / height))
            axes.imshow(strip, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
            top += row_height
    return picture


def written(sentence: str) -> np.ndarray:
    """A tile with a sentence in it, black on white, (SIDE, SIDE, 3) uint8; what is too long ends in
    dots."""
    tile = Image.new("RGB", (SIDE, SIDE), "white")
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(LETTER)
    lines = wrap(sentence, ACROSS, max_lines=SIDE // (LETTER + 3), placeholder=" ...")
    pen.multiline_text((3, 3), "\n".join(lines), "black", font, spacing=3)
    return np.asarray(tile)


def _fitted(heads: Sequence[str], column: int) -> list[str]:
    """Headings of columns, a direction in two lines where it would run into the next one."""
    fitted = []
    for i, head in enumerate(heads):
        following = next((k for k in range(i + 1, len(heads)) if heads[k]), len(heads))
        letters = (following - i) * column * LETTERS // LABEL
        fitted.append(head if len(head) < letters else head.replace("->", "->\n", 1))
    return fitted


def _side(natural: int, columns: int, room: int, near: int) -> int:
    """The side of a tile in px: a whole multiple up to `near`, or what the width leaves."""
    most = (WIDTH - room) // columns - GAP
    enlarged = natural * max(1, near // natural)
    return enlarged if enlarged <= most else min(most, natural * max(1, most // natural))


def _tile(image: np.ndarray, side: int) -> np.ndarray:
    """A tile at its side, RGB, with a white gap at its right."""
    rgb = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    natural = image.shape[0]
    if side % natural == 0:
        rgb = rgb.repeat(side // natural, axis=0).repeat(side // natural, axis=1)
    else:
        how = Image.Resampling.BOX if side < natural else Image.Resampling.NEAREST
        rgb = np.asarray(Image.fromarray(rgb).resize((side, side), how))
    return np.pad(rgb, ((0, 0), (0, GAP), (0, 0)), constant_values=255)


def _text(picture: Picture, x: float, y: float, text: str, weight: str = "normal") -> None:
    picture.text(x, y, text, va="center", fontsize=9, weight=weight)


def _write(figure: Figure, target: BinaryIO) -> None:
    figure.savefig(target, format="png", dpi=DPI, metadata={"Software": None})


Colour = tuple[float, float, float]


def palette(names: Iterable[str]) -> dict[str, Colour]:
    """A colour for each name, in their order; those after the tenth are darker.

    The first ten do not need full colour vision.
    """
    known = seaborn.color_palette("colorblind")
    return {
        name: tuple(value * 0.5 ** (i // len(known)) for value in known[i % len(known)])
        for i, name in enumerate(names)
    }


def colours(names: Iterable[str]) -> dict[str, Colour]:
    """The `palette` of the methods, in the order of tables."""
    return palette(sorted(set(names), key=method_order))


class Style(NamedTuple):
    """How a method is drawn: its colour, its marker, the dashes of its line."""

    colour: Colour
    marker: str = ""
    line: object = "-"


MARKERS = "os^DvPX<>ph*d"
LINES = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)), (0, (8, 3)), (0, (3, 3)))


FEW = 10  # names that colours alone can tell apart, see `palette`


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each METHOD[:VARIANT], in the order of tables.

    No two names that stand beside each other have the same marker, and variants of a method differ
    in dashes. Up to ten names have a colour of their own; of more a method has one, for all of its
    variants.
    """
    names = sorted(set(names), key=method_order)
    methods = [re.split("[:+]", name)[0] for name in names]
    shades = palette(names) if len(names) <= FEW else palette(dict.fromkeys(methods))
    made: dict[str, Style] = {}
    for i, (name, method) in enumerate(zip(names, methods, strict=True)):
        colour = shades[name if len(names) <= FEW else method]
        line = LINES[methods[:i].count(method) % len(LINES)]
        made[name] = Style(colour, MARKERS[i % len(MARKERS)], line)
    return made


def dress(axes: Axes) -> None:
    """Small ticks, a light grid, no box."""
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3, lw=0.5)
    seaborn.despine(ax=axes)
