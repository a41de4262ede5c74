"""StackGAN: counts of the official code, losses by hand, stages, conditions, sentences needed."""

import math
from dataclasses import replace

import pytest
import torch
from support.inputs import inputs
from torch.nn.functional import softplus

from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.losses import matching_loss, normal_kl_loss
from replicate.methods.sentence_pairs import in_turn, of_domain, pairs_of
from replicate.methods.stackgan import LOSSES, StackGAN, _d_loss
from replicate.networks.stackgan import Condition, Discriminator, StageOne, StageTwo
from replicate.networks.text import TextEncoder


def tiny(start, variant: str = "paper", **changes: object):
    changes = {**StackGAN.VARIANTS[variant], **StackGAN.SMOKE, **changes}
    return start(StackGAN, replace(StackGAN.Config(), **changes), None)


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("ngf", "ndf", "n_res", "parameters"),
    [
        # by building code/model.py @e72ef88 with the settings of the birds and those of coco_s2.yml
        (128, 64, 4, (10_301_248, 5_715_713, 26_290_080, 71_269_122)),
        (192, 96, 2, (20_020_832, 12_407_425, 37_130_480, 159_889_538)),
    ],
)
def test_parameters_of_the_official_networks(ngf, ndf, n_res, parameters):
    with torch.device("meta"):
        built = (
            StageOne(1024, 128, 100, ngf, 64),
            Discriminator(128, ndf, 64, unconditional=False),
            StageTwo(1024, 128, ngf, n_res, 4),
            Discriminator(128, ndf, 256, unconditional=True),
        )
    assert tuple(map(count, built)) == parameters


def test_the_method_has_the_networks_of_the_birds():
    with torch.device("meta"):
        counts = StackGAN(StackGAN.Config()).counts()
        alone = StackGAN(replace(StackGAN.Config(), stages="one")).counts()
    official = {"G1": 10_301_248, "D1": 5_715_713, "G2": 26_290_080, "D2": 71_269_122}
    assert official.items() <= counts.items() and set(counts) - set(official) == {"T", "V"}
    assert alone == {name: n for name, n in counts.items() if name not in ("G2", "D2")}


def test_the_divergence_of_normal_distributions():
    zero = torch.zeros(3, 4)
    assert normal_kl_loss(zero, zero) == 0
    assert normal_kl_loss(zero + 2, zero) == pytest.approx(2)  # mean^2 / 2
    # (sigma^2 - 1) / 2 - log sigma at sigma = 2
    assert normal_kl_loss(zero, zero + math.log(2)) == pytest.approx(1.5 - math.log(2), rel=1e-6)
    mean, log_sigma = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    wide = torch.distributions.Normal(mean, log_sigma.exp())
    narrow = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
    wanted = torch.distributions.kl_divergence(wide, narrow).mean()
    assert normal_kl_loss(mean, log_sigma) == pytest.approx(wanted.item(), rel=1e-5)


def test_the_loss_of_matching():
    apart = torch.eye(4) * 3
    # every cosine is 1 or 0: log(e^10 + 3) - 10
    assert matching_loss(apart, apart) == pytest.approx(math.log1p(3 * math.exp(-10)), rel=1e-3)
    assert matching_loss(torch.ones(4, 2), torch.ones(4, 2)) == pytest.approx(math.log(4))
    assert matching_loss(apart, apart.roll(1, 0)) > 10 - 1e-3


def test_the_loss_of_d_knows_sentences_that_do_not_match():
    right, wrong, fake, real, made = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    one = _d_loss({"right": right, "wrong": wrong, "fake": fake})
    yes = [softplus(-s).mean() for s in (right, real)]  # -log sigmoid
    no = [softplus(s).mean() for s in (wrong, fake, made)]
    assert one == pytest.approx((yes[0] + (no[0] + no[1]) / 2).item(), rel=1e-6)
    scores = {"right": right, "wrong": wrong, "fake": fake, "real": real, "made": made}
    wanted = sum(yes) / 2 + sum(no) / 3
    assert _d_loss(scores) == pytest.approx(wanted.item(), rel=1e-6)


def test_a_condition_is_drawn_around_its_mean():
    torch.manual_seed(0)
    condition, text = Condition(5, 3), torch.randn(2, 5)
    mean, log_sigma = condition(text, torch.zeros(2, 3))[1:]
    noise = torch.randn(2, 3)
    assert torch.equal(condition(text, torch.zeros(2, 3))[0], mean)
    torch.testing.assert_close(condition(text, noise)[0], mean + log_sigma.exp() * noise)


