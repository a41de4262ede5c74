"""pix2pix: losses by hand, order of updates, two directions, variants, schedule, settings."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.losses import bce_loss
from replicate.methods.pix2pix import Pix2Pix, levels

QUIET = "unet-128"  # five levels at smoke: no dropout, so that a forward can be repeated


def begun(start, variant: str = QUIET, **changes) -> tuple[Pix2Pix, dict[str, Tensor]]:
    """A variant at smoke with a learning rate, and a batch of pairs."""
    config = {**Pix2Pix.VARIANTS[variant], **Pix2Pix.SMOKE, **changes}
    training = start(Pix2Pix, replace(Pix2Pix.Config(), **config), None)
    training.method.begin(0, 1.0)
    return training.method.train(), training.batches(0)


# papers/cyclegan_pix2pix.md 2.5; 3 channels less in D are 3 * 64 * 16 weights
COUNTS = {
    "paper": {"G": 54_413_955, "D": 2_768_705},
    "unet-128": {"G": 41_828_995, "D": 2_768_705},
    "encoder-decoder": {"G": 39_080_963, "D": 2_769_601},
    "l1": {"G": 54_413_955},
    "gan": {"G": 54_413_955, "D": 2_765_633},
    "pixel": {"G": 54_413_955, "D": 9_024},
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameters_at_the_paper_s_size(variant):
    with torch.device("meta"):
        method = Pix2Pix(replace(Pix2Pix.Config(), **Pix2Pix.VARIANTS[variant]))
    assert method.counts() == COUNTS[variant]


def test_u_net_128_is_also_what_128_px_give():
    with torch.device("meta"):
        method = Pix2Pix(replace(Pix2Pix.Config(), crop_size=128))
    assert method.counts() == COUNTS["unet-128"]


# Losses


def test_cross_entropy_by_hand():
    scores = torch.tensor([[[[0.0, 2.0]]]])
    wanted = (torch.tensor(2.0).log() + F.softplus(torch.tensor(-2.0))) / 2
    assert bce_loss(scores, is_real=True) == pytest.approx(wanted.item(), rel=1e-6)  # float32
    assert bce_loss(torch.tensor([[[[-200.0]]]]), is_real=True) == 200  # a sigmoid would give inf
    assert bce_loss(scores.bfloat16(), is_real=False).dtype == torch.float32


def test_losses_by_hand(start):
    """Without a step of D, so that every forward sees the same weights."""
    method, batch = begun(start)
    for group in method.optimizers["D"].param_groups:
        group["lr"] = 0.0
    wanted = {}
    with torch.no_grad():
        for X, Y in ("AB", "BA"):
            x, y, D = batch[X], batch[Y], method.D[Y]
            fake = method.G[X + Y](x)
            real, made = D(torch.cat([x, y], 1)), D(torch.cat([x, fake], 1))
            wanted[f"dis_{Y}"] = (F.softplus(-real).mean() + F.softplus(made).mean()) / 2
            wanted[f"adv_{Y}"] = F.softplus(-made).mean()
            wanted[f"l1_{Y}"] = 100 * (fake - y).abs().mean()
    losses = {k: v.detach() for k, v in method.step(batch).items()}
    # float32: softplus and the library's form of it round differently
    torch.testing.assert_close(losses, wanted, rtol=1e-5, atol=1e-6)


def test_d_comes_first_and_g_learns_from_the_new_d(start):
    method, batch = begun(start, lr=0.01)
    update, order, stale = method.update, [], {}

    def watched(loss: Tensor, *names: str) -> None:
        with torch.no_grad():
            fake = method.G["AB"](batch["A"])
            score = bce_loss(method._judge(batch["A"], fake, "B"), is_real=True).item()
        order.append((names, score))
        update(loss, *names)
        grown = {k for k in "GD" for p in getattr(method, k).parameters() if p.grad is not None}
        stale[names] = grown

    method.update = watched
    losses = method.step(batch)
    (first, before), (second, after) = order
    assert (first, second) == (("D",), ("G",)) and stale[("D",)] == {"D"}
    assert losses["adv_B"].item() == pytest.approx(after, rel=1e-5)  # float32
    assert abs(after - before) > 1e-3


def test_a_conditional_d_sees_the_input(start):
    for variant, sees in (("paper", True), ("l1-gan", False)):
        method, batch = begun(start, variant)
        x, y = batch["A"], batch["B"]
        with torch.no_grad():
            given, other = (method._judge(image, y, "B") for image in (x, -x))
        assert torch.equal(given, other) != sees


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("paper", {"dis", "adv", "l1"}),
        ("cgan", {"dis", "adv", "l1"}),
        ("l1", {"l1"}),
        ("encoder-decoder-l1", {"l1"}),
    ],
)
def test_ablated_losses(variant, names, start):
    method, batch = begun(start, variant)
    losses = method.step(batch)
    assert set(losses) == {f"{name}_{Y}" for name in names for Y in "AB"}
    assert set(method.optimizers) == ({"G", "D"} if "dis" in names else {"G"})
    assert (losses["l1_A"] == 0) == (variant == "cgan")


def test_the_directions_are_two_models(start):
    """Whatever the other direction's networks are, this one's learn the same."""

    def learnt(*changed: str) -> dict[str, Tensor]:
        method, batch = begun(start)
        with torch.no_grad():
            for name, p in method.named_parameters():
                if name.startswith(changed):
                    p.mul_(1.1)
        for _ in range(2):
            method.step(batch)
        return {n: p.detach() for n, p in method.G["AB"].named_parameters()}

    alone = learnt()
    same = {n: torch.equal(p, alone[n]) for n, p in learnt("G.BA", "D.A").items()}
    assert all(same.values())
    moved = {n: torch.equal(p, alone[n]) for n, p in learnt("D.B").items()}
    assert not any(moved.values())


# Schedules, sizes and settings


@pytest.mark.parametrize(
    ("variant", "epoch", "factor"),
    [("paper", 99, 1.0), ("paper", 100, 1 - 1 / 101), ("paper", 199, 1 / 101), ("torch", 199, 1.0)],
)
def test_learning_rates(variant, epoch, factor, start):
    method, _ = begun(start, variant)
    method.begin(epoch * 400 + 399, 400.0)  # the last iteration of the epoch on facades
    rates = {g["lr"] for o in method.optimizers.values() for g in o.param_groups}
    assert len(rates) == 1
    assert rates.pop() == pytest.approx(2e-4 * factor, rel=1e-9)  # two roundings of a double


DEPTHS = {"": 6, ":encoder-decoder": 6, ":unet-128": 5}


def test_variants_mean_the_same_at_laptop():
    for changes in Pix2Pix.VARIANTS.values():
        assert not set(changes) & (set(Pix2Pix.LAPTOP) | set(Pix2Pix.SMOKE))
    depths = [levels(make_run(f"pix2pix{v}", "facades", 0, "laptop").config) for v in DEPTHS]
    assert depths == list(DEPTHS.values())


def test_a_step_in_bfloat16(start):
    method, batch = begun(start, "paper")
    with torch.autocast("cpu", torch.bfloat16):
        losses = method.step(batch)
        image = method.eval().translate(batch["A"], "AB").image
    assert image.dtype == torch.float32
    assert all(v.dtype == torch.float32 and v.isfinite() for v in losses.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_size": 96}, "crop_size=96 with bottleneck=1"),
        ({"crop_size": 128, "bottleneck": 3}, "crop_size=128 with bottleneck=3"),
        ({"bottleneck": 0}, "bottleneck=0"),
        ({"crop_size": 8, "bottleneck": 4}, "crop_size=8 with"),
        ({"n_layers": 0}, "n_layers=0: expected int, greater"),
        ({"n_layers": 7}, "at least 3 px left.*pixel_d=true"),
        ({"gan": "none", "lambda_l1": 0.0}, "leaves G without a loss"),
        ({"gan": "conditionel"}, "conditionel"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ReplicateError, match=message):
        make_run("pix2pix", "any", 0, "paper", changes)
