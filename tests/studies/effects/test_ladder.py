"""The rungs by hand, and where their images come from."""

from types import SimpleNamespace

import numpy as np
import pytest

from replicate.errors import ReplicateError
from replicate.studies.effects import ladder as ladders
from replicate.studies.effects.ladder import RUNGS, Ladder, blurred, ladder, repeated, spaced


def flat(*values: int) -> np.ndarray:
    """One image of 8 px a value, of that grey."""
    return np.stack([np.full((8, 8, 3), value, np.uint8) for value in values])


def greys(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def made(n: int = 20, ideal: bool = True) -> Ladder:
    source, perfect = flat(*range(n)), flat(*range(100, 100 + n))
    return Ladder("t", source, perfect, flat(*range(200, 210)), flat(7, 8), flat(9), ideal)


def test_each_rung_by_hand():
    rungs = made().rungs()
    assert tuple(rungs) == RUNGS
    assert greys(rungs["perfect"]) == list(range(100, 120))
    assert greys(rungs["half"])[:3] == [50, 51, 52]  # (0 + 100) / 2, (1 + 101) / 2, ...
    assert greys(rungs["do nothing"]) == list(range(20))
    assert greys(rungs["few"]) == [100, 110] * 10
    assert made().different() == 2
    odd = Ladder("t", flat(0), flat(101), flat(0), flat(0), flat(0), True)
    assert greys(odd.rungs()["half"]) == [51]  # rounded up


def test_without_ideals_half_of_the_images_are_inputs():
    assert greys(made(4, ideal=False).rungs()["half"]) == [100, 1, 102, 3]


def test_a_blur_takes_contrast_away_and_keeps_the_mean():
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    soft = blurred(noise)
    assert soft.shape == noise.shape and soft.dtype == np.uint8
    assert soft.std() < 0.6 * noise.std()  # a Gaussian of 1 px keeps sd / (2 sqrt(pi)) = 0.28
    assert soft.mean() == pytest.approx(noise.mean(), abs=1)  # rounding to whole greys
    assert greys(blurred(flat(80))) == [80]


def test_fewer_images_are_evenly_spaced_and_the_rungs_follow():
    assert greys(spaced(flat(*range(10)), 5)) == [0, 2, 4, 6, 8]
    assert len(spaced(flat(1, 2), 5)) == 2
    few = made().spaced(5, 1)
    assert greys(few.source) == [0, 4, 8, 12, 16] and greys(few.perfect)[1] == 104
    assert greys(few.rungs()["few"]) == [100, 108, 100, 108, 100]
    assert [len(few.real), len(few.real_train), len(few.source_train)] == [5, 1, 1]
    whole = made().spaced(0, 0)
    assert [len(whole.source), len(whole.real_train)] == [20, 2]
    assert greys(repeated(flat(*range(30)))) == [0, 10, 20] * 10


def sets(monkeypatch, **test: np.ndarray):
    """Makes `packed.load` give small sets; the training images of B are greys 200 and on."""
    splits = {
        "test": {"A": flat(*range(6)), "B": flat(*range(50, 56))} | test,
        "train": {"A": flat(*range(10)), "B": flat(*range(200, 212))},
    }
    monkeypatch.setattr(
        ladders.packed,
        "load",
        lambda name, split, size: SimpleNamespace(arrays=splits[split], domains=("x", "y")),
    )
    return SimpleNamespace(dataset="d", direction="AB", size=8)


def test_ideals_are_taken_where_they_are_known(monkeypatch):
    found = ladder(sets(monkeypatch, A_ideal=flat(*range(90, 96))))
    assert found.ideal and greys(found.perfect) == list(range(90, 96))
    assert greys(found.real_train) == list(range(200, 212)) and found.title == "d, x->y"


def test_other_real_images_stand_for_unknown_ideals_and_are_not_the_floor(monkeypatch):
    found = ladder(sets(monkeypatch))
    assert not found.ideal and greys(found.perfect) == [200, 202, 204, 206, 208, 210]
    assert greys(found.real_train) == [201, 203, 205, 207, 209, 211]


def test_too_few_images_are_refused(monkeypatch):
    with pytest.raises(ReplicateError, match=r"d, x->y: 6 inputs, 3 test and .* 4 or more of each"):
        ladder(sets(monkeypatch, B=flat(1, 2, 3)))
