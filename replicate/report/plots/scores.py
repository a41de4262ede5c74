"""Scores as points, quality against cost, and learning curves."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from textwrap import wrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from replicate import records
from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.records import CURVES, LOG
from replicate.report.plots.picture import (
    WIDTH,
    Colour,
    Picture,
    Style,
    dress,
    name_of,
    styles,
)
from replicate.report.tables import catalogue
from replicate.report.tables.cost import QUALITY
from replicate.report.tables.frames import PSEUDO, one_budget, with_share

MAIN = (
    ("kid", "kid/inception"), ("kid", "kid/efficientnet-lite0"),
    ("class_rate", "class-rate/efficientnet-lite0"), ("kid", "kid/standin"),
    ("background_psnr", "background/psnr"), ("foreground_error", "foreground/l1"),
    (catalogue.SHARE, "attention/iou-0.5"),
)  # fmt: skip


LEFT, RIGHT = 250, 20  # px beside the panels, for the names of methods and a last tick
ABOVE, BELOW, LINE = 56, 34, 24  # px above and below a row of panels, and for each method
APART, TITLE = 26, 14  # px between panels, and for each line above all, which have as much below
TITLE_LETTER = 6.6  # px of a letter above all, on average


def scores(frame: pd.DataFrame) -> Picture:
    """The main metrics of every method, a point a seed, with the floor and do-nothing as lines.

    Args:
        frame: of `tables.scores` or `tables.of_runs`, of one budget. A row of panels for each data
            set and direction has the methods and metrics that are measured there, no others.
    """
    budget = one_budget(frame)
    measured = with_share(frame)
    measured = measured[measured["value"].abs() < float("inf")]
    pairs = pd.MultiIndex.from_frame(measured[["metric", "protocol"]])
    measured = measured[pairs.isin(MAIN)]
    if measured.empty:
        raise ReplicateError(
            f"nothing to draw: no value of {', '.join(p for _, p in MAIN)}; score the runs first"
        )
    rows = [(place, here) for place, here in measured.groupby(["dataset", "direction"])]
    heights = [ABOVE + BELOW + LINE * here["name"].nunique() for _, here in rows]
    most = max(len(_pairs(here)) for _, here in rows)
    width = min(WIDTH, LEFT + RIGHT + 260 * most)
    lines = wrap(_headline(budget), int(width / TITLE_LETTER))
    drawn, top = styles(measured["name"]), TITLE * (len(lines) + 1)
    picture = Picture(width, top + sum(heights))
    y = 1 - 6 / (top + sum(heights))
    picture.text(0.01, y, "\n".join(lines), fontsize=9, va="top")
    for (place, here), height in zip(rows, heights, strict=True):
        _row(picture, ", ".join(place), here, top, drawn)
        top += height
    return picture


def _pairs(here: pd.DataFrame) -> list[tuple[str, str]]:
    """The (metric, protocol) pairs that are measured, as `MAIN` has them."""
    present = set(zip(here["metric"], here["protocol"], strict=True))
    return [pair for pair in MAIN if pair in present]


def _row(
    picture: Picture, title: str, here: pd.DataFrame, top: int, drawn: dict[str, Style]
) -> None:
    """The panels of one data set and direction, below `top` px."""
    width, height = picture.get_size_inches() * picture.dpi
    pairs = _pairs(here)
    names = sorted(here["name"].unique(), key=catalogue.method_order)
    across = (width - LEFT - RIGHT) / len(pairs)
    tall = LINE * len(names)
    bottom = 1 - (top + ABOVE + tall) / height
    picture.text(6 / width, 1 - (top + 10) / height, title, fontsize=9, weight="bold", va="center")
    for i, (metric, protocol) in enumerate(pairs):
        left = (LEFT + i * across) / width
        axes = picture.add_axes((left, bottom, (across - APART) / width, tall / height))
        rows = here[(here["metric"] == metric) & (here["protocol"] == protocol)]
        for y, name in enumerate(names):
            values = rows.loc[rows["name"] == name, "value"]
            style = drawn[name]
            axes.plot(
                values, [y] * len(values), ls="", marker=style.marker, ms=6, alpha=0.75,
                color=style.colour, mew=0,
            )  # fmt: skip
        _references(axes, rows)
        axes.set(ylim=(len(names) - 0.5, -0.5))
        axes.set_yticks(range(len(names)), names if i == 0 else [""] * len(names))
        heading = catalogue.column(metric, protocol).replace(" (", "\n(")
        rests = rows["note"].str.contains(PSEUDO).any()
        axes.set_title(f"{heading}, {PSEUDO}" if rests else heading, fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        dress(axes)


def _references(axes: Axes, rows: pd.DataFrame) -> None:
    """The floor dashed and do-nothing dotted, where they are finite."""
    for column, style in (("floor", "--"), ("do_nothing", ":")):
        value = rows[column].mean()
        if abs(value) < float("inf"):
            axes.axvline(value, color="0.4", ls=style, lw=1.2)


def _headline(budget: str) -> str:
    marks = {
        "smoke": "Smoke runs: they prove that the code executes, no result",
        "overnight": "Budget overnight: not comparable with the papers' numbers",
        "laptop": "Budget laptop: not comparable with the papers' numbers",
    }
    lines = "Dashed: real vs real; dotted: do nothing (unless infinite); a point a seed"
    return f"{marks.get(budget, f'Budget {budget}')}. {lines}"


COSTS = {"hours": "hours of training", "peak_memory_mb": "peak memory, MB"}
FILLS = {"full": "filled", "none": "hollow"}  # of both directions
SMALL = 1e-3  # KID; below it the axis is linear, because an unbiased estimate may be negative
CAPTION = (
    "A point a method and direction: mean over seeds, least hours and most memory over seeds. "
    "KID: lower is better. "
)


def cost(frame: pd.DataFrame, pseudo: Collection[str] = ()) -> Picture:
    """KID, and the share of the IoU ceiling where it is known, against hours and memory.

    Args:
        frame: of `tables.quality_and_cost`, of one data set.
        pseudo: protocols whose scores rest on masks that a network made.

    Raises:
        ReplicateError: several data sets, or none of the numbers.
    """
    if len(datasets := sorted(frame["dataset"].unique())) != 1:
        raise ReplicateError(f"data sets {datasets} in one figure; expected one: select its rows")
    known = {protocol: metric for metric, protocol in QUALITY if protocol in frame}
    known = {p: metric for p, metric in known.items() if frame[p].notna().any()}
    directions = sorted(frame["direction"].unique())
    fills = dict(zip(directions, FILLS, strict=False))
    palette = styles(frame["name"])
    picture = Picture(1000, 280 * len(known) + 120)
    grid = picture.subplots(len(known), len(COSTS), squeeze=False, sharey="row")
    for line, (protocol, metric) in zip(grid, known.items(), strict=True):
        for axes, (column, label) in zip(line, COSTS.items(), strict=True):
            _points(axes, frame, (column, protocol), fills, palette)
            axes.set_xlabel(label, fontsize=8)
            # within a decade a logarithmic axis may have no label at all
            if metric == "kid" and frame[protocol].min() < frame[protocol].max() / 10:
                axes.set_yscale("symlog", linthresh=SMALL)
            dress(axes)
        rests = f",\n{PSEUDO}" if protocol in pseudo else ""
        heading = catalogue.column(metric, protocol).replace(" (", "\n(")
        line[0].set_ylabel(heading + rests, fontsize=8)
    told = ", ".join(f"{way}: {FILLS[fill]}" for way, fill in fills.items())
    legend(picture, palette, f"{datasets[0]}. {CAPTION}{told}.", points=True)
    return picture


def _points(
    axes: Axes,
    frame: pd.DataFrame,
    pair: tuple[str, str],
    fills: dict[str, str],
    palette: dict[str, Style],
) -> None:
    for row in frame.to_dict("records"):
        style = palette[row["name"]]
        axes.plot(
            row[pair[0]], row[pair[1]], ls="", marker=style.marker, ms=7, alpha=0.85,
            markeredgecolor=style.colour, markerfacecolor=style.colour,
            markerfacecoloralt="none", fillstyle=fills[row["direction"]],
        )  # fmt: skip


POINTS = 300
LETTER = 8  # px of a letter in the legend, at most
CAPTION_LETTER = 6.5  # px of a letter below the panels, on average
ACROSS = 5  # panels of losses in a row, at most
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
    """A panel for each group of losses and each data set, seeds as lines.

    Methods are colours, variants dashes; a data set shows the losses that it has.
    """
    runs = list(runs)
    long = pd.concat([_grouped(run) for run in runs], ignore_index=True)
    if long.empty:
        raise ReplicateError(
            "no losses logged yet, expected some: start the runs, or wait for their first step"
        )
    rows = _rows(long)
    wide = max(map(len, rows))
    picture = Picture(min(WIDTH, max(900, 310 * wide + 20)), 260 * len(rows) + 60)
    grid = picture.subplots(len(rows), wide, squeeze=False)
    palette = styles(long["name"])
    for row, places in zip(rows, grid, strict=True):
        for axes in places[len(row) :]:
            axes.set_axis_off()
        for (dataset, group), axes in zip(row, places, strict=False):
            panel = long[(long["dataset"] == dataset) & (long["group"] == group)]
            for (name, _), line in panel.groupby(["name", "seed"], sort=False):
                style = palette[name]
                axes.plot(
                    line["iteration"], line["value"], color=style.colour, ls=style.line, lw=0.9,
                    alpha=0.8,
                )  # fmt: skip
            axes.set_title(GROUPS.get(group, group), fontsize=9)
            axes.set_xlabel("iteration", fontsize=8)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
            dress(axes)
        places[0].set_ylabel(row[0][0], fontsize=8)
    legend(picture, palette, CURVES_CAPTION)
    return picture


def _rows(long: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """The data sets and groups of losses, at most `ACROSS` a row; a data set begins a row."""
    known, rows = list(GROUPS), []
    for dataset, of_set in long.groupby("dataset", sort=False):
        groups = sorted(of_set["group"].unique(), key=lambda group: [*known, group].index(group))
        cells = [(dataset, group) for group in groups]
        rows += [cells[k : k + ACROSS] for k in range(0, len(cells), ACROSS)]
    return rows


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


def legend(
    picture: Picture, palette: Mapping[str, Style | Colour], caption: str, points: bool = False
) -> None:
    """The methods' styles above the panels, in as many lines as they need; the caption below.

    Args:
        points: methods are markers, not lines.
    """
    drawn = {n: s if isinstance(s, Style) else Style(s) for n, s in palette.items()}
    lines = [
        Line2D(
            [],
            [],
            color=style.colour,
            label=name,
            marker=style.marker * points,
            ls="" if points else style.line,
        )
        for name, style in drawn.items()
    ]
    width, height = picture.get_size_inches() * picture.dpi
    columns = max(1, int(width / (50 + LETTER * max(map(len, palette)))))
    picture.legend(
        handles=lines, loc="upper left", ncols=min(columns, len(lines)), fontsize=9, frameon=False,
        bbox_to_anchor=(0.0, 1.0), handlelength=3,
    )  # fmt: skip
    below = wrap(caption, int(width / CAPTION_LETTER))
    picture.text(0.01, 8 / height, "\n".join(below), fontsize=8, va="bottom")
    above = 8 + 18 * -(-len(lines) // columns)
    room = 12 + 14 * len(below)
    picture.tight_layout(rect=(0, room / height, 1, 1 - above / height))
