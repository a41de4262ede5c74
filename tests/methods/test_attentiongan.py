"""AttentionGAN, scheme II: the composition by hand, the masks, the losses, the paper's sizes."""

from dataclasses import replace

import pytest
import torch
from support.reach import losses_with_graphs, reached
from torch import Tensor

from replicate.methods.attentiongan import AttentionGAN
from replicate.networks.attentiongan import SchemeTwoGenerator, compose
from replicate.networks.discriminators import PatchDiscriminator


def mean_square(x: Tensor) -> Tensor:
    return (x**2).mean()


def tiny(start, variant: str = "paper"):
    changes = {**AttentionGAN.VARIANTS[variant], **AttentionGAN.SMOKE}
    training = start(AttentionGAN, replace(AttentionGAN.Config(), **changes), None)
    return training.method, training.batches(0)


def pixel(*values: float) -> Tensor:
    """(1, len(values), 1, 1)."""
    return torch.tensor(values, dtype=torch.float64)[None, :, None, None]


def contents(*values: float) -> Tensor:
    """(1, len(values), 3, 1, 1), each content of one grey."""
    return pixel(*values)[:, :, None].expand(-1, -1, 3, -1, -1)


@pytest.mark.parametrize(
    ("painted", "wanted"),
    [
        ((1.0, -1.0), 0.2 * 1 - 0.3 * 1 + 0.5 * 0.8),  # the input is the background
        ((1.0, -1.0, 0.4), 0.2 * 1 - 0.3 * 1 + 0.5 * 0.4),  # geo: it is painted
    ],
)
def test_the_composition_of_one_pixel(painted, wanted):
    x = pixel(0.8, 0.8, 0.8)
    image = compose(x, pixel(0.2, 0.3, 0.5), contents(*painted))
    assert image.shape == x.shape
    # a sum of three products in float64
    assert image.flatten().tolist() == pytest.approx([wanted] * 3, rel=1e-14)
    swapped = compose(x, pixel(0.3, 0.2, 0.5), contents(*painted))
    assert abs(swapped[0, 0, 0, 0].item() - wanted) == pytest.approx(0.2)


def test_a_background_of_one_copies_the_input_and_geo_never_does():
    x = torch.rand(1, 3, 16, 16) * 2 - 1
    for geo in (False, True):
        G = SchemeTwoGenerator(4, 1, n_masks=3, paint_background=geo)
        with torch.no_grad():
            G.attention[-1].bias[-1] = 200.0  # softmax of the background: 1 to the last bit
            image, attention, content = G(x)
        assert attention[:, -1].min() == 1 and attention[:, :-1].max() == 0
        assert torch.equal(image, content[:, -1] if geo else x)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_the_masks_of_all_pixels_sum_to_one(dtype):
    torch.manual_seed(0)
    G, x = SchemeTwoGenerator(4, 1), torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad(), torch.autocast("cpu", dtype, enabled=dtype is not None):
        G.attention[-1].weight.mul_(30)  # logits of some units
        image, attention, content = G(x)
    assert attention.shape == (2, 10, 16, 16) and content.shape == (2, 9, 3, 16, 16)
    assert {t.dtype for t in (image, attention, content)} == {torch.float32}
    assert attention.std() > 0.1  # else any softmax would pass
    # ten float32 terms of at most 1
    torch.testing.assert_close(attention.sum(dim=1), torch.ones(2, 16, 16), rtol=0, atol=1e-6)
    assert (attention[:, :-1].sum(dim=1) - 1).abs().max() > 0.1  # the background is one of them
    assert content.abs().max() <= 1
    # a convex combination of numbers in [-1, 1], with the same rounding
    assert image.abs().max() <= 1 + 1e-6


def test_at_first_every_mask_has_its_share():
    method = AttentionGAN(replace(AttentionGAN.Config(), ngf=16, n_blocks=4))
    with torch.no_grad():
        attention = method.masks(torch.rand(1, 3, 32, 32) * 2 - 1, "AB").attention
    # logits of weights N(0, 0.02): a fifth around the share of 1/10; the sheet gives 0.105
    assert attention.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.1] * 10, rel=0.2)


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [  # papers/attentiongan.md 2.5; the 7x7 head adds (49 - 1) * 64 * 10 weights
        ("paper", {"G": 11_822_949, "D": 2_764_737}),
        ("geo", {"G": 11_832_360, "D": 2_764_737}),
        ("mask-head-7", {"G": 11_822_949 + 30_720, "D": 2_764_737}),
    ],
)
def test_parameters(variant, parameters):
    with torch.device("meta"):
        config = replace(AttentionGAN.Config(), **AttentionGAN.VARIANTS[variant])
        assert AttentionGAN(config).counts() == parameters


