"""Whether pictures show what sentences name: real images do, others fail in what is off."""

import numpy as np
import pytest

from replicate.datasets import captions, drawn_captions
from replicate.datasets.drawn_shapes import DARK, FLAT, LIGHT
from replicate.lab.shown import LEAST, NEAR, PARTS, all_shown, coat_seen, coats, place_seen, shown


def square(colour, row: int, column: int, side: int = 10) -> np.ndarray:
    """A grey image of 64 px with a square of one colour around a pixel."""
    image = np.full((64, 64, 3), 128, np.uint8)
    half = side // 2
    image[row - half : row + half, column - half : column + half] = colour
    return image


@pytest.fixture(scope="module")
def test_split() -> dict[str, np.ndarray]:
    return drawn_captions.draw("test", 64)


def test_real_images_show_what_their_own_sentences_name(test_split):
    for X in "AB":
        texts = captions.decode(test_split[f"{X}_caption"])
        parts = shown(test_split[X], texts, test_split[f"{X}_label"])
        assert parts["shape"].all() and parts["coat"].all()
        # a middle that lies near the border of two places may be seen on its other side
        assert parts["place"].mean() >= 0.97 and all_shown(parts) == parts["place"].mean()
        other = captions.decode(test_split[f"{X}_ideal_caption"])
        parts = shown(test_split[X], other, test_split[f"{X}_label"])
        assert not parts["coat"].any() and all_shown(parts) == 0
        worn = coats(test_split[f"{X}_ideal"])
        assert (coat_seen(worn) == 1 - "AB".index(X)).all()


def test_no_ground_has_the_colours_of_coats(test_split):
    for X in "AB":
        grown = np.pad(test_split[f"{X}_mask"], [(0, 0), (1, 1), (1, 1)])
        near = np.max(
            [grown[:, i : i + 64, j : j + 64] for i in range(3) for j in range(3)], axis=0
        )
        outside = coats(test_split[X]) & (near == 0)[:, None]
        assert outside.mean(axis=(2, 3)).max() < LEAST


def test_each_part_fails_alone():
    sentence = "a flat blue square at the top left on grass"
    right = square(FLAT, 16, 16)
    cases = {
        "shape": (right, 0),
        "coat": (square(DARK, 16, 16), 1),
        "place": (square(FLAT, 16, 50), 1),
    }
    assert all_shown(shown(right[None], [sentence], np.array([1]))) == 1
    for part, (image, shape) in cases.items():
        parts = shown(image[None], [sentence], np.array([shape]))
        assert [bool(parts[p][0]) for p in PARTS] == [p != part for p in PARTS]


def test_what_is_hardly_there_is_not_seen():
    faint = np.stack([square(LIGHT, 30, 30), square(FLAT, 30, 30, side=4), square(FLAT, 30, 30)])
    assert coat_seen(coats(faint)).tolist() == [-1, -1, 0]  # 16 of 4096 px are less than 0.5 %
    assert place_seen(coats(faint)).tolist() == [-1, -1, 4]
    red, green, blue = FLAT
    assert coats(square((red, green + NEAR, blue), 30, 30)[None])[0, 0].sum() == 100
    assert not coats(square((red, green + NEAR + 1, blue), 30, 30)[None]).any()
