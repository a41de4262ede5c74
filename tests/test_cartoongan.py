"""CartoonGAN: phases, schedules, what the judge sees, one direction from training to tables."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.images import decode
from replicate.lab import ensure, make_run
from replicate.lab.faults import of_sheet
from replicate.lab.fingerprint import EQUIPPING, _reached, code_fingerprint
from replicate.lab.run import parameter_counts
from replicate.methods.cartoongan import CartoonGAN
from replicate.methods.cyclegan import CycleGAN
from replicate.records import read as read_record

SMOKE = replace(CartoonGAN.Config(), **CartoonGAN.SMOKE)  # 4 iterations, one in an epoch


@pytest.mark.parametrize(
    ("variant", "G", "D"),
    [("paper", 11_124_352, 1_128_800), ("znxlwm", 11_120_195, 1_128_385)],  # baselines.md 14
)
def test_parameters_at_the_paper_s_size(variant, G, D):
    assert parameter_counts("cartoongan", variant) == {"G": G, "D": D}


def test_g_begins_alone_and_then_with_a_fresh_adam(start):
    training = start(CartoonGAN, SMOKE, None)
    method, seen = training.method.train(), []
    for i in range(3):
        method.begin(i, 1.0)
        losses = method.step(training.batches(i))
        steps = {int(s["step"]) for s in method.optimizers["G"].state.values()}
        seen.append(({name for name, v in losses.items() if v is not None}, steps))
    every = {"content_A", "adv_B", "dis_B"}
    assert seen == [({"content_A"}, {1}), (every, {1}), (every, {2})]


@pytest.mark.parametrize(
    ("variant", "iteration", "alone", "fresh", "lr"),
    [  # 10,000 iterations in an epoch; znxlwm's tenth parts at 10 + 50 and 10 + 75 epochs
        ("paper", 9_999, True, False, 1e-4),
        ("paper", 10_000, False, True, 1e-4),
        ("paper", 10_001, False, False, 1e-4),
        ("paper", 999_999, False, False, 1e-4),
        ("znxlwm", 99_999, True, False, 2e-4),
        ("znxlwm", 100_000, False, False, 2e-4),
        ("znxlwm", 599_999, False, False, 2e-4),
        ("znxlwm", 600_000, False, False, 2e-5),
        ("znxlwm", 850_000, False, False, 2e-6),
    ],
)
def test_schedules(variant, iteration, alone, fresh, lr):
    sizes = {"ngf": 1, "n_blocks": 1, "ndf": 1}
    method = CartoonGAN(replace(CartoonGAN.Config(), **CartoonGAN.VARIANTS[variant], **sizes))
    method.begin(iteration, 10_000)
    assert (method.alone, method.fresh) == (alone, fresh)
    assert method.optimizers["G"].param_groups[0]["lr"] == pytest.approx(lr)


def test_losses_by_hand(start):
    training = start(CartoonGAN, SMOKE, None)
    method, batch = training.method.train(), training.batches(0)
    method.set_lr(0.0)
    method.alone = False
    with torch.no_grad():
        fake = method.G(batch["A"])
        of_real, of_fake, of_soft = (method.D(x) for x in (batch["B"], fake, batch["B_smooth"]))
        gap = F.avg_pool2d(fake, 4) - F.avg_pool2d(batch["A"], 4)
        wanted = {
            "content_A": 10 * gap.abs().mean(),
            "adv_B": F.softplus(-of_fake).mean(),
            "dis_B": sum(F.softplus(x).mean() for x in (-of_real, of_fake, of_soft)),
        }
    losses = {name: value.detach() for name, value in method.step(batch).items()}
    # float32: softplus and the library's form of it round differently
    torch.testing.assert_close(losses, wanted, rtol=1e-5, atol=1e-6)


def test_the_judge_is_frozen_and_no_part_of_the_state(start):
    method = start(CartoonGAN, replace(SMOKE, content="efficientnet-lite0"), None).method
    assert set(method.counts()) == {"G", "D"}
    assert not any("stem" in name for name in method.state_dict())
    (judge,) = method._judge
    judge_of_tests = nn.Conv2d(3, 2, 1)
    method.receive(judge_of_tests)
    assert method._judge != (judge,) and not judge_of_tests.weight.requires_grad
    method._judge = ()
    with pytest.raises(ReplicateError, match="got no efficientnet-lite0 network"):
        method._content(torch.zeros(1, 3, 32, 32))


def test_what_it_is_given_is_part_of_its_code():
    root = "replicate.methods.cartoongan.CartoonGAN"
    names = _reached((root, *EQUIPPING)).names
    assert {"replicate.datasets.smoothing.smoothed", "replicate.networks.vgg.VGG19.forward"} <= set(
        names
    )
    assert code_fingerprint(CartoonGAN) != code_fingerprint(CycleGAN)


def test_one_direction_from_training_to_scores(tiny):
    run = make_run("cartoongan", tiny, 0, "smoke")
    with pytest.raises(ReplicateError, match="translates A to B alone"):
        CartoonGAN(run.config).translate(torch.zeros(1, 3, 32, 32), "BA")
    try:
        ensure(run, offline=True)
    finally:
        torch.use_deterministic_algorithms(False)
    scores = pd.read_csv(run.folder / "scores.csv")
    there, back = scores["direction"].unique()
    own = scores[scores["direction"] == there]
    assert own["value"].notna().any() and scores[scores["direction"] == back]["value"].isna().all()
    assert len(own) * 2 == len(scores)
    notes = read_record(run.folder)["notes"]
    assert f"cartoongan translates {there} alone" in notes[f"{back} kid/standin"]
    assert [f.name for f in (run.folder / "outputs").iterdir()] == [there.replace("->", "2")]
    sheet = decode(run.folder / "translations.png").image
    assert set(of_sheet(sheet, CartoonGAN.directions)) == {"AB"}
    health = pd.read_csv(run.folder / "health.csv")
    assert set(health["direction"]) == {there} and "discriminator_won" in set(health["fault"])
