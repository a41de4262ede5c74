"""GANimorph: turns, schedules, divisors, MS-SSIM by hand, initial weights, counts."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from replicate.errors import ReplicateError
from replicate.lab.run import parameter_counts
from replicate.methods.ganimorph import DECAY, GANimorph, RunningMean, ms_ssim

SMOKE = replace(GANimorph.Config(), **GANimorph.SMOKE)


@pytest.mark.parametrize("variant", GANimorph.VARIANTS)
def test_parameters_at_the_paper_s_size(variant):
    counted = {"G": 53_017_728, "D": 16_798_208}  # baselines.md 17
    assert parameter_counts("ganimorph", variant) == counted


@pytest.mark.parametrize(
    ("iteration", "of_D", "refreshed", "factor"),
    [  # 1,000 iterations in an epoch; the rate falls from the 151st epoch's end on
        (0, False, True, 1.0),
        (1, True, False, 1.0),
        (36, False, True, 1.0),
        (72, False, False, 1.0),
        (90, False, True, 1.0),
        (150_999, True, False, 1.0),
        (151_000, False, False, 149 / 150),
        (299_999, True, False, 1 / 150),
    ],
)
def test_schedules(iteration, of_D, refreshed, factor):
    method = GANimorph(replace(GANimorph.Config(), ngf=1, ndf=1))
    method.begin(iteration, 1000)
    assert (method.turn_of_D, method.refreshed) == (of_D, refreshed)
    assert method.optimizers["G"].param_groups[0]["lr"] == pytest.approx(2e-4 * factor)


def test_d_moves_in_every_second_iteration(start):
    training = start(GANimorph, SMOKE, None)
    method, moved = training.method.train(), []
    for i in range(4):
        before = [p.detach().clone() for p in method.D.parameters()]
        method.begin(i, 1.0)
        losses = method.step(training.batches(i))
        pairs = zip(before, method.D.parameters(), strict=True)
        moved.append(any(not torch.equal(a, b) for a, b in pairs))
        assert (losses["dis_A"] is not None) is moved[-1] and losses["adv_A"] is not None
    assert moved == [False, True, False, True]


def test_a_running_mean_is_taken_over_when_it_is_refreshed():
    mean, losses = RunningMean(), [torch.tensor(v, requires_grad=True) for v in (4.0, 2.0, 3.0)]
    out = [mean(loss, refreshed=i == 1) for i, loss in enumerate(losses)]
    first = DECAY + (1 - DECAY) * 4
    second = DECAY * first + (1 - DECAY) * 2
    wanted = [4.0, 2 / second, 3 / second]  # the first is divided by the 1 of the start
    # float32 buffers: one rounding in 1e7
    assert [float(v.detach()) for v in out] == pytest.approx(wanted, rel=1e-6)
    out[2].backward()
    assert float(losses[2].grad) == pytest.approx(1 / second, rel=1e-6)
    assert set(mean.state_dict()) == {"mean", "divisor"} and not list(mean.parameters())


def test_ms_ssim_of_images_of_one_colour():
    """Without structure only the coarsest scale's luminance is left, to the power of its weight."""
    x, y, c1 = 0.2, 0.7, 0.03**2
    luminance = (2 * x * y + c1) / (x * x + y * y + c1)
    for side, weight in ((128, 0.1333), (64, 0.2363 / 0.8668), (8, 1.0)):
        one, other = (torch.full((2, 3, side, side), v, dtype=torch.float64) for v in (x, y))
        assert float(ms_ssim(one, one)) == pytest.approx(1.0, abs=1e-6)  # float32 within
        # float32: variances of about 1e-8 beside C2 = 0.0025
        assert float(ms_ssim(one, other)) == pytest.approx(luminance**weight, rel=1e-4)
    with pytest.raises(ReplicateError, match="expected 8 px or more"):
        ms_ssim(one[..., :7], other[..., :7])


def test_ms_ssim_of_one_scale_by_hand():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 1, 1, 8, 8, generator=generator)
    at = torch.arange(8.0) - 3  # the window is not centred
    line = torch.exp(-(at**2) / (2 * 1.5**2))
    window = torch.outer(line, line) / line.sum() ** 2
    mean_x, mean_y = (float((window * v[0, 0]).sum()) for v in (x, y))
    var_x, var_y = (
        float((window * (v[0, 0] - m) ** 2).sum()) for v, m in ((x, mean_x), (y, mean_y))
    )
    both = abs(float((window * (x[0, 0] - mean_x) * (y[0, 0] - mean_y)).sum()))
    wanted = (2 * mean_x * mean_y + 0.0009) / (mean_x**2 + mean_y**2 + 0.0009)
    wanted *= (2 * both + 0.0025) / (var_x + var_y + 0.0025)
    # float32: variances as differences of squares
    assert float(ms_ssim(x, y)) == pytest.approx(wanted, rel=1e-4)


def test_initial_weights_have_their_bounds():
    torch.manual_seed(0)
    method = GANimorph(replace(GANimorph.Config(), ngf=8, ndf=8))
    for layer in method.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 1000:
            dilated, fan_in = layer.dilation != (1, 1), layer.weight[0].numel()
            # Glorot's rule with as many outputs as inputs, or a variance of 0.333 / fan_in
            bound = (3 / fan_in) ** 0.5 if dilated else (0.999 / fan_in) ** 0.5
            largest = float(layer.weight.detach().abs().max())
            assert 0.97 * bound < largest <= bound  # of a thousand uniform values and more
