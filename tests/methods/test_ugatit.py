"""U-GAT-IT: losses by hand, what each of them moves, schedules, readings and ablations."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.methods import ugatit
from replicate.methods.ugatit import UGATIT
from replicate.networks.ugatit import min_max


def begun(start, variant: str = "paper", **changes) -> tuple[UGATIT, dict[str, Tensor]]:
    """A variant at smoke with a learning rate, and a batch."""
    config = replace(UGATIT.Config(), **{**UGATIT.VARIANTS[variant], **UGATIT.SMOKE, **changes})
    training = start(UGATIT, config, None)
    training.method.begin(0, 1.0)
    return training.method, training.batches(0)


# papers/ugatit.md 2.4; the counts of the TensorFlow reading are by arithmetic there
COUNTS = {
    "paper": {"G": 278_959_808, "D_global": 53_130_176, "D_local": 3_290_560},
    "light": {"G": 10_589_888, "D_global": 53_130_176, "D_local": 3_290_560},
    "tf": {"G": 278_970_308, "D_global": 53_128_130, "D_local": 3_290_050},
    "in": {"G": 10_329_600, "D_global": 53_130_176, "D_local": 3_290_560},
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameters_at_the_paper_s_size(variant):
    config = replace(UGATIT.Config(), **UGATIT.VARIANTS[variant])
    with torch.device("meta"):
        method = UGATIT(config)
    assert method.counts() == COUNTS[variant]
    rho = [p for name, p in method.G["AB"].named_parameters() if name.endswith("rho")]
    assert (len(rho), sum(p.numel() for p in rho)) == ((0, 0) if variant == "in" else (10, 2240))


# Losses


def square(x: Tensor) -> Tensor:
    return (x**2).mean()


def test_losses_by_hand(start):
    """In eval mode, without a step of D, so that every forward sees the same weights."""
    method, (x, y) = settled(start)
    G, back, judges = method.G["AB"], method.G["BA"], (method.D_global["B"], method.D_local["B"])
    with torch.no_grad():
        fake, source, _ = G(x)
        same, target, _ = G(y)
        real, made = [D(y) for D in judges], [D(fake) for D in judges]
        pairs = list(zip(real, made, strict=True))
        wanted = {
            "dis_B": sum(square(r.out - 1) + square(m.out) for r, m in pairs),
            "dis_cam_B": sum(square(r.cam - 1) + square(m.cam) for r, m in pairs),
            "adv_B": sum(square(m.out - 1) for m in made),
            "adv_cam_B": sum(square(m.cam - 1) for m in made),
            "idt_B": 10 * (same - y).abs().mean(),
            "cyc_A": 10 * (back(fake).out - x).abs().mean(),
            "cam_A": 1000 * (F.softplus(-source).mean() + F.softplus(target).mean()),
        }
    losses = method.step({"A": x, "B": y})
    assert len(losses) == 2 * len(wanted)
    # float32: one pass over two images and two passes over one add up in another order
    torch.testing.assert_close(
        {k: losses[k].detach() for k in wanted}, wanted, rtol=1e-4, atol=1e-5
    )


def settled(start, variant: str = "paper", **changes) -> tuple[UGATIT, tuple[Tensor, Tensor]]:
    method, batch = begun(start, variant, **changes)
    for group in method.optimizers["D"].param_groups:
        group["lr"] = 0.0
    return method.eval(), (batch["A"], batch["B"])


WEIGHTS = ("lambda_adv", "lambda_cyc", "lambda_idt", "lambda_cam")
ENCODER = {"stem", "encoder", "cam"}
WHOLE = ENCODER | {"merge", "style", "decoder", "up", "up_norms", "head"}


@pytest.mark.parametrize(
    ("weight", "parts", "moves_d"),
    [
        ("lambda_cam", ENCODER, False),
        ("lambda_idt", WHOLE, False),
        ("lambda_cyc", WHOLE, False),
        ("lambda_adv", WHOLE, True),
    ],
)
def test_what_each_loss_moves(weight, parts, moves_d, start):
    changes = {name: 0.0 for name in WEIGHTS if name != weight}
    method, batch = begun(start, weight_decay=0.0, **changes)
    method.step(batch)
    for G in method.G.values():
        assert {n.split(".")[0] for n, p in G.named_parameters() if moved(p)} == parts
    for D in (*method.D_global.values(), *method.D_local.values()):
        assert all(moved(p) == moves_d for p in D.parameters())


def moved(p: Tensor) -> bool:
    return p.grad is not None and bool(p.grad.abs().max() > 0)


def test_d_sees_the_fakes_that_g_learns_from_and_sends_nothing_back(start):
    """Without the generators' step, what D's update leaves in G is no gradient at all."""
    method, batch = begun(start)
    update, seen = method.update, []

    def watched(loss: Tensor, *names: str) -> None:
        update(loss, *names)
        seen.append((names, any(moved(p) for p in method.G.parameters())))

    method.update = watched
    method.step(batch)
    assert seen == [(("D",), False), (("G",), True)]


def test_rho_stays_in_its_range_and_would_leave_it(start, monkeypatch):
    def farthest() -> float:
        method, batch = begun(start, lr=0.1, iterations=None)
        for _ in range(3):
            method.step(batch)
        rho = [p.detach() for n, p in method.G.named_parameters() if n.endswith("rho")]
        return max((p - p.clamp(0, 1)).abs().max().item() for p in rho)

    assert farthest() == 0
    monkeypatch.setattr(ugatit, "clip_rho", lambda network: None)
    assert farthest() > 0.05


# Schedules and readings


@pytest.mark.parametrize(
    ("variant", "iteration", "factor"),
    [
        ("paper", 499_999, 1.0),
        ("paper", 500_000, 1 - 1 / 500_000),
        ("paper", 749_999, 0.5),
        ("paper", 999_999, 0.0),
        ("tf", 509_999, 1.0),  # its fiftieth epoch has a factor of 50 / 50
        ("tf", 510_000, 0.98),
        ("tf", 999_999, 0.02),
    ],
)
def test_learning_rates_of_the_sheet(variant, iteration, factor, start):
    method, _ = begun(start, variant)
    method.begin(iteration, 1_000_000 / 100)
    rates = {group["lr"] for o in method.optimizers.values() for group in o.param_groups}
    assert len(rates) == 1
    assert rates.pop() == pytest.approx(1e-4 * factor, rel=1e-9, abs=1e-20)  # float64


def test_weight_decay_of_each_reading(start):
    for variant in ("paper", "tf"):
        method, _ = begun(start, variant)
        for optimizer in method.optimizers.values():
            assert {group["betas"] for group in optimizer.param_groups} == {(0.5, 0.999)}
        decays = {
            id(p): group["weight_decay"]
            for optimizer in method.optimizers.values()
            for group in optimizer.param_groups
            for p in group["params"]
        }
        without = {n for n, p in method.named_parameters() if decays.pop(id(p)) == 0}
        wanted = {n for n, _ in method.named_parameters() if not n.endswith("weight")}
        wanted |= {n for n, _ in method.named_parameters() if "norm" in n}
        assert not decays and without == (wanted if variant == "tf" else set())


def test_the_tensorflow_reading_starts_from_a_narrow_normal(start):
    method, _ = begun(start, "tf", ngf=16)
    named = dict(method.G.named_parameters())
    kernels = torch.cat([p.flatten() for n, p in named.items() if p.dim() == 4 and "norm" not in n])
    # 4 standard errors of some 100,000 draws are 1 %
    assert kernels.std().item() == pytest.approx(0.02, rel=0.01) and len(kernels) > 100_000
    assert all(p.abs().max() == 0 for n, p in named.items() if n.endswith("bias"))
    assert {p.min().item() for n, p in named.items() if "norm" in n and "weight" in n} == {1.0}


def test_in_the_tensorflow_reading_d_and_g_see_different_images(start):
    method, (x, y) = settled(start, "tf")
    assert len(x) == len(y) == 2
    losses = deepcopy(method).step({"A": x, "B": y})
    for half, kept in ((0, "adv_B cyc_A idt_B cam_A"), (1, "dis_B dis_A dis_cam_B")):
        other = x.clone()
        other[half] = -other[half]
        changed = deepcopy(method).step({"A": other, "B": y})
        same = {name for name in losses if torch.equal(losses[name], changed[name])}
        assert set(kept.split()) <= same and len(same) < len(losses)


def test_a_resume_in_bfloat16_is_exact(start, tmp_path, same, saved):
    config = begun(start, "tf", precision="bf16")[0].config  # spectral norms and rho are state too
    start(UGATIT, config, tmp_path / "whole").run()
    start(UGATIT, config, tmp_path / "halves").run(until=2)
    start(UGATIT, config, tmp_path / "halves", weights_seed=99).run()
    assert same(saved(tmp_path / "whole"), saved(tmp_path / "halves"))


# Attention and ablations


def test_attention_is_the_heat_map_of_the_generator(start):
    method, batch = begun(start)
    x = torch.cat([batch["A"], batch["A"].flip(-1)])
    attention = method.translate(x, "AB").attention
    small = attention[..., ::4, ::4]
    heat = method.G["AB"](x).heat
    assert heat.std() > 0 and torch.equal(small, min_max(heat))
    assert small.amin((1, 2, 3)).tolist() == [0, 0] and small.amax((1, 2, 3)).tolist() == [1, 1]
    maps = method.heat_maps(x, "AB")
    assert list(maps) == ["G", "D_local", "D_global"]
    assert all(m.shape == (2, 1, 32, 32) and m.min() >= 0 and m.max() <= 1 for m in maps.values())


@pytest.mark.parametrize(
    ("variant", "lacking", "looking"),
    [
        ("no-cam", {"cam", "dis_cam", "adv_cam"}, []),
        ("no-g-cam", {"cam"}, ["D_local", "D_global"]),
        ("no-d-cam", {"dis_cam", "adv_cam"}, ["G"]),
    ],
)
def test_ablations_of_cam(variant, lacking, looking, start):
    method, batch = begun(start, variant)
    names = {name[:-2] for name in method.step(batch)}
    assert names == {"dis", "dis_cam", "adv", "adv_cam", "idt", "cyc", "cam"} - lacking
    assert (method.translate(batch["A"], "AB").attention is None) == ("G" not in looking)
    assert list(method.heat_maps(batch["A"], "AB")) == looking


def test_ablations_of_the_norm(start):
    """Which of the decoder's norms take gamma and beta from the image, and which mix what."""
    kinds = {}
    for variant in ("paper", "in", "ln", "adain", "gn"):
        G = begun(start, variant)[0].G["AB"]
        norms = [G.decoder[0].norms[0], G.up_norms[0]]
        mix = [getattr(norm, "rho", None) for norm in norms]
        kinds[variant] = (G.style is not None, *("rho" if torch.is_tensor(m) else m for m in mix))
    assert kinds == {
        "paper": (True, "rho", "rho"),
        "in": (False, 1.0, 1.0),
        "ln": (False, 0.0, 0.0),
        "adain": (True, 1.0, 1.0),
        "gn": (False, None, None),
    }


