"""Image files of every kind, and that nothing else in the package reads them."""

import ast
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from replicate import images, paths

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (24, 32, 3), np.uint8)
PICTURE = Image.fromarray(PIXELS)


def png(depth: int, colour: int, rows: list[bytes], width: int, clear: bytes = b"") -> bytes:
    """A PNG by hand, for depths that Pillow does not write; `clear` is its tRNS."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content
            + struct.pack(">I", zlib.crc32(name + content))
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = chunk(b"tRNS", clear) if clear else b""
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + middle + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(values: np.ndarray, photometric: int, bits: int) -> bytes:
    """A grey TIFF by hand; rows of an even number of 12-bit values fill whole bytes."""
    if bits == 12:
        pairs = values.reshape(-1, 2).astype(int)
        data = b"".join(bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in pairs)
    else:
        data = values.astype("<u2").tobytes()
    tags = {256: values.shape[1], 257: values.shape[0], 258: bits, 259: 1, 262: photometric}
    tags |= {273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: values.shape[0], 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[images.ORIENTATION] = orientation
    return made


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path, suffix, orientation):
    """By the definition of the tag: which corner row 0 and column 0 of the file belong to."""
    large = PICTURE.resize((256, 192), Image.Resampling.NEAREST)
    upright = {
        1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, -1),
        7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: np.rot90,
    }[orientation](np.asarray(large))  # fmt: skip
    kind = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    large.save(tmp_path / f"x.{suffix}", exif=exif(orientation), **kind.get(suffix, {}))
    found = images.decode(tmp_path / f"x.{suffix}")
    # 3 levels: JPEG's rounding at quality 100; another orientation differs by 80 on average
    off = np.abs(np.asarray(found.image).astype(int) - upright).max()
    assert off <= (3 if suffix == "jpg" else 0)
    assert ("turned" in found.changes) == (orientation > 1)
    assert images.labels(tmp_path / f"x.{suffix}").shape == upright.shape


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path, name):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)  # 257 k is exactly k of 255
    Image.fromarray(values).save(tmp_path / name)
    found = images.decode(tmp_path / name)
    assert np.asarray(found.image)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert list(found.changes) == ["16 bit"]
    assert images.grey(tmp_path / name).tolist() == (values / 65535).tolist()
    assert images.labels(tmp_path / name).tolist() == values.tolist()


def test_16_bit_colour_12_bit_grey_and_white_that_is_0(tmp_path):
    rows = [struct.pack(">6H", *(257 * v for v in (0, 128, 255, 7, 70, 200)))]
    (tmp_path / "rgb.png").write_bytes(png(16, 2, rows, 2))
    assert images.read(tmp_path / "rgb.png").tolist() == [[[0, 128, 255], [7, 70, 200]]]
    assert "16 bit" in images.decode(tmp_path / "rgb.png").changes
    (tmp_path / "12.tif").write_bytes(tiff(np.array([[0, 4095], [2048, 1024]]), 1, 12))
    assert images.read(tmp_path / "12.tif")[..., 0].tolist() == [[0, 255], [128, 64]]
    (tmp_path / "0.tif").write_bytes(tiff(np.array([[0, 65535]]), 0, 16))
    assert images.read(tmp_path / "0.tif")[..., 0].tolist() == [[255, 0]]


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
    assert images.read(path).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    assert images.decode(path).changes == {"transparent": f"mode {mode}"}
    assert images.colours(path).mode == "RGB"
    with pytest.raises(images.Undecodable, match="transparent pixels stand for no value"):
        images.grey(path)


@pytest.mark.parametrize(
    ("depth", "colour", "row", "clear"),
    [  # two pixels, the first of the transparent colour, the second black
        (1, 0, b"\x80", b"\0\1"),
        (2, 0, b"\xc0", b"\0\3"),
        (4, 0, b"\xf0", b"\0\x0f"),
        (16, 0, b"\x12\x34\0\0", b"\x12\x34"),
        (8, 2, b"\1\2\3\0\0\0", b"\0\1\0\2\0\3"),
        (16, 2, b"\1\1\2\2\3\3\0\0\0\0\0\0", b"\1\1\2\2\3\3"),
    ],
)
def test_a_transparent_colour_is_found_at_every_depth(tmp_path, depth, colour, row, clear):
    (tmp_path / "x.png").write_bytes(png(depth, colour, [row], 2, clear))
    assert images.read(tmp_path / "x.png").tolist() == [[[255] * 3, [0] * 3]]
    assert "transparent" in images.decode(tmp_path / "x.png").changes


def test_alpha_that_hides_nothing_changes_nothing(tmp_path):
    PICTURE.convert("RGBA").save(tmp_path / "x.png")
    found = images.decode(tmp_path / "x.png")
    assert (np.asarray(found.image) == PIXELS).all() and found.changes == {}


def test_palette_and_bilevel_images_become_rgb(tmp_path):
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "p.png")
    Image.new("1", (1, 1), 1).save(tmp_path / "1.png")
    assert images.read(tmp_path / "p.png").tolist() == [[[10, 20, 30]]]
    assert images.labels(tmp_path / "p.png").tolist() == [[1]]
    assert images.read(tmp_path / "1.png").tolist() == [[[255, 255, 255]]]


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK").save(tmp_path / "x.jpg", quality=95)
    # 3 levels: JPEG's quantisation at quality 95; an inverted reading would be off by 255
    assert np.abs(images.read(tmp_path / "x.jpg").astype(int) - [255, 0, 0]).max() <= 3
    assert images.decode(tmp_path / "x.jpg").changes == {"ink": "mode CMYK"}
    adobe = (tmp_path / "x.jpg").read_bytes()
    place = adobe.index(b"Adobe") + 11  # its transform: 0 for CMYK, 2 for YCCK
    (tmp_path / "x.jpg").write_bytes(adobe[:place] + b"\2" + adobe[place + 1 :])
    assert images.decode(tmp_path / "x.jpg").mode == "CMYK"  # of YCCK the decoder makes it


@pytest.mark.parametrize("name", ["x.gif", "x.png", "x.webp", "x.tif", "x.jpg"])
def test_of_several_frames_the_first_is_read_and_that_is_said(tmp_path, name):
    kind = {"x.webp": {"lossless": True}, "x.jpg": {"format": "MPO", "quality": 100}}
    frames = [Image.new("RGB", (32, 24), (0, 0, 80 * i)) for i in range(1, 3)]
    Image.new("RGB", (32, 24), (250, 0, 0)).save(
        tmp_path / name, save_all=True, append_images=frames, **kind.get(name, {})
    )
    found = images.decode(tmp_path / name)
    # 2 levels: JPEG's rounding at quality 100
    assert np.abs(np.asarray(found.image).astype(int) - [250, 0, 0]).max() <= 2
    assert found.changes == {"frames": "first of 3"}


def test_lossy_is_what_the_file_holds(tmp_path):
    made = {
        "a.png": {"format": "JPEG"}, "b.tif": {"compression": "jpeg"}, "c.bmp": {"format": "WEBP"},
        "d.png": {"format": "JPEG", "progressive": True}, "e.png": {"format": "MPO"},
    }  # fmt: skip
    for name, options in made.items():
        PICTURE.save(tmp_path / name, **options)
        assert images.decode(tmp_path / name).lossy, name
    lossless = {
        "a.jpg": {"format": "PNG"}, "b.tif": {"compression": "tiff_lzw"}, "c.gif": {},
        "d.webp": {"lossless": True}, "e.webp": {"lossless": True, "save_all": True,
        "append_images": [PICTURE.rotate(90)]}, "f.jpg": {"format": "PPM"}, "G.PNG": {},
    }  # fmt: skip
    for name, options in lossless.items():
        PICTURE.save(tmp_path / name, **options)
        assert not images.decode(tmp_path / name).lossy, name


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_a_mode_without_an_agreed_range_is_refused(tmp_path, dtype):
    Image.fromarray(np.ones((4, 4), dtype)).save(tmp_path / "x.tif")
    with pytest.raises(images.Undecodable, match="no agreed range; save it as 8 or 16 bit"):
        images.decode(tmp_path / "x.tif")
    assert (images.labels(tmp_path / "x.tif") == 1).all()
    Image.new("LAB", (4, 4)).save(tmp_path / "lab.tif")
    with pytest.raises(images.Undecodable, match="LAB is not converted here; save it as RGB"):
        images.decode(tmp_path / "lab.tif")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no image format recognised, 0 bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "bytes"),
        (b"<html>not found</html>", "HTML inside, expected one of PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "EPS inside"),
        (b"\0\0\0\x20ftypheic" + bytes(40), "HEIC or AVIF inside"),
        (b"P6 0 0 255\n", "bytes"),
    ],
)
def test_what_is_no_image_of_the_list_is_undecodable(tmp_path, content, reason):
    (tmp_path / "x.png").write_bytes(content)
    for reads in (images.decode, images.grey, images.labels, images.colours):
        with pytest.raises(images.Undecodable, match=reason):
            reads(tmp_path / "x.png")


def test_an_eps_never_starts_its_interpreter(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("started"))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "x.png").write_bytes(eps)
    with pytest.raises(images.Undecodable, match="EPS inside"):
        images.decode(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "gif", "bmp", "ppm"])
def test_a_truncated_file_is_named(tmp_path, suffix):
    file = tmp_path / f"x.{suffix}"
    PICTURE.save(file)
    whole = file.read_bytes()
    for length in (1, len(whole) // 2):
        file.write_bytes(whole[:length])
        with pytest.raises(images.Undecodable, match=rf"x\.{suffix} cannot be decoded"):
            images.decode(file)


def test_an_image_in_memory_is_read_like_a_file():
    stream = io.BytesIO()
    PICTURE.save(stream, "PNG")
    assert (images.read(stream) == PIXELS).all()
    with pytest.raises(images.Undecodable, match="an image in memory cannot be decoded"):
        images.read(io.BytesIO(b"x"))


# The one reader


def opened_or_converted(source: str) -> list[str]:
    """Calls that open an image file or change the mode of an image, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if not isinstance(called, ast.Attribute):
            continue
        owner = called.value.id if isinstance(called.value, ast.Name) else ""
        opens = called.attr == "open" and owner == "Image"
        if (called.attr, owner) == ("convert", "official"):  # tensors of weights, not an image
            continue
        if opens or called.attr in ("convert", "exif_transpose", "imread"):
            found.append(f"line {node.lineno}: {called.attr}")
    return found


def test_nothing_else_opens_or_converts_images():
    # its own drawing of the package scikit-image; the file is part of what its images are
    exempt = {"images.py", "datasets/drawn.py"}
    package = paths.ROOT / "replicate"
    files = {f.relative_to(package).as_posix(): f.read_text() for f in package.rglob("*.py")}
    found = {name: opened_or_converted(text) for name, text in files.items()}
    assert {name for name, calls in found.items() if calls} == exempt
    assert opened_or_converted("a.convert('RGB'); Image.open(b); open(c)") == [
        "line 1: convert", "line 1: open",
    ]  # fmt: skip
