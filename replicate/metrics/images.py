"""Sets of images that are read one at a time: an array, a folder, two sets in a row."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, uint8_images

READ = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
LOSSY = (".jpg", ".jpeg", ".webp")
# What Pillow raises for damaged files.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class ImageSet(Protocol):
    """Images in an order, read one at a time and any number of times."""

    def __len__(self) -> int:
        """The number of images, >= 1."""
        ...

    def __iter__(self) -> Iterator[np.ndarray]:
        """Every image, (H, W, 3) uint8 RGB; sizes may differ."""
        ...

    def digest(self) -> str:
        """The sha256 of the content in its order; names and times do not matter."""
        ...


class Stack:
    """The images of an array.

    Args:
        array: (N, H, W, 3) uint8, NumPy or torch, N >= 1.
        name: what an error calls it.

    Raises:
        ReplicateError: another type or layout.
    """

    def __init__(self, array: Array, name: str = "images") -> None:
        self.array = uint8_images(array, name)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.array)

    def digest(self) -> str:
        content = hashlib.sha256(repr(self.array.shape).encode())
        content.update(np.ascontiguousarray(self.array))
        return content.hexdigest()


class Folder:
    """The images of a folder as RGB, in the order of their names; nothing is decoded before it is
    asked for.

    Args:
        path: its subfolders and files of other kinds are not looked at.

    Raises:
        ReplicateError: no such folder, or no image in it; later, on reading, an image that cannot
            be decoded.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.files = _image_files(self.path)

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[np.ndarray]:
        for file in self.files:
            with opened(file) as image:
                decoded = np.array(image.convert("RGB"))
            yield decoded

    @property
    def names(self) -> list[str]:
        """The N file names."""
        return [file.name for file in self.files]

    @property
    def lossy(self) -> list[str]:
        """The names of the files in a format that loses detail: JPEG, WebP."""
        return [name for name in self.names if name.lower().endswith(LOSSY)]

    def sizes(self) -> Counter[tuple[int, int]]:
        """How many images have which (width, height) in px, from the headers of the files."""
        return self._sizes

    @cached_property
    def _sizes(self) -> Counter[tuple[int, int]]:
        found = Counter()
        for file in self.files:
            with opened(file) as image:
                found[image.size] += 1
        return found

    def digest(self) -> str:
        """The sha256 of the bytes of the files, which are not decoded for it."""
        return self._digest  # one for all networks that look at the folder

    @cached_property
    def _digest(self) -> str:
        content = hashlib.sha256(b"files")
        for file in self.files:
            with file.open("rb") as read:
                content.update(hashlib.file_digest(read, "sha256").digest())
        return content.hexdigest()


def image_list(images: Array | Sequence[np.ndarray]) -> list[np.ndarray]:
    """The images one by one, checked; sizes may differ unless they come as one array.

    Args:
        images: N times (H, W, 3) uint8, or one (N, H, W, 3) array or tensor; N >= 1.

    Raises:
        ReplicateError: another type or layout.
    """
    if isinstance(images, Sequence) and images:
        return [uint8_images(image[None], f"image {i}")[0] for i, image in enumerate(images)]
    return list(uint8_images(images))


def _image_files(path: Path) -> list[Path]:
    if not path.is_dir():
        raise ReplicateError(f"{path} is not a folder; give one that holds the images")
    files = sorted(file for file in path.iterdir() if file.is_file())
    chosen = [file for file in files if file.suffix.lower() in READ]
    if not chosen:
        others = Counter(file.suffix or "without suffix" for file in files)
        found = ", ".join(f"{n} {suffix}" for suffix, n in sorted(others.items())) or "nothing"
        raise ReplicateError(
            f"{path} has 0 images (looked for {', '.join(s[1:] for s in READ)}; found {found})"
        )
    return chosen


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """An image file; what fails while it is open is an error that names the file."""
    try:
        with Image.open(file) as image:
            yield image
    except ReplicateError:
        raise
    except DAMAGED as error:
        raise ReplicateError(f"{file} cannot be decoded: {error}; replace or remove it") from error