def test_parts_of_the_generator_and_its_shapes_at_256_px():
    with torch.device("meta"):
        G, x = SchemeTwoGenerator(), torch.empty(1, 3, 256, 256)
        counts = [sum(p.numel() for p in part.parameters()) for part in G.children()]
        assert counts == [  # papers/attentiongan.md 2.5
            9_472 + 73_856 + 295_168 + 10_621_440,
            295_040 + 73_792 + 84_699,
            295_040 + 73_792 + 650,
        ]
        image, attention, content = G(x)
        assert image.shape == x.shape
        assert attention.shape == (1, 10, 256, 256) and content.shape == (1, 9, 3, 256, 256)
        assert PatchDiscriminator()(x).shape == (1, 1, 30, 30)


@pytest.mark.parametrize("variant", ["paper", "geo"])
def test_losses_by_hand(variant, start):
    method, batch = tiny(start, variant)
    (a, b), D = (batch["A"], batch["B"]), method.D

    def G(direction: str, x: Tensor) -> Tensor:
        _, attention, content = method.G[direction](x)
        painted = sum(attention[:, i, None] * content[:, i] for i in range(content.shape[1]))
        return painted if variant == "geo" else painted + attention[:, 2, None] * x

    with torch.no_grad():
        fake_a, fake_b = G("BA", b), G("AB", a)
        wanted = {
            "idt_B": 5 * (G("AB", b) - b).abs().mean(),
            "cyc_A": 10 * (G("BA", fake_b) - a).abs().mean(),
            "adv_B": mean_square(D["B"](fake_b) - 1),
            "idt_A": 5 * (G("BA", a) - a).abs().mean(),
            "cyc_B": 10 * (G("AB", fake_a) - b).abs().mean(),
            "adv_A": mean_square(D["A"](fake_a) - 1),
            "dis_A": (mean_square(D["A"](a) - 1) + mean_square(D["A"](fake_a))) / 2,
            "dis_B": (mean_square(D["B"](b) - 1) + mean_square(D["B"](fake_b))) / 2,
            "attention_A": 1 - method.masks(a, "AB").attention[:, 2].mean(),
            "attention_B": 1 - method.masks(b, "BA").attention[:, 2].mean(),
        }
    method.begin(0, 1.0)
    found = {k: v.detach() for k, v in method.step(batch).items()}
    torch.testing.assert_close(found, wanted)


def test_what_each_loss_moves(start, monkeypatch):
    method, batch = tiny(start)
    losses = losses_with_graphs(method, batch, monkeypatch)
    assert {name: reached(method, loss) for name, loss in losses.items()} == {
        "idt_A": {"G.BA"},
        "idt_B": {"G.AB"},
        "cyc_A": {"G.AB", "G.BA"},
        "cyc_B": {"G.AB", "G.BA"},
        "adv_A": {"G.BA"},
        "adv_B": {"G.AB"},
        "dis_A": {"D.A"},
        "dis_B": {"D.B"},
        "attention_A": set(),
        "attention_B": set(),
    }


def test_the_attention_is_what_the_background_leaves(start):
    method, batch = tiny(start)
    with torch.no_grad():
        image, attention = method.translate(batch["A"], "AB")
        painting = method.masks(batch["A"], "AB")
    assert torch.equal(image, painting.image)
    # 1 - a against the sum of the two others, float32
    foreground = painting.attention[:, :2].sum(dim=1, keepdim=True)
    torch.testing.assert_close(attention, foreground, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("variant", "epoch", "factor"),
    [
        ("paper", 0, 1.0),
        ("paper", 59, 1.0),  # 60 epochs at one rate
        ("geo", 99, 1.0),
        ("geo", 100, 1 - 1 / 101),  # models/networks.py:52-56
        ("geo", 199, 1 / 101),
    ],
)
def test_learning_rates(variant, epoch, factor, start):
    method, _ = tiny(start, variant)
    method.begin(epoch * 334 + 333, 334.0)  # the last iteration of the epoch, horse2zebra, batch 4
    rates = {group["lr"] for o in method.optimizers.values() for group in o.param_groups}
    assert len(rates) == 1 and rates.pop() == pytest.approx(2e-4 * factor, rel=1e-12)  # float64
