"""`horse2zebra_herd_drawn`: frozen bytes, herds, and that texture does not tell what to change."""

import hashlib

import numpy as np
import pytest
from scipy.ndimage import label

from replicate.datasets import drawn, drawn_herd
from replicate.datasets.drawn_herd import _scene, draw, draw_one
from replicate.datasets.packed import load
from replicate.errors import ReplicateError


@pytest.fixture(scope="module")
def test() -> dict[str, np.ndarray]:
    return draw("test", 64)


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def grown(masks: np.ndarray) -> np.ndarray:
    """The masks and their 8 neighbours."""
    wide = np.pad(masks, [(0, 0), (1, 1), (1, 1)])
    h, w = masks.shape[1:]
    return np.max([wide[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=0)


def test_the_bytes_of_version_1_are_frozen(test):
    assert {key: sha256(array) for key, array in test.items()} == {
        "A": "85155d2f376fd901",
        "A_mask": "a3620824b6bf4dbc",
        "A_ideal": "0178ea860dd1b7e0",
        "B": "7db887c3a439ea3b",
        "B_mask": "199069f6737eb2ed",
        "B_ideal": "20fdde30b06fa7cf",
    }


@pytest.mark.parametrize(
    ("split", "domain", "index", "size", "expected"),
    [
        ("test", "zebra", 131, 256, "9df506ebbdef9908"),
        ("train", "zebra", 499, 286, "6fff4f00ff93ca78"),
        ("train", "horse", 7, 33, "fdb8e95a8c3ab763"),
    ],
)
def test_other_sizes_and_training_images_are_frozen_too(split, domain, index, size, expected):
    parts = draw_one(split, domain, index, size)
    assert sha256(np.dstack([parts["image"], parts["ideal"], parts["mask"]])) == expected


def test_shapes_types_and_counts(test, monkeypatch):
    assert sorted(test) == ["A", "A_ideal", "A_mask", "B", "B_ideal", "B_mask"]
    for name, array in test.items():
        channels = () if name.endswith("mask") else (3,)
        assert array.shape == (132, 64, 64, *channels) and array.dtype == np.uint8
    monkeypatch.setitem(drawn.COUNTS, "train", 3)
    train = draw("train", 32)
    assert list(train) == ["A", "B"] and train["B"].shape == (3, 32, 32, 3)
    assert np.array_equal(train["B"][2], draw_one("train", "zebra", 2, 32)["image"])


def test_one_to_three_animals_and_as_many_brown_things_as_striped_ones():
    """In every image of both domains, and the animals are of different sizes."""
    for domain in drawn.DOMAINS:
        herds, ratios = [], []
        for index in range(132):
            _, things = _scene("test", domain, index)
            animals = [t for t in things if t.kind == "animal"]
            others = [t for t in things if t.kind != "animal"]
            assert sum(t.striped for t in others) * 2 == len(others) in (2, 4)
            assert things == others + animals  # the things stand behind, hidden by no mask
            herds.append(len(animals))
            ratios += [animals[-1].height / animals[0].height] * (len(animals) > 1)
        # each with 1/3: 44 expected, 5.4 the standard deviation, three of them allowed
        assert all(28 <= count <= 60 for count in np.bincount(herds, minlength=4)[1:])
        assert np.mean(ratios) > 1.15  # 1.25 found; equal sizes give 1


def test_the_mask_is_that_of_all_animals(test):
    """Where nothing overlaps, as many parts as animals; each of the size of its silhouette."""
    found = 0
    silhouette = (drawn_herd._table("animal") > 0).sum() / drawn_herd._table("animal").shape[0] ** 2
    for index in range(40):
        _, things = _scene("test", "horse", index)
        mask = draw_one("test", "horse", index, 256)["mask"]
        area = sum((t.height / drawn.FRAME) ** 2 for t in things if t.kind == "animal") * silhouette
        cut = mask[[0, -1]].any() or mask[:, [0, -1]].any()
        parts = sum(np.bincount(label(mask)[0].ravel())[1:] > 400)  # px; a tail's end is less
        animals = sum(t.kind == "animal" for t in things)
        assert parts <= animals
        if parts == animals and not cut:
            found += 1
            # an outline of about 500 px at random on either side: 1 % of 7000 px
            assert mask.mean() == pytest.approx(area, rel=0.03)
    assert found >= 10


def test_the_ideal_differs_from_the_image_on_the_animals_only(test):
    for letter in "AB":
        changed = (test[letter] != test[f"{letter}_ideal"]).any(-1)
        mask = test[f"{letter}_mask"]
        assert not changed[grown(mask) == 0].any()
        # a brown pixel on an edge of a stripe may by chance be as bright as the stripes' mean
        assert changed[mask == 1].mean() > 0.999
        assert mask.mean((1, 2)).min() > 0.04 and mask.mean((1, 2)).max() < 0.35


def test_the_things_behind_wear_both_coats_in_both_domains(test):
    """Equal shares outside of the animals, so nothing there tells the domain."""
    shares = {}
    for letter in "AB":
        rest = test[letter][grown(test[f"{letter}_mask"]) == 0].astype(int)
        white = (rest == drawn.WHITE).all(1).mean()
        shares[letter] = white, (rest == drawn.BLACK).all(1).mean()
    # 132 images whose shares vary by 60 %, two sets of them: 7 %; the shares of the other
    # domain's coat would be 0 in a set without such things
    assert np.allclose(shares["A"], shares["B"], rtol=0.2)
    assert min(shares["A"]) > 0.01


def test_texture_does_not_tell_what_to_change(test):
    """Pixels as dark or as bright as a zebra's, of which `horse2zebra_drawn` has nearly no others.

    The share of them that is an animal: nearly all there, about half here.
    """

    def precision(zebras: np.ndarray, masks: np.ndarray) -> float:
        striped = [(zebras == colour).all(-1) for colour in (drawn.BLACK, drawn.WHITE)]
        return masks[striped[0] | striped[1]].mean()

    easy = drawn.draw("test", 64)
    assert precision(easy["B"], easy["B_mask"]) > 0.95
    assert precision(test["B"], test["B_mask"]) < 0.65


def test_no_scene_is_drawn_twice(test):
    images = [image for key in ("A", "B", "A_ideal", "B_ideal") for image in test[key]]
    images += [
        draw_one("train", domain, i, 64)["image"] for domain in drawn.DOMAINS for i in (0, 1)
    ]
    assert len({sha256(image) for image in images}) == 4 * 132 + 4


def test_the_scene_is_the_same_at_every_size():
    for domain in drawn.DOMAINS:
        for index in range(4):
            small, large = (draw_one("test", domain, index, size) for size in (64, 128))
            for part in ("image", "ideal"):
                halved = large[part].reshape(64, 2, 64, 2, 3).mean((1, 3))
                assert np.abs(halved - small[part]).mean() < 2  # two scenes differ by 20 or more
            halved = large["mask"].reshape(64, 2, 64, 2).mean((1, 3)) >= 0.5
            assert (halved != small["mask"]).mean() < 0.03  # ties along the outlines


def test_it_is_packed_and_read(workspace):
    images = load(drawn_herd.NAME, "test", 32)
    assert images.passport["version"] == drawn_herd.VERSION
    assert images.names["B"][5] == "zebra_0005.png"
    assert np.array_equal(images.arrays["A_mask"][3], draw_one("test", "horse", 3, 32)["mask"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian", "horse", 0, 64), "unknown split 'trian' .*'train'"),
        (("train", "zebar", 0, 64), "unknown domain 'zebar' .*'zebra'"),
        (("test", "horse", 132, 64), "choose 0 to 131"),
        (("test", "horse", 0, 31), "31 px.* at least 32 px"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ReplicateError, match=message):
        draw_one(*arguments)


def test_draw_refuses_the_same():
    with pytest.raises(ReplicateError, match="unknown split 'val'"):
        draw("val", 64)
