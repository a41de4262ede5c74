"""Image sets: order, sizes, digests, and folders that cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.images import Folder, Stack, image_list


def pixels(seed: int, height: int = 8, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of two sizes whose order by name is not the order of writing."""
    for name, seed, width in (("c.png", 2, 8), ("a.PNG", 0, 8), ("b.bmp", 1, 12)):
        Image.fromarray(pixels(seed, 8, width)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "sub.png").mkdir()
    return tmp_path


def test_a_folder_is_read_in_the_order_of_names_any_number_of_times(folder):
    images = Folder(folder)
    assert images.names == ["a.PNG", "b.bmp", "c.png"] and len(images) == 3
    for _ in range(2):
        found = list(images)
        assert [image.shape for image in found] == [(8, 8, 3), (8, 12, 3), (8, 8, 3)]
        assert (found[1] == pixels(1, 8, 12)).all()
    assert images.survey.sizes == {(8, 8): 2, (12, 8): 1}  # (width, height)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "I;16"])
def test_other_modes_become_rgb(tmp_path, mode):
    made = (
        Image.fromarray(np.full((8, 8), 40000, np.uint16))
        if mode == "I;16"
        else Image.fromarray(pixels(0)).convert(mode)
    )
    made.save(tmp_path / "a.png")
    (found,) = Folder(tmp_path)
    assert found.shape == (8, 8, 3) and found.dtype == np.uint8


def test_the_digest_is_of_content_in_order(folder, tmp_path_factory):
    before = Folder(folder).digest()
    (folder / "c.png").rename(folder / "d.png")  # still the last
    assert Folder(folder).digest() == before
    (folder / "d.png").rename(folder / "0.png")
    assert Folder(folder).digest() != before
    same = Stack(np.stack([pixels(0), pixels(1)]))
    assert same.digest() == Stack(np.stack([pixels(0), pixels(1)])).digest()
    assert same.digest() != Stack(np.stack([pixels(1), pixels(0)])).digest()
    assert same.digest() != Stack(same.array.reshape(2, 4, 16, 3)).digest()


def test_lossy_files_are_named(folder):
    assert Folder(folder).survey.lossy == []
    Image.fromarray(pixels(3)).save(folder / "x.JPG")
    assert Folder(folder).survey.lossy == ["x.JPG"]


def test_unusable_folders_are_named(tmp_path):
    with pytest.raises(ReplicateError, match="nowhere is not a folder"):
        Folder(tmp_path / "nowhere")
    with pytest.raises(ReplicateError, match=r"has 0 images \(looked for png, .*found nothing\)"):
        Folder(tmp_path)
    for name in ("a.txt", "b.txt", "c.csv"):
        (tmp_path / name).write_text("")
    with pytest.raises(ReplicateError, match=r"found 2 \.txt, 1 \.csv"):
        Folder(tmp_path)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own, before its error
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tif", "ppm"])
def test_a_damaged_image_is_named_whatever_its_damage(tmp_path, suffix):
    file = tmp_path / f"broken.{suffix}"
    Image.fromarray(pixels(0, 40, 40)).save(file)
    whole = file.read_bytes()
    list(Folder(tmp_path))  # the twin that passes
    for length in (0, 4, 20, len(whole) // 2):
        file.write_bytes(whole[:length])
        with pytest.raises(
            ReplicateError, match=rf"broken\.{suffix} cannot be decoded \(.*delete it"
        ):
            list(Folder(tmp_path))
    file.write_bytes(b"")
    with pytest.raises(ReplicateError, match=rf"broken\.{suffix} cannot be decoded"):
        _ = Folder(tmp_path).survey


def test_images_of_different_sizes_come_as_a_list():
    assert [i.shape for i in image_list([pixels(0), pixels(1, 4, 9)])] == [(8, 8, 3), (4, 9, 3)]
    assert len(image_list(np.stack([pixels(0), pixels(1)]))) == 2
    with pytest.raises(ReplicateError, match="image 1: float64 array"):
        image_list([pixels(0), pixels(1) / 255])
    with pytest.raises(ReplicateError, match="expected uint8"):
        image_list([])
