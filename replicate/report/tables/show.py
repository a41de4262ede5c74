"""A table as a notebook shows it: whole cells within the page's width, no row numbers.

Columns without a value and columns of one value are named beside the table; what is still too wide
continues below, with the same first columns. Styles stand in the cells, because JupyterLab takes
style sheets out of notebooks that it does not trust.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape

import pandas as pd

EMPTY = {"-", "not computed"}
PAGE = 120  # letters across: JupyterLab in a window of 1280 px, with its file browser open
PADDING = 2  # letters beside each cell
PROSE = 44  # letters; the width at which a longer text is broken
LINE = 26  # letters; a shorter text is not broken
REMARK = "note"  # a column whose lack needs no word
FEW = 3  # rows of a table that is turned where it is too wide
ALWAYS = {"verdict", "state"}  # columns that stand in the table though all cells are the same
FIRST = 3  # columns at most that are repeated where a table continues
NUMBER = re.compile(r"[-+−]?\.?\d")
WORDLESS = {*EMPTY, "", "identical", "nan"}
CODE = re.compile(r"`([^`]*)`")
BREAKS = re.compile(r"(?<=[/_:])(?=\w)")


class Sentence(str):
    """A text that a notebook shows as a paragraph, what stands between backticks as code."""

    __repr__ = str.__str__

    def _repr_html_(self) -> str:
        inside = CODE.sub(r"<code>\1</code>", escape(self))
        return f"<p>{inside}</p>"


class Album:
    """A sentence and pictures or tables, which a notebook shows one below the other."""

    def __init__(self, said: str, *shown: object) -> None:
        self.said = said
        self.shown = shown

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(Sentence(self.said), *self.shown)


class Shown:
    """Frames with an HTML face for JupyterLab and a text face for a log."""

    def __init__(self, frames: list[pd.DataFrame], folded: str = "") -> None:
        self.folded = folded
        self.parts = [_Part(frame) for frame in frames]

    def _repr_html_(self) -> str:
        inside = "".join(part.html() for part in self.parts) or "<p>none</p>"
        if not self.folded:
            return inside
        return f"<details><summary>{escape(self.folded)}</summary>{inside}</details>"

    def __repr__(self) -> str:
        lines = [self.folded] * bool(self.folded)
        return "\n".join(lines + [part.text() for part in self.parts]) or "none"


def show(frames: pd.DataFrame | Iterable[pd.DataFrame] | Album, folded: str = "") -> Shown | Album:
    """What a notebook shows of one frame, or of several below each other.

    Args:
        frames: an album, which stands in their place where they cannot be made, is shown as it is.
        folded: what the reader clicks on to see the tables; "" where they are open.
    """
    if isinstance(frames, Album):
        return frames
    return Shown([frames] if isinstance(frames, pd.DataFrame) else list(frames), folded)


class _Part:
    """One frame: the columns that are shown, and what is said above and below them."""

    def __init__(self, frame: pd.DataFrame) -> None:
        cells = frame.map(_text)
        empty = [name for name in cells if len(cells) and set(cells[name]) <= EMPTY | {""}]
        cells = cells.drop(columns=empty)
        single = [n for n in cells if len(cells) > 1 and cells[n].nunique() == 1]
        single = [name for name in single if name not in ALWAYS]
        single = single[:-1] if len(single) == len(cells.columns) else single
        self.above = "; ".join(f"{name}: {cells[name].iloc[0]}" for name in single)
        lacking = [str(name) for name in empty if name != REMARK]
        self.below = f"without a value: {', '.join(lacking)}" if lacking else ""
        if frame.empty:
            self.below = "none"
        self.cells = cells.drop(columns=single)

    def html(self) -> str:
        """Paragraphs and tables, each no wider than the page."""
        blocks = [] if self.cells.empty else list(_blocks(self.cells))
        if len(blocks) > 1 and len(self.cells) <= FEW:
            blocks = [_turned(self.cells)]
        tables = "".join(map(_html, blocks))
        return _paragraph(self.above) + tables + _paragraph(self.below)

    def text(self) -> str:
        """A line a row."""
        rows = [] if self.cells.empty else [self.cells.columns, *self.cells.itertuples(index=False)]
        lines = [self.above, *(" | ".join(map(str, row)) for row in rows), self.below]
        return "\n".join(line for line in lines if line)


def _text(value: object) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _is_number(column: pd.Series) -> bool:
    words = [cell for cell in column if cell not in WORDLESS]
    return all(NUMBER.match(cell) and len(cell) <= LINE for cell in words)


def _width(column: pd.Series) -> int:
    """Letters that a column takes, its longest texts broken, its heading at every space."""
    head = max(map(len, re.split(r"[ /_:]", str(column.name))))
    return max(head, min(max(map(len, column)), PROSE)) + PADDING


def _turned(cells: pd.DataFrame) -> pd.DataFrame:
    """A few wide rows as columns; the first cell of each is its heading."""
    first = cells.columns[0]
    return cells.set_index(first).T.rename_axis(columns=None).reset_index(names=first)


def _blocks(cells: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The columns in pieces that fit on the page, each behind the first ones, which are names."""
    names = list(cells)
    first = names[: next((i for i, n in enumerate(names) if _is_number(cells[n])), len(names))]
    first = first[:FIRST] if len(first) < len(names) else []
    taken = sum(_width(cells[name]) for name in first)
    block, room = list(first), PAGE - taken
    for name in names[len(first) :]:
        width = _width(cells[name])
        if width > room and len(block) > len(first):
            yield cells[block]
            block, room = list(first), PAGE - taken
        block.append(name)
        room -= width
    yield cells[block]


def _html(cells: pd.DataFrame) -> str:
    """One table: numbers at the right, texts at the left, a name once where rows share it."""
    columns = [cells.iloc[:, i] for i in range(len(cells.columns))]  # names may stand there twice
    styles = [_style(column) for column in columns]
    head = [
        f'<th style="{style.partition("; white")[0]}">{_soft(str(column.name))}</th>'
        for column, style in zip(columns, styles, strict=True)
    ]
    texts_first = [not _is_number(column) for column in columns]
    names = min(FIRST, (*texts_first, False).index(False))
    rows, before = [], [""] * len(columns)
    for row in cells.itertuples(index=False, name=None):
        shared = _shared(before, list(row), names)
        texts = ["" if i < shared else _soft(cell) for i, cell in enumerate(row)]
        pairs = zip(styles, texts, strict=True)
        styled = (f' style="{style}"' * bool(text) + f">{text}" for style, text in pairs)
        rows.append("".join(f"<td{cell}</td>" for cell in styled))
        before = list(row)
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return f"<table><thead><tr>{''.join(head)}</tr></thead>\n<tbody>{body}</tbody></table>"


def _shared(before: list[str], row: list[str], names: int) -> int:
    """How many of the first cells are those of the row above; the last name always stands there."""
    same = 0
    while same < names - 1 and before[same] == row[same]:
        same += 1
    return same


def _style(column: pd.Series) -> str:
    side = "right" if _is_number(column) else "left"
    short = max(map(len, column)) <= LINE
    return f"text-align: {side}; vertical-align: top" + "; white-space: nowrap" * short


def _soft(text: str) -> str:
    """A text that may be broken within a long name."""
    return "<wbr>".join(escape(part) for part in BREAKS.split(text))
