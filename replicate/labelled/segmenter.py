"""A segmentation network trained on a set's training photographs, the same on every call.

It measures translations from labels to photographs: what it finds in them is compared with the
labels that they were made from. What it reaches on real test photographs is the ceiling.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import checkpoint, paths
from replicate.experiment.fingerprint import data_fingerprint
from replicate.labelled import palette
from replicate.labelled.truth import photographs, truth
from replicate.metrics.labels import IGNORED
from replicate.networks.segmentation import SegmentationNet
from replicate.progress import progress

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
    colours = palette.load(settings.dataset)
    identity = asdict(settings) | {"data": _fingerprint(settings), "version": VERSION}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    leaf = f"{settings.dataset}-{settings.side}-{settings.seed}-{key}"
    folder = paths.results() / "segmenters" / leaf
    if kept := checkpoint.kept_weights(folder):
        network = SegmentationNet(len(colours.names), settings.width)
        network.load_state_dict(kept[0])
        return network.eval(), kept[1]
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
    colours = palette.load(settings.dataset).colours.tobytes()
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
