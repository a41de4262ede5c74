"""DualGAN: padding, norm, RMSProp by hand, steps of each network, critics, refusals."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from replicate.errors import ReplicateError
from replicate.lab.run import make_run, parameter_counts
from replicate.methods.dualgan import DualGAN
from replicate.methods.optimizers import RMSProp
from replicate.networks.dualgan import Norm, SameConv, SameDeconv, SameDiscriminator, same_pads


def begun(start, variant: str = "paper", **changes):
    """A variant at smoke, in training mode, and its batches."""
    config = {**DualGAN.VARIANTS[variant], **DualGAN.SMOKE, **changes}
    training = start(DualGAN, replace(DualGAN.Config(), **config), None)
    return training.method.train(), training.batches


@pytest.mark.parametrize(
    ("variant", "G", "D"),
    [  # papers/baselines.md 8; `wgan` has the linear layer of 16 * 16 * 512 + 1 in place of patches
        ("paper", 85_022_787, 4_321_153),
        ("wgan", 85_022_787, 4_321_153 - (25 * 512 + 1) + 16 * 16 * 512 + 1),
        ("wgan-gp", 30_627_907, 3_949_441),
    ],
)
def test_parameters_at_the_paper_s_size(variant, G, D):
    assert parameter_counts("dualgan", variant) == {"G": G, "D": D}


def test_parameters_of_the_patch_discriminator_of_2020():
    assert sum(p.numel() for p in SameDiscriminator(deep=True).parameters()) == 3_921_281


def test_same_padding_and_its_adjoint():
    assert same_pads(8, 5, 2) == (1, 2) and same_pads(8, 3, 2) == (0, 1)
    assert same_pads(1, 5, 2) == (2, 2) and same_pads(8, 5, 1) == (2, 2)
    torch.manual_seed(0)
    for size in (1, 2, 7, 8):
        down, up = SameConv(2, 3, 5, 2).double(), SameDeconv(3, 2, 5).double()
        up.weight.data = down.weight.data
        x = torch.randn(1, 2, size, size, dtype=torch.float64)
        y = torch.randn(1, 3, -(-size // 2), -(-size // 2), dtype=torch.float64)
        # <down x, y> = <x, up y>, both without their biases, which begin at 0; float64
        assert (down(x) * y).sum().item() == pytest.approx((x * up(y, size, size)).sum().item())


def test_one_pixel_is_normalised_to_its_offset():
    norm = Norm(2)
    norm.bias.data = torch.tensor([3.0, -1.0])
    assert norm(torch.randn(2, 2, 1, 1)).flatten().tolist() == [3, -1, 3, -1]
    two = norm(torch.tensor([[[[0.0, 2.0]], [[1.0, 1.0]]]])).detach()
    # of 0 and 2 the deviation is 1; of two equal values it is 0 and the offset stays
    wanted = [3 - norm.weight[0].item(), 3 + norm.weight[0].item(), -1, -1]
    assert two.flatten().tolist() == pytest.approx(wanted, rel=1e-5)  # eps 1e-6 in a root


def test_rmsprop_is_tensorflow_s():
    p, ms = nn.Parameter(torch.tensor([2.0], dtype=torch.float64)), 1.0
    optimizer, value = RMSProp([p], lr=0.1), 2.0
    for g in (0.5, -3.0):
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        ms = 0.9 * ms + 0.1 * g**2
        value -= 0.1 * g / (ms + 1e-10) ** 0.5
        assert p.item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("variant", "iteration", "order"),
    [
        ("paper", 0, ["D", "G", "G"]),
        ("wgan", 0, ["D"]),
        ("wgan", 2, ["D", "G"]),
        ("wgan-gp", 0, ["D", "G"]),
    ],
)
def test_steps_of_each_network(variant, iteration, order, start, monkeypatch):
    method, batches = begun(start, variant)
    update, seen = method.update, []
    monkeypatch.setattr(method, "update", lambda x, name: (seen.append(name), update(x, name)))
    method.begin(iteration, 1.0)
    losses = method.step(batches(0))
    assert seen == order
    assert (losses["adv_A"] is None) == ("G" not in order)
    assert {n.partition("_")[0] for n in losses} == {
        "paper": {"adv", "cyc", "dis"},
        "wgan": {"adv", "cyc", "critic"},
        "wgan-gp": {"adv", "cyc", "critic", "penalty"},
    }[variant]


def test_weights_of_critics_are_clipped(start):
    method, batches = begun(start, "wgan")
    before = max(p.abs().max() for p in method.D.parameters())
    method.step(batches(0))
    assert before > 0.5  # scales of norms begin near 1
    assert max(p.abs().max() for p in method.D.parameters()) == torch.tensor(0.01)


@pytest.mark.parametrize("levels, test", [(6, 128), (7, 128), (6, 72)])
def test_layers_that_training_never_moves_are_refused_in_tests(levels, test):
    sizes = {"load_size": test, "crop_size": 64, "ngf": 2, "ndf": 2}
    with pytest.raises(ReplicateError, match=f"levels={levels} with crop_size=64 and test_size"):
        DualGAN.check(DualGAN.Config(**sizes, levels=levels, test_size=test))
    DualGAN.check(DualGAN.Config(**sizes, levels=5, test_size=test))
    DualGAN.check(DualGAN.Config(**sizes, levels=levels))


def test_critics_that_would_be_constant_are_refused():
    with pytest.raises(
        ReplicateError, match="crop_size=32 with layers=2020: expected more than 32"
    ):
        make_run("dualgan:wgan-gp", "any", 0, "smoke", {"crop_size": 32})
