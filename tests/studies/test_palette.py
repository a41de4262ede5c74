"""Palettes: modes found in made-up JPEG files, the nearest of them, and what no class fills."""

import io

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.segmentation import IGNORED, nearest_class
from replicate.studies import pixel_classes
from replicate.studies.pixel_classes import colour_modes, shares_within, solid

COLOURS = np.array([(0, 0, 222), (0, 48, 255), (255, 80, 0), (255, 240, 1)], np.uint8)


def jpeg(image: np.ndarray) -> np.ndarray:
    """The image after JPEG with halved colour resolution, as the files of facades are."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "jpeg", quality=90, subsampling=2)
    return np.asarray(Image.open(stream))


def maps() -> list[np.ndarray]:
    """Six JPEG maps of rectangles: ever fewer pixels of the later classes."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(6):
        classes = np.zeros((64, 64), int)
        for k, (number, side) in enumerate([(3, 26), (3, 17), (2, 12)], start=1):
            for y, x in rng.integers(0, 64 - side, (number, 2)):
                classes[y : y + side, x : x + side] = k
        made.append(jpeg(COLOURS[classes]))
    return made


def test_modes_of_jpeg_maps_are_the_colours_that_were_drawn():
    made = maps()
    pixels = np.concatenate([image.reshape(-1, 3) for image in made])
    assert len(np.unique(pixels, axis=0)) > 500  # a cloud, as in the real files
    found = colour_modes(made, 4)
    drawn = nearest_class(found[None, None], COLOURS)[0, 0]
    assert sorted(drawn) == [0, 1, 2, 3]
    # JPEG rounds twice, in YCbCr and in the cosine transform: within 4 levels a channel
    assert np.abs(found.astype(int) - COLOURS[drawn]).max() <= 4
    assert list(drawn[-2:]) == [2, 3]  # the rarer ones come last


def test_lines_between_classes_make_no_mode():
    with pytest.raises(ReplicateError, match=r"[45] modes .* expected 8 classes"):
        colour_modes(maps(), 8)


def test_shares_within_radii_are_counted():
    image = np.array([[[0, 0, 222], [3, 4, 222], [255, 240, 1], [255, 240, 11]]], np.uint8)
    # distances 0, 5, 0 and 10
    assert shares_within([image], COLOURS, (4, 5, 10)) == [0.5, 0.75, 1.0]


def test_a_palette_is_read_from_its_file_and_finds_its_own_colours():
    entry = pixel_classes.load("facades")
    assert entry.names[:3] == ("background", "facade", "window") and len(entry.names) == 12
    assert (entry.domain, entry.side) == ("label", 256)
    found = pixel_classes.classes_of(entry.colours[None], entry)
    assert (found == np.arange(12)).all() and found.dtype == np.uint8
    apart = np.linalg.norm(entry.colours[:, None].astype(float) - entry.colours[None], axis=2)
    assert apart[~np.eye(12, dtype=bool)].min() > pixel_classes.APART


def test_an_unknown_palette_names_those_that_are_known():
    with pytest.raises(ReplicateError, match=r"palette of the data set 'facade'.*'facades'"):
        pixel_classes.load("facade")


def test_solid_keeps_what_fills_a_square():
    classes = np.zeros((7, 9), np.uint8)
    classes[:, 4] = 1  # a line of one px
    classes[2:5, 6:9] = 2  # a square of three
    kept = solid(classes)
    assert (kept[:, :4] == 0).all() and (kept[:, 4] == IGNORED).all()
    assert (kept[2:5, 6:9] == 2).all()
    assert (kept[:, 5] == IGNORED).all()  # one px between line and square
    assert (kept[:2, 6:] == IGNORED).all()  # two rows above it hold no square
    assert (solid(classes, 1) == classes).all()


def test_solid_needs_an_odd_side():
    with pytest.raises(ReplicateError, match="square=2: expected an odd side"):
        solid(np.zeros((4, 4), np.uint8), 2)
