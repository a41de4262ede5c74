"""PSNR and SSIM of aligned image pairs, by scikit-image."""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, same_shape, uint8_images

SSIM_WINDOW = 7


def psnr(a: Array, b: Array) -> np.ndarray:
    """Peak signal-to-noise ratio of every pair.

    Args:
        a: (N, H, W, 3) uint8.
        b: the same shape.

    Returns:
        (N,) float64, dB, over all pixels and channels with data range 255; inf where identical.
    """
    a, b = _pair(a, b)
    # scikit-image divides by zero on identical images, which is a warning and not a number.
    return np.array(
        [
            np.inf if np.array_equal(x, y) else peak_signal_noise_ratio(x, y, data_range=255)
            for x, y in zip(a, b, strict=True)
        ]
    )


def ssim(a: Array, b: Array) -> np.ndarray:
    """Structural similarity of every pair.

    Args:
        a: (N, H, W, 3) uint8, H and W at least 7 px.
        b: the same shape.

    Returns:
        (N,) float64 in [-1, 1], 1 where identical. Mean over the RGB channels; uniform 7 x 7 px
        window and sample covariance, the defaults of scikit-image, data range 255. The Gaussian
        window of the paper (Wang et al., 2004) gives slightly other values.

    Raises:
        ReplicateError: an image smaller than the window.
    """
    a, b = _pair(a, b)
    if min(a.shape[1:3]) < SSIM_WINDOW:
        raise ReplicateError(
            f"SSIM needs images of at least {SSIM_WINDOW} x {SSIM_WINDOW} px, "
            f"got {a.shape[1]} x {a.shape[2]}"
        )
    return np.array(
        [
            structural_similarity(x, y, win_size=SSIM_WINDOW, channel_axis=-1, data_range=255)
            for x, y in zip(a, b, strict=True)
        ]
    )


def _pair(a: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
    a, b = uint8_images(a, "first set"), uint8_images(b, "second set")
    same_shape(a, b, ("first set", "second set"))
    return a, b
