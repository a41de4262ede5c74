"""The one reader of image files: any file of the listed formats, upright, as 8-bit RGB or grey.

`docs/images.md` says for every kind of file what becomes of it.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from replicate.errors import ReplicateError
from replicate.paths import shown

VERSION = 2  # raise it when the same file would give other pixels
# The content of a file decides, never its ending, and no other decoder of Pillow's is started. That
# of JPEG reads MPO, too: several JPEG in one file, as phones and cameras write them.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
# What decoding may change; records and reports use these words.
CHANGES = {
    "16 bit": "scaled from 16 bits a channel",
    "transparent": "put on white where transparent",
    "ink": "converted from CMYK by the plain formula",
    "turned": "turned upright by EXIF",
    "frames": "read as the first of several frames",
}
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")
NO_RANGE = ("I", "F")  # 32 bit
INVERTED = 0x0106, 0  # the TIFF tag for what 0 means, and its value where 0 is white
LOSSY_IN_TIFF = ("jpeg", "tiff_jpeg", "webp", "tiff_sgilog", "tiff_sgilog24")
# Begins of files that people name as images, for the error.
OTHERS = {
    b"%!PS": "EPS", b"\xc5\xd0\xd3\xc6": "EPS", b"%PDF": "PDF", b"8BPS": "Photoshop",
    b"<svg": "SVG", b"<?xml": "XML", b"<html": "HTML", b"<!DOC": "HTML", b"ftyp": "HEIC or AVIF",
}  # fmt: skip
# What Pillow's decoders are known to raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
File = Path | BinaryIO


class Undecodable(ReplicateError):
    """An image file whose pixels cannot be had; `reason` is the part in brackets."""

    def __init__(self, file: File, reason: str, way_out: str = "Replace or delete it") -> None:
        self.reason = reason
        name = shown(file) if isinstance(file, Path) else "an image in memory"
        super().__init__(f"{name} cannot be decoded ({reason}). {way_out}")


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image and what its file holds.

    Attributes:
        image: RGB, 8 bit a channel, unless it is `unconverted`.
        mode: Pillow's name of the stored pixels, such as "RGB", "L", "P", "CMYK", "I;16".
        changes: what decoding changed: a detail by key of `CHANGES`.
        lossy: whether the compression loses detail: JPEG, also inside TIFF, and lossy WebP.
    """

    image: Image.Image
    mode: str
    changes: dict[str, str]
    lossy: bool


@dataclass
class _Stored:
    """A loaded, upright image before its pixels are converted."""

    image: Image.Image
    top: int  # the value of white, where the image has one channel of more than 8 bits
    inverted: bool  # whether 0 is white there
    changes: dict[str, str]
    lossy: bool


def decode(file: File) -> Decoded:
    """The image as upright RGB, 8 bit a channel; of several frames or pages, the first.

    Transparency is composited on white. 16-bit grey is scaled by 255/65535 with rounding, never
    clipped (of 16-bit colour, Pillow keeps the high byte, which is the same within one level). CMYK
    follows Pillow's plain formula; colour profiles are ignored.

    Raises:
        Undecodable: the file is truncated, of no format in `FORMATS`, or in a mode with no agreed
            range (32 bit) or formula (Lab).
    """
    with _stored(file) as stored:
        changes = dict(stored.changes)
        mode = stored.image.mode
        image = _rgb(stored, changes)
    return Decoded(image, mode, changes, stored.lossy)


def read(file: File) -> np.ndarray:
    """(H, W, 3) uint8, the image as `decode` gives it."""
    return np.asarray(decode(file).image)


def grey(file: File) -> np.ndarray:
    """(H, W) float64 in [0, 1]: a mask or a map; 16 bits are not rounded, colours give their luma.

    Raises:
        Undecodable: as `decode`; and where pixels are transparent, which is no value.
    """
    with _stored(file) as stored:
        changes: dict[str, str] = {}
        luma = _rgb(stored, changes).convert("L")
        if "transparent" in changes:
            raise ValueError("transparent pixels stand for no value; save it without transparency")
        return _values(stored) / stored.top if stored.top > 255 else np.asarray(luma) / 255.0


def unconverted(file: File) -> Decoded:
    """As `decode`, but upright alone: in the mode of the file, with labels as they are.

    Raises:
        Undecodable: as `decode`, but for the modes.
    """
    with _stored(file) as stored:
        changes = {key: detail for key, detail in stored.changes.items() if key != "16 bit"}
        return Decoded(stored.image.copy(), stored.image.mode, changes, stored.lossy)


def labels(file: File) -> np.ndarray:
    """(H, W) labels as the file holds them, upright, of a palette its indices; or (H, W, C)."""
    return np.array(unconverted(file).image)


def colours(file: File) -> Image.Image:
    """The image as RGB, 8 bit a channel, with the colours that stand behind transparency.

    Raises:
        Undecodable: as `decode`.
    """
    with _stored(file) as stored:
        return stored.image.convert("RGB")


