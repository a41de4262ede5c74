"""DIAT's stand-in: its losses by hand, its judge, and that it is called re-specified."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab.run import parameter_counts
from replicate.methods import METHODS
from replicate.methods.diat import DIAT
from replicate.networks.generators import ResnetGenerator

SMOKE = replace(DIAT.Config(), **DIAT.SMOKE)


def test_five_blocks_at_cyclegan_s_widths():
    counts = parameter_counts("diat", "paper")
    with torch.device("meta"):
        network = ResnetGenerator(n_blocks=5)
    assert counts == {"G": sum(p.numel() for p in network.parameters()), "D": 2_764_737}


def test_it_says_that_it_is_a_stand_in():
    assert METHODS["diat"].respecified and not METHODS["cyclegan"].respecified
    assert "re-specified" in sys.modules[DIAT.__module__].__doc__.split("\n")[0]


def test_losses_by_hand(start):
    training = start(DIAT, replace(SMOKE, lambda_identity=3.0), None)
    method, batch = training.method.train(), training.batches(0)
    method.set_lr(0.0)
    with torch.no_grad():
        fake = {Y: method.G[X + Y](batch[X]) for X, Y in ("AB", "BA")}
        wanted = {}
        for X, Y in ("AB", "BA"):
            gap = F.avg_pool2d(fake[Y] - batch[X], 4).square().mean()
            wanted[f"identity_{X}"] = 3 * gap
            wanted[f"adv_{Y}"] = (method.D[Y](fake[Y]) - 1).square().mean()
        for Y in "AB":
            real, made = method.D[Y](batch[Y]), method.D[Y](fake[Y])
            wanted[f"dis_{Y}"] = 0.5 * ((real - 1).square().mean() + made.square().mean())
    losses = {name: value.detach() for name, value in method.step(batch).items()}
    # float32: the difference is pooled here, the pooled are subtracted there
    torch.testing.assert_close(losses, wanted, rtol=1e-5, atol=1e-6)


def test_the_judge_is_frozen_and_no_part_of_the_state(start):
    method = start(DIAT, replace(SMOKE, identity="efficientnet-lite0"), None).method
    assert set(method.counts()) == {"G", "D"}
    assert not any("stem" in name for name in method.state_dict())
    (judge,) = method._judge
    assert judge(torch.zeros(1, 3, 32, 32)).shape == (1, 40, 4, 4)
    judge_of_tests = nn.Conv2d(3, 2, 1)
    method.receive(judge_of_tests)
    assert not judge_of_tests.weight.requires_grad
    method._judge = ()
    with pytest.raises(ReplicateError, match="got no efficientnet-lite0 network"):
        method._features(torch.zeros(1, 3, 32, 32))
