"""What all plots share: the order and colours of methods, the look of axes."""

from collections.abc import Iterable

import seaborn
from matplotlib.axes import Axes

from replicate.experiment.run import Run, method_name
from replicate.tables.catalogue import method_order

Colour = tuple[float, float, float]


def name_of(run: Run) -> str:
    """METHOD[:VARIANT], as tables name it."""
    return method_name(run.method, run.label)


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


def dress(axes: Axes) -> None:
    """Small ticks, a light grid, no box."""
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3, lw=0.5)
    seaborn.despine(ax=axes)
