"""DA-GAN's windows in closed form, what places them, and what encodes what they show."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from replicate.errors import UnknownName
from replicate.networks.dagan import (
    AttentionEncoder,
    Classifier,
    Localiser,
    centre_of,
    overlap,
    place_windows,
    union,
)

SIDE = 64


def window(x: float, y: float, half: float, k: float, side: int = SIDE) -> Tensor:
    return place_windows(torch.tensor([[[x, y]]]), half, k, side).masks[0, 0]


@pytest.mark.parametrize(
    ("centre", "half", "share", "rel"),
    [  # whole edges are antisymmetric, so their sums over pixels are exact: float32, tails e^-16
        (32.0, 8.0, (16 / SIDE) ** 2, 1e-5),  # inside: 2 w by 2 h
        (24.0, 8.0, (16 / SIDE) ** 2, 1e-5),
        (16.0, 32.0, (48 / SIDE) ** 2, 1e-5),  # eq. 2 to the letter: cut by the image alone
        # the integral of a sigmoid's tail is ln 2; its sum over pixels is 1/96 px less
        (32.0, 32.0, ((SIDE - 2 * log(2)) / SIDE) ** 2, 1e-3),
    ],
)
def test_the_area_of_a_window(centre, half, share, rel):
    assert window(centre, centre, half, 1.0).mean().item() == pytest.approx(share, rel=rel)


def test_a_sharp_window_is_its_box():
    placed = place_windows(torch.tensor([[[20.0, 40.0]]]), 10.0, 1e3, SIDE)
    assert placed.boxes.tolist() == [[[10, 30, 30, 50]]]
    box = torch.zeros(SIDE, SIDE)
    box[30:50, 10:30] = 1  # rows are y
    assert torch.equal(placed.masks[0, 0], box)
    soft = window(20.0, 40.0, 10.0, 1.0)
    # half a px inside; the upper and lower edges, 9.5 px away, cost e^-9.5
    assert soft[40, 10].item() == pytest.approx(1 / (1 + exp(-0.5)), rel=2e-4)


def test_a_mask_pulls_its_window_towards_what_its_edge_touches():
    """What one pixel right of the window would gain: the slope of a sigmoid at its centre."""
    slopes = {}
    for k in (1.0, 200.0):
        centre = torch.tensor([[[20.0, 32.0]]], requires_grad=True)
        seen = place_windows(centre, 8.0, k, SIDE).masks[0, 0, 32, 29]  # 1.5 px beyond the edge
        (slopes[k],) = torch.autograd.grad(seen, centre)
    at = 1 / (1 + exp(1.5))
    # the upper and lower edges, 7.5 px away, cost e^-7.5
    assert slopes[1.0][0, 0, 0].item() == pytest.approx(at * (1 - at), rel=2e-3)
    assert abs(slopes[1.0][0, 0, 1].item()) < 1e-3  # in the middle of the window's height
    assert slopes[200.0].abs().max() == 0  # a box has no gradient: why k begins small


def test_the_edge_is_as_wide_as_its_sharpness_says():
    k = 0.5
    edge = torch.tensor([[[32.0, 32.0]]])
    wide = 2 * log(9) / k  # px from 10 to 90 %
    low, high = (place_windows(edge, 20.0 + d, k, SIDE).masks[0, 0] for d in (-wide / 2, wide / 2))
    # the pixel whose centre is 0.5 px inside of a window of half-size 20; the upper and lower
    # edges, 15 px away, cost e^-7.5
    assert low[32, 12].item() == pytest.approx(1 / (1 + 9 * exp(-k * 0.5)), rel=2e-3)
    assert high[32, 12].item() == pytest.approx(1 / (1 + exp(-k * 0.5) / 9), rel=2e-3)


def test_union_and_overlap_by_hand():
    halves = torch.full((1, 2, 1, 1), 0.5)
    assert union(halves).tolist() == [[[[0.75]]]]
    at = torch.tensor([[[20.0, 20.0], [30.0, 20.0], [50.0, 50.0]]])
    masks = place_windows(at, 10.0, 1e3, SIDE).masks
    assert overlap(masks[:, :2]).item() == pytest.approx(1 / 3)  # 10 of 30 px
    assert overlap(masks[:, 1:]).item() == 0 and overlap(masks[:, [0, 0]]).item() == 1
    assert union(masks).sum() == 20 * 30 + 20 * 20


def test_the_centre_of_a_mask_by_hand():
    mask = torch.zeros(3, 1, 8, 10)
    mask[0, 0, 2:5, 3:9] = mask[1, 0, 7, 0] = 1  # the third one is empty
    assert centre_of(mask).tolist() == [[6.0, 3.5], [0.5, 7.5], [5.0, 4.0]]


def test_windows_stay_inside_the_image_and_begin_in_its_middle():
    f_loc = Localiser(4, 32, 2, half=5.0)
    code = torch.randn(3, 4, 8, 8)
    for bias, wanted in ((0.0, 16.0), (1e4, 27.0), (-1e4, 5.0)):
        with torch.no_grad():
            f_loc.linear.weight.zero_()
            f_loc.linear.bias.fill_(bias)
        centres = f_loc(code)
        assert centres.shape == (3, 2, 2) and (centres == wanted).all()


def encoder(windows: str, n_regions: int = 2, with_global: bool = False) -> AttentionEncoder:
    torch.manual_seed(0)
    return AttentionEncoder(4, 1, 32, n_regions, 7.5, windows, with_global)


@pytest.mark.parametrize("with_global", [False, True])
def test_the_code_is_the_sum_over_masked_images_of_full_size(with_global):
    DAE, x = encoder("learned", with_global=with_global), torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        code = DAE(x, 1.0)
        masks = place_windows(DAE.f_loc(DAE.E(x)), 7.5, 1.0, 32).masks
        regions = [DAE.E(x * masks[:, i, None]) for i in range(2)]
        wanted = sum(regions) + (DAE.E(x) if with_global else 0)
    assert code.latent.shape == (2, 16, 8, 8) and code.instances.shape == (2, 2, 16, 8, 8)
    # the same sums in float32; kernels may add in another order at another batch size
    torch.testing.assert_close(code.latent, wanted, rtol=0, atol=1e-5)
    torch.testing.assert_close(code.instances[:, 1], regions[1], rtol=0, atol=1e-5)
    assert (code.latent - regions[0]).abs().max() > 0.1


def test_the_controls_place_their_windows_without_looking():
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    random, again = (encoder("random")(x, 5.0).windows for _ in range(2))
    assert torch.equal(random.centres, again.centres)
    assert torch.equal(random.centres[0], random.centres[1])
    assert random.boxes.min() >= 0 and random.boxes.max() <= 32
    whole = encoder("none")
    code = whole(x, 5.0)
    assert torch.equal(code.latent, whole.E(x)) and (code.windows.masks == 1).all()
    told = encoder("oracle")(x, 5.0, torch.full((2, 2, 2), 9.0))
    assert (told.windows.centres == 9).all()
    with pytest.raises(UnknownName, match=r"windows 'lerned'.*'learned'"):
        encoder("lerned")


def test_the_classifier_pools_positive_parts():
    C = Classifier(2, 2)
    with torch.no_grad():
        C.linear.weight.copy_(torch.eye(2))
        C.linear.bias.zero_()
    instances = torch.tensor([[1.0, -1.0], [3.0, -3.0]])[None, :, :, None, None]
    assert C(instances.expand(1, 2, 2, 2, 2)).tolist() == [[2.0, 0.0]]
    assert C(torch.tensor([4.0, -4.0]).reshape(1, 1, 1, 1, 2).expand(1, 1, 2, 1, 2)).tolist() == [
        [2.0, 2.0]  # a mean of 0 still shows what is there
    ]
