"""A table as a notebook shows it: whole cells, no row numbers, empty columns named below."""

from html import escape

import pandas as pd

EMPTY = {"-", "not computed"}


class Shown:
    """A frame with an HTML face for JupyterLab and a text face for a log."""

    def __init__(self, frame: pd.DataFrame) -> None:
        empty = [name for name in frame if len(frame) and set(frame[name].astype(str)) <= EMPTY]
        self.frame = frame.drop(columns=empty)
        self.note = f"without a value: {', '.join(empty)}" if empty else ""
        if frame.empty:
            self.note = "none"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            return self.frame.to_html(index=False, na_rep="-") + f"<p>{escape(self.note)}</p>"

    def __repr__(self) -> str:
        return self.frame.to_string(index=False, na_rep="-") + f"\n{self.note}"


def show(frame: pd.DataFrame) -> Shown:
    """`frame` for the last line of a notebook cell; columns without any value are only named."""
    return Shown(frame)
