"""Each fault on images that have it and on such that have not, with closed forms where there are.

Real images here are smooth noise about a mean of their own: two of them are far apart.
"""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from replicate.lab import faults
from replicate.lab.faults import of_images
from replicate.lab.known_faults import FAULTS

N, SIDE = 12, 32


def smooth(seed: int, n: int = N, side: int = SIDE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(size=(n, side, side, 3)), (0, 2, 2, 0))
    colour = rng.uniform(70, 186, size=(n, 1, 1, 3))
    return np.clip(colour + 30 * noise / noise.std(), 0, 255).astype(np.uint8)


SOURCE, REAL = smooth(0), smooth(1)
MAPS = np.zeros((N, SIDE, SIDE))
MAPS[:, 8:24, 8:24] = 1.0  # a quarter


def found(made: np.ndarray, maps: np.ndarray | None = MAPS, real: np.ndarray = REAL) -> set[str]:
    numbers = of_images(SOURCE, made, real, maps)
    return {fault for fault, value in numbers.items() if FAULTS[fault].found(value)}


def repainted() -> np.ndarray:
    """What a good translation does: another colour where the map is bright, the rest as it was."""
    made = SOURCE.copy()
    made[:, 8:24, 8:24] = np.clip(made[:, 8:24, 8:24] * 0.5 + 90, 0, 255)
    return made


def alternating(amplitude: float, images: np.ndarray) -> np.ndarray:
    """Images with every second pixel of a chess board brighter, the others darker."""
    rows, columns = np.indices(images.shape[1:3])
    pattern = amplitude * (-1.0) ** (rows + columns)
    return np.clip(images + pattern[..., None], 0, 255).round().astype(np.uint8)


def dotted(amplitude: float) -> np.ndarray:
    """The maps, every second column `amplitude` darker where they are bright, else brighter."""
    columns = np.indices(MAPS.shape)[2] % 2
    return np.where(MAPS > 0.5, MAPS - amplitude * columns, MAPS + amplitude * columns)


FAULTY = {
    "colour_inversion": lambda: (255 - SOURCE, MAPS),
    "checkerboard": lambda: (alternating(6, repainted()), MAPS),
    "copy": lambda: (SOURCE, MAPS),
    "flat_attention": lambda: (repainted(), np.full_like(MAPS, 0.4)),
    "checkered_attention": lambda: (repainted(), dotted(0.5)),
    "mode_collapse": lambda: (np.repeat(REAL[:1], N, axis=0), MAPS),
}


def test_a_good_translation_has_no_fault():
    assert found(repainted()) == set()
    assert found(repainted(), None) == set()
    assert found(REAL) == set()  # all anew, as without attention


@pytest.mark.parametrize("fault", FAULTY)
def test_each_fault_is_found_alone(fault):
    made, maps = FAULTY[fault]()
    assert found(made, maps) == {fault}


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_empty_or_full_map_is_flat_too(value):
    assert found(repainted(), np.full_like(MAPS, value)) == {"flat_attention", "full_attention"}


