"""Statistics of label maps: counted by hand on maps of a few pixels."""

import numpy as np
import pytest

from replicate.errors import ReplicateError
from replicate.studies.label_measurements import attention_intensity, class_frequency

VOID = 255
MAPS = np.array(
    [
        [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [VOID, VOID, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 2, 2, 0], [0, 2, 2, 0]],
    ],
    np.uint8,
)
NAMES = ("wall", "window", "door", "none")


def test_frequency_by_hand():
    table = class_frequency(MAPS, NAMES).set_index("class")
    assert table["images"].tolist() == [1.0, 0.5, 0.5, 0.0]
    # 14 labelled px in the first map, 16 in the second: 11 + 12 wall, 3 window, 4 door
    assert table["pixels"].tolist() == pytest.approx([23 / 30, 3 / 30, 4 / 30, 0])  # rounding
    # two windows touch at a corner and are one; the third is another
    assert table["count"].tolist() == [1.0, 1.0, 0.5, 0.0]


def test_frequency_takes_maps_of_several_sizes_and_refuses_none():
    table = class_frequency([MAPS[0, :2], MAPS[1]], NAMES)
    assert table["images"].tolist() == [1.0, 0.5, 0.5, 0.0]
    with pytest.raises(ReplicateError, match="0 label maps, expected at least 1"):
        class_frequency([], NAMES)


def test_attention_by_hand():
    attention = np.zeros((2, 4, 4))
    attention[0, 0, 2] = attention[0, 2, 0] = 1.0  # two of the three windows
    attention[0, 3, :2] = 1.0  # void counts for no class
    attention[1, 2, 1] = attention[1, 3, 1] = 0.51  # half of the door
    attention[1, 2, 2] = 0.5  # not larger than 0.5
    attention[1, 0, :] = 0.9  # 4 of the 12 wall px
    table = attention_intensity(attention, MAPS, NAMES).set_index("class")
    assert table.loc["window"].tolist() == pytest.approx([2, 2 / 3, 1])  # float64 rounding
    assert table.loc["door"].tolist() == [2, 0.5, 1]  # exactly half is aware
    assert table.loc["wall"].tolist() == pytest.approx([2, 4 / 23, 0])  # 0 and 4 px
    assert table.loc["none"].isna().all()


def test_the_papers_example_of_cars():
    """128 x 128 px with 512 of a car: attended from 256 crucial pixels on."""
    maps = np.zeros((1, 128, 128), np.uint8)
    maps[0, :4] = 1
    attention = np.zeros((1, 128, 128))
    attention[0, :2] = 0.6
    assert attention_intensity(attention, maps, ("road", "car"))["aware"][1] == 1
    attention[0, 1, 0] = 0.4
    assert attention_intensity(attention, maps, ("road", "car"))["aware"][1] == 0


def test_attention_of_another_size_is_refused():
    with pytest.raises(ReplicateError, match=r"attention has shape .* label maps"):
        attention_intensity(np.zeros((2, 2, 2)), MAPS, NAMES)
