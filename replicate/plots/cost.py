"""Quality against cost, a point a method."""

import pandas as pd
from matplotlib.axes import Axes

from replicate.errors import ReplicateError
from replicate.plots.curves import legend
from replicate.plots.picture import Picture
from replicate.plots.style import colours, dress
from replicate.tables import catalogue
from replicate.tables.cost import QUALITY

COSTS = {"hours": "hours of training", "peak_memory_mb": "peak memory, MB"}
MARKS = ("o", "^")  # of the two directions
SMALL = 1e-3  # KID; below it the axis is linear, because an unbiased estimate may be negative
CAPTION = (
    "A point a method and direction: mean over seeds, least hours and most memory over seeds. "
    "KID: lower is better. {0}: circles, {1}: triangles."
)


def cost(frame: pd.DataFrame) -> Picture:
    """KID, and the share of the IoU ceiling where it is known, against hours and memory.

    Args:
        frame: of `tables.quality_and_cost`, of one data set.

    Raises:
        ReplicateError: several data sets, or none of the numbers.
    """
    if len(found := sorted(frame["dataset"].unique())) != 1:
        raise ReplicateError(f"data sets {found} in one figure; expected one: select its rows")
    known = {protocol: metric for metric, protocol in QUALITY if protocol in frame}
    known = {p: metric for p, metric in known.items() if frame[p].notna().any()}
    directions = sorted(frame["direction"].unique())
    palette = colours(frame["name"])
    picture = Picture(1100, 300 * len(known) + 120)
    grid = picture.subplots(len(known), len(COSTS), squeeze=False, sharey="row")
    for line, (protocol, metric) in zip(grid, known.items(), strict=True):
        for axes, (column, label) in zip(line, COSTS.items(), strict=True):
            _points(axes, frame, (column, protocol), directions, palette)
            axes.set_xlabel(label, fontsize=8)
            if metric == "kid":
                axes.set_yscale("symlog", linthresh=SMALL)
            dress(axes)
        line[0].set_ylabel(catalogue.column(metric, protocol), fontsize=8)
    legend(picture, palette, f"{found[0]}. {CAPTION.format(*directions)}")
    return picture


def _points(
    axes: Axes, frame: pd.DataFrame, pair: tuple[str, str], directions: list[str], palette: dict
) -> None:
    for direction, mark in zip(directions, MARKS, strict=True):
        own = frame[frame["direction"] == direction]
        shades = [palette[name] for name in own["name"]]
        axes.scatter(own[pair[0]], own[pair[1]], c=shades, marker=mark, s=45, alpha=0.8)
