"""Image files of every mode."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate import images


def decoded(path: Path) -> np.ndarray:
    return np.asarray(images.decode(path).image)


def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)  # 257 k is exactly k of 255
    for name in ("x.png", "x.tif"):
        Image.fromarray(values).save(tmp_path / name)
        assert decoded(tmp_path / name)[0, :, 0].tolist() == [0, 1, 128, 255]
        assert images.decode(tmp_path / name).mode == "I;16"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L"])
def test_transparency_is_composited_on_white(tmp_path, mode):
    path = tmp_path / "x.png"
    if mode in ("RGBA", "LA"):
        image = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
        image.putpixel((1, 0), (0, 0, 0, 0))
        image.convert(mode).save(path)
    else:
        image = Image.new(mode, (2, 1), 0)
        image.putpixel((1, 0), 1)
        if mode == "P":
            image.putpalette([0, 0, 0, 0, 0, 0])
            image.save(path, transparency=b"\xff\x00")
        else:
            image.save(path, transparency=1)
    assert decoded(path).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_palette_and_bilevel_images_become_rgb(tmp_path):
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "p.png")
    Image.new("1", (1, 1), 1).save(tmp_path / "1.png")
    assert decoded(tmp_path / "p.png").tolist() == [[[10, 20, 30]]]
    assert decoded(tmp_path / "1.png").tolist() == [[[255, 255, 255]]]


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK").save(tmp_path / "x.jpg", quality=95)
    # 3 levels: JPEG's quantisation at quality 95; an inverted reading would be off by 255
    assert np.abs(decoded(tmp_path / "x.jpg").astype(int) - [255, 0, 0]).max() <= 3


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (32, 16))
    image.paste((255, 255, 255), (0, 0, 16, 16))  # the left half is white
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6  # upright after a quarter turn clockwise: left becomes top
    image.save(tmp_path / "x.png", exif=exif)
    found = images.decode(tmp_path / "x.png")
    assert found.turned and found.image.size == (16, 32)
    assert np.asarray(found.image)[:, 0, 0].tolist() == [255] * 16 + [0] * 16


def test_a_mode_without_an_agreed_range_is_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(images.Undecodable, match="no agreed range; save it as 8 or 16 bit"):
        images.decode(tmp_path / "x.tif")


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]
)
def test_what_is_no_image_is_undecodable(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(images.Undecodable, match="bytes"):
        images.decode(tmp_path / "x.png")
