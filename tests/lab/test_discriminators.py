"""A discriminator that won, by hand, and the scale of every method's losses by its own step."""

import math
import sys
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from replicate.lab.faults import NAMES, won
from replicate.lab.known_faults import FAULTS
from replicate.losses import CROSS_ENTROPY, LEAST_SQUARES
from replicate.methods import METHODS

LIMIT = FAULTS["discriminator_won"]


def log(rows: int = 100, **losses: float) -> pd.DataFrame:
    """A log whose losses are those of an undecided game until its last tenth begins."""
    early = {name: 0.25 for name in losses}
    values = [early if i < rows - rows // 10 else losses for i in range(rows)]
    return pd.DataFrame(values).assign(iteration=np.arange(1, rows + 1))


def test_a_discriminator_that_won_is_found_in_its_direction():
    found = won(log(dis_B=0.001, adv_B=0.98, dis_A=0.25, adv_A=0.25), LEAST_SQUARES)
    # D: 1 - 0.001 / 0.25; G: (0.98 - 0.25) / 0.75, the shorter way
    assert found == pytest.approx({"AB": 0.73 / 0.75, "BA": 0.0})
    assert LIMIT.found(found["AB"]) and not LIMIT.found(found["BA"])


@pytest.mark.parametrize(
    ("dis", "adv"),
    [
        (0.001, 0.25),  # the pool holds other images than those that G makes now
        (0.24, 1.0),
        (0.1, 0.6),  # ahead, as in most runs that learn
        (0.0, 0.0),
    ],
)
def test_one_of_both_losses_is_not_enough(dis, adv):
    assert not LIMIT.found(won(log(dis_B=dis, adv_B=adv), LEAST_SQUARES)["AB"])


def test_only_the_last_tenth_counts_and_holes_do_not():
    frame = log(dis_A=0.0, adv_A=1.0)
    assert won(frame, LEAST_SQUARES)["BA"] == 1
    assert won(frame.iloc[::-1], LEAST_SQUARES)["BA"] == 0
    frame.loc[frame.index[-5:], ["dis_A", "adv_A"]] = np.nan  # not computed at these
    assert won(frame, LEAST_SQUARES)["BA"] == 1
    assert won(frame.head(1), LEAST_SQUARES)["BA"] == 0


def test_of_several_discriminators_the_one_that_won_most():
    frame = log(dis1_B=2 * math.log(2), adv1_B=math.log(2), dis2_B=0.0, adv2_B=math.log(100))
    assert won(frame, CROSS_ENTROPY.times(2, 1))["AB"] == pytest.approx(1)


@pytest.mark.parametrize("losses", [{}, {"dis_B": 0.1}, {"l1_B": 0.1}, {"critic": 0.1, "adv": 1}])
def test_nothing_is_measured_without_both_losses(losses):
    found = won(log(**losses), LEAST_SQUARES)
    assert math.isnan(found["AB"]) and math.isnan(found["BA"])
    assert all(math.isnan(v) for v in won(pd.DataFrame({"iteration": []}), LEAST_SQUARES).values())


def constant(value: float):
    """A loss that is `value`, whatever the scores are."""
    return lambda *scores, **labels: value + 0 * sum(s.sum() for s in scores if torch.is_tensor(s))


TURNS = 3  # iterations in which every network of a method that takes turns has had one
# Wasserstein's, where nothing can be won; a game for all domains at once, which no direction has
OTHER_GAME = {"attentiongan_multi", "icgan", "stargan"}


@pytest.mark.parametrize("name", sorted(set(METHODS) - OTHER_GAME))
def test_the_scale_is_that_of_the_method_s_own_step(name, start, monkeypatch):
    """With every adversarial loss at its undecided value, and then at G's value when D has won."""
    config = replace(METHODS[name].Config(), **{**METHODS[name].SMOKE, "iterations": 4})
    modules = [m for key, m in sys.modules.items() if key.startswith("replicate.methods.")]

    def losses(least_squares: float, cross_entropy: float) -> dict[str, float]:
        values = dict.fromkeys(["lsgan_loss", "lsgan_d_loss"], least_squares)
        values |= dict.fromkeys(["bce_loss", "bce_d_loss"], cross_entropy)
        for module in modules:
            for loss in values.keys() & vars(module).keys():
                monkeypatch.setattr(module, loss, constant(values[loss]))
        training, seen = start(METHODS[name], config, None), {}
        last = config.epochs - 1  # the schedule of the log's last tenth
        for i in range(last - TURNS + 1, last + 1):
            training.method.begin(i, 1)
            step = training.method.step(training.batches(0))
            seen |= {k: v.item() for k, v in step.items() if v is not None}
        return seen

    undecided, lost = losses(0.25, math.log(2)), losses(1.0, math.log(100))
    ends = METHODS[name].adversarial_scale(asdict(config))
    adversary = {k: k.replace("dis", "adv", 1) for k in undecided if NAMES.fullmatch(k)}
    players = {dis: adv for dis, adv in adversary.items() if adv in undecided}
    assert {k[-1] for k in players} == {d[1] for d in METHODS[name].directions}
    for dis, adv in players.items():
        # single precision against double
        assert undecided[dis] == pytest.approx(ends.undecided_d, rel=1e-5)
        assert undecided[adv] == pytest.approx(ends.undecided_g, rel=1e-5)
        assert lost[adv] == pytest.approx(ends.won_g, rel=1e-5)
