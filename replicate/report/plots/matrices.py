"""Translations between more than two domains: a line for an input of each domain, a column for each
domain that it becomes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from replicate import files
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.images import read
from replicate.lab.run import read_record, scored_size
from replicate.records import MATRIX, checked
from replicate.report.plots.picture import name_of

Row = tuple[str, list[np.ndarray]]
KEPT = 2  # inputs of each domain in a record


class Named(Protocol):
    """A run or its record: where its pictures lie, and what a heading says of it."""

    folder: Path
    method: str
    label: str
    dataset: str
    seed: int


def of_run(
    run: Named, images: ImageSet, labels: tuple[str, ...], columns: int
) -> tuple[str, list[Row]]:
    """A heading and, for each domain, lines of an input and what it becomes in every domain.

    Below them its attention maps if it has any. Where an input would become what it is there is
    white, and so there is below inputs.

    Args:
        images: the test split at the size at which the run is scored.
        labels: the domains, in the order of the columns after the input's.
        columns: tiles in a line at least; as many inputs stand side by side as they have room for.
    """
    inputs = max(1, columns // (1 + len(labels)))
    return _heading(run, labels), _rows(run.folder, images, labels, inputs)


def drawn(folder: Path) -> bytes | None:
    """The tiles of a finished run as a PNG file, for its record.

    None on a set of two domains, and where its test images or translations are not on this machine.
    """
    if (picture := _picture(folder)) is None:
        return None
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "PNG", optimize=True)
    return written.getvalue()


def of_record(record: Named, inputs: int = KEPT) -> tuple[str, list[Row]] | None:
    """As `of_run`, from what `drawn` makes of a run, or made for its published record; or None.

    Args:
        inputs: of each domain, at most those of a record.
    """
    if not (labels := spec(record.dataset).labels):
        return None
    file = checked(record.folder, MATRIX)
    picture = read(file) if file.is_file() else _picture(record.folder)
    if picture is None:
        return None
    side = picture.shape[1] // (KEPT * (1 + len(labels)))
    lines = picture.reshape(-1, side, KEPT * (1 + len(labels)), side, 3).swapaxes(1, 2)
    lines = lines[:, : inputs * (1 + len(labels))]
    of_domain = ("", "  attention")[: len(lines) // len(labels)]
    names = [below or label for label in labels for below in of_domain]
    return _heading(record, labels), list(zip(names, map(list, lines), strict=True))


def _picture(folder: Path) -> np.ndarray | None:
    """What `drawn` writes, (H, W, 3) uint8."""
    record = read_record(folder)
    try:
        if not (labels := spec(record["dataset"]).labels) or not (folder / "outputs").is_dir():
            return None
        images = packed.load(record["dataset"], "test", scored_size(record["config"]))
    except files.Damaged:
        raise
    except ReplicateError:
        return None
    lines = [np.concatenate(tiles, axis=1) for _, tiles in _rows(folder, images, labels, KEPT)]
    return np.concatenate(lines)


def _heading(run: Named, labels: Sequence[str]) -> str:
    return f"{run.dataset}, {name_of(run)}, seed {run.seed}: input, as {', as '.join(labels)}"


def _rows(folder: Path, images: ImageSet, labels: Sequence[str], inputs: int) -> list[Row]:
    white = np.full((images.size, images.size, 3), 255, np.uint8)
    rows = []
    for k, source in enumerate(labels):
        shown, names = zip(*_of_label(images, k)[:inputs], strict=True)
        places = [folder / "outputs" / f"{source}2{target}" for target in labels]
        rows.append((source, _beside(shown, names, places, k)))
        inner = [place / "attention" for place in places]
        if any(place.is_dir() for place in inner):
            rows.append(("  attention", _beside([white] * len(names), names, inner, k)))
    return rows


def _beside(
    first: Sequence[np.ndarray], names: Sequence[str], places: list[Path], source: int
) -> list[np.ndarray]:
    """After each image its pictures in all places, white in the place `source`."""
    tiles = []
    for image, name in zip(first, names, strict=True):
        made = [
            np.full_like(image, 255) if k == source else read(place / f"{Path(name).stem}.png")
            for k, place in enumerate(places)
        ]
        tiles += [image, *made]
    return tiles


def _of_label(images: ImageSet, k: int) -> list[tuple[np.ndarray, str]]:
    """The images of a split with the label `k`, and their names, in the order of the set."""
    return [
        (images.arrays[key][i], files[i])
        for key, files in images.names.items()
        for i in np.flatnonzero(images.arrays[f"{key}_label"] == k)
    ]
