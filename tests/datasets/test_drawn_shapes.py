"""`shapes_drawn`: frozen bytes, classes and their frequencies, masks against scikit-image's."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from skimage.draw import polygon2mask

from replicate.datasets import drawn, drawn_shapes, packing
from replicate.datasets.drawn_shapes import CLASSES, CORNERS, PERCENT, UNIT, draw, draw_one
from replicate.datasets.packed import load
from replicate.errors import ReplicateError


def boxes(masks: np.ndarray) -> np.ndarray:
    """The smallest boxes around the masks.

    Args:
        masks: (N, H, W) of 0 and 1, each with a 1 somewhere.

    Returns:
        (N, 4) int64, px: left, top, right, bottom; right and bottom are the first px outside.
    """
    found = []
    for axis in (1, 2):  # rows are left when columns are taken together, and the other way round
        line = np.asarray(masks).any(axis=axis)
        found += [line.argmax(1), line.shape[1] - line[:, ::-1].argmax(1)]
    left, right, top, bottom = found
    return np.stack([left, top, right, bottom], axis=1)


@pytest.fixture(scope="module")
def splits() -> dict[str, dict[str, np.ndarray]]:
    return {split: draw(split, 64) for split in drawn.COUNTS}


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def grown(masks: np.ndarray) -> np.ndarray:
    """The masks and the 2 px around them, as the background's score leaves them out."""
    wide = np.pad(masks, [(0, 0), (2, 2), (2, 2)])
    h, w = masks.shape[1:]
    return np.max([wide[:, i : i + h, j : j + w] for i in range(5) for j in range(5)], axis=0)


def test_the_bytes_of_version_1_are_frozen(splits):
    found = {f"{s}{k}": sha256(a) for s, arrays in splits.items() for k, a in arrays.items()}
    assert found == {
        "trainA": "507ead537b27c90c",
        "trainA_mask": "617059a83bcd2caa",
        "trainA_label": "fce2da530aed7986",
        "trainB": "13645515a5908c73",
        "trainB_mask": "a251d623a6038e90",
        "trainB_label": "6c2300bd44d52097",
        "testA": "d065d3381898002a",
        "testA_mask": "373a3fba14a69fc3",
        "testA_label": "fd8cbcffaf7f6086",
        "testA_ideal": "65ff6bf12749d444",
        "testB": "3a7f9cc0f87a52a6",
        "testB_mask": "1029df2c523ad27f",
        "testB_label": "46036b66ad667123",
        "testB_ideal": "4de00334774d21bf",
    }
    parts = draw_one("test", "striped", 131, 256)
    assert sha256(np.dstack([parts["image"], parts["ideal"], parts["mask"]])) == "49a6269b9b899bf1"


def test_the_target_lacks_what_the_source_has_equally_often(splits):
    for letter, domain in zip("AB", drawn_shapes.DOMAINS, strict=True):
        counts = np.bincount(splits["train"][f"{letter}_label"], minlength=len(CLASSES))
        assert counts.tolist() == [5 * percent for percent in PERCENT[domain]]
        assert set(splits["test"][f"{letter}_label"]) == set(range(len(CLASSES)))
        assert sum(PERCENT[domain]) == 100


def test_shapes_types_and_no_ideal_in_training(splits):
    assert not [key for key in splits["train"] if key.endswith("ideal")]
    for split, arrays in splits.items():
        n = drawn.COUNTS[split]
        for key, array in arrays.items():
            kind = key[2:]
            shape = {"mask": (n, 64, 64), "label": (n,)}.get(kind, (n, 64, 64, 3))
            assert array.shape == shape
            assert array.dtype == (np.int64 if kind == "label" else np.uint8)


