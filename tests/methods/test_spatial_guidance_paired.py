"""Spatial guidance on pairs: sizes, losses by hand, order of updates, two directions, settings."""

from dataclasses import replace

import pytest
import torch
from support.guidance import gap
from support.guidance_paired import begun, map_by, shaped, tiny
from support.reach import losses_with_graphs, reached
from torch import Tensor
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.methods.base import Batch
from replicate.methods.spatial_guidance_paired import SpatialGuidancePaired
from replicate.networks.guidance import enlarge


def losses_by_hand(method: SpatialGuidancePaired, batch: Batch, a: dict[str, Tensor]) -> Batch:
    """The losses of a step in which D stays, with the maps `a` of images of A and of B."""
    wanted = {}
    for X, Y in ("AB", "BA"):
        x, y, D = batch[X], batch[Y], method.D[Y]
        guide = shaped(method, X, a[X])
        fake = method.G[X + Y](x * (1 + guide))
        real, made = D(torch.cat([x, y], 1)).scores, D(torch.cat([x, fake], 1)).scores
        wanted[f"dis_{Y}"] = (F.softplus(-real).mean() + F.softplus(made).mean()) / 2
        wanted[f"adv_{Y}"] = F.softplus(-made).mean()
        wanted[f"l1_{Y}"] = 100 * gap(fake, y)
        wanted[f"guide_{X}"] = guide.mean()
    return wanted


def check_step(method: SpatialGuidancePaired, batch: Batch, wanted: Batch) -> None:
    losses = {k: v.detach() for k, v in method.step(batch).items() if v is not None}
    # float32: softplus and the library's form of it round differently
    torch.testing.assert_close(losses, wanted, rtol=1e-5, atol=1e-6)


# Sizes

