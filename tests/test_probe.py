"""The probe learns real A from real B, repeats itself, and scores the maps that guide."""

import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from replicate import tables
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.experiment import probe as module
from replicate.experiment.parameters import checked
from replicate.experiment.probe import Seen, probe
from replicate.experiment.run import Run, make_run
from replicate.networks.guidance import Judgement

SIDE = 32  # px, the smoke size


def image_set(**arrays: np.ndarray) -> ImageSet:
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False)
    return ImageSet(*about, arrays, {}, {})


@pytest.fixture
def discs(monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """Red squares in A and green ones in B, on grey noise; eight images a domain."""
    rng = np.random.default_rng(0)
    arrays = {}
    for channel, X in enumerate("AB"):
        noise = rng.integers(0, 256, (8, SIDE, SIDE, 1), np.uint8)
        arrays[X] = np.repeat(noise, 3, axis=3)
        arrays[f"{X}_mask"] = np.zeros((8, SIDE, SIDE), np.uint8)
        for i, (top, left) in enumerate(rng.integers(0, SIDE // 2, (8, 2))):
            box = (i, slice(top, top + 12), slice(left, left + 12))
            arrays[X][box] = 255 * np.eye(3, dtype=np.uint8)[channel]
            arrays[f"{X}_mask"][box] = 1
    made = image_set(**arrays)
    monkeypatch.setattr(packed, "load", lambda name, split, size: made)
    return made


def smoke(name: str = "spatial_guidance", seed: int = 0) -> Run:
    return make_run(name, "horse2zebra_drawn", seed, "smoke")


class Red(nn.Module):
    """A discriminator that looks where an image is red."""

    def forward(self, x: Tensor) -> Judgement:
        return Judgement(x, x[:, :1])


def test_maps_are_scored_by_hand() -> None:
    mask = np.zeros((2, SIDE, SIDE), np.uint8)
    mask[:, :8] = 1  # a quarter
    bright = np.repeat(mask[..., None] * 255, 3, axis=3)
    images = image_set(A=bright, A_mask=mask, B=255 - bright, B_mask=mask)
    # a quarter of A and three quarters of B are 1
    assert module._seen(Red(), images, 7) == Seen(7, 0.5, 1.0, 0.0)


@pytest.mark.parametrize("name", ["spatial_guidance", "spatial_guidance:tam"])
def test_it_repeats_itself_whatever_was_drawn_before(name: str, discs: ImageSet) -> None:
    first = probe(smoke(name), 2)
    torch.rand(3)
    assert probe(smoke(name), 2) == first
    assert probe(smoke(name, seed=1), 2) != first
    untrained, trained = first
    assert (untrained.iteration, trained.iteration) == (0, 2)
    assert untrained[1:] != trained[1:]
    assert probe(smoke(name), 0) == [untrained, untrained]


def test_it_learns_which_images_are_of_b(discs: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = []

    def loss(real: Tensor, fake: Tensor) -> Tensor:
        gaps.append((real.mean() - fake.mean()).item())
        return (real - 1).square().mean() + fake.square().mean()

    monkeypatch.setattr(module, "lsgan_d_loss", loss)
    probe(smoke(), 60)
    # the first batches differ by 0.03; the rate of 2e-4 moves each weight by 0.01 in sixty steps
    assert np.mean(gaps[-5:]) > np.mean(gaps[:5]) + 0.05


def test_a_set_without_masks_is_refused(discs: ImageSet) -> None:
    del discs.arrays["B_mask"]
    with pytest.raises(ReplicateError, match="has no B_mask of its test images"):
        probe(smoke(), 1)


def test_the_table_is_mean_and_deviation_over_three_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(run: Run, iterations: int) -> list[Seen]:
        asked.append((run.title, iterations))
        return [Seen(0, 0.5, 0.1, 0.2), Seen(iterations, 0.25, 0.8 + run.seed / 10, 0.9)]

    monkeypatch.setattr(sys.modules["replicate.tables.probe"], "measure", measured)
    given = {"paper": "lin2021spatial", "methods": ["cyclegan"], "datasets": ["horse2zebra"]}
    frame = tables.probe(checked(given | {"seeds": [5], "budget": "paper"}))
    assert list(frame["discriminator"]) == ["PHA", "PHA", "TAM", "TAM"]
    assert list(frame["iterations"]) == [0, 600, 0, 600]
    # 0.8, 0.9, 1.0: mean 0.9, deviation 0.1
    expected = ["0.250 ± 0.000 (3)", "0.900 ± 0.100 (3)", "0.900 ± 0.000 (3)"]
    assert frame.iloc[1, 2:].tolist() == frame.iloc[3, 2:].tolist() == expected
    assert asked[3] == ("spatial_guidance:tam on horse2zebra_drawn, seed 0 (laptop)", 600)
