"""DiscoGAN computes what its official code computes."""

import torch
from support.golden import (
    count,
    differences,
    fill,
    filled,
    networks,
    read,
    salts,
    slope,
    unit_image,
)

from replicate.methods.discogan import DiscoGAN
from replicate.networks.discogan import PyramidGenerator

GOLDEN = read("discogan")
IN_FILE = {"adv": "gen"}  # losses by their names there
SCHEDULE = 1000.0  # iterations in an epoch: turns and weights go by the iteration alone


def images() -> dict[str, torch.Tensor]:
    """Four of each domain, which the method maps to the protocol's in [0, 1]."""
    return {X: 2 * unit_image(X, 64, 4) - 1 for X in "AB"}


def named(losses: dict) -> dict[str, float]:
    """What was computed, by the file's names."""
    kept = {name.partition("_"): float(v.detach()) for name, v in losses.items() if v is not None}
    return {IN_FILE.get(kind, kind) + bar + end: value for (kind, bar, end), value in kept.items()}


def slopes(method: DiscoGAN, kind: str) -> dict[str, float]:
    return {name: slope(n) for name, n in networks(method).items() if name.startswith(kind)}


def test_networks_and_gradients_of_discogan(every):
    method, found = filled(DiscoGAN, salts(GOLDEN)), {}
    for name in ("G_AB", "D_B"):
        network = networks(method)[name]
        x = unit_image(GOLDEN["networks"][name]["input"][0], 64, 4)
        with torch.no_grad():
            out = network(x)
        found[name] = {"params": count(network)}
        if name.startswith("G"):
            found[name]["output_train"] = out
        else:
            found[name]["output_train"] = out.scores.sigmoid()
            found[name] |= {f"feature_{i}": f for i, f in enumerate(out.features, 1)}
    if every:
        deep = PyramidGenerator(bottleneck=100)
        fill(deep, salts(GOLDEN)["G_AB"])
        with torch.no_grad():
            out = deep(unit_image("A", 64, 4))
        found["G_extra_layers"] = {"params": count(deep), "output": out}
    wanted = {name: GOLDEN["networks"][name] for name in found}
    assert differences(found, wanted) == {}

    method.update = lambda total, name: total.backward()  # the weights stay the protocol's
    for rate in (0.01, 0.5) if every else (0.01,):
        method.zero_grad()
        method.turn_of_D, method.recon = False, rate
        method.step(images())
        wanted = GOLDEN["grad_norms"][f"gen_total, rate {rate}"]
        assert differences(slopes(method, "G"), wanted) == {}


def test_turns_of_discogan(every):
    """Iteration 0 is D's, then two are G's; official code logs all losses before each step."""
    method = filled(DiscoGAN, salts(GOLDEN))
    for i in range(3 if every else 2):
        method.begin(i, SCHEDULE)
        found = named(method.step(images()))
        logged = GOLDEN["losses"][f"iteration_{i + 1} (before its step; D, G, G; rate 0.01)"]
        assert differences(found, {name: logged[name] for name in found}) == {}
        if i == 0:
            assert differences(slopes(method, "D"), GOLDEN["grad_norms"]["dis_total"]) == {}
