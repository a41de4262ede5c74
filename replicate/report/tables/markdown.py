"""A frame as a Markdown table, and names and notes such that Markdown shows them as they stand."""

import re
from collections.abc import Collection

import pandas as pd

from replicate.errors import printable
from replicate.report.tables.catalogue import ABSENT

# What begins a link, a picture, a tag, an entity, code or emphasis; `_` within a word is none.
MARKUP = re.compile(r"[\\`*]|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=#|\w+;)|(?<!\w)_|_(?!\w)")


def escape(text: str) -> str:
    """`text` such that Markdown, and the HTML made of it, show it as it stands on one line."""
    return MARKUP.sub(r"\\\g<0>", printable(" ".join(text.splitlines())))


def plain(markdown: str) -> str:
    """The text that `escape` made `markdown` of."""
    return re.sub(r"\\([\\`*\]<&_])", r"\1", markdown)


def code(text: str) -> str:
    """`text` as code, which a backtick in it does not end."""
    return f"`{printable(text).replace('`', chr(39))}`"


def to_markdown(frame: pd.DataFrame, markup: Collection[str] = ()) -> str:
    """A pipe table with padded cells and no index; a missing value is `-`, never 0.

    Args:
        markup: columns whose cells are Markdown; those of all others are shown as they stand.
    """
    columns = [str(name) in markup for name in frame.columns]
    header = [_cell(name, False) for name in frame.columns]
    body = [list(map(_cell, row, columns)) for row in frame.itertuples(index=False)]
    widths = [max(3, *map(len, cells)) for cells in zip(header, *body, strict=True)]
    lines = [header, ["-" * width for width in widths], *body]
    return "".join(
        f"| {' | '.join(c.ljust(w) for c, w in zip(cells, widths, strict=True))} |\n"
        for cells in lines
    )


def _cell(value: object, markup: bool) -> str:
    if value is None or value != value or value == "":
        return ABSENT
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value).replace("\n", " ")
    return (text if markup else escape(text)).replace("|", r"\|")
