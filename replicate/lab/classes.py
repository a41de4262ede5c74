"""Whether translations keep the classes of their inputs, judged by a classifier of the target; and
whether pictures show all that the sentences of a captioned set name.

The classifier is trained once for a data set and a size, then kept.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import checkpoint, files, paths, repro, sentences
from replicate.datasets import captions, drawn_captions, drawn_shapes, packed
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.images import read
from replicate.lab import shown
from replicate.lab.definitions import Reached
from replicate.lab.fingerprint import NOT_DECIDING, data_fingerprint
from replicate.lab.published import contents, find_runs
from replicate.lab.published import keep as keep_record
from replicate.lab.run import COLUMNS, read_record, scored_size
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.networks.classifier import ImageClassifier
from replicate.records import CLASSES, check_outputs

METRIC, PROTOCOL = "class_kept", "classes/kept"
METRICS = {PROTOCOL: METRIC, shown.PROTOCOL: shown.METRIC}  # of what a `classes.csv` holds


def content(folder: Path) -> str | None:
    """The content of a finished run's `classes.csv`; None without outputs, or labels to keep."""
    if not (folder / "outputs").is_dir():
        return None
    record = read_record(folder)
    if spec(record["dataset"]).labels:  # which are what a translation changes
        return None
    test = packed.load(record["dataset"], "test", scored_size(record["config"]))
    if not {"A_label", "B_label"} <= set(test.arrays):
        return None
    directions = METHODS.get(record["method"], Method).directions_of(record["config"])
    rows = [row(folder, test, direction) for direction in directions]
    if test.name in shown.SETS:
        rows += [shown_row(folder, test, direction) for direction in directions]
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


def protocols(folder: Path) -> list[str]:
    """Those of a run's `classes.csv`; none where it has no such file."""
    file = folder / CLASSES
    return pd.read_csv(file)["protocol"].unique().tolist() if file.exists() else []


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


def shown_row(folder: Path, test: ImageSet, direction: str) -> dict[str, object]:
    """How many translations show shape, coat and place that their sentences name, of one direction.

    Its floor is that of real images with their own sentences, do-nothing that of the inputs, which
    wear the other coat.
    """
    X, Y = direction
    prompts = captions.decode(sentences.prompts(test, X))
    real = captions.decode(np.asarray(test.arrays[f"{Y}_caption"]))
    score = {
        "value": shown_parts(test, Y, outputs(folder, test, direction), prompts),
        "floor": shown_parts(test, Y, np.asarray(test.arrays[Y]), real),
        "do_nothing": shown_parts(test, Y, np.asarray(test.arrays[X]), prompts),
    }
    about = {"metric": shown.METRIC, "protocol": shown.PROTOCOL}
    blank = {"spread": np.nan, "spread_kind": "", "extractor": "", "split": "test"}
    counts = {"n_real": len(test.arrays[Y]), "n_fake": len(prompts)}
    values = {name: shown.all_shown(parts) for name, parts in score.items()}
    return values | about | {"direction": in_words(direction, test)} | blank | counts


def shown_parts(
    test: ImageSet, Y: str, images: np.ndarray, texts: Sequence[str]
) -> dict[str, np.ndarray]:
    """`shown.shown` of images of the domain `Y`, whose classifier sees the shapes."""
    shapes = classes_of(classifier(test.name, Y, test.size), images)
    return shown.shown(images, texts, shapes)


SEED = 0
STEPS, BATCH = 300, 40
LR, DECAY = 5e-3, 1e-3  # AdamW, its rate rising and falling once
SHIFT = 8  # an image is moved by up to an eighth of its side
SIDE = 64  # px; larger images are averaged down, so that none costs more than a minute
CHUNK = 64  # images taken at a time


def class_names(dataset: str, n_classes: int) -> tuple[str, ...]:
    """What the classes of a set are called; `class 0` and so on where nobody named them."""
    if dataset in (drawn_shapes.NAME, drawn_captions.NAME):
        return drawn_shapes.CLASSES
    return tuple(f"class {i}" for i in range(n_classes))