def test_a_little_of_a_fault_is_none():
    assert found(np.clip(SOURCE * 0.9 + 20, 0, 255).astype(np.uint8)) == set()  # less contrast
    assert found(alternating(1, repainted())) == set()  # 1 grey level is not seen
    assert found(repainted(), 0.4 + 0.1 * MAPS) == set()  # a weak map with a place
    assert found(repainted(), dotted(0.1)) == set()  # half of it each way: an amplitude of 0.05
    half = REAL.copy()
    half[: N // 2] = half[0]  # six of twelve alike: 15 of 66 pairs
    assert found(half) == set()


def test_most_translations_alike_are_a_collapse():
    made = REAL.copy()
    made[:9] = made[0] + np.arange(9, dtype=np.uint8)[:, None, None, None] % 3  # 36 of 66 pairs
    assert found(made) == {"mode_collapse"}


# Closed forms


def test_correlation_by_hand():
    x = np.array([[[0, 0, 7], [10, 20, 7]]], np.uint8)[:, :, None, :]  # one image of 2 x 1 px
    assert faults.correlation(x, x) == pytest.approx(1)
    assert faults.correlation(x, 255 - x) == pytest.approx(-1)
    swapped = x[..., [1, 0, 2]]  # about the means ±(5, 10) and ±(10, 5): 4 * 50 / (2 * 125)
    assert faults.correlation(x, swapped) == pytest.approx(0.8)
    assert faults.correlation(x, np.full_like(x, 9)) == 0


def test_correlation_does_not_depend_on_the_brightness_of_channels():
    red = SOURCE // 2 + np.array([100, 0, 0], np.uint8)
    assert faults.correlation(SOURCE, red) > 0.99


@pytest.mark.parametrize(
    ("axes", "amplitude"), [((0,), 5), ((1,), 5), ((0, 1), 5), ((0,), 12)], ids=str
)
def test_the_checkerboard_s_amplitude_by_hand(axes, amplitude):
    """On grey alone it is the pattern's own, over 1 where real images have none."""
    indices = np.indices((SIDE, SIDE))
    pattern = amplitude * (-1.0) ** sum(indices[axis] for axis in axes)
    made = np.full((2, SIDE, SIDE, 3), 128) + pattern[..., None]
    flat = np.full((3, SIDE, SIDE, 3), 90, np.uint8)
    assert faults.checkerboard(made, flat) == pytest.approx(amplitude)
    assert faults.checkerboard(made, made) == pytest.approx(1)
    assert faults.checkerboard(flat, made) == 0
    odd = np.pad(made, [(0, 0), (0, 1), (0, 1), (0, 0)])  # the last row and column are left out
    assert faults.checkerboard(odd, flat) == pytest.approx(amplitude)


def test_stripes_and_noise_are_no_checkerboard():
    """They have energy at the Nyquist frequencies, and as much beside them."""
    columns = np.indices((N, SIDE, SIDE, 3))[2]
    stripes = (columns + np.arange(N)[:, None, None, None]) % 5 < 2  # period 5 px
    assert faults.checkerboard(255.0 * stripes, REAL) < 1.65
    noise = np.random.default_rng(3).normal(128, 40, (N, SIDE, SIDE, 3))
    # 36 lines of 32 frequencies, each line a sum that varies by 20 %: 1.3 of 10 grey levels
    assert faults.checkerboard(noise, REAL) < 0.5 * 40 * np.sqrt(2 / SIDE)


def test_likeness_by_hand():
    levels = [np.full((4, 4, 3), v, np.uint8) for v in (10, 20, 40)]  # distances 10, 20, 30
    three = np.stack(levels)
    assert faults.likeness(three, three) == pytest.approx(1)
    assert faults.likeness(three, 2 * three) == pytest.approx(0.5)
    assert faults.likeness(three[[0, 0, 0]], three) == 0
    assert np.isnan(faults.likeness(three[:1], three))
    assert np.isnan(faults.likeness(three, three[[0, 0]]))  # nothing to compare with
    # as many of both are compared: two
    assert faults.likeness(three[:2], three) == pytest.approx(1)


def test_maps_and_change_by_hand():
    assert faults.contrast(MAPS) == pytest.approx(np.sqrt(0.25 * 0.75))
    assert faults.ends(MAPS) == pytest.approx(0.25)
    assert faults.ends(1 - MAPS) == pytest.approx(0.25)
    chess = 0.3 * (-1.0) ** np.indices((2, SIDE, SIDE, 1)).sum(0)
    assert faults.alternation(0.5 + chess) == pytest.approx(0.3)
    assert faults.change(SOURCE // 2, SOURCE // 2 + 3) == 3
    assert faults.change(SOURCE // 2 + 3, SOURCE // 2) == 3  # no overflow


def test_what_was_not_measured_is_no_fault():
    assert not any(fault.found(float("nan")) for fault in FAULTS.values())
    assert all(fault.reason and fault.number and fault.title for fault in FAULTS.values())
    assert "flat_attention" not in of_images(SOURCE, REAL, REAL)
