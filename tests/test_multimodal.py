"""UNIT, MUNIT, DRIT, BicycleGAN: styles; of the first three schedules, parts and refusals."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from replicate.errors import ReplicateError
from replicate.methods import METHODS, base
from replicate.methods.bicyclegan import BicycleGAN
from replicate.methods.drit import DRIT, _divergence
from replicate.methods.munit import MUNIT
from replicate.methods.styles import random_styles
from replicate.methods.unit import UNIT
from replicate.networks.autoencoders import SpreadNorm
from replicate.networks.drit import Attribute, LayerNorm

MULTIMODAL = [MUNIT, DRIT, BicycleGAN]
SIZE = 32  # px, of the smoke budget


def smoke(method: type[base.Method], variant: str = "paper", **changes: object) -> base.Method:
    torch.manual_seed(0)
    config = {**method.VARIANTS[variant], **method.SMOKE, **changes}
    return method(replace(method.Config(), **config))


def images(n: int, seed: int = 0) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, SIZE, SIZE, generator=source) * 2 - 1


# Counts of the issue and of papers/baselines.md, sections 2 to 4


@pytest.mark.parametrize(
    ("name", "variant", "parameters"),
    [
        ("unit", "paper", {"VAE": 11_140_483, "D": 8_271_171}),
        ("unit", "nips2017", {"VAE": 18_017_286, "D": 25_149_057}),  # VAE: of both domains
        ("munit", "paper", {"AE": 15_026_187, "D": 8_271_171}),
        (
            "drit",
            "paper",
            {
                "E_content": 9_018_112, "E_attribute": 2_688_160, "G": 9_564_710,
                "D": 8_271_171, "D2": 8_271_171, "D_content": 10_683_649,
            },
        ),
        (
            "drit",
            "no-concat",
            {
                "E_content": 9_018_112, "E_attribute": 5_529_872, "G": 17_146_374,
                "D": 8_271_171, "D2": 8_271_171, "D_content": 10_683_649,
            },
        ),
    ],
)  # fmt: skip
def test_parameters_at_the_paper_s_size(name, variant, parameters):
    method = METHODS[name]
    with torch.device("meta"):
        built = method(replace(method.Config(), **method.VARIANTS[variant]))
    assert built.counts() == parameters


# Styles


def test_a_style_follows_from_the_image_and_the_seed_alone():
    x = images(3)
    torch.manual_seed(1)
    styles, before = random_styles(x, 8, seed=0), torch.get_rng_state()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(random_styles(x.flip(0), 8, seed=0), styles.flip(0))
    other = random_styles(x, 8, seed=1)
    numbers = torch.cat([styles, other])
    assert len(numbers.unique(dim=0)) == 6
    many = random_styles(images(500, seed=2), 8, seed=0)
    # 4 standard errors of the mean and of the variance of 4000 standard normal numbers
    assert abs(many.mean()) < 4 / 4000**0.5 and abs(many.var() - 1) < 4 * (2 / 4000) ** 0.5


@pytest.mark.parametrize("method", MULTIMODAL)
def test_seeds_and_targets_make_other_translations_of_the_same_image(method):
    built, x = smoke(method).eval(), images(2)
    with torch.no_grad():
        first = built.translate(x, "AB").image
        assert torch.equal(built.translate(x, "AB").image, first)
        assert torch.equal(built.translate(x, "AB", seed=0).image, first)
        others = [built.translate(x, "AB", seed=seed).image for seed in (1, 2)]
        others += [built.translate(x, "AB", target=images(2, seed)).image for seed in (3, 4)]
    assert method.multimodal and not UNIT.multimodal
    different = [first, *others]
    for i, one in enumerate(different):
        assert all(not torch.equal(one, other) for other in different[:i])


# Schedules


def test_unit_s_rate_is_halved_one_step_before_each_period():
    # 100,000 of 1,000,000 iterations, StepLR stepped before the update
    rates = [base.halving(i, 10_000.0, 10) for i in (0, 99_998, 99_999, 199_998, 199_999)]
    assert rates == [1, 1, 0.5, 0.5, 0.25]
    assert base.halving(10**6, 10_000.0, 0) == 1
    old = smoke(UNIT, "nips2017")
    old.begin(999_999, 10_000.0)
    assert {g["lr"] for o in old.optimizers.values() for g in o.param_groups} == {1e-4}


def test_drit_s_rates():
    built = smoke(DRIT)
    for epoch, factor in {0: 1, 600: 1, 601: 600 / 601, 1199: 2 / 601}.items():
        built.begin(epoch * 667, 667.0)
        for name, optimizer in built.optimizers.items():
            rate = 1e-4 * factor * (0.4 if name == "D_content" else 1)
            assert optimizer.param_groups[0]["lr"] == pytest.approx(rate, rel=1e-12)


def test_two_iterations_of_three_train_the_discriminator_of_content_alone():
    built, batch = smoke(DRIT), {X: images(2, seed) for seed, X in enumerate("AB")}
    for i in range(3):
        before = {name: p.detach().clone() for name, p in built.named_parameters()}
        built.begin(i, 100.0)
        losses = built.step(batch)
        moved = {n for n, p in built.named_parameters() if not torch.equal(p, before[n])}
        alone = i < 2
        assert moved
        assert all(name.startswith("D_content") for name in moved) == alone
        assert {n for n, loss in losses.items() if loss is not None} == (
            {"dis_content"} if alone else set(losses)
        )


# Parts


def test_a_gradient_is_shortened_before_the_step_and_never_lengthened():
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    base.clip_gradient(optimizer, 5.0)
    for slope, step in (((30.0, 40.0), (3.0, 4.0)), ((0.3, 0.4), (0.3, 0.4))):
        before, weight.grad = weight.detach().clone(), torch.tensor(slope)
        optimizer.step()
        # float32, and the 1e-6 that torch adds to the norm
        torch.testing.assert_close(before - weight.detach(), torch.tensor(step), rtol=1e-5, atol=0)


def test_the_two_layer_norms_by_hand():
    x = torch.tensor([1.0, 2.0, 3.0, 6.0]).reshape(1, 2, 1, 2)  # mean 3, squares 4, 1, 0, 9
    spread, usual = SpreadNorm(2), LayerNorm(2)
    nn.init.ones_(spread.gamma)
    # float32
    wanted = (x - 3) / ((14 / 3) ** 0.5 + 1e-5)
    torch.testing.assert_close(spread(x), wanted, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(usual(x), (x - 3) / (14 / 4 + 1e-5) ** 0.5, rtol=1e-6, atol=1e-6)


def test_the_divergence_of_attributes_by_hand():
    mean, log_variance = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 1.0]])
    wanted = 0.5 * (4 + torch.e - 1 - 1)
    assert _divergence(Attribute(mean, log_variance)) == pytest.approx(wanted, rel=1e-6)  # float32
    assert _divergence(Attribute(mean, None)) == 2.0


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        (UNIT, {"crop_size": 30, "load_size": 30}, "crop_size=30: expected a multiple of 4"),
        (UNIT, {"n_layers": 5}, "n_layers=5 at crop_size=32: expected a crop of 64 px"),
        (MUNIT, {"crop_size": 12}, "expected a crop of 16 px"),
        (DRIT, {"batch_size": 3}, "batch_size=3: expected an even number"),
        (DRIT, {"content_layers": 3}, "content_layers=3 at crop_size=32: expected .* 212 px"),
        (DRIT, {"epochs": 599}, "constant_epochs=600"),
    ],
)
def test_settings_that_no_run_can_have(method, changes, said):
    with pytest.raises(ReplicateError, match=said):
        method.check(replace(method.Config(), **{**method.SMOKE, **changes}))
