"""Spatial guidance: which map guides what and when, the losses by hand, the controls."""

from dataclasses import replace

import pytest
import torch
from support.guidance import begun, gap, seen_by, square, tiny
from support.reach import losses_with_graphs, reached
from torch import Tensor

from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.methods.spatial_guidance import SpatialGuidance

G, D = 11_378_179, 2_764_737
TAM = 3_818_433 - 589_824  # the sheet's count without `u1`, which nothing calls


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [
        ("paper", {"G": G, "D": D}),
        ("tam", {"G": G, "D": TAM}),
        ("alpha", {"G": 11_381_315, "D": D}),
        ("tam-alpha", {"G": 11_381_315, "D": TAM}),
        ("f3", {"G": G, "D": D}),
        ("s-component", {"G": G, "D": D, "S": 75_649}),
    ],
)
def test_parameters(variant, parameters):
    with torch.device("meta"):
        config = replace(SpatialGuidance.Config(), **SpatialGuidance.VARIANTS[variant])
        assert SpatialGuidance(config).counts() == parameters


# Losses


@pytest.mark.parametrize(("variant", "lambda_idt"), [("paper", 0), ("alpha", 0), ("paper", 5)])
def test_losses_of_a_first_visit_by_hand(variant, lambda_idt, start):
    method, batch = begun(start, variant, lambda_idt=lambda_idt)
    (a, b), ones = (batch["A"], batch["B"]), torch.ones(1, 1, 32, 32)

    def made(direction: str, x: Tensor, guided: bool) -> Tensor:
        if variant == "alpha":
            return method.G[direction].model(torch.cat([x, ones], dim=1))
        return method.G[direction].model(2 * x if guided else x)  # x (1 + 1)

    with torch.no_grad():
        fake_a, fake_b = made("BA", b, True), made("AB", a, True)
        judge = {Y: lambda x, Y=Y: method.D[Y](x).scores for Y in "AB"}
        wanted = {
            "adv_B": square(judge["B"](fake_b) - 1),
            "adv_A": square(judge["A"](fake_a) - 1),
            "cyc_A": 10 * gap(made("BA", fake_b, False), a),
            "cyc_B": 10 * gap(made("AB", fake_a, False), b),
            "idt_A": 5 * gap(made("BA", a, False), a),
            "idt_B": 5 * gap(made("AB", b, False), b),
            "dis_A": (square(judge["A"](a) - 1) + square(judge["A"](fake_a))) / 2,
            "dis_B": (square(judge["B"](b) - 1) + square(judge["B"](fake_b))) / 2,
            "guide_A": torch.tensor(1.0),
            "guide_B": torch.tensor(1.0),
        }
    losses = method.step(batch)
    found = {k: v.detach() for k, v in losses.items() if v is not None}
    if not lambda_idt:
        del wanted["idt_A"], wanted["idt_B"]
    torch.testing.assert_close(found, wanted)


def test_losses_of_two_passes_by_hand(start):
    method, batch = begun(start, "two-pass")
    with torch.no_grad():
        first = method.G["AB"].model(batch["A"])
        guide = seen_by(method.D["B"], first)
        second = method.G["AB"].model(batch["A"] * (1 + guide))
        back = method.G["BA"].model
        wanted = {
            "first_adv_B": square(method.D["B"](first).scores - 1),
            "first_cyc_A": 10 * gap(back(first), batch["A"]),
            "adv_B": square(method.D["B"](second).scores - 1),
            "cyc_A": 10 * gap(back(second), batch["A"]),
            "dis_B": (  # of the first pass: decompose_attn_model.py
                square(method.D["B"](batch["B"]).scores - 1) + square(method.D["B"](first).scores)
            )
            / 2,
            "guide_A": guide.mean(),
        }
    losses = method.step(batch)
    torch.testing.assert_close({k: losses[k].detach() for k in wanted}, wanted)


