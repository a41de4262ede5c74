"""Progress in a terminal, a notebook or a log file, where lines stay few.

A line of losses, images/s and time left for a training; a bar for whatever else takes long.
"""

import logging
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

SHOWN = 6  # losses in the line
LOG = logging.getLogger("replicate")


def told(text: str, level: int = logging.INFO) -> None:
    """Says something through `logging`: by the handlers of the logger `replicate`.

    It has one of this module; a program puts its own in that place.
    """
    LOG.log(level, text)


def is_watched() -> bool:
    """Whether this is a notebook in front of somebody: JupyterLab, Colab or Kaggle."""
    if "ipykernel" not in sys.modules:
        return False
    return "JPY_SESSION_NAME" in os.environ or any(
        name in sys.modules for name in ("google.colab", "kaggle_datasets")
    )


@contextmanager
def progress(
    label: str, done: int, total: int, batch_size: int
) -> Iterator[Callable[[dict[str, float | None]], None]]:
    """A function that takes the losses of each iteration and moves the line on.

    In a terminal and a notebook the line is redrawn twice a second. Elsewhere every state is a line
    of its own, 30 s apart and at most 200 in a run, so that log files stay readable.
    """
    watched = is_watched()
    quick = watched or sys.stderr.isatty()
    bar = tqdm(
        desc=label, initial=done, total=total, disable=done >= total,
        mininterval=0.5 if quick else 30.0, miniters=1 if quick else max(1, total // 200),
        maxinterval=math.inf,  # else tqdm's watchdog overrules miniters after 10 s
        ascii=True, ncols=110 if watched else None,
        file=_Place() if watched else sys.stderr if quick else _Lines(),
        bar_format="{desc} {percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}",
    )  # fmt: skip

    def show(losses: dict[str, float | None]) -> None:
        images = (bar.n + 1 - bar.initial) * batch_size
        rate = images / max(bar.format_dict["elapsed"], 1e-9) if not bar.disable else 0.0
        values = [f"{k} {v:.2f}" for k, v in losses.items() if v is not None]
        parts = [f"{rate:.1f} images/s", *([" ".join(values[:SHOWN])] if values else [])]
        bar.set_postfix_str(", ".join(parts), refresh=False)
        bar.update()

    with bar:
        yield show


class Samples:
    """The latest samples of a run, shown in place where somebody looks at a notebook."""

    def __init__(self) -> None:
        self._handle = None

    def show(self, image: object) -> None:
        """Shows a picture in place of the one before."""
        if not is_watched():
            return
        from IPython.display import display

        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)


class _Lines:
    """A stream that writes every state of a progress bar as a line of its own."""

    def write(self, text: str) -> None:
        if text.strip():
            sys.stderr.write(text.strip() + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


class _Place:
    """A stream that shows every state of a progress bar in one output of a notebook."""

    def __init__(self) -> None:
        self._handle = None

    def write(self, text: str) -> None:
        if not text.strip():
            return
        from IPython.display import display

        content = {"text/plain": text.strip()}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def flush(self) -> None:
        """Nothing waits."""


class _Handler(logging.Handler):
    """Plain text on the stderr of the moment; on stdout in a watched notebook (it is red there)."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stdout if is_watched() else sys.stderr, flush=True)


if not LOG.handlers:  # a second import, as of a reloaded notebook, adds none
    LOG.addHandler(_Handler())
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def bar(total: int | None, title: str, unit: str, show: bool) -> tqdm:
    """A bar in plain text (no widget, which an executed notebook could not show later).

    Args:
        total: units in all; None where unknown.
        unit: what is counted; "B" is shown in kB, MB, GB.
    """
    live = sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=title,
        unit=unit,
        unit_scale=unit == "B",
        disable=not show,
        mininterval=0.1 if live else 30,
        maxinterval=10 if live else 60,
        delay=2,  # s; what is done sooner shows no bar
        leave=not live,
    )
