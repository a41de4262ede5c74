"""Folders whose images belong together one by one, and how their files are read."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from replicate import images, naming
from replicate.errors import ReplicateError
from replicate.metrics.images import Folder


def pair_up(sets: Mapping[str, Folder], names: tuple[str, ...], what: str) -> tuple[list, str]:
    """The files that belong together, and the rule that paired them.

    Args:
        sets: folders by name.
        names: which of them, the first one leads.
        what: the protocol, for the error.

    Returns:
        (a list of tuples of files, one of each folder; the rule of `naming.match`).

    Raises:
        ReplicateError: nothing says which images belong together.
    """
    folders = [sets[name] for name in names]
    places = [str(folder.path) for folder in folders]
    groups, rule = naming.match([folder.names for folder in folders], places, what)
    files = [
        tuple(folder.files[i] for folder, i in zip(folders, group, strict=True)) for group in groups
    ]
    return files, rule


def read(kind: str, file: Path) -> np.ndarray:
    """One file as what its set holds.

    Args:
        kind: name of the set: "mask" gives (H, W) booleans, "attention" (H, W) float64 in [0, 1],
            "labels" (H, W) integers as stored, any other (H, W, 3) uint8.

    Raises:
        ReplicateError: the file cannot be decoded, or a mask holds more than two values.
    """
    if kind == "labels":
        return _labels(file)
    if kind == "mask":
        return _mask(file)
    return images.grey(file) if kind == "attention" else images.read(file)


def _mask(file: Path) -> np.ndarray:
    """Black is background; the one other value, 1 or 255, is the object."""
    pixels = images.grey(file)
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise ReplicateError(
            f"{file} holds {len(values)} grey values, expected a mask of 0 and one other value; "
            "threshold it first"
        )
    return pixels > 0


def _labels(file: Path) -> np.ndarray:
    pixels = images.labels(file)
    if pixels.ndim != 2:
        raise ReplicateError(
            f"{file} has {pixels.shape[-1]} channels, expected one of labels (..._labelIds.png); "
            "colours are no ground truth: some classes share one"
        )
    return pixels


def same_size(arrays: list[np.ndarray], files: tuple[Path, ...], what: str) -> None:
    """Nothing, or the error that names two files whose sizes differ."""
    for image, file in zip(arrays[1:], files[1:], strict=True):
        if image.shape[:2] != arrays[0].shape[:2]:
            raise ReplicateError(
                f"{what} compares pixel by pixel: {files[0]} is {size(arrays[0])}, {file} is "
                f"{size(image)}; resize them to one size before scoring"
            )


def size(image: np.ndarray) -> str:
    """`640x480` of (480, 640, ...)."""
    return f"{image.shape[1]}x{image.shape[0]}"


def loaded(
    sets: Mapping[str, Folder], names: tuple[str, ...], what: str
) -> tuple[Iterator[tuple[tuple[Path, ...], list[np.ndarray]]], str]:
    """Every group of images that belong together, read one group at a time, and the rule.

    Raises:
        ReplicateError: as `pair_up`; on reading, files that differ in size or cannot be read.
    """
    groups, rule = pair_up(sets, names, what)

    def each() -> Iterator[tuple[tuple[Path, ...], list[np.ndarray]]]:
        for files in groups:
            arrays = [read(name, file) for name, file in zip(names, files, strict=True)]
            same_size(arrays, files, what)
            yield files, arrays

    return each(), rule
