"""What is wrong or odd in one image file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicate.datasets import jpeg
from replicate.datasets.palettes import Palette
from replicate.images import CHANGES, Decoded, Undecodable, decode

# Of a file alone, then against the other files; a report lists them in this order.
FAULTS = {
    "corrupt": "cannot be decoded, or its data are broken",
    "truncated": "ends before its last pixel",
    "odd width": "no pair side by side",
    "grey": "stored grey, or equal in all channels",
    "palette": "stored with a palette of at most 256 colours",
    "tiny": "shorter side below 64 px",
    "extreme aspect": "longer side over 2.5 times the shorter one",
    **CHANGES,
    "same stem": "differs by its ending only from another file of the folder",
    "off palette": "label colours that belong to no class",
    "leak": "equal pixels in train and test",
    "duplicate": "equal pixels within a split",
}
TINY = 64  # px; a shorter side is enlarged at every size that this project trains at
ASPECT = 2.5  # the squeeze to a square distorts shapes as much
GREY = 4  # levels between channels, in all but 1 % of the pixels: JPEG tints the seam of a pair
# Of label maps. On the 506 of facades at most 4 flat px are over 16 levels from every class, and at
# most 33 % of all pixels over 60; on photographs at least 255 flat px and 99 %. JPEG leaves nothing
# flat in a patch of 12 px or less, which is then not found.
FLAT = 4  # levels within 3 x 3 px
NEAR = 16  # levels (L2) from a class in a flat area
FEW = 8  # px, flat and not near
FAR = 60  # levels from every class, anywhere: even lines between classes are mostly nearer
MOST = 0.5  # of the pixels


@dataclass(frozen=True)
class Inspected:
    """One file: how it is stored, a hash of its pixels, and its faults with a detail each.

    `mode`, `size` (width, height; px) and `pixels` are empty where it cannot be decoded.
    """

    mode: str
    size: tuple[int, ...]
    pixels: str
    faults: dict[str, str]


def inspect(path: Path, parts: tuple[str, ...], palette: Palette | None) -> Inspected:
    """The findings of one file.

    Args:
        parts: the domains that the file holds: one, or those of the left and of the right half.
        palette: of the set's label maps, where one is known.
    """
    try:
        decoded = decode(path)
    except Undecodable as error:
        kind = "truncated" if error.reason.startswith("truncated") else "corrupt"
        return Inspected("", (), "", {kind: error.reason})
    pixels = np.asarray(decoded.image)
    faults = _stored(path, decoded)
    width = pixels.shape[1]
    if len(parts) == 2 and width % 2:
        faults["odd width"] = f"{width} px"
    parts = parts if width >= len(parts) else parts[:1]
    halves = np.split(pixels[:, : width // len(parts) * len(parts)], len(parts), axis=1)
    faults |= _shape(halves[0])
    if grey := [part for half, part in zip(halves, parts, strict=True) if _is_grey(half)]:
        faults["grey"] = f"mode {decoded.mode}" if len(parts) == 1 else " and ".join(grey)
    for half, part in zip(halves, parts, strict=True):
        if palette is not None and part == palette.domain and (off := off_palette(half, palette)):
            faults["off palette"] = off
    content = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Inspected(decoded.mode, decoded.image.size, content, faults)


def off_palette(image: np.ndarray, palette: Palette) -> str:
    """How far a label map is from the colours of its classes, in words; empty where it is not.

    Args:
        image: (H, W, 3) uint8. Lines of mixed colours between classes, as resizing and JPEG make
            them, are no fault: flat areas must be near a class, and most pixels not far from all.
    """
    distance, nearest = _nearest(image, palette.colours)
    wrong = _is_flat(image) & (distance > NEAR)
    if wrong.sum() <= FEW:
        wrong = distance > FAR
        if wrong.mean() <= MOST:
            return ""
    colours, counts = np.unique(image[wrong], axis=0, return_counts=True)
    common = colours[counts.argmax()]
    y, x = np.argwhere(wrong & (image == common).all(axis=2))[0]
    return (
        f"{100 * wrong.mean():.2g} % of the pixels, most often {tuple(map(int, common))}, "
        f"{distance[y, x]:.0f} levels from {palette.names[nearest[y, x]]}"
    )


def _nearest(image: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) each: the distance to the nearest colour (levels, L2), and which one it is."""
    channels = np.moveaxis(image, 2, 0).astype(np.int32)
    least = np.full(image.shape[:2], 4 * 255**2, np.int32)
    nearest = np.zeros(image.shape[:2], np.uint8)
    for i, colour in enumerate(colours.tolist()):  # one at a time, to hold few arrays
        square = sum((c - level) ** 2 for c, level in zip(channels, colour, strict=True))
        nearest[square < least] = i
        np.minimum(least, square, out=least)
    return np.sqrt(least), nearest


def _is_flat(image: np.ndarray) -> np.ndarray:
    """(H, W) bool: whether the 3 x 3 px around differ by at most `FLAT` levels; edges do not."""
    flat = np.zeros(image.shape[:2], bool)
    if min(flat.shape) >= 3:
        flat[1:-1, 1:-1] = True
        for channel in np.moveaxis(image, 2, 0):
            around = np.lib.stride_tricks.sliding_window_view(channel, (3, 3))
            high, low = around[..., 0, 0], around[..., 0, 0]
            for y, x in np.ndindex(3, 3):
                high = np.maximum(high, around[..., y, x])
                low = np.minimum(low, around[..., y, x])
            flat[1:-1, 1:-1] &= high - low <= FLAT
    return flat


def _stored(path: Path, decoded: Decoded) -> dict[str, str]:
    """Faults of the way in which the file holds its pixels."""
    faults = {}
    if damage := jpeg.damage(path.read_bytes()):
        faults["corrupt"] = damage
    if decoded.mode in ("P", "PA"):
        faults["palette"] = f"mode {decoded.mode}"
    return faults | decoded.changes


def _shape(image: np.ndarray) -> dict[str, str]:
    height, width = image.shape[:2]
    short, long = sorted((width, height))
    faults = {"tiny": f"{width}x{height} px"} if short < TINY else {}
    if long > ASPECT * short:
        faults["extreme aspect"] = f"{width}x{height} px, {long / max(short, 1):.1f} to 1"
    return faults


def _is_grey(image: np.ndarray) -> bool:
    red, green, blue = np.moveaxis(image, 2, 0)  # a maximum along the last axis is 20 times slower
    high, low = (f(f(red, green), blue) for f in (np.maximum, np.minimum))
    return bool((high - low > GREY).mean() <= 0.01)