def read_open(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8: an image in memory, by the rules of `decode` for files.

    Raises:
        Undecodable: as `decode`, for the modes.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "P":  # TIFF would lose which of its colours is transparent
        upright = upright.convert("RGBA")
    file = io.BytesIO()
    upright.save(file, "TIFF")
    file.seek(0)
    return read(file)


def rgb(pixels: np.ndarray) -> Image.Image:
    """An RGB image of an array, (H, W) grey or (H, W, 3), uint8."""
    return Image.fromarray(pixels).convert("RGB")


@contextmanager
def _stored(file: File) -> Iterator[_Stored]:
    """The file, opened and loaded; what fails until the block ends is an error that names it."""
    try:
        with Image.open(file, formats=FORMATS) as opened:
            yield _load(opened)
    except ReplicateError:
        raise
    except DAMAGE as error:
        raise Undecodable(file, _reason(file, error)) from error


def _load(opened: Image.Image) -> _Stored:
    raw = " ".join(str(tile[3]) for tile in getattr(opened, "tile", ()))
    frames = getattr(opened, "n_frames", 1)  # before loading: GIF looks for them in the file
    tags = getattr(opened, "tag_v2", {})  # of TIFF, which Pillow turns while it loads
    orientation = tags.get(ORIENTATION, 1)
    lossy = _is_lossy(opened)
    opened.load()
    if not tags:
        orientation = opened.getexif().get(ORIENTATION, 1)
    changes = {}
    if opened.mode in SIXTEEN_BIT or (";16" in raw and "BGR;16" not in raw):  # 16 bits a pixel
        changes["16 bit"] = f"mode {opened.mode}"
    turn = TURNS.get(orientation)
    if turn is not None:  # FLIP_LEFT_RIGHT is 0
        changes["turned"] = f"{'TIFF' if tags else 'EXIF'} orientation {orientation}"
    if frames > 1:
        changes["frames"] = f"first of {frames}"
    _mend_transparency(opened, raw)
    image = opened.transpose(turn) if turn is not None and not tags else opened
    top = 4095 if "I;12" in raw else 65535
    deep = opened.mode in SIXTEEN_BIT or (opened.format == "PPM" and opened.mode == "I")
    inverted = tags.get(INVERTED[0], 1) == INVERTED[1]
    return _Stored(image, top if deep else 255, inverted, changes, lossy)


def _mend_transparency(image: Image.Image, raw: str) -> None:
    """Brings the transparent colour of a PNG to the scale of its pixels, which Pillow leaves out.

    Pillow widens 2 and 4 bits to 8 and cuts 16 bits of colour to 8, but not this value.
    """
    value = image.info.get("transparency")
    if image.format != "PNG" or value is None:
        return
    if raw in ("L;2", "L;4"):
        image.info["transparency"] = value * (85 if raw == "L;2" else 17)
    elif raw == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)


def _rgb(stored: _Stored, changes: dict[str, str]) -> Image.Image:
    """8-bit RGB; adds to `changes` what that took."""
    image = stored.image
    if stored.top > 255:
        return _scaled(stored, changes)
    if image.mode in NO_RANGE:
        raise ValueError(f"mode {image.mode}, 32 bit, has no agreed range; save it as 8 or 16 bit")
    if image.mode == "LAB":
        raise ValueError("mode LAB is not converted here; save it as RGB")
    if image.mode == "CMYK":
        changes["ink"] = "mode CMYK"
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema()[0] < 255:
            changes["transparent"] = f"mode {image.mode}"
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _scaled(stored: _Stored, changes: dict[str, str]) -> Image.Image:
    """Grey of more than 8 bits as RGB, scaled with rounding."""
    top, values = stored.top, _values(stored).astype(np.uint32)
    changes["16 bit"] = f"mode {stored.image.mode}"
    levels = ((values * 255 + top // 2) // top).astype(np.uint8)
    clear = stored.image.info.get("transparency")
    if clear is not None and (hidden := values == clear).any():
        changes["transparent"] = f"mode {stored.image.mode}"
        levels[hidden] = 255
    return rgb(levels)


def _values(stored: _Stored) -> np.ndarray:
    """(H, W), 0 black and `stored.top` white."""
    values = np.asarray(stored.image)
    return stored.top - values if stored.inverted else values


def _is_lossy(opened: Image.Image) -> bool:
    if opened.format == "WEBP":
        return _webp_is_lossy(opened.fp)
    if opened.format == "TIFF":
        return opened.info.get("compression") in LOSSY_IN_TIFF
    return opened.format in ("JPEG", "MPO")


def _webp_is_lossy(file: BinaryIO) -> bool:
    """Whether the first picture of a WebP is of the lossy kind, by the names of its chunks."""
    before = file.tell()
    file.seek(12)
    while len(head := file.read(8)) == 8 and head[:4] not in (b"VP8 ", b"VP8L"):
        size = int.from_bytes(head[4:], "little")
        file.seek(16 if head[:4] == b"ANMF" else size + size % 2, 1)  # into a frame, past others
    file.seek(before)
    return head[:4] != b"VP8L"


def _reason(file: File, error: Exception) -> str:
    size = _size(file)
    if "truncated" in str(error).lower():
        return f"truncated at {size}"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"no image format recognised, {_inside(file)}{size}"
    return f"{str(error) or type(error).__name__}, {size}"


def _size(file: File) -> str:
    size = file.stat().st_size if isinstance(file, Path) and file.exists() else 0
    return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"


def _inside(file: File) -> str:
    """`EPS inside, expected PNG, ..., ` where the file is of a kind that is known and not read."""
    head = file.read_bytes()[:16] if isinstance(file, Path) else b""
    kind = next((name for start, name in OTHERS.items() if start in head), "")
    return f"{kind} inside, expected one of {', '.join(FORMATS)}; " if kind else ""
