"""ComboGAN: counts of both versions, a pair of domains a step, any encoder with any decoder."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.methods.combogan import ComboGAN
from replicate.networks.combogan import BLUR, GREY, SplitDiscriminator, _blur

SMALL = ComboGAN.SMOKE | {"c_dim": 4}


def small(**changes: object) -> ComboGAN:
    torch.manual_seed(0)
    return ComboGAN(replace(ComboGAN.Config(), **SMALL | changes))


def batch_of(first: int, second: int) -> dict[str, torch.Tensor]:
    images = {X: torch.rand(2, 3, 32, 32) * 2 - 1 for X in "AB"}
    return images | {"A_label": torch.tensor([first] * 2), "B_label": torch.tensor([second] * 2)}


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [  # papers/baselines.md 12
        ("paper", {"E": 5_099_136, "G": 6_565_763, "D": 2_764_737}),
        ("head", {"E": 5_099_143, "G": 6_565_770, "D": 13_931_410}),
    ],
)
def test_parameters(variant, parameters):
    with torch.device("meta"):
        counts = ComboGAN(replace(ComboGAN.Config(), **ComboGAN.VARIANTS[variant])).counts()
    assert counts == parameters


@pytest.mark.parametrize("head", [False, True])
def test_only_the_two_domains_of_a_batch_move(head):
    method = small(head=head)
    before = {name: p.detach().clone() for name, p in method.named_parameters()}
    losses = method.step(batch_of(3, 1))
    moved = {n.split(".")[1] for n, p in method.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"B", "D"}
    assert {name for name, loss in losses.items() if loss is None} == {"idt_A", "idt_B"}
    pools = {letter: int(pool.filled) for letter, pool in method.pool.items()}
    assert pools == {"A": 0, "B": 2, "C": 0, "D": 2}


def test_without_labels_the_domains_are_a_and_b():
    method, batch = small(), batch_of(0, 1)
    assert method._pair({X: batch[X] for X in "AB"}) == method._pair(batch) == ("A", "B")
    assert method._pair(batch_of(2, 0)) == ("C", "A")


@pytest.mark.parametrize("labels", [(1, 1), (0, 4), (-1, 2)])
def test_labels_that_are_no_pair_are_refused(labels):
    with pytest.raises(ReplicateError, match=r"A_label shows \[.*expected one label in A and anot"):
        small().step(batch_of(*labels))


def test_any_encoder_goes_with_any_decoder():
    method, x = small().eval(), torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert torch.equal(method.translate(x, "CA").image, method.G["A"](method.E["C"](x)))


def test_autoencoding_is_learned_where_it_has_a_weight():
    method, batch = small(lambda_idt=2.0), batch_of(0, 1)
    method.set_lr(0.0)
    with torch.no_grad():
        itself = method.G["A"](method.E["A"](batch["A"]))
    wanted = 2 * (itself - batch["A"]).abs().mean()
    assert method.step(batch)["idt_A"].item() == pytest.approx(wanted.item(), rel=1e-5)  # float32


def test_the_rate_falls_over_the_second_half():
    method = small(epochs=200, constant_epochs=100, lr=1e-3)
    rates = []
    for epoch in (0, 100, 150, 199):
        method.begin(epoch * 10, 10.0)
        rates.append(method.optimizers["G_A"].param_groups[0]["lr"])
    # the first epoch after the hundredth still has the whole rate, as the official loop
    assert rates == pytest.approx([1e-3, 1e-3, 0.5e-3, 0.01e-3])


def test_the_later_discriminator_sees_grey_and_blurred_images():
    torch.manual_seed(0)
    D, x = SplitDiscriminator(4, 2), torch.rand(2, 3, 32, 32)
    scores = D(x)
    assert [tuple(s.shape) for s in scores] == [(2, 2, 9, 9), (2, 2, 11, 11)]
    same = x.clone()
    same[:, 0] += 0.1 * GREY[2]
    same[:, 2] -= 0.1 * GREY[0]  # another colour of the same grey
    other = D(same)
    for one, two in zip(scores, other, strict=True):
        torch.testing.assert_close(one[:, :1], two[:, :1], rtol=0, atol=1e-5)  # float32
        assert (one[:, 1:] - two[:, 1:]).abs().max() > 1e-4
    kernel = _blur()[0, 0]
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    assert torch.allclose(kernel, torch.full_like(kernel, 1 / BLUR**2), atol=2e-3)  # nearly flat


def test_deeper_scores_of_the_later_discriminator_weigh_more():
    method, x = small(head=True, n_layers=2), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        first, last = method.D["A"](x)
        wanted = (F.mse_loss(first, torch.ones_like(first)) + 3 * (last - 1).square().mean()) / 8
        assert method._judged("A", x, True).item() == pytest.approx(wanted.item(), rel=1e-5)