@pytest.mark.parametrize("fusion", ["rhp", "alpha"])
def test_losses_of_a_map_of_the_source_by_hand(fusion, start):
    method, batch = begun(start, "source" if fusion == "rhp" else "source-alpha")

    def made(direction: str, x: Tensor) -> Tensor:
        a = seen_by(method.D[direction[0]], x)
        x = x * (1 + a) if fusion == "rhp" else torch.cat([x, a], dim=1)
        return method.G[direction].model(x)

    with torch.no_grad():
        fake = made("AB", batch["A"])
        wanted = {
            "adv_B": square(method.D["B"](fake).scores - 1),
            "cyc_A": 10 * gap(made("BA", fake), batch["A"]),
            "guide_A": seen_by(method.D["A"], batch["A"]).mean(),
        }
        tested = method.eval().translate(batch["A"], "AB")
    assert torch.equal(tested.image, fake)
    assert torch.equal(tested.attention, seen_by(method.D["A"], batch["A"]))
    losses = method.train().step(batch)
    torch.testing.assert_close({k: losses[k].detach() for k in wanted}, wanted)


@pytest.mark.parametrize("variant", ["paper", "tam", "two-pass", "guided-cycle", "s-component"])
def test_what_each_loss_moves(variant, start, monkeypatch):
    method, batch = begun(start, variant)
    losses = losses_with_graphs(method, batch, monkeypatch)
    moved = {name: reached(method, loss) for name, loss in losses.items() if loss is not None}
    s = {X: {f"S.{X}"} if variant == "s-component" else set() for X in "AB"}
    wanted = {"guide_A": set(), "guide_B": set(), "dis_A": {"D.A"}, "dis_B": {"D.B"}}
    for X, Y in ("AB", "BA"):
        wanted[f"adv_{Y}"] = {f"G.{X}{Y}", *s[X]}
        wanted[f"cyc_{X}"] = {"G.AB", "G.BA", *s[X]}
        if variant == "two-pass":  # the map between the passes has no gradient
            wanted[f"first_adv_{Y}"], wanted[f"first_cyc_{X}"] = (
                wanted[f"adv_{Y}"],
                {
                    "G.AB",
                    "G.BA",
                },
            )
    # D is frozen while G learns, so it is reached by its own losses only
    assert moved == wanted


# Settings


def test_laptop_and_paper_sizes():
    for name in SpatialGuidance.VARIANTS:
        config = make_run(f"spatial_guidance:{name}", "", 0, "laptop").config
        with torch.device("meta"):
            method = SpatialGuidance(config)
            assert method.memory["A"].maps.shape == (3000, 1, 16, 16)
    paper = make_run("spatial_guidance", "", 0, "paper").config
    assert (paper.load_size, paper.crop_size, paper.epochs, paper.lr) == (286, 256, 200, 2e-4)


@pytest.mark.parametrize(
    ("epoch", "factor"), [(99, 1.0), (100, 1 - 1 / 101), (199, 1 / 101)]
)  # train_options.py, models/networks.py of CycleGAN
def test_learning_rates(epoch, factor, start):
    method = tiny(start).method
    method.begin(epoch * 1334 + 1333, 1334.0)
    rates = {group["lr"] for o in method.optimizers.values() for group in o.param_groups}
    assert len(rates) == 1 and rates.pop() == pytest.approx(2e-4 * factor, rel=1e-12)  # float64


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"attention": "phd"}, r"unknown attention 'phd' \(did you mean 'pha'\?\)"),
        ({"map_source": "store"}, r"unknown map_source 'store' \(did you mean 'stored'\?\)"),
        ({"test_map": "half"}, "unknown test_map 'half'"),
        ({"fusion": "add"}, "unknown fusion 'add'"),
        ({"stage": "f1", "fusion": "mult"}, "fusion=mult at stage=f1: expected rhp"),
        ({"crop_size": 252}, "crop_size=252 with n_layers=3: expected a multiple of 8 px"),
        ({"stage": "f2", "s_component": True, "n_layers": 1}, "doubles its map -1 times"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, text):
    with torch.device("meta"), pytest.raises(ReplicateError, match=text):
        SpatialGuidance(make_run("spatial_guidance", "any", 0, "paper", changes).config)
