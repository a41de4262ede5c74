"""Sets of images that are read one at a time: an array, a folder, two sets in a row."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from replicate import images, naming
from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, uint8_images
from replicate.parallel import in_order


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


class Survey(NamedTuple):
    """What decoding every image of a folder once shows.

    Attributes:
        sizes: how many images have which (width, height) in px, upright.
        lossy: the names of the files whose compression loses detail.
        changes: how many images decoding changed, by the keys of `images.CHANGES`.
    """

    sizes: Counter[tuple[int, int]]
    lossy: list[str]
    changes: Counter[str]


class Folder:
    """The images of a folder as RGB, in the order of their names; nothing is decoded before it is
    asked for.

    Args:
        path: of the folder.
        subfolders: whether the images below its subfolders belong to it.

    Attributes:
        holds_labels: whether they are label maps, whose values are no colours.

    Raises:
        ReplicateError: no such folder, or no image in it; later, on reading, an image that cannot
            be decoded.
    """

    def __init__(self, path: Path | str, subfolders: bool = False) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise ReplicateError(f"{path} is not a folder; give one that holds the images")
        self.files = naming.image_files(self.path, subfolders)
        self.holds_labels = False
        self.left_out = naming.left_out(self.path, subfolders)
        if not self.files:
            raise ReplicateError(f"{path} has 0 images ({naming.looked_for(self.path)})")

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[np.ndarray]:
        for file in self.files:
            yield images.read(file)

    @property
    def names(self) -> list[str]:
        """The N file names, with the subfolders in which they lie."""
        return [file.relative_to(self.path).as_posix() for file in self.files]

    @cached_property
    def survey(self) -> Survey:
        """Sizes, lossy files and what decoding changes: every image is decoded for it."""
        sizes, lossy, changes = Counter(), [], Counter()
        for name, (size, loses, changed) in zip(
            self.names, in_order(self._look, self.files), strict=True
        ):
            sizes[size] += 1
            changes.update(changed)
            lossy += [name] if loses else []
        return Survey(sizes, lossy, changes)

    def _look(self, file: Path) -> tuple[tuple[int, int], bool, set[str]]:
        """Size, whether it is lossy, and what decoding changes."""
        decoded = (images.unconverted if self.holds_labels else images.decode)(file)
        return decoded.image.size, decoded.lossy, set(decoded.changes)

    def digest(self) -> str:
        """The sha256 of the bytes of the files, which are not decoded for it."""
        return self._digest  # one for all networks that look at the folder

    @cached_property
    def _digest(self) -> str:
        content = hashlib.sha256(f"files decoded {images.VERSION}".encode())
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
