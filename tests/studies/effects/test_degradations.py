"""The series of photographs, on a network whose features are colours."""

import numpy as np
import pytest

from replicate.lab import workflow
from replicate.lab.notebook_parameters import checked
from replicate.metrics.inception import Features
from replicate.studies.effects import degradations as study

N = 12


class Colours:
    """Pooled features that are mean colours and their contrast; the first answer is a constant."""

    name = "efficientnet-lite0"

    def __init__(self, device: str) -> None:
        assert device == "cpu"

    def __call__(self, images: np.ndarray) -> Features:
        pixels = images.astype(np.float64) / 255
        pool = np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1)
        return Features(pool, np.eye(1000)[np.full(len(images), 340)])


@pytest.fixture
def album(workspace, monkeypatch):
    monkeypatch.setattr(study, "EfficientNet", Colours)
    given = dict(workflow.read_params("00_protocol", "smoke")) | {"standin_images": N}
    return study.real_network(checked(given, "00_protocol"))


def test_rows_go_from_other_real_images_to_the_inputs(album):
    (rows,) = (part.cells for part in album.shown[0].parts)
    assert list(rows["outputs"]) == [
        "real vs real",
        *(f"blurred by 1/{part} of the side" for part in study.BLURS),
        "25% inputs", "50% inputs", "75% inputs", "do nothing",
    ]  # fmt: skip
    assert f"{N} inputs, {N} test and {N} training images" in album.said


def test_with_fewer_images_floor_and_do_nothing_stand_beside_each_other(album):
    head, row = repr(album.shown[1]).splitlines()
    assert head.startswith("images of each | KID") and row.startswith(f"{N} | ")


def test_a_share_of_inputs_takes_their_place_among_the_real_ones():
    real, idle = (Features(np.full((8, 2), v), np.full((8, 3), v)) for v in (1.0, 0.0))
    mixed = study._mixed({study.REAL: real, study.IDLE: idle})
    assert [each.pool[:, 0].sum() for each in mixed.values()] == [6, 4, 2]
    assert all(len(each.pool) == len(each.logits) == 8 for each in mixed.values())


def test_images_that_are_not_here_are_named(workspace):
    given = dict(workflow.read_params("00_protocol", "smoke")) | {"photographs": "horse2zebra"}
    album = study.real_network(checked(given, "00_protocol"))
    assert "`replicate data get horse2zebra" in album.said and not album.shown
