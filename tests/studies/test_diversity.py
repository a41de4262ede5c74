"""Diversity and best-of-n PSNR by hand, beside a method that has one translation."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from replicate import paths
from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import make_run
from replicate.lab.workflow import read_params
from replicate.methods.base import Translation
from replicate.studies import diversity as study

SIDE = 32  # px
STEP = 16  # of 255, by which the stub's translations are brighter, seed by seed


class Brighter:
    """Of seed n the input, brighter by n steps; by one step where there are no seeds."""

    directions = ("AB", "BA")
    config = SimpleNamespace(precision="fp32")

    def __init__(self, multimodal: bool) -> None:
        self.multimodal = multimodal

    def translate(self, x: torch.Tensor, direction: str, seed: int = 1) -> Translation:
        return Translation(x + 2 * STEP * seed / 255)


def frame(monkeypatch, paired: bool):
    """That of two runs; B is two steps brighter than A, image by image."""
    greys = np.array([50, 90, 130], np.uint8)[:, None, None, None]
    x = np.broadcast_to(greys, (3, SIDE, SIDE, 3))
    names = {X: ["1.png", "2.png", "3.png"] for X in "AB"}
    arrays = {"A": x, "B": x + 2 * STEP}
    about = ("facades", "test", SIDE, ("photo", "label"), paired, arrays, names, {})
    monkeypatch.setattr(packed, "load", lambda *_: packed.ImageSet(*about))
    monkeypatch.setattr(study, "load_method", lambda run, _: Brighter(run.method == "bicyclegan"))
    monkeypatch.setattr(study, "frozen", lambda name: nn.Identity())
    runs = [make_run(name, "facades", 0, "smoke") for name in ("bicyclegan", "pix2pix")]
    return study.diversity(runs, samples=4).set_index(["direction", "method"])


@pytest.fixture
def made(workspace, monkeypatch):
    """The truth of an input of grey g is g + 2 steps, backwards g - 2."""
    return frame(monkeypatch, paired=True)


def decibel(steps: int) -> float:
    return 20 * np.log10(255 / (steps * STEP))


def test_the_best_of_n_is_the_nearest_to_the_truth(made):
    there, back = made.loc["photo->label"], made.loc["label->photo"]
    assert there.loc["bicyclegan", "PSNR, dB"] == pytest.approx(decibel(2))
    assert there.loc["bicyclegan", "best PSNR, dB"] == np.inf  # seed 2 is the truth
    assert back.loc["bicyclegan", "best PSNR, dB"] == pytest.approx(decibel(2))  # seed 0
    for column in ("PSNR, dB", "best PSNR, dB"):
        assert there.loc["pix2pix", column] == pytest.approx(decibel(1))
    assert there["translations"].tolist()[:2] == [4, 1]


def test_distances_are_means_over_all_pairs_of_translations(made):
    there = made.loc["photo->label"]
    # of 4 translations six pairs, 1, 2, 3, 1, 2 and 1 steps apart
    apart = there.loc["bicyclegan", "pixel distance"]
    assert apart == pytest.approx(10 / 6 * STEP / 255, rel=1e-5)  # float32
    # grey pixels are as features (g, g, g): of one length they are equal, or opposite
    assert there.loc["bicyclegan", "feature distance"] >= 0
    assert np.isnan(there.loc["pix2pix", "pixel distance"])
    true = there.loc[study.TRUTH, "pixel distance"]
    assert true == pytest.approx((40 + 40 + 80) / 3 / 255, rel=1e-5)


def test_features_are_compared_place_by_place_at_length_one():
    x = torch.tensor([3.0, 4.0])[None, :, None, None].expand(1, 2, 2, 2)
    y = torch.tensor([0.0, 2.0])[None, :, None, None].expand(1, 2, 2, 2)
    (distances,) = study._between(*(study._viewed(z, nn.Identity()) for z in (x, y)))
    # (0.6, 0.8) and (0, 1): 0.36 + 0.04; pixels (3 + 2) / 2, halved
    torch.testing.assert_close(distances, torch.tensor([1.25, 0.4]))


def test_without_pairs_the_distances_are_the_same_and_no_psnr_is(made, monkeypatch):
    unpaired = frame(monkeypatch, paired=False)
    distances = ["pixel distance", "feature distance"]
    assert unpaired[distances].equals(made[distances])
    assert unpaired[["PSNR, dB", "best PSNR, dB"]].isna().all(axis=None)
    assert made["PSNR, dB"].notna().sum() == 4


def test_no_runs_are_refused():
    with pytest.raises(ReplicateError, match="no run to measure"):
        study.diversity([])


def test_a_method_of_one_translation_stands_beside_with_the_psnr_of_its_record(workspace):
    params = checked(read_params("03_attentiongan", "laptop"), "03_attentiongan")
    *_, beside = study.several(params).shown
    (folder,) = (paths.published() / "runs" / "facades" / "pix2pix").iterdir()
    table = pd.read_csv(folder / "scores.csv").query("protocol == 'psnr/skimage'")
    lines = repr(beside).splitlines()
    for way, value in zip(table["direction"], table["value"], strict=True):
        assert any(way in line and f"{value:.2f}" in line for line in lines), lines
