"""Features of image sets: streamed through a network, cached by content."""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from replicate.errors import unknown
from replicate.metrics.efficientnet import EfficientNet
from replicate.metrics.images import ImageSet
from replicate.metrics.inception import Features, Inception, TorchvisionInception
from replicate.metrics.standin import StandIn
from replicate.progress import progress

# A multiple of the stand-in's chunks, so that its features are the same bits as of one large array.
BATCH = 32
Weights = Path | str | None


class Extractor(Protocol):
    """A feature network; its id names resize, precision and the start of its weights' sha256."""

    id: str
    dim: int

    def __call__(self, images: Sequence[np.ndarray]) -> Features | np.ndarray:
        """(N, dim) features of N images (H, W, 3) uint8 of any sizes, and logits if it has any."""
        ...


def _inception(precision: str) -> Callable[[str, Weights, str], Inception]:
    return lambda resize, weights, device: Inception(resize or "tf1", weights, precision, device)


# By name: from resize, weights and device to the network. Some have a resize of their own.
EXTRACTORS: dict[str, Callable[[str, Weights, str], Extractor]] = {
    "standin-v1": lambda resize, weights, device: StandIn(),
    "efficientnet-lite0": lambda resize, weights, device: EfficientNet(device),
    "inception-2015-12-05": _inception("fp32"),
    "inception-2015-12-05-bf16": _inception("bf16"),
    "torchvision-inception-v3": lambda resize, weights, device: TorchvisionInception(
        resize or "clean", weights, device=device
    ),
}


def extractor(
    name: str, resize: str = "", weights: Weights = None, device: str = "cpu"
) -> Extractor:
    """The feature network of that name.

    Args:
        name: one of `EXTRACTORS`.
        resize: name of a resize; empty takes the network's usual one. The stand-in has its own.
        weights: a file of weights to take instead of the published ones.
        device: "cpu" or "cuda"; the stand-in always computes on the CPU.

    Raises:
        UnknownName: no such network or resize.
        ReplicateError: its weights are missing or broken.
    """
    if name not in EXTRACTORS:
        raise unknown("extractor", name, EXTRACTORS)
    return EXTRACTORS[name](resize, weights, device)


def features(
    images: ImageSet,
    extractor: Extractor,
    cache: Path | None = None,
    label: str = "",
    batch: int = BATCH,
) -> Features:
    """The features of an image set, from the cache where they are there.

    Images are decoded batch by batch and shown as a line of progress from the second batch on;
    nothing but the features grows with their number.

    Args:
        images: the set.
        extractor: the network.
        cache: folder of the cached features; None computes them.
        label: what the line of progress calls the set; empty takes the name of the network.
        batch: images that are decoded at a time.

    Returns:
        pool (N, extractor.dim) and logits, in the network's float type. The key of the cache is
        the digest of the images and the extractor's id, so that neither file names nor times
        matter; a damaged file is computed and written anew.
    """
    path = None
    if cache is not None:
        path = Path(cache) / extractor.id / f"{images.digest()}.features"
        found = _read(path)
        if found is not None and found.pool.shape == (len(images), extractor.dim):
            return found
    found = _computed(images, extractor, label or extractor.id.partition("@")[0], batch)
    if path is not None:
        _write(path, found)
    return found


def _computed(images: ImageSet, extractor: Extractor, label: str, batch: int) -> Features:
    """The features of all images, batch by batch into arrays made once."""
    batches = -(-len(images) // batch)
    pictures, done = iter(images), 0
    whole: list[np.ndarray | None] = []
    shown = progress(label, 0, batches, batch) if batches > 1 else nullcontext(lambda _: None)
    with shown as show:
        while chunk := list(islice(pictures, batch)):
            made = extractor(chunk)
            parts = made if isinstance(made, Features) else Features(made, None)
            if not whole:
                whole = [_room(len(images), part) for part in parts]
            for room, part in zip(whole, parts, strict=True):
                if room is not None:
                    room[done : done + len(chunk)] = part
            done += len(chunk)
            show({})
    return Features(*whole)


def _room(n: int, part: np.ndarray | None) -> np.ndarray | None:
    return None if part is None else np.empty((n, *part.shape[1:]), part.dtype)


def _read(path: Path) -> Features | None:
    """What a cache file holds, None where it is missing or its sha256 does not match."""
    try:
        blob = memoryview(path.read_bytes())
    except OSError:
        return None
    sha256, payload = blob[:32], blob[32:]
    if hashlib.sha256(payload).digest() != sha256:
        return None
    stored = np.load(io.BytesIO(payload), allow_pickle=False)
    if not isinstance(stored, np.lib.npyio.NpzFile):  # of a version without logits
        return None
    return Features(stored["pool"], stored.get("logits"))


def _write(path: Path, found: Features) -> None:
    """The features as a cache file, complete or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: part for name, part in found._asdict().items() if part is not None})
    payload = buffer.getbuffer()
    # A full or read-only disk costs time at the next call, but no score.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
