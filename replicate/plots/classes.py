"""Classes of a labelled data set as bars: how often they occur, and how much is attended."""

from collections.abc import Iterable

import pandas as pd
import seaborn

from replicate.experiment.run import Run
from replicate.labelled import palette
from replicate.labelled.scoring import labelled, translations
from replicate.labelled.statistics import attention_intensity, class_frequency
from replicate.labelled.truth import truth
from replicate.methods.base import DIRECTIONS
from replicate.plots.curves import legend
from replicate.plots.picture import Picture
from replicate.plots.style import colours, dress, name_of

FREQUENCY = {
    "images": "share of images with the class",
    "pixels": "share of the labelled pixels",
    "count": "connected areas an image",
}
ATTENTION = {
    "intensity": "px an image with attention > 0.5",
    "share": "share of its px with attention > 0.5",
    "aware": "share of images where it is attended",
}
SHARES = {"images", "share", "aware"}  # drawn from 0 to 1; shares of all pixels are small
CAPTION = "Attended: at least half of a class's pixels in the image. Mean over seeds."
WIDTH, HEIGHT = 1000, 280  # px, of the picture and of a line of panels


def label_statistics(dataset: str = "facades", runs: Iterable[Run] = ()) -> Picture:
    """Bars for each class: frequency and count in the training labels, attention in the runs.

    Args:
        dataset: one of `labelled.palette.known()`.
        runs: those that are scored on `dataset` and have attention maps get a line of panels for
            each direction: the maps of their test translations on the classes of the same images,
            mean over seeds. A class is attended in an image where at least half of its pixels have
            attention above 0.5.

    Raises:
        ReplicateError: no palette, or no images.

    Source: seed 000, figures 3 to 5; its figure 5 is over training, this is at the end of it.
    """
    names = palette.load(dataset).names
    counted = class_frequency(truth(dataset, "train"), names).assign(name="labels")
    lines = [("training labels", counted, FREQUENCY)]
    attended = _attention([run for run in labelled(runs) if run.dataset == dataset], names)
    lines += [(words, own, ATTENTION) for words, own in attended.groupby("direction", sort=False)]
    picture = Picture(WIDTH, HEIGHT * len(lines) + 60 * (len(lines) > 1))
    grid = picture.subplots(len(lines), len(FREQUENCY), squeeze=False, sharey=True)
    of_runs = colours(attended["name"]) if len(lines) > 1 else {}
    for row, (heading, frame, columns) in zip(grid, lines, strict=True):
        shades = of_runs if columns is ATTENTION else colours(frame["name"])
        for axes, (column, title) in zip(row, columns.items(), strict=True):
            seaborn.barplot(
                frame, x=column, y="class", hue="name", hue_order=list(shades), palette=shades,
                order=list(names), errorbar=None, legend=False, ax=axes,
            )  # fmt: skip
            axes.set(xlabel="", ylabel="", xlim=(0, 1 if column in SHARES else None))
            axes.set_title(title, fontsize=9)
            dress(axes)
        row[0].set_ylabel(f"{dataset}\n{heading}", fontsize=8)
    legend(picture, of_runs, CAPTION) if of_runs else picture.tight_layout()
    return picture


def _attention(runs: list[Run], names: tuple[str, ...]) -> pd.DataFrame:
    """`attention_intensity` of every run and direction; no rows where no run has maps."""
    frames = [pd.DataFrame(columns=["direction"])]
    for run in runs:
        if not any((run.folder / "outputs").glob("*/attention/*.png")):
            continue
        classes = truth(run.dataset, "test", run.config.crop_size)
        for direction in DIRECTIONS:
            words, maps = translations(run, direction, maps=True)
            found = attention_intensity(maps, classes, names)
            frames.append(found.assign(direction=words, name=name_of(run)))
    return pd.concat(frames[1:] or frames, ignore_index=True)
