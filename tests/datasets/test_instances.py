"""Maps of instances: of drawn herds, of folders of PNG files, of COCO polygons."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import write_tiny

from replicate.datasets import drawn_herd, instances, packed
from replicate.datasets.instances import painted, read_polygons, with_instances
from replicate.errors import ReplicateError


@pytest.mark.parametrize("index", range(4))
def test_a_herd_has_as_many_instances_as_animals_and_they_cover_its_mask(index):
    made = instances._herd("test", "horse", index, 64)
    things = drawn_herd._scene("test", "horse", index)[1]
    animals = [thing for thing in things if thing.kind == "animal"]
    assert np.array_equal(made > 0, drawn_herd.draw_one("test", "horse", index, 64)["mask"] > 0)
    seen = set(np.unique(made)) - {0}
    assert len(animals) in seen and seen <= set(range(1, len(animals) + 1))  # the nearest shows


@pytest.fixture
def tiny_set(workspace) -> tuple[str, Path]:
    """A set of image files without masks, and where its masks go."""
    name = write_tiny(workspace / "data")
    place = workspace / "data" / "masks" / name
    place.mkdir(parents=True)
    return name, place


def stems(name: str, X: str = "A") -> list[str]:
    return [Path(n).stem for n in packed.load(name, "train", 32, False).names[X]]


def read(name: str) -> np.ndarray:
    """The maps of the training images of A; B has none here."""
    return with_instances(packed.load(name, "train", 32, False), needed=False).arrays["A_instances"]


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((32, 32), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def test_one_file_for_each_instance(tiny_set):
    name, place = tiny_set
    first, second, *_ = stems(name)
    (place / "trainA_instances").mkdir()
    for i, mask in enumerate([box(0, 0, 20, 20), box(10, 10, 16, 16)]):
        Image.fromarray(mask).save(place / "trainA_instances" / f"{first}_{i}.png")
    Image.fromarray(box(4, 4, 8, 8)).save(place / "trainA_instances" / f"{second}_10.png")
    maps = read(name)
    wanted = np.zeros((32, 32))
    wanted[:20, :20], wanted[10:16, 10:16] = 1, 2  # the smaller on top
    assert np.array_equal(maps[0], wanted)
    assert np.array_equal(maps[1], box(4, 4, 8, 8) > 0) and not maps[2:].any()
    Image.fromarray(box(0, 0, 9, 9)).save(place / "trainA_instances" / f"{second}_10.png")
    assert np.array_equal(read(name)[1], box(0, 0, 9, 9) > 0)  # a changed file is seen
    Image.fromarray(box(0, 0, 9, 9)).save(place / "trainA_instances" / f"{second}.png")
    with pytest.raises(ReplicateError, match="take one form away"):
        read(name)


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_one_colour_for_each_instance(tiny_set, mode):
    name, place = tiny_set
    (place / "trainA_instances").mkdir()
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[2:10, 2:10], colours[12:30, 12:20] = (255, 0, 0), (0, 0, 255)
    image = Image.fromarray(colours).convert(mode)
    image.save(place / "trainA_instances" / f"{stems(name)[0]}.png")
    parts = {frozenset(map(tuple, np.argwhere(read(name)[0] == k))) for k in (1, 2)}
    wanted = {
        frozenset(map(tuple, np.argwhere(box(*b)))) for b in ((2, 2, 10, 10), (12, 12, 30, 20))
    }
    assert parts == wanted


def test_smoothed_colours_are_refused(tiny_set):
    name, place = tiny_set
    (place / "trainA_instances").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    file = place / "trainA_instances" / f"{stems(name)[0]}.png"
    Image.fromarray(noise).save(file)
    with pytest.raises(ReplicateError, match="expected one for each instance, 255 or fewer"):
        read(name)


def test_a_mask_an_image_is_one_instance_and_a_missing_one_none(tiny_set):
    name, place = tiny_set
    (place / "trainA_mask").mkdir()
    Image.fromarray(box(4, 4, 20, 20)).save(place / "trainA_mask" / f"{stems(name)[1]}.png")
    maps = read(name)
    assert np.array_equal(maps[1], box(4, 4, 20, 20) > 0) and not maps[[0, 2]].any()


def coco(images: list[str], *annotations: dict) -> dict:
    return {
        "images": [
            {"id": i, "file_name": f, "width": 32, "height": 32} for i, f in enumerate(images)
        ],
        "annotations": [{"image_id": 0, "category_id": 1} | one for one in annotations],
        "categories": [{"id": 1, "name": "A"}, {"id": 2, "name": "other"}],
    }


def test_polygons(tiny_set):
    name, place = tiny_set
    images = packed.load(name, "train", 32, False)
    square = [4, 4, 19, 4, 19, 19, 4, 19]
    stored = coco(
        images.names["A"],
        {"segmentation": [square]},
        {"segmentation": [[24, 24, 29, 24, 29, 29], [24, 2, 29, 2, 29, 7]]},  # of two parts
        {"segmentation": [square], "category_id": 2},  # another category
        {"segmentation": {"counts": [1]}, "iscrowd": 1},
        {"image_id": 1, "segmentation": [square]},
    )
    (place / "trainA.json").write_text(json.dumps(stored))
    maps = read(name)
    assert np.array_equal(maps[0] == 1, box(4, 4, 20, 20) > 0)  # Pillow fills the border, too
    assert sorted(np.unique(maps[0])) == [0, 1, 2] and maps[0, 25, 28] == maps[0, 3, 27] == 2
    assert maps[1, 10, 10] == 1 and not maps[2:].any()


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"images": []}, "no list of polygons in COCO's format"),
        (coco(["x.png"], {"segmentation": {"counts": "abc"}}), "encoded by runs"),
        (coco(["x.png"], {"segmentation": [[0, 0, 9, 0]]}), "a polygon of 4 numbers"),
        (coco(["x.png"], *[{"segmentation": [[0, 0, 9, 0, 9, 9]]}] * 256), "has 256 instances"),
    ],
)
def test_what_are_no_polygons(tmp_path, stored, words):
    file = tmp_path / "trainA.json"
    file.write_text(json.dumps(stored))
    with pytest.raises(ReplicateError, match=words):
        read_polygons(file, "A")


def test_masks_are_fitted_as_their_images_are():
    tall = np.zeros((40, 20), bool)
    tall[10:30] = True
    assert painted([tall], 20, "squash").sum() == 10 * 20
    assert painted([tall], 20, "crop").all()
    padded = painted([tall], 20, "pad")
    assert padded[5:15, 5:15].all() and padded.sum() == 10 * 10


def test_what_has_no_masks_is_told_where_they_go(tiny_set):
    name, _ = tiny_set
    with pytest.raises(ReplicateError, match=r"has no masks of A .*trainA\.json \(COCO polygons\)"):
        with_instances(packed.load(name, "train", 32, False))
