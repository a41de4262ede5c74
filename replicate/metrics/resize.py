"""Resizes to the 299 px of the Inception networks, by name: libraries differ, and so do scores.

An image that has 299 x 299 px already is unchanged by each of them.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from replicate.errors import unknown

SIZE = 299


class Resize(NamedTuple):
    """A resize, and how its library scales pixels for the network: `x * scale - 1`."""

    name: str
    apply: Callable[[np.ndarray], np.ndarray]
    scale: float


def resize(name: str) -> Resize:
    """The resize of that name.

    Raises:
        UnknownName: neither `tf1`, `clean`, `torch` nor `gm`.
    """
    if name not in RESIZES:
        raise unknown("resize", name, RESIZES)
    return RESIZES[name]


def tf1(image: np.ndarray) -> np.ndarray:
    """Bilinear on the grid of TensorFlow 1: output pixel i samples at i * input / 299.

    Neither antialiased nor centred, so that downscaling skips pixels and everything moves by up
    to half a pixel to the upper left. The graph of 2015 holds it, hence TTUR and torch-fidelity.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (3, 299, 299) float32 in [0, 255].

    Source: TensorFlow 1 resize_bilinear_op.cc with align_corners false; torch-fidelity 0.4
    interpolate_compat_tensorflow.py, `resample_manually`, to the bit.
    """
    top, bottom, dy = _grid(image.shape[0])
    left, right, dx = _grid(image.shape[1])
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32)
    rows = _between(planes.take(left, axis=2), planes.take(right, axis=2), dx)
    return _between(rows.take(top, axis=1), rows.take(bottom, axis=1), dy[:, None])


def _between(low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """low + (high - low) * weight, in the memory of `high`."""
    high -= low
    high *= weight
    high += low
    return high


@lru_cache(maxsize=64)
def _grid(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both neighbours and the weight of the second, for each of the 299 samples of a side."""
    # float32, as TensorFlow: in float64 some samples fall on the other side of a pixel.
    at = np.arange(SIZE, dtype=np.float32) * np.float32(size / SIZE)
    low = at.astype(np.int64)
    return low, np.minimum(low + 1, size - 1), at - low.astype(np.float32)


def clean(image: np.ndarray) -> np.ndarray:
    """Pillow's antialiased bicubic in float, clipped to [0, 255].

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (3, 299, 299) float32 in [0, 255].

    Source: clean-fid 0.1.35 resize.py, `make_resizer("PIL", False, "bicubic", (299, 299))`; its
    network scales pixels as torch-fidelity's (inception_torchscript.py).
    """
    channels = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
    # Pillow resizes floats in images of one channel only.
    made = [Image.fromarray(c).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for c in channels]
    return np.stack(made).clip(0, 255)


def pytorch(image: np.ndarray) -> np.ndarray:
    """PyTorch's bilinear on centred pixels without antialiasing.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (3, 299, 299) float32 in [0, 255].

    Source: pytorch-fid inception.py, `F.interpolate(x, size=(299, 299), mode='bilinear',
    align_corners=False)`; clean-fid's mode legacy_pytorch.
    """
    x = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))
    x = F.interpolate(x[None], (SIZE, SIZE), mode="bilinear", align_corners=False)[0]
    return x.clamp_(0, 255).numpy()  # white can round to 255.00002


def gm(image: np.ndarray) -> np.ndarray:
    """Pillow's antialiased bilinear, rounded to whole grey levels.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (3, 299, 299) float32, whole numbers in [0, 255].

    Source: GAN_Metrics-Tensorflow frechet_kernel_Inception_distance.py:350-353, scipy's imresize.
    """
    made = Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(made).transpose(2, 0, 1).astype(np.float32)


RESIZES = {
    each.name: each
    for each in (
        Resize("tf1", tf1, 1 / 128),
        Resize("clean", clean, 1 / 128),
        Resize("torch", pytorch, 2 / 255),
        Resize("gm", gm, 2 / 255),
    )
}
