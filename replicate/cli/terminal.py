"""Listings no wider than the terminal: what does not fit is cut, and how to see it is said."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Annotated, TextIO

import typer

from replicate.cli.common import say
from replicate.errors import printable

Wide = Annotated[bool, typer.Option("--wide", help="Show whole lines, wider than the terminal.")]
MORE = "--wide shows the rest, --json all there is"
GAP, CUT, NARROWEST = "  ", "…", 6


def width() -> int:
    """Columns of the terminal, or the variable COLUMNS; 0 where there is neither, as in a pipe."""
    return shutil.get_terminal_size((0, 0)).columns


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], wide: bool = False, more: str = MORE
) -> None:
    """Prints columns under their heads, the widest but the first cut until all fit.

    Columns without any text are left out; without rows, nothing is printed.

    Args:
        heads: one that begins with ">" is of a column of numbers.
        wide: cut nothing.
        more: where to find what was cut.
    """
    by_column = list(zip(*rows, strict=True)) or [()] * len(heads)
    columns = [
        (head, list(map(_in_a_line, cells))) for head, cells in zip(heads, by_column, strict=True)
    ]
    columns = [(head, cells) for head, cells in columns if any(cells)]
    sizes = [max(len(head.removeprefix(">")), *map(len, cells)) for head, cells in columns]
    most = 0 if wide else width()
    fitted = _fitted(sizes, most)
    padded = [
        [_padded(cell, size, head.startswith(">")) for cell in (head.removeprefix(">"), *cells)]
        for (head, cells), size in zip(columns, fitted, strict=True)
    ]
    for line in zip(*padded, strict=True):
        say(_cut(GAP.join(line).rstrip(), most))
    if fitted != sizes:
        _say_cut(more)


def entries(listed: Iterable[tuple[str, Sequence[str]]], head: str = "", indent: int = 2) -> None:
    """Prints names and, wrapped at `indent`, what is said of each; nothing is lost.

    The text begins on the line of its name where that is shorter than the indent.
    """
    if head:
        say(head)
    for name, texts in listed:
        text = "\n".join(wrapped(paragraph, indent) for paragraph in texts)
        name = printable(name)
        say(name.ljust(indent) + text[indent:] if len(name) < indent else f"{name}\n{text}")


def wrapped(text: str, indent: int = 0) -> str:
    """`text` in lines that fit; whole words, because paths and commands are there to be copied."""
    text, lead = _in_a_line(text), " " * indent
    return textwrap.fill(
        text, width() or len(text) + indent + 1, initial_indent=lead, subsequent_indent=lead,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def lines(text: str, wide: bool = False, more: str = MORE, file: TextIO | None = None) -> None:
    """Prints lines of text, such as a table in Markdown, each cut where the terminal ends."""
    most = 0 if wide else width()
    whole = printable(text).splitlines()
    shown = [_cut(line, most) for line in whole]
    say("\n".join(shown), file=file)
    if shown != whole:
        _say_cut(more)


def _fitted(sizes: list[int], most: int) -> list[int]:
    """Widths of columns of which all fit on a line, if that can be; the first column stays."""
    fitted = list(sizes)
    while most and sum(fitted) + len(GAP) * (len(fitted) - 1) > most:
        widest = max(range(1, len(fitted)), key=fitted.__getitem__, default=0)
        if not widest or fitted[widest] <= NARROWEST:
            break
        fitted[widest] -= 1
    return fitted


def _padded(cell: str, size: int, is_number: bool) -> str:
    cell = _cut(cell, size)
    return cell.rjust(size) if is_number else cell.ljust(size)


def _in_a_line(cell: object) -> str:
    return printable(re.sub(r"\s+", " ", str(cell)).strip())


def _cut(text: str, size: int) -> str:
    """The text, or so much of it as fits; of size 0 all."""
    return text if not size or len(text) <= size else text[: size - 1] + CUT


def _say_cut(more: str) -> None:
    sys.stdout.flush()
    say(f"cut to {width()} columns: {more}", file=sys.stderr)
