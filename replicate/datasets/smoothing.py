"""Images whose edges are smoothed: what CartoonGAN's discriminator must not take for a cartoon."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from replicate import paths
from replicate.datasets import packing
from replicate.datasets.packed import ImageSet

VERSION = 1  # raise when the same images give others
KEY = "B_smooth"
LOW, HIGH = 100, 200  # Canny's thresholds of |dx| + |dy|
SIDE = 5  # px, of the dilation and of the blur
BLUR = (1, 4, 6, 4, 1)  # / 16: OpenCV's kernel of 5 where no deviation is set
TAN_22 = 13573  # tan(22.5 degrees) * 2**15, rounded: OpenCV's fixed point
GREY = (9798, 19235, 3735)  # of red, green, blue, / 2**15


def with_smooth(images: ImageSet) -> ImageSet:
    """The set with "B_smooth", aligned with B; made at the first call and kept beside its arrays.

    Args:
        images: a packed split; a set without a passport stays in memory, and so does its new array.

    Raises:
        ReplicateError: the disk is full or cannot be written.
    """
    digest = images.passport.get("arrays", {}).get("B")
    if digest is None:
        made = np.stack([smoothed(image) for image in images.arrays["B"]])
        return replace(images, arrays=images.arrays | {KEY: made})
    key = hashlib.sha256(f"{VERSION} {digest}".encode()).hexdigest()[:16]
    name = f"{images.name}-{images.split}-{images.size}-smooth-{key}"
    target = paths.derived("packed", name)
    if not (target / "passport.json").is_file():
        packing.build(target, lambda folder: _fill(folder, images))
    array = np.load(target / f"{KEY}.npy", mmap_mode="r")
    return replace(images, arrays=images.arrays | {KEY: array})


def _fill(folder: Path, images: ImageSet) -> dict:
    source = images.arrays["B"]
    with packing.ArrayWriter(folder / f"{KEY}.npy", source.shape, source.dtype) as writer:
        for image in source:
            writer.append(smoothed(image)[None])
    return {"version": VERSION, "arrays": {KEY: writer.sha256}}


def smoothed(image: np.ndarray) -> np.ndarray:
    """An image blurred within 2 px of its edges, and as it was elsewhere.

    Args:
        image: (H, W, 3) uint8, 3 px or more a side.

    Source: taki0112/CartoonGAN-Tensorflow @890decc edge_smooth.py and znxlwm/pytorch-CartoonGAN
        @67a872d edge_promoting.py, which do the same by OpenCV.
    """
    near = ndimage.maximum_filter(edges(image), size=SIDE, mode="constant")
    return np.where(near[..., None], _blurred(image), image)


def _blurred(image: np.ndarray) -> np.ndarray:
    """By `BLUR` both ways, mirrored at the border, cut off to whole values."""
    height, width = image.shape[:2]
    margin = SIDE // 2
    x = np.pad(image.astype(np.int32), ((margin,) * 2, (margin,) * 2, (0, 0)), mode="reflect")
    x = sum(k * x[i : i + height] for i, k in enumerate(BLUR))
    x = sum(k * x[:, i : i + width] for i, k in enumerate(BLUR))
    return (x // sum(BLUR) ** 2).astype(np.uint8)


def edges(image: np.ndarray) -> np.ndarray:
    """Where Canny's detector sees an edge: (H, W) bool of (H, W, 3) uint8.

    In integers, as OpenCV's `Canny(grey, 100, 200)`: Sobel slopes of 3x3 px, the border repeated,
    |dx| + |dy| for their size; a pixel above `LOW` counts if it is the highest across its edge and
    hangs together with one above `HIGH`.
    """
    red, green, blue = (image[..., i].astype(np.int32) for i in range(3))
    grey = (GREY[0] * red + GREY[1] * green + GREY[2] * blue + (1 << 14)) >> 15
    dx, dy = _slopes(grey)
    size = np.abs(dx) + np.abs(dy)
    thin = _highest(size, dx, dy) & (size > LOW)
    parts, _ = ndimage.label(thin, structure=np.ones((3, 3)))
    kept = np.unique(parts[thin & (size > HIGH)])
    return np.isin(parts, kept[kept > 0])


def _slopes(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = np.pad(grey, 1, mode="edge")
    rows = x[:-2] + 2 * x[1:-1] + x[2:]
    columns = x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]
    return rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]


def _highest(size: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Whether a pixel is higher than its two neighbours along the slope, of four directions.

    Of two equal ones in a row or a column the first counts, of two on a diagonal none.
    """
    m = np.pad(size, 1)
    height, width = size.shape

    def beside(i: int, j: int) -> np.ndarray:
        return m[1 + i : 1 + i + height, 1 + j : 1 + j + width]

    x, y = np.abs(dx).astype(np.int64), np.abs(dy).astype(np.int64) << 15
    flat = y < x * TAN_22
    steep = y > x * TAN_22 + (x << 16)  # tan(67.5 degrees) is 2 more than tan(22.5)
    across = (size > beside(0, -1)) & (size >= beside(0, 1))
    along = (size > beside(-1, 0)) & (size >= beside(1, 0))
    falling = (size > beside(-1, -1)) & (size > beside(1, 1))
    rising = (size > beside(-1, 1)) & (size > beside(1, -1))
    diagonal = np.where((dx ^ dy) < 0, rising, falling)
    return np.where(flat, across, np.where(steep, along, diagonal))
