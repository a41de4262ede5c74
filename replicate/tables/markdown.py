"""A frame as a Markdown table."""

import pandas as pd

from replicate.tables.catalogue import ABSENT


def to_markdown(frame: pd.DataFrame) -> str:
    """A pipe table with padded cells and no index; a missing value is `-`, never 0."""
    header = [_cell(name) for name in frame.columns]
    body = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    widths = [max(3, *map(len, cells)) for cells in zip(header, *body, strict=True)]
    lines = [header, ["-" * width for width in widths], *body]
    return "".join(
        f"| {' | '.join(c.ljust(w) for c, w in zip(cells, widths, strict=True))} |\n"
        for cells in lines
    )


def _cell(value: object) -> str:
    if value is None or value != value or value == "":
        return ABSENT
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", r"\|").replace("\n", " ")
