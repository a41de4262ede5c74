"""Learning curves."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from replicate import records
from replicate.errors import ReplicateError
from replicate.experiment.run import Run
from replicate.plots.picture import WIDTH, Picture
from replicate.plots.style import colours, dress, name_of
from replicate.records import CURVES, LOG

POINTS = 300
LETTER = 8  # px of a letter in the legend, at most
GROUPS = {
    "adv": "adversarial (G)", "dis": "discriminator", "cyc": "cycle", "idt": "identity",
    "attention": "attention, mean of the map",
}  # fmt: skip
CAPTION = (
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
    legend(picture, palette, CAPTION)
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
