"""The draw: every method alike, every place alike, no scene twice where that would tell."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from replicate.errors import ReplicateError
from replicate.preference.material import Material
from replicate.preference.trials import draw

NAMES = ("a", "b", "c", "d")


def material(methods: int, images: int = 60, real: int = 60) -> Material:
    """Names without images: the draw looks at no pixel."""
    stems = {f"s{i}": None for i in range(images)}
    return Material(
        dict.fromkeys(NAMES[:methods], stems), stems, {f"r{i}": None for i in range(real)}
    )


def drawn(mode: str, methods: int, trials: int | None = None, seed: int = 0, **sizes: int):
    return draw(mode, material(methods, **sizes), trials, np.random.default_rng(seed))


def test_fool_shows_as_many_real_as_generated_and_no_scene_twice():
    trials = drawn("fool", 3)
    shown = [trial.options[0] for trial in trials]
    assert Counter((p.role, p.method) for p in shown) == {
        ("real", ""): 30, ("translation", "a"): 10, ("translation", "b"): 10,
        ("translation", "c"): 10,
    }  # fmt: skip
    assert len({(p.role, p.stem) for p in shown}) == 60
    assert all(trial.input is None for trial in trials)


@pytest.mark.parametrize("mode, methods", [("best-of-n", 4), ("best-of-n", 3), ("pair", 2)])
def test_every_method_stands_equally_often_at_every_place(mode, methods):
    trials = drawn(mode, methods)
    assert len(trials) == 60
    for place in range(methods):
        counts = Counter(trial.options[place].method for trial in trials)
        assert set(counts.values()) == {60 // methods}
    for trial in trials:
        assert {p.method for p in trial.options} == set(NAMES[:methods])
        assert {p.stem for p in trial.options} == {trial.input.stem}


def test_pair_asks_every_pair_about_the_same_inputs_with_sides_in_balance():
    trials = drawn("pair", 3)
    by_pair = {pair: [] for pair in combinations("abc", 2)}
    for trial in trials:
        by_pair[tuple(sorted(p.method for p in trial.options))].append(trial)
    stems = [{trial.input.stem for trial in asked} for asked in by_pair.values()]
    assert stems[0] == stems[1] == stems[2] and len(stems[0]) == 20
    for (first, _), asked in by_pair.items():
        assert sum(trial.options[0].method == first for trial in asked) == 10


def test_the_order_does_not_follow_the_method():
    # of 200 draws the share that begin with each of the 3 pairs; 5 standard errors are 0.17
    first = [
        tuple(sorted(p.method for p in drawn("pair", 3, 6, seed=i)[0].options)) for i in range(200)
    ]
    shares = [count / 200 for count in Counter(first).values()]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.17)


def test_a_seed_gives_its_draw_and_another_seed_another():
    assert drawn("pair", 3, seed=1) == drawn("pair", 3, seed=1) != drawn("pair", 3, seed=2)


@pytest.mark.parametrize(
    "mode, methods, trials, sizes, text",
    [
        ("pairs", 2, None, {}, "unknown mode 'pairs' .did you mean 'pair'"),
        ("pair", 1, None, {}, r"1 methods \(a\), pair needs 2 to 9"),
        ("best-of-n", 1, None, {}, r"best-of-n needs 2 to 9"),
        ("fool", 1, None, {"real": 0}, "fool needs real images, none given; add --real FOLDER"),
        ("pair", 3, 50, {}, "trials 50: expected a multiple of 3 up to 180.*--trials 51"),
        ("best-of-n", 2, 61, {}, "expected a multiple of 1 up to 60.*--trials 60"),
        ("fool", 2, 0, {}, "expected a multiple of 4 up to 120.*--trials 4"),
        ("fool", 3, None, {"images": 2}, "too few images for 6 trials"),
    ],
)
def test_what_cannot_be_drawn_is_refused(mode, methods, trials, sizes, text):
    with pytest.raises(ReplicateError, match=text):
        drawn(mode, methods, trials, **sizes)


def test_choices_need_the_inputs():
    images = {"s0": None}
    with pytest.raises(ReplicateError, match="pair shows the inputs, none given; add --source"):
        draw("pair", Material({"a": images, "b": images}, {}, {}), 1, np.random.default_rng(0))
