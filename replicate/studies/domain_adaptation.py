"""Domain adaptation by translation: do labelled translations teach the classes of the target?"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from replicate import repro, sentences
from replicate.datasets import packed
from replicate.evaluation import in_words, translate_split
from replicate.lab.classes import _labels, _train, class_names, classes_of, classifier
from replicate.lab.execute import load_method
from replicate.lab.run import Run, method_name
from replicate.methods.base import DIRECTIONS
from replicate.networks.classifier import ImageClassifier
from replicate.report.tables.catalogue import method_order, number
from replicate.report.tables.summary import SMOKE
from replicate.studies.class_coverage import KEPT, OF_CLASSES, by_labelled_set, measured
from replicate.studies.windows import with_spread

SOURCE, TARGET = "source, real", "target, real"
COLUMNS = {KEPT: "accuracy", OF_CLASSES: "accuracy, mean of classes"}


def adaptation(runs: Iterable[Run]) -> pd.DataFrame:
    """The accuracy on real target images of classifiers that saw other images, as text.

    All classifiers are trained alike, from one seed, each class as often as the others; only their
    training images differ. A translation has the label of its input.

    Args:
        runs: the finished ones on sets with labels. Each translates the whole training split on one
            thread and trains a classifier: seconds a direction for 500 images of 64 px.

    Returns:
        For each (data set, direction), tested on the target's real test images: trained on the
        source's real training images, the least that adaptation must beat; on their translations,
        a row a method, mean ± sd over seeds; on the target's real training images, which
        adaptation does without. `accuracy` counts images, `mean of classes` every class once.

    Raises:
        ReplicateError: no such run, or runs of several budgets.

    Source: deviation dagan/adaptation-protocol; the paper's own is in no text that we could access.
    """
    chosen = [run for run in runs if _has_labels(run)]
    smoke, groups = by_labelled_set(chosen)
    heading = SMOKE if smoke else "trained on"
    rows = []
    for dataset, size, peers in groups:
        if smoke:  # every run trains a classifier; one method shows as well as many that it works
            peers = [run for run in peers if run.label == peers[0].label]
        for direction in DIRECTIONS:
            rows += _rows(peers, dataset, size, direction, heading)
    return pd.DataFrame(rows)


def _has_labels(run: Run) -> bool:
    if run.record().get("status") != "finished":
        return False
    return "A_label" in packed.load(run.dataset, "train", run.config.scored_size).arrays


def _rows(
    runs: list[Run], dataset: str, size: int, direction: str, heading: str
) -> list[dict[str, str]]:
    """The rows of one direction: the source, the methods in their order, the target."""
    X, Y = direction
    test = packed.load(dataset, "test", size)
    groups: dict[str, list[ImageClassifier]] = {SOURCE: [classifier(dataset, X, size)]}
    for name in sorted({method_name(r.method, r.label) for r in runs}, key=method_order):
        peers = [run for run in runs if method_name(run.method, run.label) == name]
        groups[name] = [_taught(run, direction) for run in peers]
    groups[TARGET] = [classifier(dataset, Y, size)]
    images, truth = (np.asarray(test.arrays[key]) for key in (Y, f"{Y}_label"))
    names = class_names(dataset, groups[TARGET][0].head.out_features)
    rows = []
    for name, networks in groups.items():
        scores = [measured(classes_of(network, images), truth, names) for network in networks]
        seeds, real = pd.DataFrame(scores), name in (SOURCE, TARGET)
        row = {"dataset": dataset, "direction": in_words(direction, test), heading: name}
        for key, column in COLUMNS.items():
            row[column] = number(seeds[key].iloc[0], 2) if real else with_spread(seeds[key])
        rows.append(row)
    return rows


def _taught(run: Run, direction: str) -> ImageClassifier:
    """A classifier trained on a run's translations, each with the label of its input."""
    train = packed.load(run.dataset, "train", run.config.scored_size)
    repro.prepare(run.seed, threads=1)  # windows may be placed by chance
    method = load_method(run, torch.device("cpu"))
    made = translate_split(method, sentences.sources(method, train), direction)
    return _train(made.images, _labels(train, direction[0])).eval()
