"""The same numbers from arrays, from a sheet of samples and from a folder of outputs."""

import numpy as np
import pytest
from PIL import Image

from replicate import evaluation
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab.faults import of_images, of_outputs, of_sheet

SIDE = 16


def images(seed: int, n: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (n, SIDE, SIDE, 3)).astype(np.uint8)


A, B, TO_B, TO_A = (images(seed) for seed in range(4))
MAPS = images(4)[..., 0]


def row(tiles: np.ndarray) -> np.ndarray:
    return evaluation._strip(tiles)


def grey(maps: np.ndarray) -> np.ndarray:
    return np.repeat(maps[..., None], 3, axis=-1)


def sheet(*rows: np.ndarray) -> Image.Image:
    return Image.fromarray(np.concatenate([row(tiles) for tiles in rows]))


def test_a_sheet_tells_what_its_images_tell():
    found = of_sheet(sheet(A, TO_B, B, TO_A))
    assert found == {"AB": (of_images(A, TO_B, B), 8), "BA": (of_images(B, TO_A, A), 8)}
    found = of_sheet(sheet(A, grey(MAPS), TO_B, B, grey(MAPS[::-1]), TO_A))
    # sums of another order
    assert found["AB"][0] == pytest.approx(of_images(A, TO_B, B, MAPS / 255), rel=1e-12)
    assert found["BA"][0]["flat_attention"] == pytest.approx(found["AB"][0]["flat_attention"])


def test_maps_of_one_direction_alone():
    first = of_sheet(sheet(A, grey(MAPS), TO_B, B, TO_A))
    assert "flat_attention" in first["AB"][0] and "flat_attention" not in first["BA"][0]
    second = of_sheet(sheet(A, TO_B, B, grey(MAPS), TO_A))
    assert "flat_attention" in second["BA"][0] and second["AB"][0] == of_images(A, TO_B, B)


def test_a_set_of_few_images_and_white_translations():
    white = np.full_like(TO_B[:3], 255)
    found = of_sheet(sheet(A[:3], white, B[:5], TO_A[:5]))
    assert found["AB"] == (of_images(A[:3], white, B[:5]), 3)
    assert found["BA"] == (of_images(B[:5], TO_A[:5], A[:3]), 5)


@pytest.mark.parametrize("shape", [(16, 128), (7 * 16, 128), (64, 130), (64, 4)])
def test_another_picture_is_refused(shape):
    with pytest.raises(ReplicateError, match="expected 4 to 6 rows of 8 squares"):
        of_sheet(Image.fromarray(np.zeros((*shape, 3), np.uint8)))


def test_outputs_are_read_in_the_order_of_the_set(tmp_path):
    names = {"A": [f"{i}.jpg" for i in (3, 1, 2)], "B": ["x.png"] * 8}
    test = ImageSet("d", "test", SIDE, ("a", "b"), False, {"A": A[:3], "B": B}, names, {})
    assert of_outputs(tmp_path / "a2b", test, "AB") is None
    outputs = evaluation.Outputs(TO_B[:3], MAPS[:3] / 255)
    evaluation.write_outputs(outputs, names["A"], tmp_path / "a2b")
    found = of_outputs(tmp_path / "a2b", test, "AB")
    assert found == (of_images(A[:3], TO_B[:3], B, MAPS[:3] / 255), 3)
    (tmp_path / "a2b" / "1.png").unlink()
    assert of_outputs(tmp_path / "a2b", test, "AB") is None