G, D = 41_828_995, 2_767_809  # papers/spatial_guidance.md A.2, papers/cyclegan_pix2pix.md 2.5
COUNTS = {
    "paper": {"G": G, "D": D, "S": 75_649},
    "tam": {"G": G, "D": 3_821_505 - 589_824, "S": 75_649},  # without `u1`, which nothing calls
    "no-s-component": {"G": G, "D": D},
    "unguided": {"G": G, "D": D},
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameters(variant):
    with torch.device("meta"):
        config = SpatialGuidancePaired.Config(**SpatialGuidancePaired.VARIANTS[variant])
        assert SpatialGuidancePaired(config).counts() == COUNTS[variant]


@pytest.mark.parametrize(
    ("budget", "changes", "side", "generator"),
    [
        ("paper", {}, 16, G),
        ("paper", {"load_size": 286, "crop_size": 256}, 32, 54_413_955),  # the released size
        ("laptop", {}, 16, None),
    ],
)
def test_every_size_follows_from_the_crop(budget, changes, side, generator):
    config = make_run("spatial_guidance_paired", "", 0, budget, changes).config
    with torch.device("meta"):
        method = SpatialGuidancePaired(config)
        x = torch.empty(1, 3, config.crop_size, config.crop_size)
        assert method.memory["A"].maps.shape == (7000, 1, side, side)
        assert method._judge(x, x, "B").attention.shape == (1, 1, side, side)
        assert method.S["A"](torch.empty(1, 1, side, side)).shape[2:] == x.shape[2:]
    assert generator in (None, method.counts()["G"])


def test_variants_mean_the_same_at_laptop():
    for changes in SpatialGuidancePaired.VARIANTS.values():
        assert not set(changes) & (
            set(SpatialGuidancePaired.LAPTOP) | set(SpatialGuidancePaired.SMOKE)
        )


# Losses


@pytest.mark.parametrize("variant", ["paper", "no-s-component", "tam"])
def test_losses_of_two_visits_by_hand(variant, start):
    """At the first visit a map of ones; at the second that of the first, under another crop."""
    method, batch = begun(start, variant, lr=0.01)
    method.optimizers["D"].param_groups[0]["lr"] = 0.0  # `wanted` has the D of before
    batch = batch | {f"{X}_crop": torch.tensor([[0, 0, 0]]) for X in "AB"}
    ones = torch.ones(1, 1, 32, 32)
    with torch.no_grad():
        # in training TAM's batch norms do not read their running statistics, so this is exact
        wanted = losses_by_hand(method, batch, {"A": ones, "B": ones})
        stored = {}
        for X, Y in ("AB", "BA"):
            fake = method.G[X + Y](batch[X] * (1 + shaped(method, X, ones)))
            stored[X] = map_by(method, Y, batch[X], fake)
    check_step(method, batch, wanted)
    again = batch | {f"{X}_crop": torch.tensor([[4, 8, 1]]) for X in "AB"}
    here = {X: torch.ones(1, 1, 32, 32) for X in "AB"}
    for X in "AB":
        torch.testing.assert_close(method.memory[X].maps[batch[f"{X}_index"]], stored[X])
        here[X][..., :28, :24] = enlarge(stored[X], torch.Size((32, 32)))[..., 4:, 8:]
        here[X] = here[X].flip(-1)
        assert here[X].std() > 0.1
    with torch.no_grad():
        wanted = losses_by_hand(method, again, here)
    check_step(method, again, wanted)


def test_unguided_is_pix2pix_by_hand(start):
    method, batch = begun(start, "unguided")
    method.optimizers["D"].param_groups[0]["lr"] = 0.0  # `wanted` has the D of before
    assert not hasattr(method, "S") and not hasattr(method, "memory")
    with torch.no_grad():
        nothing = dict.fromkeys("AB", torch.zeros(1, 1, 32, 32))
        method.config = replace(method.config, s_component=False)  # for `shaped` alone
        wanted = losses_by_hand(method, batch, nothing)
        image, attention = method.translate(batch["A"], "AB")
        assert torch.equal(image, method.G["AB"](batch["A"])) and attention is None
    del wanted["guide_A"], wanted["guide_B"]
    check_step(method, batch, wanted)


def test_d_comes_first_and_the_new_d_draws_the_map(start):
    method, batch = begun(start, lr=0.01)
    x, update, seen = batch["A"], method.update, []
    with torch.no_grad():
        fake = method.G["AB"](x * (1 + method._guide(batch, "A")))

    def watched(loss: Tensor, *names: str) -> None:
        with torch.no_grad():
            seen.append((names, map_by(method, "B", x, fake)))
        update(loss, *names)

    method.update = watched
    method.step(batch)
    (first, old), (second, new) = seen
    assert (first, second) == (("D",), ("G",))
    stored = method.memory["A"].maps[batch["A_index"]]
    torch.testing.assert_close(stored, new)
    assert (new - old).abs().max() > 1e-3


@pytest.mark.parametrize("variant", ["paper", "tam", "no-s-component", "shuffled"])
def test_what_each_loss_moves(variant, start, monkeypatch):
    """D's map passes no gradient on, neither into D nor into the translation before."""
    method, batch = begun(start, variant)
    method.step(batch)  # so that a map of D guides
    assert not method.memory["A"].maps.requires_grad
    losses = losses_with_graphs(method, batch, monkeypatch)
    moved = {name: reached(method, loss) for name, loss in losses.items()}
    wanted = {"guide_A": set(), "guide_B": set(), "dis_A": {"D.A"}, "dis_B": {"D.B"}}
    for X, Y in ("AB", "BA"):
        s = set() if variant == "no-s-component" else {f"S.{X}"}
        wanted |= {f"{loss}_{Y}": {f"G.{X}{Y}"} | s for loss in ("adv", "l1")}
    assert moved == wanted


def test_the_directions_are_two_models(start):
    """Whatever the other direction's networks are, this one's learn the same."""

    def learnt(*changed: str) -> dict[str, Tensor]:
        method, batch = begun(start)
        with torch.no_grad():
            for name, p in method.named_parameters():
                if name.startswith(changed):
                    p.mul_(1.1)
        for _ in range(2):
            method.step(batch)
        mine = ("G.AB", "S.A", "memory.A")
        return {k: v.clone() for k, v in method.state_dict().items() if k.startswith(mine)}

    alone = learnt("none")
    assert all(torch.equal(v, alone[k]) for k, v in learnt("G.BA", "D.A", "S.B").items())
    assert not torch.equal(learnt("D.B")["memory.A.maps"], alone["memory.A.maps"])


# Settings


@pytest.mark.parametrize(("epoch", "factor"), [(99, 1.0), (100, 1 - 1 / 101), (199, 1 / 101)])
def test_learning_rates(epoch, factor, start):
    method = tiny(start).method
    method.begin(epoch * 400 + 399, 400.0)  # the last iteration of the epoch on facades
    rates = {group["lr"] for o in method.optimizers.values() for group in o.param_groups}
    assert len(rates) == 1 and rates.pop() == pytest.approx(2e-4 * factor, rel=1e-12)  # float64


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"attention": "phd"}, r"unknown attention 'phd' \(did you mean 'pha'\?\)"),
        ({"map_source": "store"}, r"unknown map_source 'store' \(did you mean 'stored'\?\)"),
        ({"test_map": "half"}, "unknown test_map 'half'"),
        ({"crop_size": 96}, "crop_size=96: expected 8, 16, 32"),
        ({"n_layers": 0}, "n_layers=0: expected int, greater"),
        ({"n_layers": 6}, "at least 3 px left"),
        ({"n_layers": 4}, "doubles its map 4 times"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, text):
    with torch.device("meta"), pytest.raises(ReplicateError, match=text):
        SpatialGuidancePaired(
            make_run("spatial_guidance_paired", "any", 0, "paper", changes).config
        )
