"""The numbers behind the faults, as pure functions of images (N, H, W, 3) uint8 and maps."""

import numpy as np

BESIDE = (2, 3, 4)  # lines of frequencies from the Nyquist ones
MOST = 256  # images that are compared in pairs; more would take memory and tell nothing new


def correlation(source: np.ndarray, made: np.ndarray) -> float:
    """How far translations go with their inputs: 1 where equal, -1 where inverted.

    Args:
        source: inputs.
        made: their translations, of the same shape.

    Returns:
        Pearson's correlation over the pixels of an image, each channel about its own mean, averaged
        over images; an image of one colour counts 0.
    """
    return float(np.mean([_correlation(*pair) for pair in zip(source, made, strict=True)]))


def change(source: np.ndarray, made: np.ndarray) -> float:
    """Mean absolute difference of translations and inputs, in grey levels of 255."""
    pairs = zip(source, made, strict=True)
    return float(np.mean([np.abs(y.astype(np.float64) - x).mean() for x, y in pairs]))


def checkerboard(made: np.ndarray, real: np.ndarray) -> float:
    """Amplitude at the Nyquist frequencies beyond that of real images.

    Args:
        made: translations, with sides of 16 px or more.
        real: images of the target domain.

    Returns:
        The alternation of `made`, without what the neighbouring frequencies have too, as stripes
        and noise do; over all that alternates in `real`. Both are root mean squares in grey levels;
        that of real images counts as 1 where it is less, because nobody sees so little.
    """
    return alternation(made) / max(_nyquist(real)[0] ** 0.5, 1.0)


def alternation(images: np.ndarray) -> float:
    """Root mean square of what alternates from row to row or column to column, in their unit.

    Args:
        images: (N, H, W, C) of any unit, with sides of 16 px or more.

    Returns:
        That of the Nyquist frequencies less that of their neighbours.
    """
    alternating, beside = _nyquist(images)
    return max(alternating - beside, 0.0) ** 0.5


def likeness(made: np.ndarray, real: np.ndarray) -> float:
    """Median distance between two translations over that between two real images, which is 1.

    The median, because a generator that has a few modes, or one for most inputs, gives many pairs
    that are nearly alike. Distances are root mean squares over pixels.

    Returns:
        0 where more than half of all pairs are alike; NaN with fewer than two images, or where the
        real ones are alike.
    """
    n = min(len(made), len(real), MOST)
    spread = _median_distance(real[:n])
    return _median_distance(made[:n]) / spread if spread > 0 else float("nan")


def contrast(maps: np.ndarray) -> float:
    """Standard deviation of a map over its pixels, averaged over (N, H, W) maps in [0, 1]."""
    return float(maps.std(axis=(1, 2), dtype=np.float64).mean())


def ends(maps: np.ndarray) -> float:
    """Distance of the maps' mean to 0 or 1, whichever is nearer; maps (N, H, W) in [0, 1]."""
    mean = float(maps.mean(dtype=np.float64))
    return min(mean, 1 - mean)


def _centred(image: np.ndarray) -> np.ndarray:
    image = image.astype(np.float64)
    return image - image.mean(axis=(0, 1))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = _centred(x), _centred(y)
    scale = np.sqrt((x * x).sum() * (y * y).sum())
    return (x * y).sum() / scale if scale > 0 else 0.0


def _nyquist(images: np.ndarray) -> tuple[float, float]:
    """Energy on the two lines of Nyquist frequencies, and the mean of lines beside them."""
    h, w = (side // 2 * 2 for side in images.shape[1:3])
    power = sum(np.abs(np.fft.fft2(_centred(image[:h, :w]), axes=(0, 1))) ** 2 for image in images)
    power = power.mean(axis=2) / len(images) / (h * w) ** 2  # its sum is the variance
    down, across = power.sum(1), power.sum(0)
    alternating = down[h // 2] + across[w // 2] - power[h // 2, w // 2]  # stands in both lines
    beside = np.mean([down[h // 2 - k] + across[w // 2 - k] for k in BESIDE])
    return float(alternating), float(beside)


def _median_distance(images: np.ndarray) -> float:
    if len(images) < 2:
        return float("nan")
    flat = images.reshape(len(images), -1).astype(np.float32)  # 256 of 256 px are 200 MB
    flat -= flat.mean(0)
    squared = (flat**2).sum(1)
    distances = squared[:, None] + squared - 2 * (flat @ flat.T)
    pairs = distances[np.triu_indices(len(images), 1)].astype(np.float64)
    return float(np.sqrt(np.median(np.maximum(pairs, 0)) / flat.shape[1]))
