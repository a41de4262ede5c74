"""DA-GAN: its losses by hand, what each of them moves, what D2 sees, truth that is needed."""

from dataclasses import replace

import pytest
import torch
from support.reach import losses_with_graphs, reached
from torch import Tensor
from torch.nn.functional import softplus

from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS
from replicate.methods.dagan import DAGAN
from replicate.networks.dagan import Code, union
from replicate.report.tables import registers

MEASURED = ("variance", "overlap", "hit")


def tiny(start, variant: str = "paper", **changes: object):
    """The method at smoke size, and a batch with labels 1, 4 of A and 0, 2 of B, no masks."""
    changes = {**DAGAN.VARIANTS[variant], **DAGAN.SMOKE, "made_up_truth": False, **changes}
    training = start(DAGAN, replace(DAGAN.Config(), **changes), None)
    batch = {k: v for k, v in training.batches(0).items() if not k.endswith("mask")}
    labels = {"A_label": torch.tensor([1, 4]), "B_label": torch.tensor([0, 2])}
    return training.method, batch | labels


def masks_at(top: int, left: int) -> Tensor:
    """(2, 1, 32, 32), 6 x 6 px of 1."""
    mask = torch.zeros(2, 1, 32, 32)
    mask[:, :, top : top + 6, left : left + 6] = 1
    return mask


def values(losses: dict) -> dict:
    return {name: None if loss is None else loss.detach() for name, loss in losses.items()}


@pytest.mark.parametrize(
    ("budget", "parameters"),
    [
        # E and G are CycleGAN's generator, 11,378,179; f_loc has 99,394
        (
            {},
            {"E": 5_099_136 + 99_394, "G": 6_279_043, "C": 1_285}
            | {"D1": 2_764_737, "D2": 2_764_737},
        ),
        (DAGAN.LAPTOP, {"E": 128_098, "G": 247_011, "C": 325, "D1": 167_649, "D2": 167_649}),
    ],
)
def test_parameters(budget, parameters):
    with torch.device("meta"):
        assert DAGAN(replace(DAGAN.Config(), **budget)).counts() == parameters


def test_losses_by_hand(start, monkeypatch):
    method, batch = tiny(start)
    wanted = {}
    with torch.no_grad():
        for X, Y in DIRECTIONS:
            d, t, D1, D2 = X + Y, batch[Y], method.D1[Y], method.D2[Y]
            codes = [method.encode(batch[Z], d) for Z in d]
            fake, same = (method.G[d](code.latent) for code in codes)
            gaps = [
                (method.encode(made, d).latent - code.latent).abs().mean()
                for made, code in zip((fake, same), codes, strict=True)
            ]
            logits = method.C[d](torch.cat([code.instances for code in codes]))
            labels = torch.cat([batch[f"{Z}_label"] for Z in d])
            wanted |= {
                f"cst_{X}": gaps[0],
                f"sym_{Y}": gaps[1],
                f"adv1_{Y}": softplus(-D1(fake)).mean(),  # -log sigmoid
                f"adv2_{Y}": softplus(-D2(same)).mean(),
                f"dis1_{Y}": softplus(-D1(t)).mean() + softplus(D1(fake)).mean(),
                f"dis2_{Y}": softplus(-D2(t)).mean() + softplus(D2(same)).mean(),
                f"cls_{d}": (logits.logsumexp(1) - logits[torch.arange(4), labels]).mean(),
            }
    found = values(losses_with_graphs(method, batch, monkeypatch))
    trained = {k: v for k, v in found.items() if v is not None and k.split("_")[0] not in MEASURED}
    # one pass over s and t there, two here: float32 sums in another order
    torch.testing.assert_close(trained, wanted, rtol=1e-4, atol=1e-6)


def test_a_mapping_that_changes_nothing_has_no_consistency_or_symmetry_loss(start, monkeypatch):
    method, batch = tiny(start)
    for shift, lossless in ((0.0, True), (0.5, False)):
        for d in DIRECTIONS:  # F(x) = x, up to the shift
            both = torch.cat([batch[X] for X in d])
            both = torch.cat([both[..., :16] + shift, both[..., 16:]], dim=3)
            monkeypatch.setattr(method.G[d], "forward", lambda code, both=both: both)
        found = values(losses_with_graphs(method, batch, monkeypatch))
        for name in ("cst_A", "cst_B", "sym_A", "sym_B"):
            assert (found[name] == 0) == lossless, name


