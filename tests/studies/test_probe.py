"""The probe learns real A from real B, repeats itself, and scores the maps that guide."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from replicate import studies
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import Run, make_run
from replicate.networks.guidance import Judgement
from replicate.studies import attention_probe as module
from replicate.studies.attention_probe import Seen, discs, train_probe

SIDE = 32  # px, the smoke size


def image_set(**arrays: np.ndarray) -> ImageSet:
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False)
    return ImageSet(*about, arrays, {}, {})


def smoke(name: str = "spatial_guidance", seed: int = 0) -> Run:
    return make_run(name, "horse2zebra_drawn", seed, "smoke")


def probed(iterations: int, name: str = "spatial_guidance", seed: int = 0) -> list[Seen]:
    return train_probe(smoke(name, seed), iterations, discs("train", SIDE), discs("test", SIDE))


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
def test_it_repeats_itself_whatever_was_drawn_before(name: str) -> None:
    first = probed(2, name)
    torch.rand(3)
    assert probed(2, name) == first
    assert probed(2, name, seed=1) != first
    untrained, trained = first
    assert (untrained.iteration, trained.iteration) == (0, 2)
    assert untrained[1:] != trained[1:]
    assert probed(0, name) == [untrained, untrained]


def test_it_learns_which_images_are_of_b(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = []

    def loss(real: Tensor, fake: Tensor) -> Tensor:
        gaps.append((real.mean() - fake.mean()).item())
        return (real - 1).square().mean() + fake.square().mean()

    monkeypatch.setattr(module, "lsgan_d_loss", loss)
    probed(60)
    # the first batches differ by 0.03; the rate of 2e-4 moves each weight by 0.01 in sixty steps
    assert np.mean(gaps[-5:]) > np.mean(gaps[:5]) + 0.05


def test_a_set_without_masks_is_refused() -> None:
    bare = discs("test", SIDE)
    del bare.arrays["B_mask"]
    with pytest.raises(ReplicateError, match="discs has no B_mask of its test images"):
        train_probe(smoke(), 1, bare, bare)


def test_discs_differ_in_colour_alone() -> None:
    train, test = discs("train"), discs("test")
    assert len(train.arrays["A"]) == 500 and len(test.arrays["B"]) == 48
    assert not np.array_equal(train.arrays["A"][:48], test.arrays["A"])
    for X, colour in (("A", (255, 0, 0)), ("B", (0, 255, 0))):
        images, inside = test.arrays[X], test.arrays[f"{X}_mask"] == 1
        assert (images[inside] == colour).all()
        ground = images[~inside]
        assert (ground == ground[:, :1]).all() and 120 < ground.mean() < 135  # uniform: 127.5
        # discs of 9 to 13 px lie whole in 64 x 64: a pixel-wise disc is within 5 % of its area
        areas = inside.sum(axis=(1, 2)) / np.pi
        assert 9**2 * 0.95 < areas.min() < areas.max() < 13**2 * 1.05
    assert np.array_equal(discs("test").arrays["B"], test.arrays["B"])


def test_the_table_is_mean_and_deviation_over_three_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(run: Run, iterations: int, train: ImageSet, test: ImageSet) -> list[Seen]:
        asked.append((run.title, iterations, train, test))
        return [Seen(0, 0.5, 0.1, 0.2), Seen(iterations, 0.25, 0.8 + run.seed / 10, 0.9)]

    monkeypatch.setattr(module, "train_probe", measured)
    name = "horse2zebra_drawn"
    monkeypatch.setattr(module, "SETS", {name: lambda split, size: f"{split} of {size} px"})
    given = {"paper": "lin2021spatial", "methods": ["cyclegan"], "datasets": ["horse2zebra"]}
    frame = studies.probe(checked(given | {"seeds": [5], "budget": "paper"}))
    assert list(frame["discriminator"]) == ["PHA"] * 4 + ["TAM"] * 4
    assert list(frame["layers"]) == [2, 2, 3, 3] * 2 and set(frame["images"]) == {name}
    assert list(frame["iterations"]) == [0, 200] * 4
    # 0.8, 0.9, 1.0: mean 0.9, deviation 0.1
    expected = ["0.250 ± 0.000 (3)", "0.900 ± 0.100 (3)", "0.900 ± 0.000 (3)"]
    assert frame.iloc[1, 4:].tolist() == frame.iloc[7, 4:].tolist() == expected
    title = "spatial_guidance:tam+n_layers=3 on horse2zebra_drawn, seed 0 (laptop)"
    assert asked[9] == (title, 200, "train of 64 px", "test of 64 px")
