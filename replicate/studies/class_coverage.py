"""Which classes translations have: whether a method reaches those that are rare in the target."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.lab.classes import SEED, class_names, classes_of, classifier, kept, outputs
from replicate.lab.run import Run, method_name
from replicate.methods.base import DIRECTIONS
from replicate.report.tables.catalogue import ABSENT, method_order, number
from replicate.report.tables.frames import one_budget
from replicate.report.tables.summary import SMOKE
from replicate.studies.windows import with_spread

KEPT, OF_CLASSES = "class kept", "class kept, mean of classes"
JUDGED = f"target, as classified (seed {SEED})"


def coverage(runs: Iterable[Run]) -> pd.DataFrame:
    """The share of each class among translations of test images, and whether the class was kept.

    A classifier of the target's real training images says which class a translation has.

    Args:
        runs: the finished ones on sets with labels.

    Returns:
        For each (data set, direction), as text: the target's true shares, and those that the
        classifier gives its real test images, where `class kept` is its accuracy; the source's true
        shares; the ideal translations as classified, the most that a method can reach; and a row a
        method, mean ± sd over seeds. `class kept` is the share of translations that have the class
        of their input, `mean of classes` the same with every class of the source counted once.

    Raises:
        ReplicateError: no such run, or runs of several budgets.
    """
    chosen = [run for run in runs if _has_labels(run)]
    smoke, groups = by_labelled_set(chosen)
    heading = SMOKE if smoke else "method"
    rows = []
    for dataset, size, peers in groups:
        test = packed.load(dataset, "test", size)
        for direction in DIRECTIONS:
            place = {"dataset": dataset, "direction": in_words(direction, test)}
            rows += [place | {heading: name} | row for name, row in _rows(peers, test, direction)]
    return pd.DataFrame(rows).fillna(ABSENT)


def by_labelled_set(chosen: list[Run]) -> tuple[bool, list[tuple[str, int, list[Run]]]]:
    """Whether the budget is smoke; then each data set and size with its runs, in order.

    Raises:
        ReplicateError: no run, or runs of several budgets.
    """
    if not chosen:
        raise ReplicateError(
            "no finished run is on a set with labels, expected one: add a labelled set, such as "
            "shapes_drawn, to `datasets`"
        )
    budget = one_budget(pd.DataFrame({"budget": [run.budget for run in chosen]}))
    places = sorted({(run.dataset, run.config.scored_size) for run in chosen})
    return budget == "smoke", [
        (*place, [r for r in chosen if (r.dataset, r.config.scored_size) == place])
        for place in places
    ]


def _has_labels(run: Run) -> bool:
    if run.record().get("status") != "finished" or not (run.folder / "outputs").is_dir():
        return False
    return "A_label" in packed.load(run.dataset, "test", run.config.scored_size).arrays


def _rows(runs: list[Run], test: ImageSet, direction: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The named rows of one direction: references, then the methods in their order."""
    X, Y = direction
    network = classifier(test.name, Y, test.size)
    truth, target = (np.asarray(test.arrays[f"{letter}_label"]) for letter in direction)
    names = class_names(test.name, network.head.out_features)
    classes = classes_of(network, np.asarray(test.arrays[Y]))
    references = {
        "target, true": shares(target, names),
        JUDGED: measured(classes, target, names),
        "source, true": shares(truth, names),
    }
    if (ideal := test.arrays.get(f"{X}_ideal")) is not None:
        made = classes_of(network, np.asarray(ideal))
        references["ideal translation"] = measured(made, truth, names)
    for name, row in references.items():
        yield name, {key: number(value, 2) for key, value in row.items()}
    methods = {method_name(run.method, run.label) for run in runs}
    for name in sorted(methods, key=method_order):
        peers = [run for run in runs if method_name(run.method, run.label) == name]
        made = [classes_of(network, outputs(run.folder, test, direction)) for run in peers]
        seeds = pd.DataFrame([measured(one, truth, names) for one in made])
        yield name, {key: with_spread(seeds[key]) for key in seeds}


def shares(classes: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """The share of each class among (N,) places in `names`; they add up to 1."""
    counts = np.bincount(classes, minlength=len(names)) / len(classes)
    return dict(zip(names, counts.tolist(), strict=True))


def measured(classes: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """The shares of the classes found, and how many of them are the true ones."""
    share, of_classes = kept(classes, truth)
    return shares(classes, names) | {KEPT: share, OF_CLASSES: of_classes}
