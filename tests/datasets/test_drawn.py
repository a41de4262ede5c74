import hashlib

import numpy as np
import pytest
from skimage.data import horse
from skimage.transform import AffineTransform, warp

from replicate.datasets import drawn
from replicate.errors import ReplicateError

BOTH = [(split, domain) for split in drawn.COUNTS for domain in drawn.DOMAINS]


@pytest.fixture(scope="module")
def splits() -> dict[str, dict[str, np.ndarray]]:
    return {split: drawn.draw(split, 64) for split in drawn.COUNTS}


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def grown(mask: np.ndarray) -> np.ndarray:
    """The mask and its 8 neighbours."""
    h, w = mask.shape[-2:]
    wide = np.pad(mask, [(0, 0)] * (mask.ndim - 2) + [(1, 1), (1, 1)])
    return np.max([wide[..., i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=0)


def to_animal(scene: drawn._Scene, size: int) -> AffineTransform:
    """Pixel centres of an image to centres of the silhouette's pixels, in floating point."""
    angle = np.arctan2(scene.turn[1], scene.turn[0])
    animal_px = 305 / (scene.height / drawn.FRAME)  # silhouette px per frame side
    middle = np.array([17 + 372 / 2, 8 + 305 / 2])
    centre = np.array(scene.centre[::-1]) / drawn.FRAME
    steps = [
        AffineTransform(translation=(0.5, 0.5)),
        AffineTransform(scale=1 / size),
        AffineTransform(translation=-centre),
        AffineTransform(rotation=-angle),
        AffineTransform(scale=(scene.facing * animal_px, animal_px)),
        AffineTransform(translation=middle),
    ]
    return AffineTransform(np.linalg.multi_dot([step.params for step in steps[::-1]]))


def test_the_bytes_of_version_1_are_frozen(splits):
    found = {f"{s}{k}": sha256(a)[:16] for s, arrays in splits.items() for k, a in arrays.items()}
    assert found == {
        "trainA": "8bd5b131450dd27d",
        "trainB": "080742e6063b25cd",
        "testA": "1a54634a49e9fbc1",
        "testA_mask": "5178612da528e71a",
        "testA_ideal": "5f97bf015513596b",
        "testB": "a9aca7455b518834",
        "testB_mask": "af778ad1e1ffd8eb",
        "testB_ideal": "97b9ad8d40cafad9",
    }


@pytest.mark.parametrize(
    ("split", "domain", "index", "size", "expected"),
    [
        ("test", "horse", 0, 256, "e3d19678bf1b46d1"),
        ("test", "zebra", 131, 256, "dbe9ef8c33ef30eb"),
        ("train", "zebra", 499, 286, "777c6abf9c52ff05"),
        ("train", "horse", 7, 33, "89af9635b780b4e6"),
    ],
)
def test_other_sizes_are_frozen_too(split, domain, index, size, expected):
    parts = drawn.draw_one(split, domain, index, size)
    assert sha256(np.dstack([parts["image"], parts["ideal"], parts["mask"]]))[:16] == expected


def test_shapes_types_and_counts(splits):
    assert list(splits["train"]) == ["A", "B"]
    assert sorted(splits["test"]) == ["A", "A_ideal", "A_mask", "B", "B_ideal", "B_mask"]
    for split, arrays in splits.items():
        for name, array in arrays.items():
            channels = () if name.endswith("mask") else (3,)
            assert array.shape == (drawn.COUNTS[split], 64, 64, *channels)
            assert array.dtype == np.uint8


def test_draw_is_a_loop_over_draw_one(splits):
    one = drawn.draw_one("test", "zebra", 17, 64)
    for name, part in (("B", "image"), ("B_mask", "mask"), ("B_ideal", "ideal")):
        assert np.array_equal(splits["test"][name][17], one[part])


def test_the_mask_is_the_silhouette_in_the_pose():
    silhouette = (~horse()).astype(float)
    for index in range(6):
        pose = to_animal(drawn._scene("test", "horse", index), 128)
        mask = drawn.draw_one("test", "horse", index, 128)["mask"] > 0
        expected = warp(silhouette, pose, output_shape=mask.shape) > 0.5

        def overlap(other: np.ndarray, mask: np.ndarray = mask) -> float:
            return (mask & other).sum() / (mask | other).sum()

        # outlines differ by fractions of a pixel (0.97 found); one whole pixel aside gives 0.86
        assert overlap(expected) > 0.95 > 0.9 > overlap(np.roll(expected, 1, 1))


def test_every_animal_wears_the_same_stripes():
    silhouette = ~horse()
    unposed = []
    for domain, part in (("horse", "ideal"), ("zebra", "image")):
        for index in range(6):
            zebra = drawn.draw_one("test", domain, index, 256)[part][..., 1] / 255
            pose = to_animal(drawn._scene("test", domain, index), 256).inverse
            unposed.append(warp(zebra, pose, output_shape=silhouette.shape, cval=np.nan))
    unposed = np.array(unposed)[:, silhouette]
    unposed = unposed[:, np.isfinite(unposed).all(0)] > 0.5
    agree = (unposed == unposed[0]).mean(1)
    assert agree.min() > 0.97  # 0.99 found, the rest are edges; mirrored stripes agree by 0.36


def test_strips_are_exact_means_and_interpolate_when_enlarged():
    texture = np.array([7, 250, 3, 99, 180, 20, 64, 255, 0, 31] * 4)
    sums = np.pad(texture, (1, 0)).cumsum()[:, None]
    fine = np.repeat(texture, drawn.SUBPIXEL)
    start, window, size = 1000, 7003, 5
    width = window // size
    firsts = start + drawn._centres(size) * window // drawn.FRAME - width // 2
    expected = [fine[first : first + width].sum() for first in firsts]
    assert drawn._strips(sums, start, window, size)[:, 0].tolist() == expected

    window, size = 8 * drawn.SUBPIXEL, 64  # 8 texture px on 64 px
    centres = (start + drawn._centres(size) * window // drawn.FRAME) / drawn.SUBPIXEL
    expected = np.interp(centres - 0.5, np.arange(40), texture) * drawn.SUBPIXEL
    assert np.array_equal(drawn._strips(sums, start, window, size)[:, 0], expected)


def test_the_box_misses_no_part_of_the_animal(monkeypatch):
    scenes = [(*both, index, size) for both in BOTH for index in range(6) for size in (32, 75)]
    boxed = [drawn.draw_one(*scene) for scene in scenes]
    monkeypatch.setattr(drawn, "_box", lambda scene, size: (slice(0, size), slice(0, size)))
    for scene, part in zip(scenes, boxed, strict=True):
        assert all(np.array_equal(part[k], v) for k, v in drawn.draw_one(*scene).items())


def test_masks_are_binary_and_of_sensible_size(splits):
    for letter in "AB":
        mask = splits["test"][f"{letter}_mask"]
        assert set(np.unique(mask)) == {0, 1}
        share = mask.mean((1, 2))
        assert share.min() > 0.05
        assert share.max() < 0.25


def test_the_ideal_differs_from_the_image_on_the_animal_only(splits):
    test = splits["test"]
    for letter in "AB":
        changed = (test[letter] != test[f"{letter}_ideal"]).any(-1)
        mask = test[f"{letter}_mask"]
        assert not changed[grown(mask) == 0].any()
        assert changed[mask == 1].all()


def test_coats_are_brown_and_stripes_are_black_and_white(splits):
    test = splits["test"]
    for letter, horses, zebras in (("A", "A", "A_ideal"), ("B", "B_ideal", "B")):
        inner = 1 - grown(1 - test[f"{letter}_mask"]) == 1
        red, green, blue = test[horses][inner].T.astype(int)
        # the rest: the ground seen through the slit between tail and leg
        assert ((red > green) & (green > blue)).mean() > 0.99
        grey = test[zebras][inner].astype(int)
        assert (np.ptp(grey, axis=1) <= 6).mean() > 0.97  # WHITE's channels are 6 apart
        for colour in (drawn.BLACK, drawn.WHITE):
            assert (grey == colour).all(1).mean() > 0.2  # the rest are pixels on a stripe's edge


def test_the_coat_stands_out_from_the_ground(splits):
    test = splits["test"]
    for horses, masks in ((test["A"], test["A_mask"]), (test["B_ideal"], test["B_mask"])):
        for image, mask in zip(horses.astype(float), masks == 1, strict=True):
            gap = np.median(image[mask], axis=0) - np.median(image[~mask], axis=0)
            assert np.linalg.norm(gap) > 40  # 48 found, on brick; less would hide the animal


def test_no_scene_is_drawn_twice(splits):
    images = [image for arrays in splits.values() for k in "AB" for image in arrays[k]]
    images += [image for k in "AB" for image in splits["test"][f"{k}_ideal"]]
    assert len({sha256(image) for image in images}) == 2 * 500 + 4 * 132
    poses = {sha256(mask) for k in "AB" for mask in splits["test"][f"{k}_mask"]}
    assert len(poses) == 2 * 132  # A and B are unpaired


def test_the_scene_is_the_same_at_every_size():
    for domain in drawn.DOMAINS:
        for index in range(6):
            small, large = (drawn.draw_one("test", domain, index, s) for s in (64, 128))
            for part in ("image", "ideal"):
                halved = large[part].reshape(64, 2, 64, 2, 3).mean((1, 3))
                gap = np.abs(halved - small[part])
                # 16 samples a pixel against 64: a wrong sample weighs 1/16 of black to white
                assert gap.max() < 64
                assert gap.mean() < 2  # two scenes differ by 20 or more
            halved = large["mask"].reshape(64, 2, 64, 2).mean((1, 3)) >= 0.5
            assert (halved != small["mask"]).mean() < 0.02  # ties along the outline


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian", "horse", 0, 64), "unknown split 'trian' .*'train'"),
        (("train", "zebar", 0, 64), "unknown domain 'zebar' .*'zebra'"),
        (("test", "horse", 132, 64), "choose 0 to 131"),
        (("test", "horse", -1, 64), "choose 0 to 131"),
        (("test", "horse", 0, 31), "31 px.* at least 32 px"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ReplicateError, match=message):
        drawn.draw_one(*arguments)


def test_draw_refuses_the_same():
    with pytest.raises(ReplicateError, match="unknown split 'val'"):
        drawn.draw("val", 64)
    with pytest.raises(ReplicateError, match="at least 32 px"):
        drawn.draw("test", 16)


def test_other_bundled_pictures_are_refused(monkeypatch):
    monkeypatch.setitem(drawn.SOURCES, "brick", "0" * 64)
    with pytest.raises(ReplicateError, match=r"brick\.png.*664a145c5253.*scikit-image"):
        drawn._bundled("brick")
