"""Scores of attention maps that need no threshold for IoU."""

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, binary_masks, float_maps, same_shape
from replicate.metrics.attention import need_pixels


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


def _pair(maps: Array, masks: Array) -> tuple[np.ndarray, np.ndarray]:
    """Maps as float64 and masks as booleans of one shape."""
    maps, masks = float_maps(maps, "maps"), binary_masks(masks)
    same_shape(maps, masks, ("maps", "masks"))
    return maps, masks
