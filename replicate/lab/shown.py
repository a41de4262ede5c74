"""Whether pictures show what the sentences of `shapes_captioned` name: shape, coat and place.

The shape is what the set's classifier sees. Coat and place are read from the picture by the colours
of the set, which no ground has: the coat that covers more, and where the middle of it lies.
"""

from collections.abc import Sequence

import numpy as np

from replicate.datasets import drawn_captions
from replicate.datasets.drawn_captions import place_of, understood
from replicate.datasets.drawn_shapes import DARK, DOMAINS, FLAT

METRIC, PROTOCOL = "sentence_shown", "sentences/shown"
SETS = (drawn_captions.NAME,)
PARTS = ("shape", "coat", "place")
# of a coat that is told by one colour; the light stripes are as bright as some grounds
COLOURS = dict(zip(DOMAINS, (FLAT, DARK), strict=True))
# distance in RGB of 255 levels within which a pixel has a coat's colour; that of brick, the nearest
# ground, is 64 or more in the test split, and real images show what they should at 64 px
NEAR = 48
LEAST = 0.005  # of the pixels that have it; less is no coat


def coats(images: np.ndarray) -> np.ndarray:
    """(N, 2, H, W) bool: which pixels of (N, H, W, 3) uint8 have each domain's coat."""
    x = np.asarray(images, np.int32)
    squared = [((x - np.array(COLOURS[domain])) ** 2).sum(axis=-1) for domain in DOMAINS]
    return np.stack(squared, axis=1) <= NEAR**2


def coat_seen(worn: np.ndarray) -> np.ndarray:
    """(N,) the domain whose coat covers most of `coats`' pixels, -1 where neither covers enough."""
    covered = worn.mean(axis=(2, 3))
    return np.where(covered.max(axis=1) < LEAST, -1, covered.argmax(axis=1))


def place_seen(worn: np.ndarray) -> np.ndarray:
    """(N,) the place, 0 to 8, of the mean of `coats`' pixels of either domain; -1 without any."""
    places = []
    for mask in worn.any(axis=1):
        rows, columns = np.nonzero(mask)
        nothing = mask.mean() < LEAST
        middle = (0, 0) if nothing else (rows.mean() + 0.5, columns.mean() + 0.5)
        places.append(-1 if nothing else place_of(*middle, len(mask)))
    return np.array(places)


def shown(images: np.ndarray, sentences: Sequence[str], shapes: np.ndarray) -> dict:
    """Which pictures show what their sentences name, part by part.

    Args:
        images: (N, H, W, 3) uint8.
        sentences: N, each of which names all parts.
        shapes: (N,) the shapes that the classifier sees in the images.

    Returns:
        For each of `PARTS`, (N,) bool.
    """
    worn = coats(images)
    seen = dict(zip(PARTS, (shapes, coat_seen(worn), place_seen(worn)), strict=True))
    named = zip(*map(understood, sentences), strict=True)
    wanted = dict(zip(PARTS, named, strict=True))
    return {part: seen[part] == np.array(wanted[part]) for part in PARTS}


def all_shown(parts: dict[str, np.ndarray]) -> float:
    """The share of pictures that show every part."""
    return float(np.all([parts[part] for part in PARTS], axis=0).mean())
