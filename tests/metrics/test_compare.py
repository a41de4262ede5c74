"""The rows of a comparison: floors, do-nothing, intervals, honest gaps, one pass a network."""

from pathlib import Path

import numpy as np
import pytest

from replicate.errors import ReplicateError
from replicate.metrics import compare as comparing
from replicate.metrics import inception
from replicate.metrics.compare import Bench, compare, default_protocols, feature_protocols, measure
from replicate.metrics.features import Features
from replicate.metrics.images import Stack
from replicate.metrics.protocols import find
from replicate.metrics.score import Score

REAL = [1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
FAKE = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]
SOURCE = [0] * 12
ALL = [p.id for p in feature_protocols() if p.output == "pool"]


class Corner:
    """One feature, the value of the first pixel, which is the first answer, too, 0 or 1; counts how
    many images it has seen."""

    dim, official = 1, True

    def __init__(self, name: str, resize: str) -> None:
        self.id = f"{name}-{resize}@test" if resize else f"{name}@test"
        self.seen = 0

    def __call__(self, images) -> Features:
        self.seen += len(images)
        pool = np.array([image[0, 0, :1] for image in images], np.float64)
        return Features(pool, np.eye(2)[pool[:, 0].astype(int)])


@pytest.fixture
def made(monkeypatch) -> dict[str, Corner]:
    """The extractors that were asked for, by network."""
    found: dict[str, Corner] = {}

    def extractor(name: str, resize: str, weights: Path | None, device: str) -> Corner:
        return found.setdefault(f"{name}-{resize}", Corner(name, resize))

    monkeypatch.setattr(comparing, "extractor", extractor)
    return found


def stack(values: list[int]) -> Stack:
    return Stack(np.tile(np.array(values, np.uint8)[:, None, None, None], (1, 8, 8, 3)))


def bench(fake=FAKE, real=REAL, source=SOURCE, train=None, **more: object) -> Bench:
    given = {"fake": fake, "real": real, "source": source, "real_train": train}
    return Bench({name: stack(v) for name, v in given.items() if v is not None}, **more)


def rows(*ids: str, **sets: object) -> dict[str, Score]:
    protocols = [find(id) for id in ids] or None
    return {row.protocol: row for row in compare(bench(**sets), protocols, classes=(1,))}


def test_every_set_passes_once_through_every_network(made):
    rows(*ALL, train=REAL * 2)
    assert {network: one.seen for network, one in made.items()} == dict.fromkeys(made, 12 * 3 + 24)
    assert len(made) == len({(find(id).features, find(id).resize) for id in ALL})


def test_the_value_is_the_protocols(made):
    sides = {"fake": FAKE, "real": REAL, "source": SOURCE}
    arrays = {name: np.array(v, np.float64)[:, None] for name, v in sides.items()}
    for id, row in rows("kid/gm-mean098", "fid/aggan-mean", "kid/clean").items():
        assert (row.value, row.spread) == measure(find(id), arrays)[:2]
    assert "lower is not better" in rows("kid/gm-mean098")["kid/gm-mean098"].note


def test_do_nothing_scores_the_source_as_the_output(made):
    found = rows()
    for protocol, row in rows(fake=SOURCE).items():
        assert found[protocol].do_nothing == row.value
    assert abs(found["kid/gm-mean098"].do_nothing) < found["kid/gm-mean098"].value  # its flaw


def test_floor_from_training_images_of_the_same_number(made):
    train = [1, 0, 0] * 12
    found = rows(train=train)
    evenly = train[::3]
    for protocol, row in rows(fake=evenly).items():
        assert found[protocol].floor == row.value or not find(protocol).sides
    assert "floor: 12 training images against real" in found["fid/inception"].note


def test_floor_from_halves_of_the_real_images(made):
    found = rows()
    for protocol, row in rows(fake=REAL[::2], real=REAL[1::2]).items():
        halves = {found[protocol].floor, found[protocol].floor_halves}
        assert halves == {row.value} or not find(protocol).sides
    assert "floor: halves of real, 6 + 6" in found["kid/inception"].note
    both = rows(train=[1, 0, 0] * 12)["fid/clean"]
    assert both.floor_halves == found["fid/clean"].floor != both.floor


def test_real_images_that_are_the_target_are_no_floor(made):
    row = rows("fid/gan-compression", train=[1, 0, 0] * 12)["fid/gan-compression"]
    assert row.value is not None and "floor: halves of real" in row.note


