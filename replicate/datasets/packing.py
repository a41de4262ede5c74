"""How a packed split is built: its arrays written row by row and synced, its folder moved whole.

The rows are drawn scenes, image files, or torchvision's digits.
"""

import hashlib
import importlib
import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image, ImageOps

from replicate import paths
from replicate.datasets import captions, digits, hashes, labels, masks
from replicate.datasets.layouts import shown
from replicate.datasets.placing import place
from replicate.datasets.spec import Spec
from replicate.errors import ReplicateError
from replicate.files import write_sealed
from replicate.images import Undecodable, decode, rgb
from replicate.parallel import in_order
from replicate.progress import bar


class ArrayWriter:
    """An `.npy` file written row by row, whose content is on the disk when the `with` block ends.

    Not a memory map: a page of one that finds no disk block kills the process, where a plain
    write raises.

    Args:
        path: of the file to be.
        shape: of the whole array.
        dtype: of its elements.

    Raises:
        ReplicateError: the array is larger than the free disk.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        need, free = int(np.prod(shape)) * dtype.itemsize, shutil.disk_usage(path.parent).free
        if need > free:
            raise ReplicateError(
                f"{path.name} needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free at "
                f"{shown(paths.data())}. Free some, or move the data with REPLICATE_DATA"
            )
        self._path, self._shape, self._dtype = path, shape, dtype
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def append(self, rows: np.ndarray) -> None:
        """Adds one row, or several."""
        content = np.ascontiguousarray(rows, self._dtype).tobytes()
        self._file.write(content)
        self._digest.update(content)

    @property
    def sha256(self) -> str:
        """Of what was appended, without the file's header."""
        return self._digest.hexdigest()


def build(target: Path, fill: Callable[[Path], dict]) -> None:
    """The packed folder `target`, built now or by the process that is building it already.

    Args:
        target: the final folder.
        fill: writes the arrays into the folder it is given and returns the passport.
    """
    place(target, lambda folder: write_sealed(folder / "passport.json", fill(folder)))


FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
VERSION = 1  # raise it when the same files would give other bytes
# the module that draws a set, then those that it draws with; a new one is entered here
DRAWN = {
    "horse2zebra_drawn": ("drawn",),
    "shapes_drawn": ("drawn_shapes", "drawn"),
    "horse2zebra_herd_drawn": ("drawn_herd", "drawn"),
    "shapes_captioned": ("drawn_captions", "drawn_shapes", "drawn"),
}


def drawn_content(name: str) -> str:
    """A hash of the code that draws the set `name`."""
    first, *others = (hashes.sha256(Path(__file__).with_name(f"{m}.py")) for m in DRAWN[name])
    return hashlib.sha256("".join([first, *others]).encode()).hexdigest() if others else first


def fill_drawn(folder: Path, entry: Spec, split: str, size: int) -> dict:
    """Writes every array that the set's `draw` gives; returns the passport."""
    # here, because its imports would slow every load
    drawn = importlib.import_module(f"replicate.datasets.{DRAWN[entry.name][0]}")
    arrays = drawn.draw(split, size)
    digests = {key: _write(folder / f"{key}.npy", array) for key, array in arrays.items()}
    names = {
        key: [f"{domain}_{i:04d}.png" for i in range(len(arrays[key]))]
        for key, domain in zip("AB", entry.domains, strict=True)
    }
    return _passport(drawn.VERSION, names, Counter(), digests)


def fill_files(
    folder: Path,
    entry: Spec,
    split: str,
    size: int,
    files: dict[str, list[Path]],
    found_masks: dict[str, list[Path]],
    show: bool,
    resize: str = "bicubic",
) -> dict:
    """Writes A and B from image files, each decoded once; labels and captions of their folders;
    test images of further domains as `others`.

    Returns the passport.

    Args:
        files: by folder name: A's and B's, or the one of a paired set.
        found_masks: by array (see `masks.of_test`).
        show: whether a bar runs.
        resize: a key of `FILTERS`.
    """
    groups = list(files.values()) * (2 if entry.paired else 1)
    keys = ("A", "B", "others")[: len(groups)]
    names = {key: [path.name for path in group] for key, group in zip(keys, groups, strict=True)}
    beside = {}
    for key, group in zip(keys, groups, strict=True):
        known = {f"{key}_label": labels.read(group), f"{key}_caption": captions.read(group)}
        beside |= {name: array for name, array in known.items() if array is not None}
    converted: Counter[str] = Counter()
    total = sum(len(group) for group in files.values())
    with ExitStack() as stack:
        progress = stack.enter_context(bar(total, f"packing {entry.name} {split}", "image", show))
        writers = {}
        for key, group in names.items():
            shape = (len(group), size, size, 3)
            writer = ArrayWriter(folder / f"{key}.npy", shape, np.dtype(np.uint8))
            writers[key] = stack.enter_context(writer)
        for key, group in zip(keys, files.values(), strict=False):
            squares = partial(_squares, entry=entry, key=key, size=size, resize=resize)
            for made, changes in in_order(squares, group):
                for domain, square in made.items():
                    writers[domain].append(square)
                converted.update(changes)
                progress.update()
    _say_converted(entry.name, split, converted, total)
    digests = {key: writer.sha256 for key, writer in writers.items()}
    digests |= {name: _write(folder / f"{name}.npy", array) for name, array in beside.items()}
    for key, group in found_masks.items():
        digests[key] = _write(folder / f"{key}.npy", masks.read(group, size))
    made = _passport(VERSION, names, converted, digests)
    made |= {"masks": entry.masks.made} if found_masks else {}
    made |= {} if entry.fit == "squash" else {"fit": entry.fit}
    return made if resize == "bicubic" else made | {"resize": resize}


