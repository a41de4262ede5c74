"""Features of image sets, computed once and cached by content."""

import contextlib
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import Protocol

import numpy as np

from replicate.metrics import inception
from replicate.metrics.arrays import Array, uint8_images
from replicate.metrics.standin import StandIn


class Extractor(Protocol):
    """A named feature network: its id holds the start of the sha256 of its weights."""

    id: str
    dim: int

    def __call__(self, images: Array) -> np.ndarray:
        """(N, dim) float64 features of (N, H, W, 3) uint8 images."""
        ...


def extractors(offline: bool = False) -> list[Extractor]:
    """The extractors this machine can use: the stand-in, and Inception where its weights are.

    Args:
        offline: leave Inception out even if its weights are there.
    """
    found: list[Extractor] = [StandIn()]
    if not offline and inception.available():
        found.append(inception.Inception())
    return found


def features(images: Array, extractor: Extractor, cache: Path | None = None) -> np.ndarray:
    """The features of an image set, from the cache where they are there.

    Args:
        images: (N, H, W, 3) uint8.
        extractor: the network.
        cache: folder of the cached features; None computes them.

    Returns:
        (N, extractor.dim) float64. The key is the sha256 of the images and the extractor's id, so
        that neither file names nor times matter; a damaged file is computed and written anew.
    """
    images = uint8_images(images)
    if cache is None:
        return extractor(images)
    path = Path(cache) / extractor.id / f"{_digest(images)}.features"
    found = _read(path)
    if found is None or found.shape != (len(images), extractor.dim):
        found = extractor(images)
        _write(path, found)
    return found


def _digest(images: np.ndarray) -> str:
    """The sha256 of shape and bytes."""
    content = hashlib.sha256(repr(images.shape).encode())
    content.update(np.ascontiguousarray(images))
    return content.hexdigest()


def _read(path: Path) -> np.ndarray | None:
    """The array of a cache file, None where it is missing or its sha256 does not match."""
    try:
        blob = path.read_bytes()
    except OSError:
        return None
    sha256, payload = blob[:32], blob[32:]
    if hashlib.sha256(payload).digest() != sha256:
        return None
    return np.load(io.BytesIO(payload), allow_pickle=False)


def _write(path: Path, array: np.ndarray) -> None:
    """The array as a cache file, complete or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    payload = buffer.getvalue()
    # A full or read-only disk costs time at the next call, but no score.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
