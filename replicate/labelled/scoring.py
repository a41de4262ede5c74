"""Translations between photographs and labels, measured by the classes of their pixels.

As pix2pix is measured on Cityscapes, with a network of one's own in place of the FCN: a photograph
made from labels is segmented, labels made from a photograph are read by the nearest mode, and both
are compared with the true classes. Numbers compare within one data set and side alone.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from replicate import records
from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.experiment.run import Run
from replicate.images import grey, read
from replicate.labelled import palette
from replicate.labelled.segmenter import Settings, segment, segmenter
from replicate.labelled.truth import label_maps, photographs, truth
from replicate.methods.base import DIRECTIONS
from replicate.metrics.labels import IGNORED
from replicate.metrics.segmentation import class_accuracy, class_iou, confusion, pixel_accuracy

FLOOR = "most frequent class everywhere"
PHOTOGRAPHS, LABELS = "real photographs", "real labels"
SMOKE_STEPS = 4  # of the segmenter's training


class Measured(NamedTuple):
    """The three scores of one set of images, in [0, 1], and their (K, K) confusion matrix."""

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    matrix: np.ndarray


def measured(true: np.ndarray, found: np.ndarray, classes: int) -> Measured:
    """The scores of found classes against the true ones.

    Args:
        true: (N, S, S) uint8, `IGNORED` where nothing is scored.
        found: (N, S, S) uint8, 0 to `classes` - 1.
        classes: their number, K; one that occurs nowhere counts as 0, as in the official code.
    """
    matrix = confusion(true, found, classes, name="the set")
    return Measured(pixel_accuracy(matrix), class_accuracy(matrix), class_iou(matrix), matrix)


def references(settings: Settings) -> dict[str, dict[str, Measured]]:
    """Floor and ceiling of both directions on the test split.

    Args:
        settings: of the segmenter.

    Returns:
        For each domain, as the target, the scores by name: the class that is most frequent in
        training, everywhere; and real images in the place of translations.
    """
    dataset, side = settings.dataset, settings.side
    colours = palette.load(dataset)
    true, classes = truth(dataset, "test", side), len(colours.names)
    counts = np.bincount(truth(dataset, "train", side).ravel(), minlength=IGNORED + 1)
    flat = np.full_like(true, counts[:classes].argmax())
    floor = measured(true, flat, classes)
    seen = segment(segmenter(settings)[0], photographs(dataset, "test", side))
    read = np.stack([palette.classes_of(m, colours) for m in label_maps(dataset, "test", side)])
    (domain,) = set(spec(dataset).domains) - {colours.domain}
    return {
        domain: {FLOOR: floor, PHOTOGRAPHS: measured(true, seen, classes)},
        colours.domain: {FLOOR: floor, LABELS: measured(true, read, classes)},
    }


def of_run(run: Run, settings: Settings) -> dict[str, Measured]:
    """The scores of a run's translations of the test split, by direction in words."""
    colours = palette.load(run.dataset)
    true = truth(run.dataset, "test", settings.side)
    found = {}
    for direction in DIRECTIONS:
        words, images = translations(run, direction)
        if words.endswith(f">{colours.domain}"):
            classes = np.stack([palette.classes_of(image, colours) for image in images])
        else:
            classes = segment(segmenter(settings)[0], images)
        found[words] = measured(true, classes, len(colours.names))
    return found


def settings_of(run: Run) -> Settings:
    """The segmenter that judges a run: of its data set and its side; smoke runs get a few steps."""
    changes = {"iterations": SMOKE_STEPS} if run.budget == "smoke" else {}
    return Settings(run.dataset, run.config.crop_size, **changes)


def labelled(runs: Iterable[Run]) -> list[Run]:
    """The runs that are scored and whose data set has a palette."""
    known = palette.known()
    return [r for r in runs if r.dataset in known and (r.folder / "scores.csv").exists()]


def translations(run: Run, direction: str, maps: bool = False) -> tuple[str, np.ndarray]:
    """`photo->label` and what a run made of the test split, in the order of the set.

    Args:
        run: a scored one.
        direction: "AB" or "BA".
        maps: its attention maps, in [0, 1], instead of its images.

    Returns:
        The direction in words, and (N, S, S, 3) uint8 or (N, S, S).

    Raises:
        ReplicateError: a file is missing or damaged.
    """
    records.check_outputs(run.folder)
    images = packed.load(run.dataset, "test", run.config.crop_size)
    words = in_words(direction, images)
    folder = run.folder / "outputs" / words.replace("->", "2")
    folder = folder / "attention" if maps else folder
    files = [folder / f"{Path(name).stem}.png" for name in images.names[direction[0]]]
    missing = [file for file in files if not file.exists()]
    if missing:
        raise ReplicateError(
            f"{len(missing)} of {len(files)} images are not in {folder}, expected "
            f"{missing[0].name} and so on: score {run.title} again"
        )
    return words, np.stack([(grey if maps else read)(file) for file in files])