def fill_digits(folder: Path, entry: Spec, split: str, size: int, show: bool) -> dict:
    """Writes A and B with their labels from torchvision's archives; returns the passport."""
    digests, names, converted = {}, {}, Counter()
    for key, domain in zip("AB", entry.domains, strict=True):
        images, classes = digits.read(entry, domain, split)
        what = f"packing {entry.name} {split}{key}"
        writer = ArrayWriter(folder / f"{key}.npy", (len(images), size, size, 3), np.dtype("u1"))
        with writer, bar(len(images), what, "image", show) as progress:
            for pixels in images:
                converted.update({"L"} if pixels.ndim == 2 else ())
                square = rgb(pixels).resize((size, size), Image.Resampling.BICUBIC)
                writer.append(np.asarray(square))
                progress.update()
        digests[key] = writer.sha256
        digests[f"{key}_label"] = _write(folder / f"{key}_label.npy", classes)
        names[key] = [f"{domain}_{i:05d}.png" for i in range(len(images))]
    _say_converted(entry.name, split, converted, sum(map(len, names.values())))
    return _passport(VERSION, names, converted, digests)


def _write(path: Path, array: np.ndarray) -> str:
    """The sha256 of the array, once it is written."""
    with ArrayWriter(path, array.shape, array.dtype) as writer:
        writer.append(array)
    return writer.sha256


def _squares(
    path: Path, entry: Spec, key: str, size: int, resize: str
) -> tuple[dict[str, np.ndarray], set[str]]:
    """The squeezed image of each domain that the file holds, and what decoding had to change."""
    try:
        decoded = decode(path)
    except Undecodable as error:
        raise Undecodable(path, error.reason, f"Replace or delete it{_every(entry)}") from error
    turned = decoded.changes.get("turned", "").startswith("EXIF")
    changes = {decoded.mode} - {"RGB"} | ({"EXIF orientation"} if turned else set())
    images = _halves(path, decoded.image, entry) if entry.paired else {key: decoded.image}
    squares = {k: fitted(image, entry.fit, size, resize) for k, image in images.items()}
    return {k: np.asarray(square) for k, square in squares.items()}, changes


def fitted(image: Image.Image, fit: str, side: int, resize: str = "bicubic") -> Image.Image:
    """The image as a square, antialiased where it becomes smaller.

    Args:
        fit: "squash" squeezes all of it, "crop" cuts out the largest centred square, "pad" keeps
            all of it in its shape, with white on both sides.
        side: of the square, px.
        resize: a key of `FILTERS`.
    """
    size, method = (side, side), FILTERS[resize]
    if fit == "crop":
        return ImageOps.fit(image, size, method)
    if fit == "pad":
        return ImageOps.pad(image, size, method, "white")
    return image.resize(size, method)


def _every(entry: Spec) -> str:
    return f"; `replicate data audit {entry.name}` lists every such file of the set."


def _halves(path: Path, image: Image.Image, entry: Spec) -> dict[str, Image.Image]:
    width, height = image.size
    if width % 2:
        reason = f"width {width} px is odd, so it is no pair side by side"
        raise Undecodable(path, reason, f"Replace or delete it{_every(entry)}")
    halves = [image.crop((x, 0, x + width // 2, height)) for x in (0, width // 2)]
    order = "AB" if entry.left == entry.domains[0] else "BA"
    return dict(zip(order, halves, strict=True))


def _say_converted(name: str, split: str, converted: Counter[str], total: int) -> None:
    """One line, at the time of packing only: which files were no upright RGB images."""
    if converted:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(converted.items()))
        print(f"{name} {split}: of {total} images, converted to upright 8-bit RGB: {kinds}")


def _passport(
    version: int, names: dict[str, list[str]], converted: Counter[str], digests: dict[str, str]
) -> dict:
    return {
        "version": version,
        "counts": {key: len(group) for key, group in names.items()},
        "converted": dict(sorted(converted.items())),
        "arrays": digests,
        "names": names,
    }
