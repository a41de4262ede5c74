"""Whether translations keep the classes of their inputs, judged by a classifier of the target.

A class of the target that is missed is one whose inputs are all given another. The scores stand in
`classes.csv` beside a run's `scores.csv`, on sets with labels alone: they need the outputs, which
no record keeps.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from replicate import files
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.experiment.classifier import classes_of, classifier
from replicate.experiment.publish import contents, find_runs
from replicate.experiment.publish import keep as keep_record
from replicate.experiment.run import COLUMNS, read_record
from replicate.images import read
from replicate.methods.base import DIRECTIONS
from replicate.records import CLASSES, check_outputs

METRIC, PROTOCOL = "class_kept", "classes/kept"


def content(folder: Path) -> str | None:
    """The content of a finished run's `classes.csv`; None without outputs or labels."""
    if not (folder / "outputs").is_dir():
        return None
    record = read_record(folder)
    test = packed.load(record["dataset"], "test", record["config"]["crop_size"])
    if not {"A_label", "B_label"} <= set(test.arrays):
        return None
    rows = [row(folder, test, direction) for direction in DIRECTIONS]
    table = pd.DataFrame(rows).assign(
        method=record["method"], variant=record["label"], dataset=record["dataset"],
        seed=record["seed"], budget=record["budget"], iteration=record["iterations"],
    )  # fmt: skip
    return table[COLUMNS].to_csv(index=False, float_format="%.8g")


def count(folder: Path, budget: str) -> dict[str, str]:
    """Writes the `classes.csv` of a run that was just scored; labels that nobody can learn leave
    the note that is returned.

    Smoke runs go without: they may have made-up classes, and a classifier takes seconds to train.
    """
    if budget == "smoke":
        return {}
    try:
        text = content(folder)
    except ReplicateError as error:
        return {PROTOCOL: f"not computed: {error}"}
    if text is not None:
        files.write(folder / CLASSES, text)
    return {}


def keep_published(results: Path, published: Path, budget: str) -> list[Path]:
    """The files of the records whose runs have their outputs below `results`."""
    written = []
    for record in find_runs(published, budget):
        local = results / record.relative_to(published)
        check_outputs(local)
        if (text := content(local)) is not None:
            keep_record(record, read_record(record), contents(record) | {CLASSES: text})
            written.append(record / CLASSES)
    return written


def kept(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The share of (N,) classes that are the true ones, and its mean over the true classes."""
    same = found == truth
    return float(same.mean()), float(np.mean([same[truth == k].mean() for k in np.unique(truth)]))


def outputs(folder: Path, test: ImageSet, direction: str) -> np.ndarray:
    """The translations of a run as they were scored, (N, H, W, 3) uint8."""
    place = folder / "outputs" / in_words(direction, test).replace("->", "2")
    files = [place / f"{Path(name).stem}.png" for name in test.names[direction[0]]]
    return np.stack([read(file) for file in files])


def row(folder: Path, test: ImageSet, direction: str) -> dict[str, object]:
    """The score of one direction; its floor is that of real images of the target."""
    X, Y = direction
    network = classifier(test.name, Y, test.size)
    truth, target = (np.asarray(test.arrays[f"{letter}_label"]) for letter in direction)
    made = outputs(folder, test, direction)
    real, inputs = (np.asarray(test.arrays[letter]) for letter in (Y, X))
    score = {
        name: kept(classes_of(network, images), labels)[1]
        for name, images, labels in (
            ("value", made, truth),
            ("floor", real, target),
            ("do_nothing", inputs, truth),
        )
    }
    about = {"metric": METRIC, "protocol": PROTOCOL, "direction": in_words(direction, test)}
    blank = {"spread": np.nan, "spread_kind": "", "extractor": "", "split": "test"}
    return score | about | blank | {"n_real": len(real), "n_fake": len(made)}
