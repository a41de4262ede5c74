"""Losses against closed forms."""

import math

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.losses import bce_d_loss, l1_loss, lsgan_d_loss, lsgan_loss


def scores(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("values", "is_real", "loss"),
    [
        ((1, 1, 1), True, 0.0),
        ((0, 0), False, 0.0),
        ((0, 0), True, 1.0),
        ((3,), False, 9.0),
        ((3, -1), True, 4.0),  # ((3 - 1)^2 + (-1 - 1)^2) / 2
    ],
)
def test_lsgan_is_the_mean_squared_distance_to_the_label(values, is_real, loss):
    assert lsgan_loss(scores(*values), is_real) == loss


def test_lsgan_averages_over_images_and_patches():
    x = torch.arange(24.0).reshape(2, 1, 3, 4)
    assert lsgan_loss(x, False) == (x**2).sum() / 24


def test_lsgan_of_d_is_half_of_both_parts():
    assert lsgan_d_loss(scores(1), scores(0)) == 0
    assert lsgan_d_loss(scores(0), scores(0)) == 0.5
    assert lsgan_d_loss(scores(3), scores(2)) == 4.0  # (4 + 4) / 2


def test_bce_of_d_is_half_the_sum_of_both_parts():
    zero = scores(0)
    torch.testing.assert_close(bce_d_loss(zero, zero), torch.tensor(math.log(2)))
    real, fake = scores(3), scores(2)
    wanted = (math.log1p(math.exp(-3)) + math.log1p(math.exp(2))) / 2
    torch.testing.assert_close(bce_d_loss(real, fake), torch.tensor(wanted))


def test_lsgan_pulls_with_twice_the_distance():
    x = scores(0.25).requires_grad_()
    lsgan_loss(x, True).backward()
    assert x.grad.item() == -1.5


def test_an_empty_score_map_is_an_error():
    with pytest.raises(ReplicateError, match=r"empty score map \(1, 1, 0, 2\): .* larger crop"):
        lsgan_loss(torch.zeros(1, 1, 0, 2), True)


def test_l1_is_the_mean_absolute_difference():
    x = torch.tensor([[1.0, -2.0], [3.0, 0.0]])
    assert l1_loss(x, x) == 0
    assert l1_loss(x, torch.zeros(2, 2)) == 1.5
    assert l1_loss(torch.zeros(2, 2), x) == 1.5


def test_l1_of_two_shapes_is_an_error():
    with pytest.raises(ReplicateError, match=r"two shapes, \(1, 3\) and \(3,\)"):
        l1_loss(torch.zeros(1, 3), torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_losses_are_float32_also_of_bfloat16(dtype):
    x = torch.full((1, 1, 2, 2), 0.5, dtype=dtype)
    for loss in (lsgan_loss(x, True), lsgan_d_loss(x, x), l1_loss(x, 2 * x)):
        assert loss.dtype == torch.float32 and loss.shape == ()
