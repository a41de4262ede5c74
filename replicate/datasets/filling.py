"""What is written into a packed folder: drawn scenes, image files, or torchvision's digits."""

import hashlib
import importlib
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from replicate.datasets import digits, hashes, labels
from replicate.datasets.packing import ArrayWriter
from replicate.datasets.progress import bar
from replicate.datasets.spec import Spec
from replicate.images import Undecodable, decode, rgb
from replicate.parallel import in_order

VERSION = 1  # raise it when the same files would give other bytes
# the module that draws a set, then those that it draws with; a new one is entered here
DRAWN = {
    "horse2zebra_drawn": ("drawn",),
    "shapes_drawn": ("drawn_shapes", "drawn"),
    "horse2zebra_herd_drawn": ("drawn_herd", "drawn"),
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
    folder: Path, entry: Spec, split: str, size: int, files: dict[str, list[Path]], show: bool
) -> dict:
    """Writes A and B from image files, each decoded once, and labels where the folders have them.

    Returns the passport.

    Args:
        files: by folder name: A's and B's, or the one of a paired set.
        show: whether a bar runs.
    """
    groups = list(files.values()) * (2 if entry.paired else 1)
    names = {key: [path.name for path in group] for key, group in zip("AB", groups, strict=True)}
    read = {key: labels.read(group) for key, group in zip("AB", groups, strict=True)}
    labelled = {key: found for key, found in read.items() if found is not None}
    converted: Counter[str] = Counter()
    total = sum(len(group) for group in files.values())
    with ExitStack() as stack:
        progress = stack.enter_context(bar(total, f"packing {entry.name} {split}", "image", show))
        writers = {}
        for key, group in names.items():
            shape = (len(group), size, size, 3)
            writer = ArrayWriter(folder / f"{key}.npy", shape, np.dtype(np.uint8))
            writers[key] = stack.enter_context(writer)
        for key, group in zip("AB", files.values(), strict=False):
            squares = partial(_squares, entry=entry, key=key, size=size)
            for made, changes in in_order(squares, group):
                for domain, square in made.items():
                    writers[domain].append(square)
                converted.update(changes)
                progress.update()
    _say_converted(entry.name, split, converted, total)
    digests = {key: writer.sha256 for key, writer in writers.items()}
    for key, found in labelled.items():
        digests[f"{key}_label"] = _write(folder / f"{key}_label.npy", found)
    made = _passport(VERSION, names, converted, digests)
    return made if entry.fit == "squash" else made | {"fit": entry.fit}


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
    path: Path, entry: Spec, key: str, size: int
) -> tuple[dict[str, np.ndarray], set[str]]:
    """The squeezed image of each domain that the file holds, and what decoding had to change."""
    try:
        decoded = decode(path)
    except Undecodable as error:
        raise Undecodable(path, error.reason, f"Replace or delete it{_every(entry)}") from error
    turned = decoded.changes.get("turned", "").startswith("EXIF")
    changes = {decoded.mode} - {"RGB"} | ({"EXIF orientation"} if turned else set())
    images = _halves(path, decoded.image, entry) if entry.paired else {key: decoded.image}
    return {k: np.asarray(fitted(image, entry.fit, size)) for k, image in images.items()}, changes


def fitted(image: Image.Image, fit: str, side: int) -> Image.Image:
    """The image as a square (bicubic with antialiasing).

    Args:
        fit: "squash" squeezes all of it, "crop" cuts out the largest centred square, "pad" keeps
            all of it in its shape, with white on both sides.
        side: of the square, px.
    """
    size, method = (side, side), Image.Resampling.BICUBIC
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
