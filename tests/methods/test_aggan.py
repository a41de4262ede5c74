"""AGGAN: what D sees before and after the switch, the frozen maps, the pool of pairs."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from replicate.methods.aggan import AGGAN
from replicate.methods.base import DIRECTIONS


def mean_square(x: Tensor) -> Tensor:
    return (x**2).mean()


def attentive(start) -> tuple[AGGAN, dict[str, Tensor]]:
    """AGGAN with maps that lie on both sides of its threshold, and a batch."""
    training = start(AGGAN, replace(AGGAN.Config(), **AGGAN.SMOKE), None)
    for network in training.method.A.values():
        torch.nn.init.normal_(network.model[-1].weight)
        torch.nn.init.constant_(network.model[-1].bias, -2.2)  # sigmoid(-2.2) = 0.1
    return training.method, training.batches(0)


@pytest.mark.parametrize("epoch", [29, 30])
def test_losses_of_aggan_by_hand(epoch, start):
    method, batch = attentive(start)
    (x, y), A, G, D = (batch["A"], batch["B"]), method.A, method.G, method.D["B"]
    with torch.no_grad():
        s, t = A["A"](x), A["B"](y)
        fake = s * G["AB"](x) + (1 - s) * x
        back = A["B"](fake) * G["BA"](fake) + (1 - A["B"](fake)) * fake
        if epoch < 30:
            real, made = D(y), D(fake)
        else:
            assert 0 < (s >= 0.1).float().mean() < 1 and 0 < (t >= 0.1).float().mean() < 1
            real = D(torch.where(t >= 0.1, y, 0), normalize=False)
            made = D(torch.where(s >= 0.1, fake, 0), normalize=False)
        wanted = {
            "cyc_A": 10 * (back - x).abs().mean(),
            "adv_B": mean_square(made - 1),
            "dis_B": (mean_square(real - 1) + mean_square(made)) / 2,
            "attention_A": s.mean(),
        }
    method.begin(epoch, 1.0)
    losses = method.step(batch)  # the other direction sees networks that moved by then
    torch.testing.assert_close({k: losses[k].detach() for k in wanted}, wanted)


def test_attention_of_aggan_is_frozen_from_its_switch_on(start):
    method, batch = attentive(start)
    for epoch in (29, 30):
        before = {n: p.clone() for n, p in method.A.named_parameters()}
        method.begin(epoch, 1.0)
        method.step(batch)
        moved = {n for n, p in method.A.named_parameters() if not torch.equal(p, before[n])}
        # the exact gradient of a bias under an instance norm is 0, so only weights have to move
        assert moved >= {n for n in before if n.endswith("weight")} if epoch < 30 else not moved


def test_the_pool_of_aggan_keeps_images_with_their_maps(start):
    method, batch = attentive(start)
    with torch.no_grad():
        wanted = {Y: torch.cat(method.translate(batch[X], X + Y), dim=1) for X, Y in DIRECTIONS}
    method.begin(0, 1.0)
    method.step(batch)
    assert all(torch.equal(method.pool[Y].samples[:1], wanted[Y]) for Y in "AB")
