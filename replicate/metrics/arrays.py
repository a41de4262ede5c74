"""Checks at the door of the metrics, so that a wrong scale or layout never becomes a number."""

import numpy as np
import torch

from replicate.errors import ReplicateError

Array = np.ndarray | torch.Tensor


def uint8_images(images: Array, name: str = "images") -> np.ndarray:
    """The images as a NumPy array, checked.

    Args:
        images: (N, H, W, 3) uint8 in [0, 255], N >= 1, NumPy or torch.
        name: what the error calls them.

    Returns:
        (N, H, W, 3) uint8.

    Raises:
        ReplicateError: another type, layout or an empty set, for which every score would be wrong
            without looking so.
    """
    array = as_numpy(images)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not len(array):
        raise ReplicateError(
            f"{name}: {array.dtype} array of shape {array.shape}, expected uint8 (N, H, W, 3) with "
            "N >= 1; convert images of [-1, 1] by ((x + 1) * 127.5).round() and move channels last"
        )
    return array


def float_maps(maps: Array, name: str) -> np.ndarray:
    """The maps as float64, checked to be (N, H, W) with values in [0, 1]."""
    array = as_numpy(maps).astype(np.float64)
    if array.ndim != 3 or not array.size:
        raise ReplicateError(f"{name}: shape {array.shape}, expected (N, H, W) with N >= 1")
    if not (array.min() >= 0 and array.max() <= 1):  # false for NaN too
        raise ReplicateError(
            f"{name}: values in [{array.min():.3g}, {array.max():.3g}], expected [0, 1]"
        )
    return array


def binary_masks(masks: Array, name: str = "masks") -> np.ndarray:
    """The masks as booleans, checked to be (N, H, W) and to hold only 0 and 1 (or False, True)."""
    array = float_maps(masks, name)
    if not np.isin(array, (0, 1)).all():
        raise ReplicateError(f"{name}: values other than 0 and 1; threshold them first")
    return array.astype(bool)


def same_shape(a: np.ndarray, b: np.ndarray, names: tuple[str, str]) -> None:
    """Nothing, or the error that names two sets whose shapes differ."""
    if a.shape != b.shape:
        raise ReplicateError(
            f"{names[0]} has shape {a.shape}, {names[1]} {b.shape}; they are compared image by "
            "image and must agree"
        )


def as_numpy(array: Array) -> np.ndarray:
    """A NumPy view of a NumPy array or torch tensor."""
    return array.detach().cpu().numpy() if isinstance(array, torch.Tensor) else np.asarray(array)


def spaced(rows: np.ndarray, n: int) -> np.ndarray:
    """At most n of the rows, evenly spaced."""
    n = min(n, len(rows))
    return rows[np.arange(n) * len(rows) // n]


def feature_pair(
    x: np.ndarray, y: np.ndarray, at_least: int, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Two (N, d) feature sets, checked; float32 where both are, else float64.

    Raises:
        ReplicateError: another layout, widths that differ, fewer than `at_least` images in a set,
            or a value that is not finite, which would turn the whole score into NaN.
    """
    x, y = np.asarray(x), np.asarray(y)
    single = x.dtype == y.dtype == np.float32
    x, y = (np.asarray(features, np.float32 if single else np.float64) for features in (x, y))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ReplicateError(
            f"features of shapes {x.shape} and {y.shape}, expected (N, d) and (M, d) of one "
            "extractor"
        )
    if min(len(x), len(y)) < at_least:
        raise ReplicateError(
            f"{what} needs at least {at_least} images a set, got {len(x)} and {len(y)}; score more"
        )
    for features in (x, y):
        with np.errstate(invalid="ignore"):  # inf - inf
            total = features.sum(dtype=np.float64)
        if np.isfinite(total):  # NaN and infinity survive every sum
            continue
        # Image by image: a mask of the whole set would be a quarter of its size.
        broken = np.flatnonzero([not np.isfinite(image).all() for image in features])
        if len(broken):
            raise ReplicateError(
                f"features of image {broken[0]} are not finite ({len(broken)} of {len(features)} "
                "images); check the images and the extractor"
            )
    return x, y
