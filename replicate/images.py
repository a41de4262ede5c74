"""Image files of any mode as upright 8-bit RGB."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from replicate.errors import ReplicateError
from replicate.paths import shown

ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")
# What Pillow's decoders are known to raise on damaged files.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class Undecodable(ReplicateError):
    """An image file whose pixels cannot be had; `reason` is the part in brackets."""

    def __init__(self, path: Path, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{shown(path)} cannot be decoded ({reason}). Replace or delete it; "
            f"`replicate data audit {path.parent.parent.name}` lists every such file of the set."
        )


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image, the mode in which the file stored it, and whether EXIF turned it.

    `deep` tells whether the file has 16 bits a channel; Pillow opens such colour as 8-bit RGB.
    """

    image: Image.Image
    mode: str
    turned: bool
    deep: bool = False


def decode(path: Path) -> Decoded:
    """The image as upright RGB, 8 bit a channel; of several frames, the first.

    Transparency is composited on white. 16-bit grey is scaled by 255/65535 with rounding, never
    clipped (of 16-bit colour, Pillow keeps the high byte, which is the same within one level). CMYK
    follows Pillow's plain formula; colour profiles are ignored.

    Raises:
        Undecodable: the file is truncated, no image, or in a mode with no agreed range (32 bit).
    """
    try:
        with Image.open(path) as opened:
            deep = any(_is_deep(str(tile[3])) for tile in getattr(opened, "tile", ()))
            opened.load()
            turned = opened.getexif().get(ORIENTATION, 1) in range(2, 9)
            upright = ImageOps.exif_transpose(opened) if turned else opened
            return Decoded(_rgb(upright), opened.mode, turned, deep or opened.mode in SIXTEEN_BIT)
    except DAMAGE as error:
        raise Undecodable(path, _reason(path, error)) from error


def _is_deep(raw: str) -> bool:
    """Whether Pillow's name of the stored pixels, such as `RGB;16B`, has 16 bits a channel."""
    return ";16" in raw and "BGR;16" not in raw  # that is 16 bits a pixel


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BIT:
        values = np.asarray(image).astype(np.uint32)
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode}, 32 bit, has no agreed range; save it as 8 or 16 bit")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _reason(path: Path, error: Exception) -> str:
    size = path.stat().st_size if path.exists() else 0
    kilobytes = f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
    if "truncated" in str(error).lower():
        return f"truncated at {kilobytes}"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"no image format recognised, {kilobytes}"
    return f"{str(error) or type(error).__name__}, {kilobytes}"
