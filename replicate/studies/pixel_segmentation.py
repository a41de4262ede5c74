"""Translations between photographs and labels, measured by the classes of their pixels.

A segmentation network, trained on a set's training photographs, finds the classes; it is the same
on every call.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import checkpoint, paths, records
from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.images import grey, read
from replicate.lab import state
from replicate.lab.fingerprint import data_fingerprint
from replicate.lab.run import Run, method_name
from replicate.methods import METHODS
from replicate.metrics.segmentation import (
    IGNORED,
    class_accuracy,
    class_iou,
    confusion,
    pixel_accuracy,
)
from replicate.networks.segmentation import SegmentationNet
from replicate.progress import progress
from replicate.report.tables.catalogue import method_order, number
from replicate.report.tables.summary import SMOKE
from replicate.studies import pixel_classes
from replicate.studies.pixel_classes import label_maps, photographs, truth

VERSION = 1  # raise it where the network or its training changes: cached ones are made anew
BATCH = 50  # images at once outside training


@dataclass(frozen=True)
class Settings:
    """What decides the weights of a segmenter, besides the images."""

    dataset: str
    side: int  # px, of the photographs and of the translations that it is to judge
    seed: int = 0
    iterations: int = 800
    batch_size: int = 16
    lr: float = 2e-3  # of Adam, falling linearly to 0
    width: int = 24  # channels


def segmenter(settings: Settings) -> tuple[SegmentationNet, dict]:
    """The trained network in evaluation mode, and its record; trained at the first call.

    Args:
        settings: of a data set of `palette.known()`.

    Returns:
        The network, and a dict with the settings, `data` (a fingerprint of images and colours),
        `sha256` of the weights, `seconds` of the training, `loss` at its end, and torch's version.

    Raises:
        ReplicateError: the set is not here, or cached weights that are not those of the record.
    """
    colours = pixel_classes.load(settings.dataset)
    identity = asdict(settings) | {"data": _fingerprint(settings), "version": VERSION}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    leaf = f"{settings.dataset}-{settings.side}-{settings.seed}-{key}"
    folder = paths.results() / "segmenters" / leaf
    if entry := checkpoint.kept_weights(folder):
        network = SegmentationNet(len(colours.names), settings.width)
        network.load_state_dict(entry[0])
        return network.eval(), entry[1]
    with _repeatable(settings.seed):
        start = time.perf_counter()
        network, loss = _trained(settings, len(colours.names))
        seconds = time.perf_counter() - start
    took = {"loss": round(loss, 4), "seconds": round(seconds), "torch": torch.__version__}
    return network, checkpoint.keep_weights(folder, network, identity | took)


@torch.no_grad()
def segment(network: SegmentationNet, images: np.ndarray) -> np.ndarray:
    """The classes that a network finds.

    Args:
        images: (N, S, S, 3) uint8, photographs or translations.

    Returns:
        (N, S, S) uint8, 0 to K - 1.
    """
    network.eval()
    groups = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    return np.concatenate([network(_tensor(g)).argmax(1).byte().numpy() for g in groups])


def _trained(settings: Settings, classes: int) -> tuple[SegmentationNet, float]:
    """The network after its training, and the mean loss of the last tenth of it."""
    x = _tensor(photographs(settings.dataset, "train", settings.side))
    y = torch.from_numpy(truth(settings.dataset, "train", settings.side)).long()
    network = SegmentationNet(classes, settings.width).train()
    optimizer = torch.optim.Adam(network.parameters(), settings.lr)
    losses = []
    title = f"segmentation network for {settings.dataset}, {settings.side} px"
    with progress(title, 0, settings.iterations, settings.batch_size) as show:
        for i in range(settings.iterations):
            optimizer.param_groups[0]["lr"] = settings.lr * (1 - i / settings.iterations)
            chosen = torch.randint(len(x), (settings.batch_size,))
            images, wanted = x[chosen], y[chosen]
            if torch.rand(()) < 0.5:
                images, wanted = images.flip(3), wanted.flip(2)
            loss = F.cross_entropy(network(images), wanted, ignore_index=IGNORED)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            show({"loss": losses[-1]})
    return network.eval(), float(np.mean(losses[-max(1, len(losses) // 10) :]))


def _fingerprint(settings: Settings) -> str:
    """Of the training images at this side, and of the colours of their classes."""
    images = data_fingerprint(settings.dataset, settings.side)
    colours = pixel_classes.load(settings.dataset).colours.tobytes()
    return hashlib.sha256(images.encode() + colours).hexdigest()[:16]


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """One thread and one seed; afterwards torch is as it was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)