def test_each_stage_trains_its_own_networks(start):
    training = tiny(start)
    method, epochs = training.method, training.method.config.epochs
    for i, epoch in ((1, 0), (2, epochs - 1)):
        method.begin(epoch, 1.0)
        before = {name: p.detach().clone() for name, p in method.named_parameters()}
        losses = method.step(training.batches(0))
        assert tuple(losses) == LOSSES
        computed = {name for name, loss in losses.items() if loss is not None}
        assert computed == {"text", *(n for n in LOSSES if str(i) in n)}
        moved = {n.split(".")[0] for n, p in method.named_parameters() if not p.equal(before[n])}
        assert moved == {"T", "V", f"G{i}", f"D{i}"}


def test_until_the_second_stage_images_of_the_first_are_enlarged(start):
    method, x = tiny(start).method.eval(), inputs(StackGAN, 2, 32)
    with torch.no_grad():
        early = method.translate(x, "AB").image
        method.begin(method.config.epochs - 1, 1.0)
        late = method.translate(x, "AB").image
    assert torch.equal(early[..., ::2, ::2], early[..., 1::2, 1::2])
    assert not torch.equal(late, early)
    only = tiny(start, "stage-one").method
    only.begin(only.config.epochs - 1, 1.0)
    assert only.stage == 1 and set(only.optimizers) == {"T", "G1", "D1"}


def test_rates_are_halved_in_each_stage_by_its_own_period(start):
    method = tiny(start).method
    rates = []
    for epoch in (48, 50, 598, 600, 698, 700):
        method.begin(epoch, 1.0)
        rates.append(method.optimizers["G1"].param_groups[0]["lr"] / method.config.lr)
    # birds.yml: every 50 epochs of the first 600, every 100 of the second 600
    assert rates == [1, 0.5, 0.5**11, 1, 1, 0.5]
    assert method.optimizers["T"].param_groups[0]["lr"] == method.config.lr_text


def test_a_picture_follows_from_its_sentence_and_the_seed(start):
    method, x = tiny(start).method.eval(), inputs(StackGAN, 3, 32)
    with torch.no_grad():
        first, other = method.translate(x, "AB").image, method.translate(x, "AB", seed=1).image
        assert torch.equal(method.translate(x, "BA").image, first)
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_sentences_go_with_their_images():
    batch = {X: torch.rand(2, 3, 4, 4) for X in "AB"}
    batch |= {f"{X}_caption": torch.full((2, 5), ord(X), dtype=torch.uint8) for X in "AB"}
    images, sentences = pairs_of(batch, made_up=False)
    assert torch.equal(of_domain(images, "B"), batch["B"])
    assert torch.equal(images[:2], torch.stack([batch["A"][0], batch["B"][0]]))
    assert bytes(sentences[:, 0].tolist()) == b"ABAB"
    assert torch.equal(in_turn(batch["A"], batch["B"]), images)
    del batch["B_caption"]
    with pytest.raises(ReplicateError, match="B_caption: the set has no captions"):
        pairs_of(batch, made_up=False)


def test_an_embedding_depends_on_every_character_in_its_place():
    torch.manual_seed(0)
    network, x = TextEncoder(32, 6), torch.randint(97, 123, (1, 40))
    with torch.no_grad():
        whole = network(x)
        for i in range(40):  # 4 characters by 3 twice: the last reaches the 40th
            other = x.clone()
            other[0, i] = 33
            assert not torch.equal(network(other), whole), i
        assert network(x[:, :1]).shape == (1, 6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_size": 48, "load_size": 48}, "crop_size=48 with upscale=4: expected powers of 2"),
        ({"upscale": 64}, "with 8 px or more for the first stage's images"),
        ({"stage_one_epochs": 1201}, "stage_one_epochs=1201 with epochs=1200: expected at most"),
        ({"stages": "two"}, "stages 'two'"),
        ({"test_size": 512}, "its images grow from 4 px by doubling"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ReplicateError, match=message):
        make_run("stackgan", "any", 0, "paper", changes)


def test_images_are_no_sentences(start):
    with pytest.raises(ReplicateError, match=r"stackgan draws from sentences: found torch.float32"):
        tiny(start).method.translate(torch.zeros(1, 3, 32, 32), "AB")
