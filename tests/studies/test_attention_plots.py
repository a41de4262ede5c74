"""Attention over training is read from the saved maps; untrained discriminators stand beside."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import studies
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.report.plots.picture import palette
from replicate.studies import attention

SIDE = 32  # px, the smoke size


@pytest.fixture(autouse=True)
def images(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """Three test images of noise a domain; the object is the upper quarter."""
    rng = np.random.default_rng(0)
    arrays = {X: rng.integers(0, 256, (3, SIDE, SIDE, 3), np.uint8) for X in "AB"}
    mask = np.zeros((3, SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 4] = 1
    arrays |= {"A_mask": mask, "B_mask": mask}
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False)
    made = ImageSet(*about, arrays, {}, {})
    monkeypatch.setattr(packed, "load", lambda name, split, size, **more: made)
    return made


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Method]:
    """What the plot loads, in place of checkpoints: G of another seed, D of zeros."""
    loaded = []

    def load(run: Run, device: torch.device) -> Method:
        torch.manual_seed(99)
        method = METHODS[run.method](run.config).eval()
        for p in method.D.parameters():
            torch.nn.init.zeros_(p)
        loaded.append(method)
        return method

    monkeypatch.setattr(attention, "load_method", load)
    return loaded


def sampled(name: str, maps: dict[int, np.ndarray], seed: int = 0) -> Run:
    """A smoke run with sheets whose maps are (SIDE, SIDE) of A; those of B are their negatives."""
    run = make_run(name, "horse2zebra_drawn", seed, "smoke")
    (run.folder / "samples").mkdir(parents=True)
    white = np.full((SIDE, SIDE), 255, np.uint8)
    for step, own in maps.items():
        rows = [white, own, white, white, 255 - own, white]
        # the split has three images, so five places of a row are white
        line = [np.concatenate([row] * 3 + [white] * 5, axis=1) for row in rows]
        sheet = np.repeat(np.concatenate(line)[..., None], 3, axis=2)
        Image.fromarray(sheet).save(run.folder / "samples" / f"{step:08d}.png")
    return run


def upper() -> np.ndarray:
    """A map that is 1 on the object and 0 elsewhere."""
    planted = np.zeros((SIDE, SIDE), np.uint8)
    planted[: SIDE // 4] = 255
    return planted


def test_measures_of_planted_maps(trained: list[Method]) -> None:
    flat = np.full((SIDE, SIDE), 51, np.uint8)
    run = sampled("spatial_guidance", {10: upper(), 20: flat})
    frame = attention.over_training(run)
    way = frame[frame["iteration"] > 0].set_index(["domain", "iteration"])
    assert way["auc"].to_dict() == {("A", 10): 1, ("A", 20): 0.5, ("B", 10): 0, ("B", 20): 0.5}
    # a quarter of A's map and three quarters of B's are 1; 51 and 204 of 255
    assert way["mean"].tolist() == pytest.approx([0.25, 0.2, 0.75, 0.8])  # sums of floats
    assert set(frame["name"]) == {"spatial_guidance"} and set(frame["seed"]) == {0}


def test_the_untrained_discriminators_are_those_of_the_run_s_seed(
    trained: list[Method], images: ImageSet
) -> None:
    run = sampled("spatial_guidance", {10: upper()}, seed=3)
    found = attention._untrained(run, images, "AB")
    torch.manual_seed(3)
    fresh = METHODS[run.method](run.config)
    made, used = fresh.state_dict(), trained[0].state_dict()
    same = {key.split(".")[0] for key in made if torch.equal(made[key], used[key])}
    other = {key.split(".")[0] for key in made if not torch.equal(made[key], used[key])}
    assert "D" in same - other and "G" in other
    assert found.shape == (3, SIDE, SIDE) and found.std() > 0


def test_rows_and_lines_of_the_figure(trained: list[Method], images: ImageSet) -> None:
    runs = [sampled("spatial_guidance", {10: upper(), 20: upper()}, seed) for seed in (0, 1)]
    runs.append(make_run("cyclegan", "horse2zebra_drawn", 0, "smoke"))  # has no samples
    figure = studies.attention_over_training(runs)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{m}, images of {X}" for m in ("pixel AUC", "mean of the map") for X in "AB"]
    dotted = [[line.get_linestyle() == ":" for line in axes.lines] for axes in figure.axes]
    assert [sum(lines) for lines in dotted] == [2, 2, 2, 2]
    assert list(figure.axes[0].lines[1].get_xdata()) == [10, 20]
    del images.arrays["A_mask"], images.arrays["B_mask"]
    figure = studies.attention_over_training(runs)
    assert [axes.get_title() for axes in figure.axes] == titles[2:]


def test_runs_without_maps_say_what_to_add() -> None:
    with pytest.raises(ReplicateError, match="no run has attention maps among its samples"):
        studies.attention_over_training([make_run("cyclegan", "horse2zebra_drawn", 0, "smoke")])


def test_more_methods_than_colours_get_darker_ones() -> None:
    names = [str(i) for i in range(13)]
    many, few = palette(names), palette(names[:10])
    assert list(many) == names and len(set(many.values())) == 13
    assert {name: many[name] for name in few} == few
    assert many["10"] == tuple(value / 2 for value in many["0"])
