"""The supplement's measurements of labelled images: which classes occur, which are attended."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import seaborn
from skimage.measure import label

from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.methods.base import DIRECTIONS
from replicate.metrics.arrays import float_maps, same_shape
from replicate.metrics.segmentation import IGNORED
from replicate.report.plots.picture import Picture, colours, dress, name_of
from replicate.report.plots.scores import legend
from replicate.studies import pixel_classes
from replicate.studies.pixel_classes import truth
from replicate.studies.pixel_segmentation import labelled, translations

CRUCIAL = 0.5  # alpha: a pixel whose attention is larger is crucial
AWARE = 0.5  # least share of a class's pixels that are crucial where the class is attended


def class_frequency(maps: Iterable[np.ndarray], names: Sequence[str]) -> pd.DataFrame:
    """How often each class occurs, and in how many pieces.

    Args:
        maps: (H, W) uint8 classes each, 0 to K - 1, or 255 where nothing is labelled.
        names: of the K classes.

    Returns:
        One row a class: `class`; `images`, the share of images with a pixel of it (figure 3);
        `pixels`, its share of the labelled pixels; `count`, its connected components an image,
        over all images (figure 4; pixels that touch at a corner are connected). Objects of one
        class that touch count as one, so instances are at least as many.

    Raises:
        ReplicateError: no map.
    """
    images, pixels, pieces, total = *(np.zeros(len(names)) for _ in range(3)), 0
    for classes in maps:
        counts = np.bincount(classes.ravel(), minlength=IGNORED + 1)[: len(names)]
        images += counts > 0
        pixels += counts
        for k in np.flatnonzero(counts):
            pieces[k] += label(classes == k, connectivity=2, return_num=True)[1]
        total += 1
    if not total:
        raise ReplicateError("0 label maps, expected at least 1: name a split that has some")
    columns = {"images": images / total, "pixels": pixels / pixels.sum(), "count": pieces / total}
    return pd.DataFrame({"class": list(names)} | columns)


def attention_intensity(
    attention: np.ndarray, maps: np.ndarray, names: Sequence[str], alpha: float = CRUCIAL
) -> pd.DataFrame:
    """How much attention falls on each class.

    Args:
        attention: (N, H, W) in [0, 1].
        maps: (N, H, W) uint8 classes of the same images, 255 where nothing is labelled.
        names: of the K classes.
        alpha: a pixel is crucial if its attention is larger.

    Returns:
        One row a class: `class`; `intensity`, crucial pixels an image, over the images that have
        the class; `share`, of all pixels of the class those that are crucial; `aware`, the share
        of the images that have the class in which at least half of its pixels are crucial. NaN for
        a class that occurs nowhere.

    Raises:
        ReplicateError: maps of another size than the attention.

    Source: seed 000 section 5 and figure 5, alpha 0.5; whether its means are over all images or
        over those with the class is not said: assumed the latter.
    """
    same_shape(attention, maps, ("attention", "label maps"))
    crucial = float_maps(attention, "attention") > alpha
    rows = []
    for k, name in enumerate(names):
        mask = maps == k
        size = mask.sum(axis=(1, 2))
        hit = (mask & crucial).sum(axis=(1, 2))[size > 0]
        size = size[size > 0]
        if not len(size):
            rows.append((name, np.nan, np.nan, np.nan))
            continue
        rows.append((name, hit.mean(), hit.sum() / size.sum(), (hit >= AWARE * size).mean()))
    return pd.DataFrame(rows, columns=["class", "intensity", "share", "aware"])


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


def label_statistics(runs: Iterable[Run], dataset: str = "facades") -> Picture:
    """Bars for each class: frequency and count in the training labels, attention in the runs.

    Args:
        runs: those that are scored on `dataset` and have attention maps get a line of panels for
            each direction: the maps of their test translations on the classes of the same images,
            mean over seeds. A class is attended in an image where at least half of its pixels have
            attention above 0.5.
        dataset: one of `labelled.palette.known()`.

    Raises:
        ReplicateError: no palette, or no images.

    Source: seed 000, figures 3 to 5; its figure 5 is over training, this is at the end of it.
    """
    names = pixel_classes.load(dataset).names
    counted = class_frequency(truth(dataset, "train"), names).assign(name="labels")
    lines = [("training labels", counted, FREQUENCY)]
    attended = _attention([run for run in labelled(runs) if run.dataset == dataset], names)
    lines += [
        (words, group, ATTENTION) for words, group in attended.groupby("direction", sort=False)
    ]
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
        classes = truth(run.dataset, "test", run.config.scored_size)
        for direction in DIRECTIONS:
            words, maps = translations(run, direction, maps=True)
            frame = attention_intensity(maps, classes, names)
            frames.append(frame.assign(direction=words, name=name_of(run)))
    return pd.concat(frames[1:] or frames, ignore_index=True)
