"""Images with smoothed edges: the values of OpenCV, and where they are kept."""

import hashlib

import numpy as np
import pytest

from replicate.datasets import packed, smoothing
from replicate.datasets.smoothing import KEY, edges, smoothed, with_smooth


def busy(height: int, width: int) -> np.ndarray:
    """Edges nearly everywhere, of every direction and at the border."""
    y, x, c = np.ogrid[:height, :width, :3]
    flat = (x // 13 * 53 + y // 11 * 97 + c * 31 + (x * y) // 29 * 17) % 256
    noise = (x * 7 + y * 13 + c * 5) * 2654435761 % 2**32 >> 27
    return ((flat + noise) % 256).astype(np.uint8)


def quiet(height: int, width: int) -> np.ndarray:
    """A disk on soft stripes."""
    y, x, c = np.ogrid[:height, :width, :3]
    disk = (x - width // 2) ** 2 + (y - height // 3) ** 2 < (height // 4) ** 2
    return (40 + c * 20 + disk * 120 + (x * 2 + y) // 3 % 64).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "size", "number", "of_edges", "of_image"),
    [  # edge px and sha256 of OpenCV 5.0.0: Canny(grey, 100, 200), dilate by 5x5, TAKI's blur
        (busy, (64, 64), 1414, "bc535171a5968162", "9b11242cec0745a4"),
        (busy, (37, 50), 595, "adcab3d3db97d29f", "1364add424166225"),
        (quiet, (64, 64), 104, "4a3ccb475d9ef604", "e0da3f8065c95d40"),
        (quiet, (37, 50), 64, "4a3e23c0e9ff0c6f", "b434e5d1594bf202"),
    ],
)
def test_the_values_are_opencv_s(picture, size, number, of_edges, of_image):
    image = picture(*size)
    found = edges(image), smoothed(image)
    assert found[0].sum() == number
    digests = [hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()[:16] for a in found]
    assert digests == [of_edges, of_image]


def test_a_flat_image_stays():
    image = np.full((8, 8, 3), 77, np.uint8)
    assert not edges(image).any() and np.array_equal(smoothed(image), image)


def test_the_new_array_is_made_once_and_kept(tiny, monkeypatch):
    train = packed.load(tiny, "train", 32)
    made = with_smooth(train)
    monkeypatch.setattr(smoothing, "smoothed", None)  # whoever makes it again fails
    again = with_smooth(packed.load(tiny, "train", 32))
    assert isinstance(again.arrays[KEY], np.memmap)
    assert np.array_equal(made.arrays[KEY], again.arrays[KEY])
    wanted = np.stack([smoothed(image) for image in train.arrays["B"]])
    assert np.array_equal(wanted, again.arrays[KEY])
    assert KEY not in train.arrays and made.passport == train.passport
