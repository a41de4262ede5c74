"""The supplement's measurements of labelled images: which classes occur, which are attended.

Source: seed 000 section 5 and figures 3 to 5, for Cityscapes. Its captions speak of 16 classes,
where the scorer has 19; which they are, and how it counted objects, is not said.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from skimage.measure import label

from replicate.errors import ReplicateError
from replicate.metrics.arrays import float_maps, same_shape
from replicate.metrics.labels import IGNORED

CRUCIAL = 0.5  # alpha: a pixel whose attention is larger is crucial
AWARE = 0.5  # least share of a class's pixels that are crucial where the class is attended


def class_frequency(maps: Iterable[np.ndarray], names: Sequence[str]) -> pd.DataFrame:
    """How often each class occurs, and in how many pieces.

    Args:
        maps: (H, W) uint8 classes each, 0 to K - 1, or 255 where nothing is labelled.
        names: of the K classes.

    Returns:
        One row a class: `class`; `images`, the share of images with a pixel of it (figure 3);
        `pixels`, its share of the labelled pixels; `count`, its connected components an image,
        over all images (figure 4; pixels that touch at a corner are connected). Objects of one
        class that touch count as one, so instances are at least as many.

    Raises:
        ReplicateError: no map.
    """
    images, pixels, pieces, total = *(np.zeros(len(names)) for _ in range(3)), 0
    for classes in maps:
        found = np.bincount(classes.ravel(), minlength=IGNORED + 1)[: len(names)]
        images += found > 0
        pixels += found
        for k in np.flatnonzero(found):
            pieces[k] += label(classes == k, connectivity=2, return_num=True)[1]
        total += 1
    if not total:
        raise ReplicateError("0 label maps, expected at least 1: name a split that has some")
    columns = {"images": images / total, "pixels": pixels / pixels.sum(), "count": pieces / total}
    return pd.DataFrame({"class": list(names)} | columns)


def attention_intensity(
    attention: np.ndarray, maps: np.ndarray, names: Sequence[str], alpha: float = CRUCIAL
) -> pd.DataFrame:
    """How much attention falls on each class.

    Args:
        attention: (N, H, W) in [0, 1].
        maps: (N, H, W) uint8 classes of the same images, 255 where nothing is labelled.
        names: of the K classes.
        alpha: a pixel is crucial if its attention is larger.

    Returns:
        One row a class: `class`; `intensity`, crucial pixels an image, over the images that have
        the class; `share`, of all pixels of the class those that are crucial; `aware`, the share
        of the images that have the class in which at least half of its pixels are crucial. NaN for
        a class that occurs nowhere.

    Raises:
        ReplicateError: maps of another size than the attention.

    Source: seed 000 section 5 and figure 5, alpha 0.5; whether its means are over all images or
        over those with the class is not said: assumed the latter.
    """
    same_shape(attention, maps, ("attention", "label maps"))
    crucial = float_maps(attention, "attention") > alpha
    rows = []
    for k, name in enumerate(names):
        own = maps == k
        size = own.sum(axis=(1, 2))
        hit = (own & crucial).sum(axis=(1, 2))[size > 0]
        size = size[size > 0]
        if not len(size):
            rows.append((name, np.nan, np.nan, np.nan))
            continue
        rows.append((name, hit.mean(), hit.sum() / size.sum(), (hit >= AWARE * size).mean()))
    return pd.DataFrame(rows, columns=["class", "intensity", "share", "aware"])
