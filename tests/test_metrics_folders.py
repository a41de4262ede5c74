"""Scores of folders: what is read, how images are paired, what is said about lossy files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.folders import lossy_note, read_folder, score_folders


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path / "data"))


def folder(path: Path, names: list[str], seed: int = 0, size: int = 32) -> Path:
    path.mkdir()
    rng = np.random.default_rng(seed)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path / name)
    return path


NAMES = [f"{i}.png" for i in range(6)]


def rows(*folders: Path) -> dict:
    return {row.protocol: row for row in score_folders(*folders)}


def test_images_are_read_in_the_order_of_names_as_rgb(tmp_path):
    path = folder(tmp_path / "a", ["b.png"])
    grey = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
    Image.fromarray(grey).save(path / "a.PNG")
    (path / "notes.txt").write_text("not an image")
    (path / "sub").mkdir()
    images, names = read_folder(path)
    assert names == ["a.PNG", "b.png"] and images.shape == (2, 32, 32, 3)
    assert (images[0] == grey[..., None]).all()


def test_unusable_folders_are_named(tmp_path):
    with pytest.raises(ReplicateError, match="nowhere is not a folder"):
        read_folder(tmp_path / "nowhere")
    path = tmp_path / "a"
    path.mkdir()
    with pytest.raises(ReplicateError, match=r"has 0 images .*found nothing"):
        read_folder(path)
    for name in ("a.txt", "b.txt", "c.csv"):
        (path / name).write_text("")
    with pytest.raises(ReplicateError, match=r"found 1 \.csv, 2 \.txt"):
        read_folder(path)
    (path / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ReplicateError, match=r"broken\.png cannot be decoded"):
        read_folder(path)


def test_two_sizes_name_two_files(tmp_path):
    path = folder(tmp_path / "a", ["a.png", "b.png"])
    Image.new("RGB", (40, 32)).save(path / "c.png")
    with pytest.raises(ReplicateError, match=r"a\.png is 32x32, c\.png is 40x32"):
        read_folder(path)


def test_a_folder_with_itself(tmp_path):
    path = folder(tmp_path / "a", NAMES)
    found = rows(path, path)
    assert 0 <= found["fid/standin"].value < 1e-4  # float64 rounding of traces of order 10
    assert found["psnr/skimage"].value == float("inf")
    assert found["psnr/skimage"].note == "identical; paired by file name"
    assert found["fid/inception"].value is None
    assert (tmp_path / "data" / "features").is_dir()


def test_pairs_follow_the_names_and_not_the_order(tmp_path):
    real = folder(tmp_path / "real", NAMES)
    fake = tmp_path / "fake"
    fake.mkdir()
    for name in NAMES:
        Image.open(real / name).save(fake / name.replace("png", "bmp"))
    assert rows(fake, real)["psnr/skimage"].note == "identical; paired by file name"
    (fake / "0.bmp").rename(fake / "9.bmp")
    found = rows(fake, real)["psnr/skimage"]
    assert np.isfinite(found.value)
    assert found.note == "paired by order (names differ): only if the folders are aligned"


def test_other_numbers_or_sizes_are_no_pairs(tmp_path):
    real = folder(tmp_path / "real", NAMES)
    fewer = folder(tmp_path / "fewer", NAMES[:5])
    larger = folder(tmp_path / "larger", NAMES, size=40)
    for fake in (fewer, larger):
        found = rows(fake, real)
        assert "psnr/skimage" not in found and found["fid/standin"].value > 0


def test_source_adds_do_nothing(tmp_path):
    real, fake = folder(tmp_path / "r", NAMES, 0), folder(tmp_path / "f", NAMES, 1)
    assert rows(fake, real, fake)["kid/standin"].do_nothing == rows(fake, real)["kid/standin"].value


def test_lossy_files_are_named_in_every_row(tmp_path):
    real = folder(tmp_path / "real", NAMES)
    fake = folder(tmp_path / "fake", [*NAMES[1:], "x.jpg"], 1)
    said = (
        "LOSSY: fake/ holds 1 lossy file (x.jpg); metrics on JPEG differ from PNG. Re-export as PNG"
    )
    assert all(row.note.endswith(said) for row in rows(fake, real).values())
    assert all("LOSSY" not in row.note for row in rows(real, real).values())
    assert "3 lossy files (a.jpg, b.JPEG, ...)" in lossy_note("fake", ["a.jpg", "b.JPEG", "c.webp"])
