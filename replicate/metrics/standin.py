"""The stand-in extractor `standin-v1`: fixed random convolutions, for machines without Inception.

Four 3 x 3 convolutions on images of 64 x 64 px whose weights come from a fixed generator. Filters
sum to zero over their window, so that each answers to edges and textures and not to brightness;
those of the first layer keep half of their sum, or a change of colour would go nearly unseen. The
features are means and standard deviations over the image at every scale. Scores with it order
methods on one data set; they compare with nothing but themselves.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array
from replicate.metrics.images import image_list

KEY = 20
CHANNELS = (3, 24, 48, 64, 64)
SIZE = 64
SMALLEST = 32
CHUNK = 32
BYTE_SUM_MEAN = 8 * 255 // 2


class StandIn:
    """The extractor `standin-v1`: uint8 images in, (N, 406) float64 features out."""

    def __init__(self) -> None:
        whole = integer_weights()
        digest = hashlib.sha256(b"".join(w.astype("<i4").tobytes() for w in whole)).hexdigest()
        self.id = f"standin-v1@{digest[:8]}"
        self.dim = 2 * sum(CHANNELS)
        self.weights = [_scaled(w) for w in whole]

    @torch.inference_mode()
    def __call__(self, images: Array | Sequence[np.ndarray]) -> np.ndarray:
        """Features of every image, the same for any number of images in a call.

        Args:
            images: (N, H, W, 3) uint8, or N times (H, W, 3) of different sizes; H and W at least
                32 px; other sizes than 64 are resized by antialiased bilinear interpolation in
                float.

        Returns:
            (N, 406) float64: mean and standard deviation over the image of the 3 colour channels
            in [-1, 1] and of the 24, 48, 64 and 64 channels of the layers. Float64 throughout, so
            that machines and batch sizes differ in the last digits only.

        Raises:
            ReplicateError: images smaller than 32 px.
        """
        images = image_list(images)
        for image in images:
            if min(image.shape[:2]) < SMALLEST:
                raise ReplicateError(
                    f"the stand-in extractor needs images of at least {SMALLEST} x {SMALLEST} px, "
                    f"got {image.shape[0]} x {image.shape[1]}"
                )
        chunks = [images[i : i + CHUNK] for i in range(0, len(images), CHUNK)]
        return np.concatenate([self._features(chunk) for chunk in chunks])

    def _features(self, images: list[np.ndarray]) -> np.ndarray:
        x = torch.cat([_resized(image) for image in images])
        found = _statistics(x)
        for weight in self.weights:
            x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight))
            found += _statistics(x)
            x = F.avg_pool2d(x, 2)
        return torch.cat(found, dim=1).numpy()


def integer_weights() -> list[np.ndarray]:
    """The filters before scaling, (out, in, 3, 3) integers, the same bytes on every machine.

    A sum of eight uniform bytes is close to Gaussian and exact in integers; 18 w - 2 sum(w)
    takes the mean over the 3 x 3 window out, and 18 w - sum(w) half of it, still in integers.
    """
    shapes = [(b, a, 3, 3) for a, b in pairwise(CHANNELS)]
    counts = [int(np.prod(shape)) for shape in shapes]
    # random_raw is fixed by the Philox algorithm; NumPy may change how it makes normal draws of it.
    raw = np.random.Philox(key=KEY).random_raw(sum(counts)).astype("<u8")
    sums = raw.view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64) - BYTE_SUM_MEAN
    parts = np.split(sums, np.cumsum(counts)[:-1])
    whole = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    taken = [1, *[2] * (len(whole) - 1)]
    return [18 * w - t * w.sum((2, 3), keepdims=True) for w, t in zip(whole, taken, strict=True)]


def _scaled(whole: np.ndarray) -> torch.Tensor:
    """The filters as float64, scaled so that features of photographs are of order 0.1 to 1."""
    byte_sum_sd = np.sqrt(8 * (256**2 - 1) / 12)
    gain = 2.0  # on top of He's sqrt(2 / fan in): a filter without its mean passes less energy on
    fan_in = np.prod(whole.shape[1:])
    return torch.from_numpy(whole / (18 * byte_sum_sd) * gain * np.sqrt(2 / fan_in))


def _resized(image: np.ndarray) -> torch.Tensor:
    """(1, 3, 64, 64) float64 in [-1, 1]."""
    x = torch.from_numpy(image[None].copy()).permute(0, 3, 1, 2).double() / 127.5 - 1
    if x.shape[2:] != (SIZE, SIZE):
        x = F.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
    return x


def _statistics(x: torch.Tensor) -> list[torch.Tensor]:
    return [x.mean((2, 3)), x.std((2, 3), correction=0)]
