"""The classes of a data set's images, pixel by pixel."""

import numpy as np

from replicate.datasets import folders, packed
from replicate.datasets.spec import spec
from replicate.labelled import palette
from replicate.metrics.labels import resize_nearest


class Sentence(str):
    """A text that a notebook shows without quotes."""

    __repr__ = str.__str__


def absent(dataset: str = "facades") -> Sentence:
    """How to get a data set that is not on this machine, in words; empty where it is.

    A notebook that runs anywhere writes `absent() or plots.label_statistics()`.
    """
    entry = spec(dataset)
    return Sentence("" if entry.folder.is_dir() else folders.missing(entry))


def truth(dataset: str, split: str, side: int | None = None) -> np.ndarray:
    """The classes of a split's label maps.

    Args:
        dataset: one of `palette.known()`.
        split: "train" or "test".
        side: px, of the images that are scored; None: that of the palette. The maps are read at the
            palette's side and every pixel takes the class of its centre, as colours that are
            resized first would mix.

    Returns:
        (N, S, S) uint8 in the order of the set, 0 to K - 1, and `IGNORED` on the lines of mixed
        colours between classes (see `palette.solid`).

    Raises:
        ReplicateError: no palette, or no images.
    """
    colours = palette.load(dataset)
    maps = label_maps(dataset, split, colours.side)
    size = (side or colours.side,) * 2
    read = (palette.solid(palette.classes_of(image, colours)) for image in maps)
    return np.stack([resize_nearest(classes, size) for classes in read])


def label_maps(dataset: str, split: str, side: int) -> np.ndarray:
    """(N, S, S, 3) uint8, the coloured label maps of a split."""
    return _images(dataset, split, side, of_labels=True)


def photographs(dataset: str, split: str, side: int) -> np.ndarray:
    """(N, S, S, 3) uint8, the photographs of a split, which its label maps describe."""
    return _images(dataset, split, side, of_labels=False)


def _images(dataset: str, split: str, side: int, of_labels: bool) -> np.ndarray:
    images = packed.load(dataset, split, side)
    domain = palette.load(dataset).domain
    letter = next(x for x, name in zip("AB", images.domains, strict=True) if name == domain)
    return images.arrays[letter if of_labels else {"A": "B", "B": "A"}[letter]]
