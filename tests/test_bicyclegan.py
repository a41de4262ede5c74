"""BicycleGAN: counts, which half of a batch does what, codes of translations, refusals."""

from dataclasses import replace

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.lab.run import parameter_counts
from replicate.methods.bicyclegan import BicycleGAN, _divergence
from replicate.methods.styles import random_styles
from replicate.networks.bicyclegan import Code

SMOKE = replace(BicycleGAN.Config(), **BicycleGAN.SMOKE)


@pytest.mark.parametrize("variant", BicycleGAN.VARIANTS)
def test_parameters_at_the_paper_s_size(variant):
    wanted = {"G": 54_794_627, "E": 2_590_032, "D": 3_458_978, "D2": 3_458_978}
    assert parameter_counts("bicyclegan", variant) == wanted


def test_the_second_half_of_a_batch_is_seen_by_d2_alone(start):
    """Of other images in the second half, only D2's loss is another."""
    losses = []
    for changed in (0.0, 1.0):
        training = start(BicycleGAN, SMOKE, None)
        batch = dict(training.batches(0))
        for X in "AB":
            batch[X] = batch[X].clone()
            batch[X][1:] = changed
        torch.manual_seed(0)
        step = training.method.step(batch)
        losses.append({name: float(value.detach()) for name, value in step.items()})
    different = {name for name in losses[0] if losses[0][name] != losses[1][name]}
    assert different == {"dis2_A", "dis2_B"}


def test_a_translation_has_the_code_of_its_image_and_seed_or_that_of_a_target():
    torch.manual_seed(0)
    method, x = BicycleGAN(SMOKE).eval(), torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        by_seed = method.translate(x, "AB", seed=1).image
        assert torch.equal(by_seed, method.G["AB"](x, random_styles(x, 8, 1)))
        target = x.flip(0)
        wanted = method.G["BA"](x, method.E["A"](target).mean)
        assert torch.equal(method.translate(x, "BA", target=target).image, wanted)
    assert not torch.equal(by_seed, method.translate(x, "AB").image)


def test_the_divergence_by_hand():
    code = Code(torch.tensor([[0.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    wanted = 0.5 * 4 + 0.5 * (torch.e - 2)  # a sum, over images too
    assert float(_divergence(code)) == pytest.approx(wanted, rel=1e-6)  # float32


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 3}, "batch_size=3: expected an even number"),
        ({"crop_size": 48, "load_size": 48}, "crop_size=48: expected a power of two from 32 px"),
        ({"n_layers": 3}, "n_layers=3 at crop_size=32: expected a crop of 48 px"),
        ({"epochs": 99}, "constant_epochs=100"),
    ],
)
def test_settings_that_no_run_can_have(changes, said):
    with pytest.raises(ReplicateError, match=said):
        make_run("bicyclegan", "any", 0, "smoke", changes)
