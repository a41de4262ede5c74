"""Folders are scored as their pictures look, whatever the files hold, and the rows say so."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate import images
from replicate.errors import ReplicateError
from replicate.metrics.folders import score_folders
from replicate.metrics.images import Folder
from replicate.metrics.pixels import read
from replicate.metrics.protocols import NEGATIVE

RNG = np.random.default_rng(0)
PICTURES = [Image.fromarray(RNG.integers(0, 256, (32, 40, 3), np.uint8)) for _ in range(6)]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path / "data"))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return saved(tmp_path / "plain", lambda picture, file: picture.save(file))


def saved(folder: Path, save, name: str = "{}.png") -> Path:
    folder.mkdir()
    for i, picture in enumerate(PICTURES):
        save(picture, folder / name.format(i))
    return folder


def scores(fake: Path, real: Path, *ids: str, **more) -> dict:
    rows = score_folders({"fake": fake, "real": real}, list(ids) or None, offline=True, **more)
    return {row.protocol: row for row in rows}


def lying(picture: Image.Image, file: Path) -> None:
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(file, exif=exif)


def deep(picture: Image.Image, file: Path) -> None:
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(file)


def clear(picture: Image.Image, file: Path) -> None:
    picture.putalpha(Image.fromarray(np.tile(np.array([0, 255], np.uint8), (32, 20))))
    picture.save(file)


def first_of_two(picture: Image.Image, file: Path) -> None:
    picture.save(file, format="PNG", save_all=True, append_images=[picture.rotate(180)])


@pytest.mark.parametrize(
    ("save", "looks", "said"),
    [
        (lying, lambda p, f: p.save(f), "6 turned upright by EXIF"),
        (deep, lambda p, f: p.convert("L").save(f), "6 scaled from 16 bits a channel"),
        (first_of_two, lambda p, f: p.save(f), "6 read as the first of several frames"),
    ],
)
def test_what_looks_the_same_scores_the_same(tmp_path, save, looks, said):
    stored, seen = saved(tmp_path / "stored", save), saved(tmp_path / "seen", looks)
    found = scores(stored, seen)
    assert found["psnr/skimage"].value == float("inf")
    fid = found["fid/efficientnet-lite0"].value
    assert fid == pytest.approx(0, abs=1e-4)  # rounding of traces near 10
    assert all(f"DECODED: fake: {said}, of 6 images" in row.note for row in found.values())
    assert all("DECODED" not in row.note for row in scores(seen, seen).values())
    assert list(Folder(stored).survey.sizes) == [(40, 32)]  # upright


def test_transparent_images_are_scored_on_white(tmp_path, plain):
    fake = saved(tmp_path / "clear", lambda p, f: clear(p.copy(), f))
    white = tmp_path / "white"
    white.mkdir()
    for file in sorted(fake.iterdir()):
        layer = Image.open(file)
        under = Image.new("RGBA", layer.size, "white")
        Image.alpha_composite(under, layer).convert("RGB").save(white / file.name)
    assert scores(fake, white)["psnr/skimage"].value == float("inf")
    assert scores(fake, plain)["psnr/skimage"].value < 20  # half of every picture differs
    assert "6 put on white where transparent" in scores(fake, white)["psnr/skimage"].note


def test_cached_features_of_another_decoder_are_not_taken(plain, monkeypatch):
    before = Folder(plain).digest()
    monkeypatch.setattr(images, "VERSION", images.VERSION + 1)
    assert Folder(plain).digest() != before


def test_lossy_content_is_refused_whatever_its_ending(tmp_path, plain):
    jpeg = saved(tmp_path / "jpeg", lambda p, f: p.save(f, format="JPEG"))
    with pytest.raises(ReplicateError, match=r"jpeg/ holds 6 lossy files \(0\.png, 1\.png, \.\.\."):
        scores(jpeg, plain)
    inside = saved(tmp_path / "tiff", lambda p, f: p.save(f, compression="jpeg"), "{}.tif")
    with pytest.raises(ReplicateError, match=r"tiff/ holds 6 lossy files \(0\.tif"):
        scores(inside, plain)
    named = saved(tmp_path / "named", lambda p, f: p.save(f, format="PNG"), "{}.jpg")
    assert scores(named, plain)["psnr/skimage"].value == float("inf")
    kept = saved(tmp_path / "webp", lambda p, f: p.save(f, lossless=True), "{}.webp")
    assert scores(kept, plain)["psnr/skimage"].value == float("inf")


def test_pairs_are_found_by_number_and_unaligned_folders_have_none(tmp_path, plain):
    padded = saved(tmp_path / "padded", lambda p, f: p.save(f), "000{}.png")
    assert scores(plain, padded, "psnr/skimage")["psnr/skimage"].value == float("inf")
    other = saved(tmp_path / "other", lambda p, f: p.save(f), "zebra_{}.png")
    assert "psnr/skimage" not in scores(plain, other)
    with pytest.raises(ReplicateError, match=r"6 of .*other have no partner"):
        scores(plain, other, "psnr/skimage")


def test_what_is_left_out_is_said_and_taken_on_request(tmp_path, plain):
    (plain / "more").mkdir()
    PICTURES[0].save(plain / "more" / "0.png")
    (plain / "notes.txt").touch()
    real = saved(tmp_path / "real", lambda p, f: p.save(f))
    row = scores(plain, real)["fid/efficientnet-lite0"]
    assert row.n_fake == 6
    assert "LEFT OUT of fake: 1 folder (more/ with 1 image), 1 .txt (notes.txt)" in row.note
    assert scores(plain, real, subfolders=True)["fid/efficientnet-lite0"].n_fake == 7


def test_masks_maps_and_labels_come_from_the_same_reader(tmp_path):
    values = np.array([[0, 1], [0, 0]], np.uint16)
    Image.fromarray(values).save(tmp_path / "mask.png")  # 16 bit: scaled to 8 it would be empty
    assert (read("mask", tmp_path / "mask.png") == (values > 0)).all()
    Image.fromarray(values * 65535).save(tmp_path / "map.png")
    assert (read("attention", tmp_path / "map.png") == values).all()
    exif = Image.Exif()
    exif[images.ORIENTATION] = 3
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "turned.png", exif=exif)
    for kind in ("labels", "mask"):
        assert (read(kind, tmp_path / "turned.png") == values[::-1, ::-1]).all()
    Image.new("LA", (2, 2), (255, 0)).save(tmp_path / "clear.png")
    for kind in ("mask", "attention"):
        with pytest.raises(ReplicateError, match="transparent pixels stand for no value"):
            read(kind, tmp_path / "clear.png")


def test_rows_of_kid_say_what_a_negative_value_means(plain):
    found = scores(plain, plain)
    assert NEGATIVE in found["kid/efficientnet-lite0"].note and "; " not in NEGATIVE
    assert NEGATIVE not in found["fid/efficientnet-lite0"].note
