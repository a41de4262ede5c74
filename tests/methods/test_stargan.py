"""StarGAN: counts, what the label of a target reaches, and how its heir differs."""

from dataclasses import replace

import pytest
import torch

from replicate.methods import labelled
from replicate.methods.attentiongan_multi import AttentionGANMulti
from replicate.methods.stargan import StarGAN


@pytest.mark.parametrize(
    ("variant", "size", "parameters"),
    [  # papers/baselines.md 10
        ("paper", 128, {"G": 8_439_936, "D": 44_786_624}),
        ("celeba", 128, {"G": 8_430_528, "D": 44_762_048}),
        ("celeba", 256, {"G": 8_430_528, "D": 44_884_928}),
    ],
)
def test_parameters(variant, size, parameters):
    changes = StarGAN.VARIANTS[variant] | {"crop_size": size, "load_size": size}
    with torch.device("meta"):
        assert StarGAN(replace(StarGAN.Config(), **changes)).counts() == parameters


def smoke(method: type, **changes: object):
    torch.manual_seed(0)
    return method(replace(method.Config(), **method.SMOKE | changes)).eval()


def test_a_direction_is_the_label_of_its_last_letter():
    method, x = smoke(StarGAN, c_dim=4), torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        made = {way: method.translate(x, way).image for way in ("AD", "BD", "AC")}
        wanted = method.translate_to(x, torch.eye(4)[[3, 3]]).image
    assert torch.equal(made["AD"], wanted) and torch.equal(made["BD"], wanted)
    assert not torch.equal(made["AC"], wanted)


def test_one_entry_of_a_label_is_that_of_the_letter():
    x = torch.zeros(2, 3, 4, 4)
    assert labelled.of_domain(x, "C", 4).tolist() == [[0, 0, 1, 0]] * 2


def test_the_heir_has_a_mask_and_nothing_else_besides():
    """Its generator has one more output of 64 x 7 x 7; training is the same code."""
    counts = []
    for method in (StarGAN, AttentionGANMulti):
        with torch.device("meta"):
            counts.append(method(method.Config()).counts())
    assert counts[1]["G"] - counts[0]["G"] == 64 * 49 and counts[1]["D"] == counts[0]["D"]
    assert AttentionGANMulti.step is StarGAN.step
