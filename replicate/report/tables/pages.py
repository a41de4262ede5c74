"""The one writer of table files: a page in Markdown, LaTeX, CSV and JSON from one description."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from replicate import files
from replicate.report.tables import latex
from replicate.report.tables.markdown import plain, to_markdown

DIGITS = 6  # of a number in CSV and JSON


class Table(NamedTuple):
    """A frame below a line of text, which is its caption in LaTeX; "" for none.

    The cells of the columns `markup` are Markdown. What users, runs or files named is in others.
    """

    caption: str
    frame: pd.DataFrame
    markup: Collection[str] = ()


class Page(NamedTuple):
    """What the files of one stem hold.

    Markdown and LaTeX show `title` and `parts`, which are Markdown: a string is a paragraph, or a
    heading where it starts with "## ". CSV and JSON hold `data`, a row a value.
    """

    title: str
    parts: Sequence[str | Table]
    data: pd.DataFrame


def write_page(page: Page, stem: Path) -> list[Path]:
    """The files `<stem>.md`, `.tex`, `.csv` and `.json`: the same bytes from the same page.

    In JSON a missing value is null and an infinite one the string "inf", because JSON has neither.
    """
    texts = {"md": _markdown(page), "tex": _latex(page, stem.name), "csv": _csv(page.data)}
    texts["json"] = _json(page.data)
    return [
        files.write(stem.with_name(f"{stem.name}.{ending}"), text) for ending, text in texts.items()
    ]


def _markdown(page: Page) -> str:
    parts = [f"# {page.title}\n"]
    for part in page.parts:
        if isinstance(part, str):
            parts.append(f"{part.strip()}\n")
        else:
            above = f"{part.caption}:\n\n" if part.caption else ""
            parts.append(above + to_markdown(part.frame, part.markup))
    return "\n".join(parts)


def _latex(page: Page, name: str) -> str:
    parts = [f"% Generated from records of runs. Needs \\usepackage{{{latex.NEEDS}}}.\n"]
    heading, number = "", 0
    for part in page.parts:
        if not isinstance(part, str):
            number += 1
            caption = ": ".join(text for text in (plain(page.title), heading, part.caption) if text)
            parts.append(latex.tabular(part.frame, caption, f"tab:{name}-{number}"))
        elif part.startswith("## "):
            heading = plain(part.removeprefix("## ").strip())
        else:
            parts.append(f"{{\\footnotesize {latex.prose(part)}\\par}}\n")
    return "\n".join(parts)


def _csv(data: pd.DataFrame) -> str:
    return data.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")


def _json(data: pd.DataFrame) -> str:
    rows = [
        {name: _plain(value) for name, value in zip(data.columns, row, strict=True)}
        for row in data.astype(object).itertuples(index=False, name=None)
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    if value is None or value != value:
        return None
    if hasattr(value, "item"):  # numpy's numbers
        value = value.item()
    if isinstance(value, float):
        return str(value) if abs(value) == float("inf") else float(f"{value:.{DIGITS}g}")
    return value
