"""Folders whose images belong together one by one, and how their files are read."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.images import Folder, opened

BY_NAME = "paired by file name"
BY_ORDER = "paired by order (names differ): only if the folders are aligned"
MAPS = ("mask", "attention")


def pair_up(sets: Mapping[str, Folder], names: tuple[str, ...], what: str) -> tuple[list, str]:
    """The files that belong together, and the rule that paired them.

    Args:
        sets: folders by name.
        names: which of them, the first one leads.
        what: the protocol, for the error.

    Returns:
        (a list of tuples of files, one of each folder; `BY_NAME` where all folders hold the same
        names, suffix aside, else `BY_ORDER`).

    Raises:
        ReplicateError: the numbers of images differ, so that nothing says which belong together.
    """
    folders = [sets[name] for name in names]
    counts = [len(folder) for folder in folders]
    if len(set(counts)) > 1:
        found = ", ".join(f"{n} in {f.path}" for n, f in zip(counts, folders, strict=True))
        raise ReplicateError(
            f"{what} compares image by image: {found}; expected one partner for every image, under "
            "the same name: give folders that hold the same images"
        )
    by_stem = [{file.stem: file for file in folder.files} for folder in folders]
    lead = [file.stem for file in folders[0].files]
    if all(set(stems) == set(lead) and len(stems) == len(lead) for stems in by_stem):
        return [tuple(stems[stem] for stems in by_stem) for stem in lead], BY_NAME
    return list(zip(*(folder.files for folder in folders), strict=True)), BY_ORDER


def read(kind: str, file: Path) -> np.ndarray:
    """One file as what its set holds.

    Args:
        kind: name of the set: "mask" gives (H, W) booleans, "attention" (H, W) float64 in [0, 1],
            "labels" (H, W) integers as stored, any other (H, W, 3) uint8.

    Raises:
        ReplicateError: the file cannot be decoded, or a mask holds more than two values.
    """
    with opened(file) as image:
        if kind == "labels":
            return _labels(image, file)
        pixels = np.array(image.convert("L" if kind in MAPS else "RGB"))
    if kind == "mask":
        return _mask(pixels, file)
    return pixels / 255.0 if kind == "attention" else pixels


def _mask(pixels: np.ndarray, file: Path) -> np.ndarray:
    """Black is background; the one other value, 1 or 255, is the object."""
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise ReplicateError(
            f"{file} holds {len(values)} grey values, expected a mask of 0 and one other value; "
            "threshold it first"
        )
    return pixels > 0


def _labels(image: Image.Image, file: Path) -> np.ndarray:
    pixels = np.array(image)  # of a palette image the indices, which are the labels
    if pixels.ndim != 2:
        raise ReplicateError(
            f"{file} has {pixels.shape[-1]} channels, expected one of labels (..._labelIds.png); "
            "colours are no ground truth: some classes share one"
        )
    return pixels


def same_size(images: list[np.ndarray], files: tuple[Path, ...], what: str) -> None:
    """Nothing, or the error that names two files whose sizes differ."""
    for image, file in zip(images[1:], files[1:], strict=True):
        if image.shape[:2] != images[0].shape[:2]:
            raise ReplicateError(
                f"{what} compares pixel by pixel: {files[0]} is {size(images[0])}, {file} is "
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
            images = [read(name, file) for name, file in zip(names, files, strict=True)]
            same_size(images, files, what)
            yield files, images

    return each(), rule
