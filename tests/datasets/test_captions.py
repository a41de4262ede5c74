"""Captions: frozen sentences, what they name against the drawn truth, files beside images."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from support import originals
from support.pictures import unpaired

from replicate.datasets import captions, drawn_shapes
from replicate.datasets.drawn import FRAME
from replicate.datasets.drawn_captions import EDGES, Named, draw, place_of, sentence, understood
from replicate.datasets.packed import load
from replicate.datasets.recipes.preparing import prepare
from replicate.errors import ReplicateError

BIRDS = {"0.png": "A red bird", "1.png": "this bird, which is small, has a beak", "2.png": "blue"}


def describe(folder: Path, sentences: dict[str, str]) -> None:
    """Writes the captions of the images that are there."""
    captions.write(folder, {file.name: sentences[file.name] for file in folder.glob("*.png")})


@pytest.fixture(scope="module")
def test_split() -> dict[str, np.ndarray]:
    return draw("test", 64)


def test_the_sentences_of_version_1_are_frozen(test_split):
    arrays = test_split | {f"train{k}": v for k, v in draw("train", 32).items()}
    digests = {
        key: hashlib.sha256(array.tobytes()).hexdigest()[:16]
        for key, array in arrays.items()
        if key.endswith("caption")
    }
    assert digests == {
        "A_caption": "7aa96e252cc83d2f",
        "A_ideal_caption": "7b1bf29a2f19a50a",
        "B_caption": "6f8e78cd6b3db98c",
        "B_ideal_caption": "c20bd426e1a42de4",
        "trainA_caption": "3734047f56d8ecef",
        "trainB_caption": "f4f43c31ff22dd24",
    }


def test_images_are_those_of_the_set_without_sentences(test_split):
    bare = drawn_shapes.draw("test", 64)
    assert set(test_split) - set(bare) == {f"{X}_{k}caption" for X in "AB" for k in ("", "ideal_")}
    assert all(np.array_equal(test_split[key], array) for key, array in bare.items())


def test_sentences_name_what_the_images_show(test_split):
    for k, X in enumerate("AB"):
        texts = captions.decode(test_split[f"{X}_caption"])
        wanted = captions.decode(test_split[f"{X}_ideal_caption"])
        for i, mask in enumerate(test_split[f"{X}_mask"]):
            named = understood(texts[i])
            assert (named.shape, named.coat) == (test_split[f"{X}_label"][i], k)
            assert understood(wanted[i]) == named._replace(coat=1 - k)
            row, column = (axis.mean() + 0.5 for axis in np.nonzero(mask))
            # the mean of whole pixels is off by less than half of one
            to_edge = min(abs(at - edge * 64 / FRAME) for at in (row, column) for edge in EDGES)
            assert place_of(row, column, 64) == named.place or to_edge < 0.5


def test_a_sentence_is_understood_in_any_order_and_in_part():
    assert sentence("train", "flat", 0) == "this flat blue disk at the right lies on brick"
    assert understood("A striped Star, at the bottom right.") == Named(4, 1, 8)
    assert understood("in the middle") == Named(None, None, 4)
    assert understood("a cross to the left") == Named(3, None, 3)
    assert understood("a bird") == Named(None, None, None)


def test_what_is_encoded_is_decoded():
    texts = ["a  Small\nbird", "Café", "x" * 300]
    tokens = captions.encode(texts)
    assert tokens.shape == (3, captions.LENGTH) and tokens.dtype == np.uint8
    assert captions.decode(tokens) == ["a small bird", "cafe", "x" * captions.LENGTH]
    with pytest.raises(ReplicateError, match="has no letter of ASCII"):
        captions.encode(["a bird", "鳥"])


def test_captions_beside_images_are_packed_with_them(root):
    unpaired(root / "mine")
    for name in ("trainA", "trainB", "testA", "testB"):
        describe(root / "mine" / name, BIRDS)
    images = load("mine", "train", 16, progress=False)
    texts = [BIRDS[name].lower() for name in images.names["A"]]
    assert captions.decode(images.arrays["A_caption"]) == texts
    before = images.passport["arrays"]["A_caption"]
    describe(root / "mine" / "trainA", BIRDS | {"0.png": "a green bird"})
    changed = load("mine", "train", 16, progress=False)
    assert changed.passport["arrays"]["A_caption"] != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,caption\n", "begins with 'name,caption'; expected the header file,caption"),
        ("file,caption\na.png,a bird, red\n", "a caption with commas in quotes"),
        ("file,caption\na.png,one\na.png,two\n", "2 captions, 1 images"),
        ("file,caption\nb.png,one\n", "the first that do not match: a.png, b.png"),
    ],
)
def test_captions_that_do_not_fit_are_refused(text, said, tmp_path):
    (tmp_path / "captions.csv").write_text(text)
    with pytest.raises(ReplicateError, match=said):
        captions.read([tmp_path / "a.png"])


def test_birds_have_the_first_of_their_sentences(root, tmp_path):
    here = originals.cub(tmp_path / "CUB_200_2011")
    for image in (here / "images").glob("*/*.jpg"):
        place = here / "text_c10" / image.parent.name / f"{image.stem}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{image.stem} of {image.parent.name}\nanother sentence\n")
    prepare("cub", here, "mini", progress=False)
    test = load("mini", "test", 16, progress=False)
    texts = captions.decode(test.arrays["B_caption"])
    assert all(text.startswith("bird_") and "albatross" in text for text in texts)
    place.write_text("\n")
    with pytest.raises(ReplicateError, match="missing or empty; expected ten sentences"):
        prepare("cub", here, "another", progress=False)
