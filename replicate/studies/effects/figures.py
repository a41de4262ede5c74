"""The plots of the notebook; titles say what the numbers at hand show."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from replicate.report.plots.picture import WIDTH, Picture, dress, palette, sheet
from replicate.studies.effects.choices import PNG
from replicate.studies.effects.ladder import RUNGS
from replicate.studies.effects.scoring import misled, ranked
from replicate.studies.effects.studies import Study

METRICS = ("FID", "KID")
ROW = 26  # px of a line of `order`
WARNING = "#b22222"


def images(study: Study, columns: int = 8) -> Picture:
    """Inputs, real images, and what each rung makes of the inputs."""
    ladder = study.all
    shown = {"input": ladder.source, "real (other scenes)": ladder.real} | ladder.rungs()
    rows = [(name, list(stack[:columns])) for name, stack in shown.items()]
    few, n = ladder.different(), len(ladder.source)
    return sheet([(f"{ladder.title}. In `few`, {few} images repeat up to {n}", rows)])


def order(scores: pd.DataFrame, note: str) -> Picture:
    """The rungs on an axis from best to worst, a line a protocol.

    Args:
        scores: of `effects.scores`.
        note: what must be said of the weights.
    """
    places = ranked(scores)
    colours = palette(RUNGS)
    picture = Picture(1200, 150 + ROW * len(places))
    axes = picture.subplots()
    lines = range(len(places))
    for i, rung in reversed(list(enumerate(RUNGS))):  # `perfect` on top
        axes.plot(places[rung], lines, MARKERS[i], color=colours[rung], ms=8, alpha=0.85)
    axes.set(yticks=range(len(places)), yticklabels=places.index, xticks=[0, 1])
    axes.set_xticklabels(["best of the five", "worst of the five"])
    axes.set(xlim=(-0.06, 1.06), ylim=(len(places) - 0.4, -0.6))
    dress(axes)
    wrong = misled(places)
    for label in axes.get_yticklabels():
        if label.get_text() in wrong:
            label.set(color=WARNING, weight="bold")
    legend(picture, {rung: (colours[rung], MARKERS[i]) for i, rung in enumerate(RUNGS)})
    left_out = sorted(set(scores["protocol"]) - set(places.index))
    said = f"Without a number for each rung: {', '.join(left_out)}. " if left_out else ""
    finish(picture, _order_title(wrong, len(places)), said + note)
    return picture


def resizes(frame: pd.DataFrame, note: str) -> Picture:
    """FID and KID of every rung, a point a resize.

    Args:
        frame: of `effects.resizes`.
        note: what must be said of the weights.
    """
    names = list(dict.fromkeys(frame["resize"]))
    colours = palette(names)
    picture = Picture(1200, 420)
    for axes, metric in zip(picture.subplots(1, 2, sharey=True), METRICS, strict=True):
        for i, name in enumerate(names):
            points = frame[frame["resize"] == name].set_index("rung").loc[list(RUNGS)]
            lines = [y + 0.15 * (i - 1.5) for y in range(len(RUNGS))]  # equal numbers side by side
            axes.plot(points[metric], lines, MARKERS[i], color=colours[name], ms=6)
        axes.set(xlabel=metric, yticks=range(len(RUNGS)), yticklabels=RUNGS)
        dress(axes)
    axes.invert_yaxis()
    legend(picture, {name: (colours[name], MARKERS[i]) for i, name in enumerate(names)})
    finish(picture, _resize_title(frame), note)
    return picture


def jpeg(frame: pd.DataFrame, note: str) -> Picture:
    """FID and KID by quality, with the number of the PNG files as a line.

    Args:
        frame: of `effects.jpeg`.
        note: what must be said of the weights.
    """
    names = list(dict.fromkeys(frame["network"]))
    picture = Picture(1200, 230 * len(names) + HEADING)
    grid = picture.subplots(len(names), 2, squeeze=False)
    for row, name in zip(grid, names, strict=True):
        scores = frame[frame["network"] == name].set_index("files")
        lossy = scores.drop(index=PNG)
        for axes, metric in zip(row, METRICS, strict=True):
            errors = lossy["error"] if metric == "KID" else None
            places = range(len(lossy))
            axes.errorbar(places, lossy[metric], errors, fmt="o-", capsize=3, lw=1)
            axes.axhline(scores.loc[PNG, metric], color="0.3", ls="--", lw=1.2)
            axes.set(xticks=places, xticklabels=lossy.index, ylabel=metric)
            axes.set_title(f"{name}: {_change(scores, metric)}", fontsize=9)
            dress(axes)
    for axes in grid[-1]:
        axes.set_xlabel("JPEG quality")
    finish(picture, _jpeg_title(frame), f"Dashed: the same images as PNG. {note}".strip())
    return picture


def counts(frame: pd.DataFrame, note: str) -> Picture:
    """FID and KID as the number of images grows, a panel each for inputs and floor.

    Args:
        frame: of `effects.counts`.
        note: what must be said of the weights.
    """
    names = list(dict.fromkeys(frame["network"]))
    whats = list(dict.fromkeys(frame["what"]))
    colours = palette(whats)
    picture = Picture(WIDTH, 230 * len(names) + HEADING)
    grid = picture.subplots(len(names), 4, squeeze=False)
    for row, name in zip(grid, names, strict=True):
        panels = [(metric, what) for metric in METRICS for what in whats]
        for axes, (metric, what) in zip(row, panels, strict=True):
            draws = frame[(frame["network"] == name) & (frame["what"] == what)]
            _growth(axes, draws, metric, colours[what])
            axes.set_title(f"{name}\n{metric}, {what}", fontsize=9)
    said = "Points: seeded draws of n images from each set. Bars: KID's own standard error, at n."
    finish(picture, _counts_title(frame), f"{said} {note}".strip())
    return picture


def spreads(frame: pd.DataFrame, note: str) -> Picture:
    """The same KID with every kind of "±", a panel a network.

    Args:
        frame: of `effects.spreads`.
        note: what must be said of the weights.
    """
    names = list(dict.fromkeys(frame["network"]))
    picture = Picture(min(WIDTH, 400 + 550 * len(names)), 320)
    grid = picture.subplots(1, len(names), squeeze=False, sharey=True)
    for axes, name in zip(grid[0], names, strict=True):
        intervals = frame[frame["network"] == name]
        places = range(len(intervals))
        around = [intervals["value"] - intervals["low"], intervals["high"] - intervals["value"]]
        axes.errorbar(intervals["value"], places, xerr=around, fmt="o", capsize=4)
        axes.axvline(intervals["value"].iloc[0], color="0.3", ls="--", lw=1)
        axes.set(yticks=places, yticklabels=intervals["what"], xlabel="KID")
        axes.set_title(f"{name}, {intervals['n'].iloc[0]} images", fontsize=9)
        dress(axes)
    axes.invert_yaxis()
    finish(picture, _spreads_title(frame), f"Dashed: KID of the full sample. {note}".strip())
    return picture


def _growth(axes: Axes, draws: pd.DataFrame, metric: str, colour: tuple) -> None:
    """All draws, their mean, and for KID the error that each claims."""
    axes.plot(draws["n"], draws[metric], ".", color=colour, alpha=0.35, ms=5)
    mean = draws.groupby("n")[[metric, "error"]].mean()
    errors = mean["error"] if metric == "KID" else None
    axes.errorbar(mean.index, mean[metric], errors, fmt="o-", color=colour, capsize=3, lw=1.2, ms=4)
    axes.set_xscale("log")
    axes.set_xticks(mean.index, mean.index)
    axes.minorticks_off()
    axes.set_xlabel("n", fontsize=8)
    dress(axes)


def _order_title(wrong: list[str], total: int) -> str:
    if not wrong:
        return f"All {total} protocols put `perfect` before `half` and `do nothing`"
    return (
        f"{len(wrong)} of {total} protocols (bold) do not put `perfect` before `half` and "
        f"`do nothing`: {', '.join(wrong)}"
    )


def _resize_title(frame: pd.DataFrame) -> str:
    spread = frame.pivot(index="rung", columns="resize", values="FID")
    ratio = spread.max(axis=1) / spread.min(axis=1)
    widest = ratio.idxmax()
    return (
        f"Only the resize differs: FID of one and the same set differs by up to a factor of "
        f"{ratio[widest]:.2f} (`{widest}`)"
    )


def _change(scores: pd.DataFrame, metric: str) -> str:
    """How far the lowest quality is from PNG, for rows indexed by `files`."""
    png, worst = scores.loc[PNG], scores.drop(index=PNG).iloc[-1]
    if metric == "FID":
        return f"FID {100 * (worst['FID'] / png['FID'] - 1):+.1f} % at quality {worst.name}"
    moved = abs(worst["KID"] - png["KID"]) > png["error"]
    return f"KID moves {'more' if moved else 'less'} than its standard error"


def _jpeg_title(frame: pd.DataFrame) -> str:
    table = frame.pivot(index="network", columns="files", values="FID")
    change = (table.div(table[PNG], axis=0) - 1).abs().max().max()
    return f"`{RUNGS[0]}` as JPEG of a quality instead of PNG: FID moves by up to {change:.1%}"


def _counts_title(frame: pd.DataFrame) -> str:
    floor = frame[frame["what"] == "real vs real"]
    parts = []
    for name, draws in floor.groupby("network", sort=False):
        mean = draws.groupby("n")[["FID", "KID", "error"]].mean()
        first, last = mean.iloc[0], mean.iloc[-1]
        moved = abs(first["KID"] - last["KID"]) > 2 * first["error"]
        parts.append(
            f"{name}: FID {first['FID']:.3g} at n = {mean.index[0]}, {last['FID']:.3g} at "
            f"{mean.index[-1]}; KID {'moves' if moved else 'stays within its error'}"
        )
    return f"Real against real. {'. '.join(parts)}"


def _spreads_title(frame: pd.DataFrame) -> str:
    width = frame["high"] - frame["low"]
    ratio = width.groupby(frame["network"]).agg(lambda widths: widths.max() / widths.min()).max()
    return f"One set of images, one KID: what stands after its ± differs by a factor of {ratio:.1f}"


MARKERS = ("o", "s", "^", "D", "v")
TITLE, HEADING, NOTE = 34, 62, 26  # px over and under the axes; the heading has a legend too


def legend(picture: Picture, entries: dict[str, tuple]) -> None:
    """Markers by name, below the title."""
    lines = [
        Line2D([], [], color=colour, marker=marker, ls="", label=name)
        for name, (colour, marker) in entries.items()
    ]
    height = picture.get_figheight() * picture.dpi
    picture.legend(
        handles=lines, loc="upper left", ncols=len(lines), fontsize=9, frameon=False,
        bbox_to_anchor=(0.0, 1 - 24 / height),
    )  # fmt: skip


def finish(picture: Picture, title: str, note: str = "") -> None:
    """A title over the whole, a note under it, and the axes between."""
    height = picture.get_figheight() * picture.dpi
    picture.text(0.01, 1 - 8 / height, title, fontsize=10, va="top", weight="bold")
    picture.text(0.01, 8 / height, note, fontsize=8, va="bottom")
    top = HEADING if picture.legends else TITLE
    picture.tight_layout(rect=(0, NOTE / height, 1, 1 - top / height))
