"""Scores of attention maps that need no threshold for IoU, and the share of a class attended to."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, as_numpy, binary_masks, float_maps, same_shape
from replicate.metrics.attention import need_pixels
from replicate.metrics.labels import NOT_SCORED, known_labels

ATTENDED = 0.5


class ClassIntensity(NamedTuple):
    """How much of each class the attention covers, for N images and K classes.

    Attributes:
        shares: (N, K) float64 in [0, 1], attended pixels of a class over its pixels in an image;
            NaN where the image does not hold the class.
        mean: (K,) float64, mean of the shares over the images that hold the class; NaN for none.
        attended_in: (N, K) bool, shares of at least 0.5.
        attended: (K,) bool, means of at least 0.5.
    """

    shares: np.ndarray
    mean: np.ndarray
    attended_in: np.ndarray
    attended: np.ndarray


def attention_auc(maps: Array, masks: Array) -> np.ndarray:
    """Area under the ROC curve of each map, its pixels ranked against the true mask.

    Args:
        maps: (N, H, W) in [0, 1].
        masks: (N, H, W) of 0 and 1, 1 on the object.

    Returns:
        (N,) float64 in [0, 1]: the chance that a pixel of the object is brighter than one of the
        background, ties counted half. 1 where all are, 0.5 for a flat map.

    Raises:
        ReplicateError: a mask that covers everything or nothing leaves no pair to compare.

    Source: Mann and Whitney, Ann. Math. Stat. 18 (1947), 50, by the sum of ranks.
    """
    maps, masks = _pair(maps, masks)
    need_pixels(masks, "no foreground")
    need_pixels(~masks, "no background")
    masks = masks.reshape(len(masks), -1)
    ranks = rankdata(maps.reshape(len(maps), -1), axis=1)  # tied pixels share their mean rank
    inside = masks.sum(axis=1)
    outside = masks.shape[1] - inside
    return ((ranks * masks).sum(axis=1) - inside * (inside + 1) / 2) / (inside * outside)


def pointing_game(maps: Array, masks: Array, tolerance: float = 0) -> np.ndarray:
    """Whether the maximum of each map lies on the object.

    Args:
        maps: (N, H, W) in [0, 1].
        masks: (N, H, W) of 0 and 1, 1 on the object.
        tolerance: px by which the mask is grown in all directions, edge included; 15 in the
            paper. The distance is Euclidean, between pixel centres.

    Returns:
        (N,) float64 in [0, 1]: 1 a hit, 0 a miss. Of several equal maxima, the share that lies
        inside, which is the chance of a hit by one of them drawn at random; so a flat map scores
        what blind pointing would. The mean over images is the accuracy that papers print.

    Raises:
        ReplicateError: a mask without foreground, or a negative tolerance.

    Source: Zhang et al., IJCV 126 (2018), 1084 (arXiv 1608.00507), the pointing game;
        facebookresearch/TorchRay @6a198ee, benchmark/pointing_game.py l. 74-85, whose "<" leaves
        the edge of the tolerance out.
    """
    maps, masks = _pair(maps, masks)
    if not tolerance >= 0:
        raise ReplicateError(f"tolerance={tolerance} px, expected 0 or more")
    need_pixels(masks, "no foreground")
    grown = np.stack([distance_transform_edt(~mask) <= tolerance for mask in masks])
    peaks = maps == maps.max(axis=(1, 2), keepdims=True)
    return (peaks & grown).sum(axis=(1, 2)) / peaks.sum(axis=(1, 2))


def class_intensity(
    maps: Array, labels: Array, classes: int, threshold: float = 0.5
) -> ClassIntensity:
    """Share of each class's pixels that the attention covers, and whether the class is attended.

    Args:
        maps: (N, H, W) in [0, 1], bright where the method attends.
        labels: (N, H, W) integers, 0 to classes - 1; -1 and 255 are left out.
        classes: their number, K.
        threshold: a pixel counts when its value is >, not >=, this.

    Returns:
        The shares by image, their means and what is attended.

    Raises:
        ReplicateError: a label that is no class.

    Source: Lin et al., Attention-Based Spatial Guidance, WACV 2021, supplement, sec. 5, which
        calls the number of such pixels the intensity, and a class attended if they are at least
        50% of its pixels in an image. Averaging the shares over images for its Figure 5 is
        assumed.
    """
    maps, labels = float_maps(maps, "maps"), as_numpy(labels)
    same_shape(maps, labels, ("maps", "labels"))
    shares = np.stack(
        [
            _shares(image > threshold, label, classes, f"labels of image {i}")
            for i, (image, label) in enumerate(zip(maps, labels, strict=True))
        ]
    )
    holds = ~np.isnan(shares)
    images = holds.sum(axis=0)
    mean = np.full(classes, np.nan)
    np.divide(np.where(holds, shares, 0).sum(axis=0), images, out=mean, where=images > 0)
    return ClassIntensity(shares, mean, shares >= ATTENDED, mean >= ATTENDED)


def _shares(chosen: np.ndarray, labels: np.ndarray, classes: int, name: str) -> np.ndarray:
    """(K,) share of each class's pixels that are chosen, NaN for a class without pixels."""
    way_out = f"map it to one of the {classes} classes, or to 255 to leave it out"
    labels = known_labels(labels, {*range(classes), *NOT_SCORED}, name, way_out)
    counted = ~np.isin(labels, NOT_SCORED)
    pixels = np.bincount(labels[counted], minlength=classes)
    found = np.bincount(labels[counted & chosen], minlength=classes)
    shares = np.full(classes, np.nan)
    np.divide(found, pixels, out=shares, where=pixels > 0)
    return shares


def _pair(maps: Array, masks: Array) -> tuple[np.ndarray, np.ndarray]:
    """Maps as float64 and masks as booleans of one shape."""
    maps, masks = float_maps(maps, "maps"), binary_masks(masks)
    same_shape(maps, masks, ("maps", "masks"))
    return maps, masks