def test_an_interval_stands_where_the_estimator_allows_it(made):
    found = rows()
    assert found["kid/clean"].low < found["kid/clean"].value < found["kid/clean"].high
    for id in ("fid/clean", "kid/subsets", "kid/gm-target", "kid/aggan-mean"):
        assert found[id].low is None and found[id].high is None


def test_a_class_rate_stands_between_do_nothing_and_its_ceiling(made):
    found = rows("class-rate/efficientnet-lite0", "class-probability/efficientnet-lite0")
    rate, mean = found.values()
    assert (rate.value, rate.floor, rate.do_nothing) == (2 / 12, 9 / 12, 0.0)
    assert rate.note == "ceiling: the real images' own score; classes 1"
    assert rate.low == pytest.approx(0.0470, abs=1e-4)  # Wilson, 2 of 12
    sure, unsure = np.e / (np.e + 1), 1 / (np.e + 1)  # softmax of 1 and 0
    assert mean.value == pytest.approx((2 * sure + 10 * unsure) / 12, rel=1e-12)
    assert mean.low < mean.value < mean.high


def test_without_classes_a_class_rate_is_no_number(made):
    (row,) = compare(bench(), [find("class-rate/efficientnet-lite0")])
    assert row.value is None and row.note.startswith("not computed: no class: no ImageNet class")


def test_beyond_many_images_only_the_value_of_a_full_kid_is_computed(made, monkeypatch):
    monkeypatch.setattr(comparing, "MANY", 11)
    found = rows("kid/clean", "fid/clean", "kid/subsets")
    assert found["kid/clean"].value is not None and found["kid/clean"].floor is None
    assert "over 11 images: floors, do-nothing and interval" in found["kid/clean"].note
    assert found["fid/clean"].floor is not None and found["kid/subsets"].floor is not None


def test_without_a_set_its_rows_are_left_out_unless_asked_for(made):
    found = rows(source=None)
    wanted = [p for p in feature_protocols() if p.default and "source" not in p.needs]
    assert list(found) == [p.id for p in wanted] == [
        p.id for p in default_protocols({"fake": 0, "real": 0})
    ]  # fmt: skip
    assert all(row.do_nothing is None for row in found.values())
    row = rows("kid/gm-mean098", source=None)["kid/gm-mean098"]
    assert row.note == "not computed: kid/gm-mean098 needs source; add --source DIR"
    with pytest.raises(ReplicateError, match="add --source DIR"):
        compare(bench(source=None), [find("kid/gm-mean098")], strict=True)


def test_a_protocol_that_cannot_be_computed_says_so_and_stops_no_other(made):
    found = rows(fake=FAKE * 9, real=REAL, source=None)
    assert found["kid/gm-target"].value is None
    assert found["kid/gm-target"].note.startswith("not computed: KID in 11 blocks of 10 leaves")
    assert found["kid/inception"].value is not None
    few = rows(real=REAL[:6], source=None)["kid/inception"]
    assert few.value is not None and few.floor is None
    assert "floor not computed: the standard error of KID needs at least 4" in few.note


def test_numbers_sets_and_extractor_are_in_the_row(made):
    row = rows("fid/standin")["fid/standin"]
    assert (row.n_fake, row.n_real, row.extractor) == (12, 12, "standin-v1@test")
    assert rows("fid/gm")["fid/gm"].extractor == "inception-2015-12-05-gm@test"


def test_weights_that_are_not_the_official_ones_are_told_in_every_row(made, monkeypatch):
    monkeypatch.setattr(Corner, "official", False)
    note = "UNOFFICIAL WEIGHTS (inception-2015-12-05-clean@test): compares with nothing"
    assert note in rows("kid/clean")["kid/clean"].note


def random_bench(**more: object) -> Bench:
    rng = np.random.default_rng(0)
    sets = {
        name: Stack(rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8))
        for name in ("fake", "real", "source")
    }
    return Bench(sets, **more)


def test_missing_inception_leaves_rows_without_values(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    found = {row.protocol: row for row in compare(random_bench())}
    assert found["kid/standin"].value is not None
    assert "rank-deficient, n=8" in found["fid/standin"].note
    missing = [row for id, row in found.items() if find(id).resize]
    assert len(missing) > 5 and all(row.value is None and row.floor is None for row in missing)
    assert all(row.note == f"not computed: {inception.missing()}" for row in missing)
    assert found["fid/gm"].extractor == "inception-2015-12-05-gm@6726825d"
    offline = {row.protocol: row for row in compare(random_bench(offline=True))}
    assert offline["fid/gm"].note == "not computed: --offline-metrics"
    assert offline["kid/standin"].value == found["kid/standin"].value
