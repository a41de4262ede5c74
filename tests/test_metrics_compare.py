"""The rows of a comparison: every protocol by hand on twelve images, floors, honest gaps."""

import math

import numpy as np
import pytest

from replicate.errors import ReplicateError
from replicate.metrics import inception
from replicate.metrics.compare import PROTOCOLS, compare, compare_all
from replicate.metrics.score import Score

REAL = [1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
FAKE = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]
SOURCE = [0] * 12


class Corner:
    """One feature, the value of the first pixel, under the name of a real extractor."""

    dim = 1

    def __init__(self, name: str = "inception-2015-12-05") -> None:
        self.id = f"{name}@test"

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images[:, 0, 0, :1].astype(np.float64)


def images(values: list[int]) -> np.ndarray:
    return np.tile(np.array(values, np.uint8)[:, None, None, None], (1, 8, 8, 3))


def rows(fake=FAKE, real=REAL, source=SOURCE, train=None, name="inception-2015-12-05") -> dict:
    given = [None if v is None else images(v) for v in (source, train)]
    found = compare(images(fake), images(real), Corner(name), *given)
    return {row.protocol: row for row in found}


def test_every_kid_protocol_by_hand():
    # The kernel is 8 between ones and 1 otherwise: p of n against q of m give
    # 7 (p(p-1)/n(n-1) + q(q-1)/m(m-1) - 2 p q / n m). Nothing here is multiplied by 100.
    found = rows()
    target = 7 * (72 / 132 + 2 / 132 - 36 / 144)
    source = 7 * 2 / 132
    assert found["kid/inception"].value == pytest.approx(target, rel=1e-12)
    assert found["kid/aggan-mean"].value == pytest.approx((target + source) / 2, rel=1e-12)
    # Blocks of 6: to the target 1.4 and 2.8, to the source 0 and 7/15.
    gm, mean098 = found["kid/gm-target"], found["kid/gm-mean098"]
    assert (gm.value, gm.spread) == pytest.approx((2.1, 0.7), rel=1e-12)
    expected = (0.02 * 2.1 + 0.98 * 7 / 30) / 2, (0.02 * 0.7 + 0.98 * 7 / 30) / 2
    assert (mean098.value, mean098.spread) == pytest.approx(expected, rel=1e-12)
    kinds = {protocol: row.spread_kind for protocol, row in found.items()}
    assert kinds["kid/inception"] == "standard error"
    assert kinds["kid/gm-target"] == kinds["kid/gm-mean098"] == "standard error over blocks"
    assert kinds["kid/subsets"] == "sd over subsets"
    assert "100 subsets of 6" in found["kid/subsets"].note


def test_every_fid_protocol_by_hand():
    # One feature: (mean difference)^2 + (sd difference)^2; 9, 2 and 0 ones of 12.
    sd = {p: math.sqrt(p * (12 - p) / 12 / 11) for p in (9, 2, 0)}
    target = (7 / 12) ** 2 + (sd[9] - sd[2]) ** 2
    source = (2 / 12) ** 2 + sd[2] ** 2
    found = rows()
    assert found["fid/inception"].value == pytest.approx(target, rel=1e-12)
    assert found["fid/gm"].value == found["fid/inception"].value  # not divided by 100
    assert found["fid/aggan-mean"].value == pytest.approx((target + source) / 2, rel=1e-12)
    assert found["fid/gm"].spread is None and found["fid/gm"].spread_kind == ""


def test_do_nothing_scores_the_source_as_the_output():
    found = rows()
    for protocol, row in rows(fake=SOURCE).items():
        assert found[protocol].do_nothing == row.value
    assert abs(found["kid/gm-mean098"].do_nothing) < found["kid/gm-mean098"].value  # its flaw


def test_floor_from_training_images_of_the_same_number():
    train = [1, 0, 0] * 12
    found = rows(train=train)
    evenly = train[::3]
    for protocol, row in rows(fake=evenly).items():
        assert found[protocol].floor == row.value
    assert "floor: 12 training images against real" in found["fid/inception"].note


def test_floor_from_halves_of_the_real_images():
    found = rows()
    for protocol, row in rows(fake=REAL[::2], real=REAL[1::2]).items():
        assert found[protocol].floor == row.value
    assert "floor: halves of real, 6 + 6" in found["kid/inception"].note


def test_without_source_its_rows_are_left_out():
    found = rows(source=None)
    assert set(found) == {p.id for p in PROTOCOLS["inception-2015-12-05"] if not p.needs_source}
    assert all(row.do_nothing is None for row in found.values())


def test_a_protocol_that_cannot_be_computed_says_so_and_stops_no_other():
    found = rows(fake=FAKE * 9, real=REAL, source=None)
    assert found["kid/gm-target"].value is None
    assert found["kid/gm-target"].note.startswith("not computed: KID in 11 blocks of 10 leaves")
    assert found["kid/inception"].value is not None
    few = rows(real=REAL[:6], source=None)["kid/inception"]
    assert few.value is not None and few.floor is None
    assert "floor not computed: the standard error of KID needs at least 4" in few.note


def test_numbers_sets_and_extractor_are_in_the_row():
    row = rows(name="standin-v1")["fid/standin"]
    assert (row.n_fake, row.n_real, row.extractor) == (12, 12, "standin-v1@test")
    with pytest.raises(ReplicateError, match="did you mean 'standin-v1'"):
        rows(name="standin-v2")


def test_missing_inception_leaves_rows_without_values(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    sets = [rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8) for _ in range(3)]
    found = {row.protocol: row for row in compare_all(*sets)}
    assert isinstance(found["kid/standin"], Score) and found["kid/standin"].value is not None
    assert "rank-deficient, n=8" in found["fid/standin"].note
    missing = [found[p.id] for p in PROTOCOLS["inception-2015-12-05"]]
    assert all(row.value is None and row.floor is None for row in missing)
    assert all(row.note == f"not computed: {inception.missing()}" for row in missing)
    assert all(row.extractor == "inception-2015-12-05@6726825d" for row in missing)
    offline = compare_all(*sets, offline=True)[-1]
    assert offline.note == "not computed: --offline-metrics"
    assert "kid/gm-mean098" not in {row.protocol for row in compare_all(*sets[:2])}