def classifier(dataset: str, domain: str, size: int) -> ImageClassifier:
    """The classifier of one domain's images, from the results folder where it is there.

    The folder's name holds hashes of the training data and of the code, so that what changed is
    trained anew. Training takes seconds on one thread and gives the same weights every time.

    Args:
        dataset: a set whose training images have labels.
        domain: "A" or "B".
        size: side of the images, px.

    Raises:
        ReplicateError: the set has no labels, or no image of one of its classes; or the weights
            that were kept are damaged.
    """
    train = packed.load(dataset, "train", size)
    labels = _labels(train, domain)
    code = Reached([f"{__name__}.{_train.__name__}"], without=NOT_DECIDING).digest
    key = f"{domain}-{size}-seed{SEED}-{data_fingerprint(dataset, size)}-{code}"
    folder = paths.results() / "classifiers" / dataset / key
    if not (kept := checkpoint.kept_weights(folder)):
        trained = _train(np.asarray(train.arrays[domain]), labels)
        checkpoint.keep_weights(folder, trained, {"key": key})
        kept = trained.state_dict(), {}
    with torch.device("meta"):  # no weights are drawn that the file replaces
        network = ImageClassifier(int(labels.max()) + 1)
    network.load_state_dict(kept[0], assign=True)
    return network.eval()


@torch.no_grad()
def classes_of(network: ImageClassifier, images: np.ndarray) -> np.ndarray:
    """(N,) int64: the most likely class of each of (N, H, W, 3) uint8 images."""
    parts = [network(part).argmax(dim=1).numpy() for part in _small(images)]
    return np.concatenate(parts)


def _labels(train: ImageSet, domain: str) -> np.ndarray:
    labels = train.arrays.get(f"{domain}_label")
    if labels is None:
        raise ReplicateError(
            f"{train.name} has no {domain}_label, expected a class for every training image; take "
            "a labelled set, such as shapes_drawn"
        )
    counts = np.bincount(labels)
    if not counts.all():
        raise ReplicateError(
            f"{train.name}: {domain}_label holds no image of class {int(counts.argmin())}, "
            f"expected some of each of 0 to {len(counts) - 1}"
        )
    return np.asarray(labels)


def _train(images: np.ndarray, labels: np.ndarray) -> ImageClassifier:
    """Each class equally often in every batch, because one may be rare; moved."""
    x, of_class = torch.cat(list(_small(images))), _places(labels)
    truth = torch.arange(BATCH) % len(of_class)
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):  # what is trained after this has its own seed
        repro.prepare(SEED, threads=1)
        network = ImageClassifier(len(of_class))
        adam = torch.optim.AdamW(network.parameters(), LR, weight_decay=DECAY)
        rate = torch.optim.lr_scheduler.OneCycleLR(adam, LR, STEPS)
        for _ in range(STEPS):
            chosen = [_any(of_class[k]) for k in truth.tolist()]
            loss = F.cross_entropy(network(_moved(x[chosen])), truth)
            adam.zero_grad()
            loss.backward()
            adam.step()
            rate.step()
    torch.set_num_threads(threads)
    return network


def _places(labels: np.ndarray) -> list[np.ndarray]:
    """Where the images of each class stand."""
    return [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]


def _any(places: np.ndarray) -> int:
    return int(places[int(torch.randint(len(places), ()))])


def _moved(x: Tensor) -> Tensor:
    """All moved the same way over their own mirror images; never mirrored, a digit has a hand."""
    side = x.shape[-1]
    reach = side // SHIFT
    padded = F.pad(x, (reach,) * 4, mode="reflect")
    top, left = torch.randint(2 * reach + 1, (2,)).tolist()
    return padded[:, :, top : top + side, left : left + side]


def _small(images: np.ndarray) -> Iterator[Tensor]:
    """(n, 3, H, W) in [-1, 1], part by part, averaged down to `SIDE` where larger."""
    for start in range(0, len(images), CHUNK):
        part = torch.from_numpy(np.array(images[start : start + CHUNK])).permute(0, 3, 1, 2)
        x = part.float() / 127.5 - 1
        yield F.interpolate(x, size=(SIDE, SIDE), mode="area") if x.shape[-1] > SIDE else x
