"""A picture of any size through a network of one size, and back to the size that it had."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from PIL import Image

from replicate.errors import ReplicateError, unknown
from replicate.images import rgb

Fit = Literal["pad", "squash", "crop", "tile"]
FITS: tuple[str, ...] = get_args(Fit)
OVERLAP = 4  # a quarter of a tile's side is shared with the next one
STRIDES = (4, 32, 256)  # px; a network at full size halves the image 2, 5 or 8 times


class Made(NamedTuple):
    """A translation (H, W, 3) uint8, and its attention map (H, W) in [0, 1] or None."""

    image: np.ndarray
    attention: np.ndarray | None


# (N, H, W, 3) uint8 in; the same shape and (N, H, W) or None out
Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


def fitted(pixels: np.ndarray, side: int, fit: str, network: Network) -> Made:
    """The translation, in the size of `pixels` (of its middle square with "crop").

    Args:
        pixels: (H, W, 3) uint8.
        side: px; of the squares that the network takes.
        fit: "pad" keeps the aspect: the longer side becomes `side`, the rest is mirrored and cut
            away afterwards; "squash" stretches to a square; "crop" takes the middle square; "tile"
            covers the picture at its own scale with overlapping squares.

    Raises:
        UnknownName: another `fit`.
    """
    if fit not in FITS:
        raise unknown("fit", fit, FITS)
    if fit == "tile":
        return _tiled(pixels, side, network)
    if fit == "crop":
        pixels = _middle(pixels)
    height, width = pixels.shape[:2]
    long = side / max(height, width)
    h, w = (side, side) if fit != "pad" else (max(1, round(height * long)),
                                              max(1, round(width * long)))  # fmt: skip
    top, left = (side - h) // 2, (side - w) // 2
    inside = _padded(_resized(pixels, h, w), (top, side - h - top), (left, side - w - left))
    made, seen = network(inside[None])
    window = (slice(top, top + h), slice(left, left + w))
    image = _resized(made[0][window], height, width)
    return Made(image, None if seen is None else _stretched(seen[0][window], height, width))


def native(pixels: np.ndarray, network: Network) -> Made:
    """The translation at full size, by a network that is convolutional throughout.

    Raises:
        ReplicateError: the network takes no image of this size.
    """
    height, width = pixels.shape[:2]
    for stride in STRIDES:
        down, right = -height % stride, -width % stride
        try:
            made, seen = network(_padded(pixels, (0, down), (0, right))[None])
        except (RuntimeError, ReplicateError) as error:  # about shapes: another stride may do
            reason = str(error).partition("\n")[0]
            if "memory" in reason.lower():
                break
            continue
        if made.shape[1:3] == (height + down, width + right):
            window = (slice(0, height), slice(0, width))
            return Made(made[0][window], None if seen is None else seen[0][window])
        reason = f"it gives {made.shape[2]}x{made.shape[1]} px"
    raise ReplicateError(
        f"the network cannot translate {width}x{height} px at once ({reason}); expected one that "
        "is convolutional throughout, and memory for it. Take --fit tile, or a --size in px"
    )


def _tiled(pixels: np.ndarray, side: int, network: Network) -> Made:
    """Squares of `side` px that overlap and fade into one another."""
    height, width = pixels.shape[:2]
    whole = _padded(pixels, (0, max(0, side - height)), (0, max(0, side - width)))
    fade = _fade(side)
    total = np.zeros(whole.shape[:2])
    image, attention = np.zeros(whole.shape), np.zeros(whole.shape[:2])
    has_map = False
    for top in _starts(whole.shape[0], side):
        for left in _starts(whole.shape[1], side):
            window = (slice(top, top + side), slice(left, left + side))
            made, seen = network(whole[window][None])
            total[window] += fade
            image[window] += made[0] * fade[..., None]
            if seen is not None:
                has_map = True
                attention[window] += seen[0] * fade
    part = (slice(0, height), slice(0, width))
    mean = (image / total[..., None]).round().astype(np.uint8)
    return Made(mean[part], (attention / total)[part] if has_map else None)


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin, so that the last one ends at `length`."""
    steps = max(1, side - side // OVERLAP)
    count = 1 + -(-(length - side) // steps)
    return [round(i * (length - side) / max(1, count - 1)) for i in range(count)]


def _fade(side: int) -> np.ndarray:
    """(side, side): weights that fall towards the border, nowhere to 0."""
    ramp = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
    line = np.minimum(ramp / max(1, side // OVERLAP), 1.0)
    return np.outer(line, line)


def _middle(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _padded(pixels: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Mirrored at its borders, as often as it takes."""
    return np.pad(pixels, (rows, columns, (0, 0)), mode="symmetric")


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic with antialiasing, as images are packed."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(rgb(pixels).resize((width, height), Image.Resampling.BICUBIC))


def _stretched(grey: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map (h, w) in [0, 1] at another size, bilinear."""
    image = Image.fromarray(grey.astype(np.float32))
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized).clip(0, 1)
