"""Progress in a terminal, a notebook or a log file, where lines stay few.

A line of losses, images/s and time left for a training; a bar for whatever else takes long.
"""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

SHOWN = 6  # losses in the line


@contextmanager
def progress(
    label: str, done: int, total: int, batch_size: int
) -> Iterator[Callable[[dict[str, float | None]], None]]:
    """A function that takes the losses of each iteration and moves the line on.

    In a terminal the line is redrawn twice a second. Elsewhere every state is a line of its own,
    30 s apart and at most 200 in a run, so that notebooks and log files stay readable.
    """
    tty = sys.stderr.isatty()
    bar = tqdm(
        desc=label, initial=done, total=total, disable=done >= total,
        mininterval=0.5 if tty else 30.0, miniters=1 if tty else max(1, total // 200),
        maxinterval=math.inf,  # else tqdm's watchdog overrules miniters after 10 s
        ascii=True, file=sys.stderr if tty else _Lines(),
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


class _Lines:
    """A stream that writes every state of a progress bar as a line of its own."""

    def write(self, text: str) -> None:
        if text.strip():
            sys.stderr.write(text.strip() + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


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
