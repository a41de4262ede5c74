"""Classes of coloured label maps: the modes of their colours, and those of a data set's images."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter

from replicate.datasets import folders, packed
from replicate.datasets.layouts import shown
from replicate.datasets.palettes import Palette, known, load
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.metrics.pixels import read
from replicate.metrics.segmentation import IGNORED, nearest_class, resize_nearest, train_ids

FLAT = 4  # levels of [0, 255] within the 3 x 3 px around a pixel of a flat area
APART = 32  # levels, L2: what is nearer to a mode belongs to it
SQUARE = 3  # px

__all__ = ["Palette", "classes_of", "colour_modes", "known", "load", "shares_within", "solid"]


def colour_modes(maps: Iterable[np.ndarray], classes: int) -> np.ndarray:
    """The commonest colours of the flat areas of label maps, no two of them near each other.

    Args:
        maps: (H, W, 3) uint8 each; of the training split, as a test split decides nothing.
        classes: how many modes, K.

    Returns:
        (K, 3) uint8, the commonest first.

    Raises:
        ReplicateError: fewer modes than classes.
    """
    keys = np.concatenate([_flat_keys(image) for image in maps])
    keys, counts = np.unique(keys, return_counts=True)
    colours = np.stack([keys >> 16, keys >> 8 & 255, keys & 255], axis=1)
    order = np.argsort(-counts, kind="stable")  # of equally common colours the darkest first
    left, modes = colours[order], []
    while len(modes) < classes and len(left):
        modes.append(left[0])
        left = left[((left - left[0]) ** 2).sum(axis=1) > APART**2]
    if len(modes) < classes:
        raise ReplicateError(
            f"{len(modes)} modes at least {APART} levels apart in the flat areas, expected "
            f"{classes} classes: give the label maps of all training images, or fewer classes"
        )
    return np.array(modes, np.uint8)


def shares_within(
    maps: Iterable[np.ndarray], colours: np.ndarray, radii: Sequence[float]
) -> list[float]:
    """The share of pixels whose nearest colour is within each radius, in [0, 1].

    Args:
        maps: (H, W, 3) uint8 each.
        colours: (K, 3).
        radii: L2 distances in RGB, levels.
    """
    inside, total = np.zeros(len(radii)), 0
    for image in maps:
        nearest = colours[nearest_class(image[None], colours)[0]].astype(int)
        distance = np.sqrt(((image - nearest) ** 2).sum(axis=2))
        inside += [(distance <= radius).sum() for radius in radii]
        total += distance.size
    return list(inside / total)


def classes_of(image: np.ndarray, palette: Palette) -> np.ndarray:
    """(H, W) uint8 classes, 0 to K - 1, of an (H, W, 3) uint8 label map: the nearest mode's."""
    return nearest_class(image[None], palette.colours)[0]


def solid(classes: np.ndarray, square: int = SQUARE) -> np.ndarray:
    """The classes where they fill a square, and `IGNORED` elsewhere: an opening class by class.

    Args:
        classes: (H, W) uint8.
        square: its side, px, odd; 1 leaves all as it is.

    Returns:
        (H, W) uint8. A pixel keeps its class if some square of one class holds it.

    Raises:
        ReplicateError: a side that is not odd, whose squares have no centre.
    """
    if square < 1 or square % 2 == 0:
        raise ReplicateError(f"square={square}: expected an odd side in px, such as 1 or 3")
    highest = maximum_filter(classes, square, mode="constant", cval=IGNORED)
    lowest = minimum_filter(classes, square, mode="constant", cval=IGNORED)
    centres = (highest == lowest) & (classes != IGNORED)
    mask = binary_dilation(centres, np.ones((square, square)))
    return np.where(mask, classes, np.uint8(IGNORED))


def _flat_keys(image: np.ndarray) -> np.ndarray:
    """The colours of a map's flat pixels, each as one number."""
    highest, lowest = maximum_filter(image, (3, 3, 1)), minimum_filter(image, (3, 3, 1))
    flat = (highest - lowest).max(axis=2) <= FLAT
    colours = image[flat].astype(np.int32)
    return colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2]


def absent(runs: Iterable[Run], dataset: str = "facades") -> str:
    """How to get a labelled data set that no run is on and that is not here; else empty."""
    entry = spec(dataset)
    if entry.folder.is_dir() or any(run.dataset in known() for run in runs):
        return ""
    return str(folders.missing(entry))


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
        colours between classes (see `palette.solid`), or where labelIds say so.

    Raises:
        ReplicateError: no palette, or no images; no labelIds where the palette is of those.
    """
    colours = load(dataset)
    size = (side or colours.side,) * 2
    if colours.ids:
        return np.stack([resize_nearest(ids, size) for ids in _ids(dataset, split, colours.ids)])
    maps = label_maps(dataset, split, colours.side)
    solid_maps = (solid(classes_of(image, colours)) for image in maps)
    return np.stack([resize_nearest(classes, size) for classes in solid_maps])


def _ids(dataset: str, split: str, folder: str) -> Iterator[np.ndarray]:
    """(H, W) uint8 classes of each labelIds of a split, in the order of the set."""
    entry = spec(dataset)
    (pairs,) = folders.split_files(entry, split).values()
    files = [entry.folder / folder / split / pair.name for pair in pairs]
    if gone := [file for file in files if not file.is_file()]:
        raise ReplicateError(
            f"{len(gone)} of {len(files)} labelIds are not there ({shown(gone[0])}), expected one "
            f"for each pair: the classes of {dataset} are read from them. Prepare the set again, "
            "from a gtFine folder that has its *_gtFine_labelIds.png"
        )
    for file in files:
        yield train_ids(read("labels", file), str(file))


def label_maps(dataset: str, split: str, side: int) -> np.ndarray:
    """(N, S, S, 3) uint8, the coloured label maps of a split."""
    return _images(dataset, split, side, of_labels=True)


def photographs(dataset: str, split: str, side: int) -> np.ndarray:
    """(N, S, S, 3) uint8, the photographs of a split, which its label maps describe."""
    return _images(dataset, split, side, of_labels=False)


def _images(dataset: str, split: str, side: int, of_labels: bool) -> np.ndarray:
    images = packed.load(dataset, split, side)
    domain = load(dataset).domain
    letter = next(x for x, name in zip("AB", images.domains, strict=True) if name == domain)
    return images.arrays[letter if of_labels else {"A": "B", "B": "A"}[letter]]