def _tensor(images: np.ndarray) -> Tensor:
    """(N, 3, H, W) in [-1, 1] of (N, H, W, 3) uint8."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


FLOOR = "most frequent class everywhere"
PHOTOGRAPHS, LABELS = "real photographs", "real labels"
SMOKE_STEPS = 4  # of the segmenter's training


class Measured(NamedTuple):
    """The three scores of one set of images, in [0, 1], and their (K, K) confusion matrix."""

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    matrix: np.ndarray


def measured(true: np.ndarray, predicted: np.ndarray, classes: int) -> Measured:
    """The scores of found classes against the true ones.

    Args:
        true: (N, S, S) uint8, `IGNORED` where nothing is scored.
        predicted: (N, S, S) uint8, 0 to `classes` - 1.
        classes: their number, K; one that occurs nowhere counts as 0, as in the official code.
    """
    matrix = confusion(true, predicted, classes, name="the set")
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
    colours = pixel_classes.load(dataset)
    true, classes = truth(dataset, "test", side), len(colours.names)
    counts = np.bincount(truth(dataset, "train", side).ravel(), minlength=IGNORED + 1)
    flat = np.full_like(true, counts[:classes].argmax())
    floor = measured(true, flat, classes)
    seen = segment(segmenter(settings)[0], photographs(dataset, "test", side))
    read = np.stack(
        [pixel_classes.classes_of(m, colours) for m in label_maps(dataset, "test", side)]
    )
    (domain,) = set(spec(dataset).domains) - {colours.domain}
    return {
        domain: {FLOOR: floor, PHOTOGRAPHS: measured(true, seen, classes)},
        colours.domain: {FLOOR: floor, LABELS: measured(true, read, classes)},
    }


def of_run(run: Run, settings: Settings) -> dict[str, Measured]:
    """The scores of a run's translations of the test split, by direction in words."""
    colours = pixel_classes.load(run.dataset)
    true = truth(run.dataset, "test", settings.side)
    scores = {}
    for direction in METHODS[run.method].directions_of(asdict(run.config)):
        words, images = translations(run, direction)
        if words.endswith(f">{colours.domain}"):
            classes = np.stack([pixel_classes.classes_of(image, colours) for image in images])
        else:
            classes = segment(segmenter(settings)[0], images)
        scores[words] = measured(true, classes, len(colours.names))
    return scores


def settings_of(run: Run) -> Settings:
    """The segmenter that judges a run: of its data set and its side; smoke runs get a few steps."""
    changes = {"iterations": SMOKE_STEPS} if run.budget == "smoke" else {}
    return Settings(run.dataset, run.config.scored_size, **changes)


def labelled(runs: Iterable[Run]) -> list[Run]:
    """The runs that are scored and whose data set has a palette."""
    known = pixel_classes.known()
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
    images = packed.load(run.dataset, "test", run.config.scored_size)
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


SCORES = {
    "pixel_accuracy": "pixel accuracy ↑",
    "class_accuracy": "class accuracy ↑",
    "class_iou": "class IoU ↑",
}
DIGITS = 3


def segmentation(runs: Iterable[Run]) -> pd.DataFrame:
    """Pixel accuracy, class accuracy and class IoU of translations, as text.

    Args:
        runs: those that are scored and whose data set has a palette (`labelled.palette.known()`)
            are shown, all of one budget. The first call trains the segmentation network, a few
            minutes at 64 px; it is kept below the results folder.

    Returns:
        One row for each (data set, direction, method), mean ± standard deviation over seeds
        (number of seeds); above each block the floor, the most frequent class everywhere, and the
        ceiling, real images in the place of translations. Photographs are segmented by the network,
        labels read by the nearest mode. No rows where no run is of a labelled set.

    Raises:
        ReplicateError: runs of several budgets.

    Source: pix2pix section 4 and tables 1 to 3, with another segmentation network and other data.
    """
    chosen = labelled(runs)
    budgets = sorted({run.budget for run in chosen})
    if len(budgets) > 1:
        raise ReplicateError(
            f"budgets {' and '.join(budgets)} in one table; expected one: their numbers do not "
            "compare. Give the runs of one budget"
        )
    heading = SMOKE if budgets == ["smoke"] else "method"
    rows = []
    kinds = dict.fromkeys(map(settings_of, chosen))
    for settings in kinds:
        peers = [run for run in chosen if settings_of(run) == settings]
        several = sum(kind.dataset == settings.dataset for kind in kinds) > 1
        name = settings.dataset + f" at {settings.side} px" * several
        rows += [row | {"dataset": name} for row in _block(settings, peers, heading)]
    return pd.DataFrame(rows, columns=["dataset", "direction", heading, *SCORES.values()])


def _block(settings: Settings, runs: list[Run], heading: str) -> list[dict[str, str]]:
    """The rows of one data set and side."""
    rows, all_scores = [], [of_run(run, settings) for run in runs]
    beside = references(settings)
    for words in all_scores[0]:
        place = {"dataset": settings.dataset, "direction": words}
        for name, score in beside[words.partition("->")[2]].items():
            rows.append(place | {heading: name} | _texts([score]))
        methods: dict[str, list[Measured]] = {}
        for run, scores in zip(runs, all_scores, strict=True):
            methods.setdefault(_name(run), []).append(scores[words])
        for name in sorted(methods, key=method_order):
            rows.append(place | {heading: name} | _texts(methods[name], seeds=True))
    return rows


def _name(run: Run) -> str:
    return method_name(run.method, run.label) + " (stale)" * bool(state.of(run).stale)


def _texts(values: list[Measured], seeds: bool = False) -> dict[str, str]:
    """`0.512 ± 0.010 (3)` of each score."""
    frame = pd.DataFrame([value[: len(SCORES)] for value in values], columns=list(SCORES))
    texts = {}
    for name, heading in SCORES.items():
        text = number(frame[name].mean(), DIGITS)
        if seeds and len(frame) > 1:
            text += f" ± {number(frame[name].std(ddof=1), DIGITS)} ({len(frame)})"
        texts[heading] = text + " (1 seed)" * (seeds and len(frame) == 1)
    return texts
