"""Where discriminators look while they train: do maps find the object, and how wide are they?"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from replicate.datasets import packed
from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.images import read
from replicate.lab.execute import load_method
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS
from replicate.metrics.attention import attention_auc
from replicate.report.plots.images import _tiles, iteration
from replicate.report.plots.picture import Picture, Style, dress, name_of, styles
from replicate.report.plots.scores import legend

MEASURES = {"auc": "pixel AUC", "mean": "mean of the map"}
CAPTION = (
    f"Maps of the first {TILES} test images, as saved on the way; a thin line a seed. Dotted: the "
    "same discriminators untrained, on the final translations. Grey: the AUC of a flat map."
)


def attention_over_training(runs: Iterable[Run]) -> Picture:
    """Pixel AUC and mean of the discriminators' maps at every moment at which samples were saved.

    Args:
        runs: those that saved samples with maps are shown, methods as colours, variants as dashes,
            seeds as lines. They should be of methods whose map is a discriminator's.

    Returns:
        A row of panels for each data set and measure, a column for the images of each domain; AUC
        only where the true masks are known. Dotted lines are the maps that the same trained
        generators would get from discriminators with their initial weights.

    Raises:
        ReplicateError: no such run.

    Source: seed 000 section 6, figures 6 to 8, which show maps and measure nothing.
    """
    shown = [run for run in runs if _moments(run)]
    if not shown:
        raise ReplicateError(
            "no run has attention maps among its samples, expected one: add a method whose "
            "discriminator gives a map to `methods`"
        )
    frame = pd.concat([over_training(run) for run in shown], ignore_index=True)
    rows = [
        (dataset, measure)
        for dataset, group in frame.groupby("dataset", sort=False)
        for measure in MEASURES
        if group[measure].notna().any()
    ]
    palette = styles(frame["name"])
    picture = Picture(1100, 260 * len(rows) + 90)
    grid = picture.subplots(len(rows), len(DIRECTIONS), squeeze=False, sharey="row")
    for line, (dataset, measure) in zip(grid, rows, strict=True):
        for axes, domain in zip(line, "AB", strict=True):
            points = frame[(frame["dataset"] == dataset) & (frame["domain"] == domain)]
            _draw(axes, points, measure, palette)
            axes.set_title(f"{MEASURES[measure]}, images of {domain}", fontsize=9)
        line[0].set_ylabel(dataset, fontsize=8)
    legend(picture, palette, CAPTION)
    return picture


def over_training(run: Run) -> pd.DataFrame:
    """The measures of a run's maps on the way, and those of untrained discriminators.

    Returns:
        `dataset, name, seed, domain, iteration, auc, mean`: a row for each domain and moment, and
        one with iteration 0 for the untrained ones. `auc` is NaN where no true mask is known.
    """
    test = packed.load(run.dataset, "test", run.config.scored_size)
    about = {"dataset": run.dataset, "name": name_of(run), "seed": run.seed}
    rows = []
    for k, domain in enumerate("AB"):
        number = min(TILES, len(test.arrays[domain]))
        maps = {0: _untrained(run, test, DIRECTIONS[k])}
        maps |= {step: tiles[k, 1, :number, ..., 0] / 255 for step, tiles in _moments(run).items()}
        masks = test.arrays.get(f"{domain}_mask")
        for step, attention in maps.items():
            known = {"mean": attention.mean(), "auc": np.nan}
            if masks is not None:
                known["auc"] = attention_auc(attention, np.asarray(masks[:number])).mean()
            rows.append(about | {"domain": domain, "iteration": step} | known)
    return pd.DataFrame(rows)


def _moments(run: Run) -> dict[int, np.ndarray]:
    """The tiles of a run's samples by iteration; none where it has no maps among them."""
    files = sorted((run.folder / "samples").glob("*.png"))
    moments = {iteration(file): _tiles(read(file)) for file in files}
    # input, map, translation; without a map two rows
    return {step: tiles for step, tiles in moments.items() if tiles.shape[1] == 3}


@torch.no_grad()
def _untrained(run: Run, test: ImageSet, direction: str) -> np.ndarray:
    """The maps (N, H, W) of the run's own initial discriminators beside its trained generators."""
    method = load_method(run, torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        method.D.load_state_dict(METHODS[run.method](run.config).D.state_dict())
    x = next(in_order(test, direction[0], TILES))[direction[0]]
    return method.translate(x, direction).attention.float().squeeze(1).numpy()


def _draw(axes: Axes, points: pd.DataFrame, measure: str, palette: dict[str, Style]) -> None:
    if measure == "auc":
        axes.axhline(0.5, color="0.6", lw=0.8)
    axes.set(xlim=(0, points["iteration"].max()), ylim=(0, 1))
    for (name, _), line in points.groupby(["name", "seed"], sort=False):
        start, way = line[line["iteration"] == 0], line[line["iteration"] > 0]
        style = palette[name]
        axes.plot(
            way["iteration"], way[measure], color=style.colour, ls=style.line, lw=0.9, alpha=0.8
        )
        axes.axhline(start[measure].item(), color=style.colour, lw=0.9, ls=":", alpha=0.8)
    axes.set_xlabel("iteration", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    dress(axes)