# Sizes


def test_every_variant_is_light_below_its_full_size():
    for name in UGATIT.VARIANTS:
        config = make_run(f"ugatit:{name}", "", 0, "laptop").config
        with torch.device("meta"):
            assert UGATIT(config).G["AB"].size is None
    paper = make_run("ugatit", "", 0, "paper").config
    assert paper.crop_size == paper.full_size and not paper.light and paper.batch_size == 1


def test_the_full_generator_takes_one_size(start):
    full, light = (begun(start, variant)[0] for variant in ("paper", "light"))
    x = torch.zeros(1, 3, 32, 64)
    assert light.translate(x, "AB").image.shape == x.shape
    with pytest.raises(ReplicateError, match=r"made for 32 x 32 px and got 32 x 64; use light"):
        full.translate(x, "AB")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"reading": "tensorflow"}, "unknown reading 'tensorflow'"),
        ({"norm": "adalim"}, r"unknown norm 'adalim' \(did you mean 'adalin'\?\)"),
        ({"reading": "tf"}, "batch_size=1 with reading=tf: expected an even number"),
        ({"crop_size": 254}, "crop_size=254: expected a multiple of 4 px"),
        ({"crop_size": 64}, "global_layers=7 at crop_size=64: expected 3 or more, and at least"),
        ({"local_layers": 2}, "local_layers=2 at crop_size=256: expected 3 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, text):
    with pytest.raises(ReplicateError, match=text):
        make_run("ugatit", "any", 0, "paper", changes)
