"""Scores as points."""

import pandas as pd
import seaborn
from matplotlib.axes import Axes

from replicate.errors import ReplicateError
from replicate.plots.picture import WIDTH, Picture
from replicate.plots.style import colours, dress
from replicate.tables import catalogue
from replicate.tables.frames import one_budget, with_share

MAIN = (
    ("kid", "kid/inception"), ("kid", "kid/standin"), ("background_psnr", "background/psnr"),
    ("foreground_error", "foreground/l1"), (catalogue.SHARE, "attention/iou-0.5"),
)  # fmt: skip


def scores(frame: pd.DataFrame) -> Picture:
    """The main metrics of every method, a point a seed, with the floor and do-nothing as lines.

    Args:
        frame: of `tables.scores` or `tables.of_runs`, of one budget. Rows are data sets and
            directions, columns metrics; a metric of which nothing is measured is left out.
    """
    budget = one_budget(frame)
    measured = with_share(frame)
    measured = measured[measured["value"].abs() < float("inf")]
    present = set(zip(measured["metric"], measured["protocol"], strict=True))
    pairs = [pair for pair in MAIN if pair in present]
    if not pairs:
        raise ReplicateError(
            f"nothing to draw: no value of {', '.join(p for _, p in MAIN)}; score the runs first"
        )
    places = list(measured.groupby(["dataset", "direction"]).groups)
    palette = colours(measured["name"])
    picture = Picture(
        min(WIDTH, max(900, 310 * len(pairs) + 20)), (110 + 34 * len(palette)) * len(places) + 50
    )
    grid = picture.subplots(len(places), len(pairs), squeeze=False, sharey=True)
    for row, (dataset, direction) in zip(grid, places, strict=True):
        here = measured[(measured["dataset"] == dataset) & (measured["direction"] == direction)]
        for axes, (metric, protocol) in zip(row, pairs, strict=True):
            own = here[(here["metric"] == metric) & (here["protocol"] == protocol)]
            seaborn.stripplot(
                own, x="value", y="name", hue="name", order=list(palette), palette=palette,
                hue_order=list(palette), legend=False, jitter=False, size=6, alpha=0.7, ax=axes,
            )  # fmt: skip
            _references(axes, own)
            axes.set(ylabel="", xlabel="")
            axes.set_title(catalogue.column(metric, protocol).replace(" (", "\n("), fontsize=9)
            dress(axes)
        row[0].set_ylabel(f"{dataset}\n{direction}", fontsize=8)
    _finish(picture, budget)
    return picture


def _references(axes: Axes, own: pd.DataFrame) -> None:
    """The floor dashed and do-nothing dotted, where they are finite."""
    for column, style in (("floor", "--"), ("do_nothing", ":")):
        value = own[column].mean()
        if abs(value) < float("inf"):
            axes.axvline(value, color="0.4", ls=style, lw=1.2)


def _finish(picture: Picture, budget: str) -> None:
    marks = {
        "smoke": "Smoke runs: they prove that the code executes, no result",
        "laptop": "Budget laptop: not comparable with the papers' numbers",
    }
    height = picture.get_figheight() * picture.dpi
    lines = "Dashed: real vs real; dotted: do nothing (unless infinite); a point a seed"
    title = f"{marks.get(budget, f'Budget {budget}')}. {lines}"
    picture.text(0.01, 1 - 6 / height, title, fontsize=9, va="top")
    picture.tight_layout(rect=(0, 0, 1, 1 - 26 / height))