def test_what_each_loss_moves(start, monkeypatch):
    method, batch = tiny(start)
    losses = losses_with_graphs(method, batch | {"A_mask": masks_at(9, 9)}, monkeypatch)
    expected = {}
    for X, Y in DIRECTIONS:
        d = X + Y
        F = {f"E.{d}", f"G.{d}"}
        expected |= {f"cst_{X}": F, f"sym_{Y}": F, f"adv1_{Y}": F, f"adv2_{Y}": F}
        expected |= {f"cls_{d}": {f"E.{d}", f"C.{d}"}}
        expected |= {f"dis1_{Y}": {f"D1.{Y}"}, f"dis2_{Y}": {f"D2.{Y}"}, f"variance_{d}": set()}
    expected["hit_AB"] = set()
    assert {k: reached(method, loss) for k, loss in losses.items() if loss is not None} == expected
    assert {k for k, loss in losses.items() if loss is None} == {
        "loc_AB", "loc_BA", "overlap_AB", "overlap_BA", "hit_BA"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["cls_AB", "cst_A", "sym_B", "adv1_B", "adv2_B"])
def test_f_loc_gets_a_gradient_until_the_windows_are_boxes(name, start, monkeypatch):
    method, batch = tiny(start)
    weight = method.E["AB"].f_loc.linear.weight
    slopes = []
    for k in (0.5, 1e6):
        method.k.fill_(k)
        loss = losses_with_graphs(method, batch, monkeypatch)[name]
        slopes.append(torch.autograd.grad(loss, weight)[0].abs().max().item())
    assert slopes[0] > 0 and slopes[1] == 0


def test_each_discriminator_sees_real_images_by_itself(start, monkeypatch):
    """DA-U judges t by D1 in both losses, so that its D2 never sees a real image."""
    method, batch = tiny(start)
    seen = {"D1": [], "D2": []}
    for name, images in seen.items():
        getattr(method, name)["B"].register_forward_pre_hook(
            lambda layer, inputs, images=images: images.append(inputs[0].detach())
        )
    losses_with_graphs(method, batch, monkeypatch)
    with torch.no_grad():
        made = {X: method.translate(batch[X], "AB").image for X in "AB"}
    for name, source in (("D1", "A"), ("D2", "B")):  # F(s) and F(t)
        real, fake, fake_of_g = seen[name]
        assert torch.equal(real, batch["B"])
        for image in (fake, fake_of_g):
            # another batch size: float32 sums in another order
            torch.testing.assert_close(image, made[source], rtol=0, atol=1e-5)
    assert (made["A"] - made["B"]).abs().max() > 1e-3


def test_without_d2_its_terms_are_left_out(start, monkeypatch):
    method, batch = tiny(start, "no-d2")
    losses = losses_with_graphs(method, batch, monkeypatch)
    assert {k for k, loss in losses.items() if loss is None and k[0] in "ad"} == {
        "adv2_A", "adv2_B", "dis2_A", "dis2_B"
    }  # fmt: skip
    assert not [name for name, _ in method.named_parameters() if name.startswith("D2")]


@pytest.mark.parametrize(("variant", "moved"), [("paper", set()), ("two-sided", {"E.AB"})])
def test_the_gradient_into_the_code_of_s_is_a_switch(variant, moved, start, monkeypatch):
    method, batch = tiny(start, variant)
    encode, calls = method.encode, []

    def without_a_way_through_the_translation(*arguments: object) -> Code:
        calls.append(arguments)
        code = encode(*arguments)
        return code._replace(latent=code.latent.detach()) if len(calls) > 2 else code

    monkeypatch.setattr(method, "encode", without_a_way_through_the_translation)
    losses = losses_with_graphs(method, batch, monkeypatch)
    assert len(calls) == 4 and reached(method, losses["cst_A"]) == moved


