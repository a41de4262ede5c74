"""Scores as points, quality against cost, and learning curves."""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from replicate import records
from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.records import CURVES, LOG
from replicate.report.plots.picture import WIDTH, Picture, colours, dress, name_of
from replicate.report.tables import catalogue
from replicate.report.tables.cost import QUALITY
from replicate.report.tables.frames import one_budget, with_share

MAIN = (
    ("kid", "kid/inception"), ("kid", "kid/efficientnet-lite0"),
    ("class_rate", "class-rate/efficientnet-lite0"), ("kid", "kid/standin"),
    ("background_psnr", "background/psnr"), ("foreground_error", "foreground/l1"),
    (catalogue.SHARE, "attention/iou-0.5"),
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
        "overnight": "Budget overnight: not comparable with the papers' numbers",
        "laptop": "Budget laptop: not comparable with the papers' numbers",
    }
    height = picture.get_figheight() * picture.dpi
    lines = "Dashed: real vs real; dotted: do nothing (unless infinite); a point a seed"
    title = f"{marks.get(budget, f'Budget {budget}')}. {lines}"
    picture.text(0.01, 1 - 6 / height, title, fontsize=9, va="top")
    picture.tight_layout(rect=(0, 0, 1, 1 - 26 / height))


COSTS = {"hours": "hours of training", "peak_memory_mb": "peak memory, MB"}
MARKS = {  # of directions, in turn
    "o": "circles", "^": "triangles", "s": "squares", "D": "diamonds", "v": "triangles down",
    "P": "plus signs", "X": "crosses", "<": "triangles left", ">": "triangles right",
    "p": "pentagons", "h": "hexagons", "*": "stars",
}  # fmt: skip
SMALL = 1e-3  # KID; below it the axis is linear, because an unbiased estimate may be negative
CAPTION = (
    "A point a method and direction: mean over seeds, least hours and most memory over seeds. "
    "KID: lower is better. "
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
    marks = ", ".join(f"{way}: {word}" for way, word in zip(directions, cycle(MARKS.values())))
    legend(picture, palette, f"{found[0]}. {CAPTION}{marks}.")
    return picture


def _points(
    axes: Axes, frame: pd.DataFrame, pair: tuple[str, str], directions: list[str], palette: dict
) -> None:
    for direction, mark in zip(directions, cycle(MARKS)):
        own = frame[frame["direction"] == direction]
        shades = [palette[name] for name in own["name"]]
        axes.scatter(own[pair[0]], own[pair[1]], c=shades, marker=mark, s=45, alpha=0.8)


POINTS = 300
LETTER = 8  # px of a letter in the legend, at most
GROUPS = {
    "adv": "adversarial (G)", "dis": "discriminator", "cyc": "cycle", "idt": "identity",
    "attention": "attention, mean of the map",
}  # fmt: skip
CURVES_CAPTION = (
    "Mean over both directions, binned to at most 300 points; a thin line a seed. A GAN's losses "
    "do not measure quality: G and D move each other's target."
)


def curves(folder: Path) -> pd.DataFrame:
    """The losses of a run, binned to at most 300 rows; none where nothing is logged yet.

    Args:
        folder: of the run; a run that still trains or was killed will do, and so will a record.

    Returns:
        `iteration` (the last of a bin) and the mean of every loss over the bin, NaN where it was
        never computed in it. A last line that a kill cut off is skipped.
    """
    record = records.read(folder)
    names = records.kept(folder, record)
    if CURVES in names and LOG not in names:
        return records.table(folder, CURVES, record)
    log = pd.DataFrame(columns=["iteration"])
    if LOG in names:
        log = records.table(folder, LOG, record, dtype=float)
    if log.empty:
        return log
    size = max(1, -(-len(log) // POINTS))
    bins = log.groupby(log.index // size)
    binned = bins.mean()
    binned["iteration"] = bins["iteration"].last().astype(int)
    return binned


def losses(runs: Iterable[Run]) -> Picture:
    """A panel for each group of losses and each data set; methods as colours, seeds as lines."""
    runs = list(runs)
    long = pd.concat([_grouped(run) for run in runs], ignore_index=True)
    if long.empty:
        raise ReplicateError(
            "no losses logged yet, expected some: start the runs, or wait for their first step"
        )
    datasets = list(dict.fromkeys(long["dataset"]))
    known = list(GROUPS)
    groups = sorted(long["group"].unique(), key=lambda g: [*known, g].index(g))
    picture = Picture(min(WIDTH, max(900, 310 * len(groups) + 20)), 260 * len(datasets) + 60)
    grid = picture.subplots(len(datasets), len(groups), squeeze=False)
    palette = colours(long["name"])
    ticks = max(2, min(5, 20 // len(groups)))  # as many as a panel's width has room for
    for i, dataset in enumerate(datasets):
        for axes, group in zip(grid[i], groups, strict=True):
            own = long[(long["dataset"] == dataset) & (long["group"] == group)]
            for (name, _), line in own.groupby(["name", "seed"], sort=False):
                axes.plot(line["iteration"], line["value"], color=palette[name], lw=0.9, alpha=0.8)
            axes.set_title(GROUPS.get(group, group), fontsize=9)
            axes.set_xlabel("iteration", fontsize=8)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True))
            dress(axes)
        grid[i][0].set_ylabel(dataset, fontsize=8)
    legend(picture, palette, CURVES_CAPTION)
    return picture


def _grouped(run: Run) -> pd.DataFrame:
    """The curves of a run, the losses of one kind averaged over their directions."""
    binned = curves(run.folder)
    kinds: dict[str, list[str]] = {}
    for column in binned.columns.drop("iteration"):
        kinds.setdefault(column.partition("_")[0], []).append(column)
    about = {"dataset": run.dataset, "name": name_of(run), "seed": run.seed}
    frames = [
        pd.DataFrame({"iteration": binned["iteration"], "value": binned[columns].mean(axis=1)})
        .dropna()
        .assign(group=kind, **about)
        for kind, columns in kinds.items()
    ]
    empty = pd.DataFrame(columns=["iteration", "value", "group", *about])
    return pd.concat(frames, ignore_index=True) if frames else empty


def legend(picture: Picture, palette: dict[str, tuple], caption: str) -> None:
    """The methods' colours above the panels, in as many lines as they need; the caption below."""
    lines = [Line2D([], [], color=colour, label=name) for name, colour in palette.items()]
    width, height = picture.get_size_inches() * picture.dpi
    columns = max(1, int(width / (50 + LETTER * max(map(len, palette)))))
    picture.legend(
        handles=lines, loc="upper left", ncols=min(columns, len(lines)), fontsize=9, frameon=False,
        bbox_to_anchor=(0.0, 1.0),
    )  # fmt: skip
    picture.text(0.01, 8 / height, caption, fontsize=8, va="bottom")
    above = 8 + 18 * -(-len(lines) // columns)
    picture.tight_layout(rect=(0, 26 / height, 1, 1 - above / height))
