"""SPA-GAN: the source domain's map multiplies the input; losses by hand."""

from dataclasses import replace

import pytest
import torch
from support.guidance import gap, square
from support.reach import losses_with_graphs, reached
from torch import Tensor

from replicate.errors import ReplicateError
from replicate.methods.spagan import SPAGAN
from replicate.networks.guidance import by_maximum, enlarge


def begun(start, variant: str = "paper"):
    config = replace(SPAGAN.Config(), **{**SPAGAN.VARIANTS[variant], **SPAGAN.SMOKE})
    training = start(SPAGAN, config, None)
    training.method.begin(0, 1.0)
    return training.method, training.batches(0)


@pytest.mark.parametrize("variant", ["paper", "residual", "plain-target", "early-map"])
def test_losses_by_hand(variant, start):
    method, batch = begun(start, variant)
    a, b = batch["A"], batch["B"]

    def attended(X: str, x: Tensor) -> Tensor:
        attention = enlarge(by_maximum(method.D[X](x).attention), x.shape[2:])
        return x * (attention + (variant == "residual"))

    def made(direction: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """The image, and the decoder's first layer: 12 layers, 2 blocks, one up-sampling of 3."""
        model, x = method.G[direction].model, attended(direction[0], x)
        return model(x), model[:17](x)

    with torch.no_grad():
        (fake_b, features), (fake_a, _) = made("AB", a), made("BA", b)
        target = attended("A", a) if variant in ("paper", "early-map") else a
        wanted = {
            "adv_B": square(method.D["B"](fake_b).scores - 1),
            "cyc_A": 10 * gap(made("BA", fake_b)[0], target),
            "fm_A": gap(features, made("AB", fake_a)[1]),
            "dis_B": (square(method.D["B"](b).scores - 1) + square(method.D["B"](fake_b).scores))
            / 2,
        }
        image, attention = method.eval().translate(a, "AB")
    assert torch.equal(image, fake_b)
    assert torch.equal(attention, enlarge(by_maximum(method.D["A"](a).attention), a.shape[2:]))
    side = 8 if variant == "early-map" else 7
    assert method.D["A"](a).attention.shape == (1, 1, side, side)
    losses = method.train().step(batch)
    torch.testing.assert_close({k: losses[k].detach() for k in wanted}, wanted)


@pytest.mark.parametrize("variant", ["paper", "no-features", "map-gradient"])
def test_what_each_loss_moves(variant, start, monkeypatch):
    method, batch = begun(start, variant)
    losses = losses_with_graphs(method, batch, monkeypatch)
    moved = {name: reached(method, loss) for name, loss in losses.items() if loss is not None}
    both = {"G.AB", "G.BA"}
    wanted = {"adv_A": {"G.BA"}, "adv_B": {"G.AB"}, "dis_A": {"D.A"}, "dis_B": {"D.B"}}
    wanted |= {"cyc_A": both, "cyc_B": both, "guide_A": set(), "guide_B": set()}
    assert moved == wanted | ({} if variant == "no-features" else {"fm_A": both, "fm_B": both})


def test_only_one_variant_sends_gradients_through_the_map(start):
    for variant, through in (("paper", False), ("map-gradient", True)):
        method, batch = begun(start, variant)
        fake = batch["A"].clone().requires_grad_()
        assert method._pass(fake, "AB").attention.requires_grad == through


def test_parameters():
    with torch.device("meta"):  # those of CycleGAN: nothing is added
        assert SPAGAN(SPAGAN.Config()).counts() == {"G": 11_378_179, "D": 2_764_737}
        with pytest.raises(ReplicateError, match="fusion=alpha: expected mult, or rhp"):
            SPAGAN(replace(SPAGAN.Config(), fusion="alpha"))
