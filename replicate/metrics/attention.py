"""Scores against a true mask: where the attention looks, what it leaves alone, what it paints.

IoU takes a threshold; the ranking scores (pointing game, area under the curve) need none.
"""

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, binary_masks, float_maps, same_shape, uint8_images


def attention_iou(maps: Array, masks: Array, threshold: float = 0.5) -> np.ndarray:
    """Intersection over union of the thresholded attention maps with the true masks.

    Args:
        maps: (N, H, W) in [0, 1], bright where the method repaints.
        masks: (N, H, W) of 0 and 1, 1 on the object.
        threshold: a pixel belongs to the attention when its value is >= this.

    Returns:
        (N,) float64 in [0, 1], 1 where attention and mask agree.

    Raises:
        ReplicateError: a mask without foreground; its IoU is 0 whatever the map, or 0/0.
    """
    maps, masks = float_maps(maps, "maps"), binary_masks(masks)
    same_shape(maps, masks, ("maps", "masks"))
    need_pixels(masks, "no foreground")
    chosen = maps >= threshold
    return (chosen & masks).sum((1, 2)) / (chosen | masks).sum((1, 2))


def iou_ceiling(masks: Array, cell: int) -> np.ndarray:
    """The best IoU that a map constant on cell x cell px blocks can reach.

    Args:
        masks: (N, H, W) of 0 and 1.
        cell: side of a block, px; divides H and W.

    Returns:
        (N,) float64 in (0, 1]; 1 for cell = 1.

    Raises:
        ReplicateError: cell does not divide the size, or a mask has no foreground.
    """
    masks = binary_masks(masks)
    n, height, width = masks.shape
    if cell < 1 or height % cell or width % cell:
        raise ReplicateError(
            f"cell of {cell} px does not divide {height} x {width} px; take a common divisor"
        )
    need_pixels(masks, "no foreground")
    blocks = masks.reshape(n, height // cell, cell, width // cell, cell).sum((2, 4))
    # With k blocks chosen that hold f foreground pixels of F, the IoU is f / (F + k cell^2 - f).
    # It grows with f at fixed k, so the best k blocks are the k fullest, and the optimum over all
    # choices is the best prefix of the blocks sorted by foreground.
    inside = np.cumsum(-np.sort(-blocks.reshape(n, -1), axis=1), axis=1)
    area = np.arange(1, inside.shape[1] + 1) * cell**2
    return (inside / (masks.sum((1, 2))[:, None] + area - inside)).max(axis=1)


def background_psnr(outputs: Array, inputs: Array, masks: Array, grow: int = 2) -> np.ndarray:
    """PSNR of output against input on the background, which a method should leave alone.

    Args:
        outputs: (N, H, W, 3) uint8.
        inputs: the same shape.
        masks: (N, H, W) of 0 and 1, 1 on the object.
        grow: px by which the mask is widened in all eight directions (a square of 2 grow + 1 px),
            so that the soft edge of the object counts as neither.

    Returns:
        (N,) float64, dB, data range 255; inf where the background is untouched.

    Raises:
        ReplicateError: a grown mask covers its image, so that no background is left.
    """
    outputs, inputs, masks = _repainted(outputs, inputs, masks)
    square = np.ones((1, 2 * grow + 1, 2 * grow + 1), dtype=bool)
    outside = ~binary_dilation(masks, square)
    need_pixels(outside, f"no background (mask grown by {grow} px)")
    squares = ((outputs - inputs) ** 2).mean(axis=3)
    error = (squares * outside).sum((1, 2)) / outside.sum((1, 2))
    return np.array([np.inf if e == 0 else 10 * np.log10(255.0**2 / e) for e in error])


def foreground_error(outputs: Array, ideals: Array, masks: Array) -> np.ndarray:
    """Mean absolute difference to the ideal translation inside the true mask.

    Args:
        outputs: (N, H, W, 3) uint8.
        ideals: the same shape.
        masks: (N, H, W) of 0 and 1, 1 on the object.

    Returns:
        (N,) float64 in [0, 1], in units of the full range 255; 0 where the object is ideal.

    Raises:
        ReplicateError: a mask without foreground.
    """
    outputs, ideals, masks = _repainted(outputs, ideals, masks)
    need_pixels(masks, "no foreground")
    difference = np.abs(outputs - ideals).mean(axis=3)
    return (difference * masks).sum((1, 2)) / masks.sum((1, 2)) / 255.0


def _repainted(a: Array, b: Array, masks: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two image sets as float64 and their masks, checked against each other."""
    a, b, masks = uint8_images(a, "outputs"), uint8_images(b, "references"), binary_masks(masks)
    same_shape(a, b, ("outputs", "references"))
    same_shape(a[..., 0], masks, ("outputs (without channels)", "masks"))
    return a.astype(np.float64), b.astype(np.float64), masks


def need_pixels(pixels: np.ndarray, lack: str) -> None:
    """Nothing, or the error that names the first image without any pixel to score."""
    empty = np.flatnonzero(~pixels.any(axis=(1, 2)))
    if len(empty):
        raise ReplicateError(
            f"image {empty[0]} has {lack}: its score is undefined; {len(empty)} of {len(pixels)} "
            "images are so, leave them out"
        )


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
    from scipy.stats import rankdata  # two seconds of imports

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