def test_k_grows_for_a_third_of_the_schedule_and_is_saved(start):
    method, _ = tiny(start)
    steps = {0: 0.5, 50 * 10: 0.5 * 10**0.75, 200 * 10 // 3 + 1: 5.0, 1999: 5.0}
    for iteration, k in steps.items():  # 200 epochs of 10 iterations
        method.begin(iteration, 10.0)
        assert method.k.item() == pytest.approx(k, rel=1e-6)  # float32
    assert method.state_dict()["k"] == 5.0  # a loaded method translates as the trained one


@pytest.mark.parametrize("variant", ["paper", "two-regions", "random-windows", "no-attention"])
def test_windows_and_attention_are_one_thing(variant, start):
    method, batch = tiny(start, variant)
    with torch.no_grad():
        placed = method.windows(batch["A"], "AB")
        attention = method.translate(batch["A"], "AB").attention
    n = method.config.n_regions
    assert placed.centres.shape == (2, n, 2) and placed.boxes.shape == (2, n, 4)
    if variant == "no-attention":
        assert attention is None and placed.boxes[0, 0].tolist() == [0, 0, 32, 32]
    else:
        torch.testing.assert_close(attention, union(placed.masks), rtol=0, atol=1e-6)


def test_oracle_windows_stand_on_the_mask_and_teach_f_loc(start, monkeypatch):
    method, batch = tiny(start, "oracle-windows")
    masks = {"A_mask": masks_at(8, 12), "B_mask": masks_at(0, 20)}
    losses = losses_with_graphs(method, batch | masks, monkeypatch)
    assert losses["hit_AB"] == 1
    # B's mask lies at the edge: its window is moved inside, by half of its side
    centres = torch.tensor([[15.0, 11.0]] * 2 + [[23.0, 7.5]] * 2)
    with torch.no_grad():
        found = torch.cat([method.windows(batch[X], "AB").centres[:, 0] for X in "AB"])
    torch.testing.assert_close(losses["loc_AB"].detach(), (found - centres).abs().mean() / 32)
    assert reached(method, losses["loc_AB"]) == {"E.AB"}


def test_truth_that_is_missing_or_wrong_is_named(start):
    method, batch = tiny(start)
    unlabelled = {k: v for k, v in batch.items() if not k.endswith("label")}
    with pytest.raises(ReplicateError, match=r"A_label: .*no labels.*0 to 4.*no-labels"):
        method.step(unlabelled)
    with pytest.raises(ReplicateError, match=r"B_label .*values 0 to 5: .*0 to 4; set n_classes"):
        method.step(batch | {"B_label": torch.tensor([0, 5])})
    with pytest.raises(ReplicateError, match=r"A_label has shape \(2, 5\)"):
        method.step(batch | {"A_label": torch.zeros(2, 5, dtype=torch.int64)})
    oracle, batch = tiny(start, "oracle-windows")
    with pytest.raises(ReplicateError, match=r"A_mask: .*windows=oracle.*shapes_drawn"):
        oracle.step(batch)
    alone, _ = tiny(start, "no-labels")
    assert alone.step(unlabelled)["cls_AB"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": "lerned"}, "windows 'lerned'.*'learned'"),
        ({"labels": "soruce"}, "labels 'soruce'.*'source'"),
        ({"crop_size": 40}, "crop_size=40: expected a multiple of 16"),
        ({"half_size": 0.6}, r"half_size=0\.6: expected float, less than or equal to 0\.5"),
        ({"n_regions": 0}, "n_regions=0: expected int, greater"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ReplicateError, match=message):
        make_run("dagan", "any", 0, "paper", changes)


def test_no_setting_stands_in_a_variant_and_in_a_budget():
    ablations = DAGAN.VARIANTS.keys() - {"digits"}  # whose sizes are those of its data
    varied = {field for name in ablations for field in DAGAN.VARIANTS[name]}
    assert not varied & (set(DAGAN.LAPTOP) | set(DAGAN.SMOKE))


def test_what_is_a_method_of_its_own_is_declared():
    choices = {entry.slug: entry.choice for entry in registers.entries("dagan")}
    assert "dagan_text" in choices["dagan/text-to-image"] and "dagan_text" in METHODS
