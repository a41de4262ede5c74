"""Progress bars: live in a terminal, one line every 30 s elsewhere, so that logs stay short."""

import sys

from tqdm import tqdm


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