def test_the_ideal_has_the_shape_and_differs_on_it_alone(splits):
    for letter in "AB":
        test = splits["test"]
        image, ideal, mask = (test[letter + end] for end in ("", "_ideal", "_mask"))
        changed = (image != ideal).any(-1)
        assert not changed[grown(mask) == 0].any()
        assert changed[mask == 1].all()
        flat = (image if letter == "A" else ideal)[mask == 1].astype(int)
        # the rest are pixels of the outline
        assert (flat == drawn_shapes.FLAT).all(1).mean() > 0.75
        striped = (ideal if letter == "A" else image)[mask == 1]
        for colour in (drawn_shapes.LIGHT, drawn_shapes.DARK):
            assert (striped == colour).all(1).mean() > 0.15  # at 64 px many lie on a stripe's edge


@pytest.mark.parametrize("name", sorted(CORNERS))
def test_a_polygon_is_scikit_image_s(name):
    v, u = np.indices((81, 81)) * 30 - 1200 + 7  # 7: no point on an edge
    corners = (np.array(CORNERS[name])[:, ::-1] + 1200 - 7) / 30
    assert (drawn_shapes._inside(name, u, v) == polygon2mask((81, 81), corners)).all()
    assert max(a * a + b * b for a, b in CORNERS[name]) <= (UNIT + 1) ** 2


def test_the_mask_is_the_shape_in_its_place(splits):
    """Of a disk: centre and area, from the scene."""
    disks = [i for i in range(60) if draw_one("test", "flat", i, 32)["label"] == 0]
    assert disks
    for index in disks:
        scene = drawn_shapes._scene("test", "flat", index)
        mask = splits["test"]["A_mask"][index]
        radius = scene.radius * 64 / drawn.FRAME
        # a pixel counts whole or not at all, along an outline of about 70 px: 2 % of the area
        assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.03)
        place = np.argwhere(mask).mean(0) + 0.5
        # the same rounding; the neighbouring pixel would be 1 away
        assert np.abs(place - np.array(scene.centre) * 64 / drawn.FRAME).max() < 0.25


def test_boxes_by_hand_and_no_shape_leaves_the_frame(splits):
    mask = np.zeros((2, 8, 10), np.uint8)
    mask[0, 2:5, 3:9] = mask[1, 7, 0] = 1
    assert boxes(mask).tolist() == [[3, 2, 9, 5], [0, 7, 1, 8]]
    for arrays in splits.values():
        for letter in "AB":
            found = boxes(arrays[f"{letter}_mask"])
            sides = found[:, 2:] - found[:, :2]
            assert found.min() > 0 and found.max() < 64
            assert sides.min() >= 14 and sides.max() <= 27  # px; diameters of 19.2 to 25.6


def test_no_scene_is_drawn_twice(splits):
    every = [image for arrays in splits.values() for letter in "AB" for image in arrays[letter]]
    assert len({sha256(image) for image in every}) == 2 * (500 + 132)


def test_the_scene_is_the_same_at_every_size():
    for index in range(4):
        small, large = (draw_one("test", "striped", index, size) for size in (64, 128))
        halved = large["image"].reshape(64, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(halved - small["image"]).mean() < 2  # two scenes differ by 20 or more
        assert small["label"] == large["label"]


def test_it_is_packed_under_a_hash_of_all_that_draws_it(workspace):
    images = load("shapes_drawn", "train", 32)
    wanted = draw("train", 32)
    assert {key: sha256(array) for key, array in images.arrays.items()} == {
        key: sha256(array) for key, array in wanted.items()
    }
    assert images.passport["version"] == drawn_shapes.VERSION
    assert images.names["B"][5] == "striped_0005.png"
    contents = {name: packing.drawn_content(name) for name in packing.DRAWN}
    assert len(set(contents.values())) == len(contents)
    # packed before there was a second set, and found again
    assert contents[drawn.NAME] == hashlib.sha256(Path(drawn.__file__).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian", "flat", 0, 64), "unknown split 'trian' .*'train'"),
        (("train", "falt", 0, 64), "unknown domain 'falt' .*'flat'"),
        (("test", "flat", 132, 64), "choose 0 to 131"),
        (("test", "flat", 0, 31), "31 px.* at least 32 px"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ReplicateError, match=message):
        draw_one(*arguments)
    if arguments[0] == "trian":
        with pytest.raises(ReplicateError, match=message):
            draw("trian", 64)
