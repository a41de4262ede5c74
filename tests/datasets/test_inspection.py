"""What is found in one image file: depth, damage that decoders do not tell, label colours."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import picture

from replicate.datasets.audit import FEW, Inspected, inspect, jpeg_damage, off_palette
from replicate.datasets.palettes import Palette

CLASSES = np.array([(0, 0, 222), (255, 80, 0), (255, 240, 1)], np.uint8)
LABELS = Palette("pairs", "label", 64, ("wall", "window", "door"), CLASSES)


def seen(path: Path) -> Inspected:
    return inspect(path, ("photo",), None)


def png_of_16_bits(values: np.ndarray) -> bytes:
    """A PNG with 16 bits a channel and three channels, which Pillow reads but cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checked)

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_16_bits_a_channel_are_told_of_grey_and_of_colour(tmp_path):
    values = np.random.default_rng(0).integers(0, 2**16, (70, 80, 3)).astype(np.uint16)
    (tmp_path / "colour.png").write_bytes(png_of_16_bits(values))
    Image.fromarray(values[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(values[..., 0]).save(tmp_path / "grey.tif")
    picture(0, (80, 70)).save(tmp_path / "eight.png")
    faults = {path.name: set(seen(path).faults) for path in tmp_path.iterdir()}
    assert faults == {
        "colour.png": {"16 bit"},
        "grey.png": {"16 bit", "grey"},
        "grey.tif": {"16 bit", "grey"},
        "eight.png": set(),
    }


def test_a_sideways_image_is_told_and_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(0, (80, 70)).save(tmp_path / "x.jpg", exif=exif)
    found = seen(tmp_path / "x.jpg")
    assert list(found.faults) == ["turned"] and found.size == (70, 80)


@pytest.mark.parametrize("tinted, grey", [(56, True), (57, False)])
def test_grey_allows_one_pixel_in_a_hundred_to_be_tinted(tmp_path, tinted, grey):
    pixels = np.repeat(np.arange(5600, dtype=np.uint8).reshape(70, 80, 1) // 2, 3, axis=2)
    pixels.reshape(-1, 3)[:tinted, 0] ^= 8
    Image.fromarray(pixels).save(tmp_path / "x.png")
    assert ("grey" in seen(tmp_path / "x.png").faults) == grey


def jpeg(**how: object) -> bytearray:
    stream = io.BytesIO()
    picture(1, (160, 120)).save(stream, "JPEG", **how)
    return bytearray(stream.getvalue())


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"progressive": True},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 3, "progressive": True},
        {"optimize": True, "comment": b"\xff\xa3 in a comment is no marker"},
    ],
    ids=str,
)
def test_whole_jpegs_of_every_kind_are_not_damaged(how):
    assert jpeg_damage(bytes(jpeg(**how))) is None
    assert jpeg_damage(bytes(jpeg(**how)) + b"\xff\xa3 after the end") is None


@pytest.mark.parametrize("marker", [b"\xff\xd0", b"\xff\xd7", b"\xff\x01"])
def test_a_jpeg_that_decodes_with_wrong_pixels_is_told(tmp_path, marker):
    content = jpeg()
    place = len(content) // 2
    content[place - 1 : place + 3] = b"\0" + marker + b"\0"
    (tmp_path / "x.jpg").write_bytes(content)
    found = seen(tmp_path / "x.jpg")
    told = f"stray marker FF {marker[1]:02X} at byte {place}"
    assert found.faults == {"corrupt": told} and found.size == (160, 120)


def test_what_is_no_jpeg_or_has_no_pixels_is_left_to_the_decoder():
    assert (
        jpeg_damage(b"")
        is jpeg_damage(b"\x89PNG\xff\xa3")
        is jpeg_damage(b"\xff\xd8\xff\xe0\0\x04ab")
        is None
    )
    assert jpeg_damage(bytes(jpeg()[:-2])) == "no end of image"


def labels(patch: int = 0, colour: tuple[int, ...] = (0, 160, 0)) -> np.ndarray:
    """A map of three classes with a square of another colour."""
    image = np.empty((64, 64, 3), np.uint8)
    image[:], image[8:24, 8:24], image[40:, 40:] = CLASSES
    image[26 : 26 + patch, 26 : 26 + patch] = colour
    return image


def saved_as_jpeg(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def test_label_colours_are_near_a_class_also_after_jpeg_and_resizing():
    assert off_palette(labels(), LABELS) == ""
    assert off_palette(saved_as_jpeg(labels()), LABELS) == ""
    small = Image.fromarray(labels()).resize((48, 48), Image.Resampling.BICUBIC)
    assert off_palette(np.asarray(small), LABELS) == ""


def test_a_patch_of_another_colour_counts_from_its_flat_inside():
    assert FEW == 8  # the inside of 4 x 4 is 2 x 2, that of 5 x 5 is 3 x 3
    assert off_palette(labels(4), LABELS) == ""
    assert off_palette(labels(5), LABELS) == (
        "0.22 % of the pixels, most often (0, 160, 0), 267 levels from window"
    )
    assert off_palette(saved_as_jpeg(labels(24)), LABELS)


@pytest.mark.parametrize("far, found", [(16, False), (17, True)])
def test_the_distance_from_a_class_that_is_still_near(far, found):
    text = off_palette(labels(12, (0, 0, 222 - far)), LABELS)
    assert bool(text) == found and text.endswith(f"{far} levels from wall" if found else "")


def test_noise_and_photographs_are_no_label_maps():
    noise = np.asarray(picture(0, (64, 64)))  # nothing in it is flat
    assert off_palette(noise, LABELS).startswith("9")
    assert off_palette(np.asarray(picture(0, (2, 2))), LABELS)  # smaller than a neighbourhood
