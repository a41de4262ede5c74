"""GANimorph computes what its official code computes."""

import torch
from support.golden import count, differences, filled, networks, read, salts, slope, unit_image

from replicate.methods.base import DIRECTIONS
from replicate.methods.ganimorph import GANimorph

GOLDEN = read("ganimorph")
IN_FILE = {"adv": "gan_g", "dis": "gan_d", "fm": "fm", "dssim": "dssim", "l1": "l1"}


def test_ganimorph(monkeypatch):
    setup = GOLDEN["setup"]
    width = {"ngf": setup["NF"], "ndf": setup["NF"]}
    method = filled(GANimorph, salts(GOLDEN), **width)
    real = {X: unit_image(X, setup["size"], setup["batch"]) for X in "AB"}
    with torch.no_grad():
        fake = {Y: method.G[X + Y](real[X]) for X, Y in DIRECTIONS}
        judged = method.D["B"](real["B"])
        outputs = {
            "G_AB(A)": fake["B"],
            "G_BA(B)": fake["A"],
            "G_BA(G_AB(A))": method.G["BA"](fake["B"]),
            "D_B(B) logits": judged.scores,
        }
    outputs |= {f"D_B(B) feature {i}": f for i, f in enumerate(judged.features, 1)}
    assert differences(outputs, GOLDEN["networks"]) == {}
    counted = {name: count(network) for name, network in networks(method).items()}
    assert counted == GOLDEN["params"]

    totals = {}
    method.turn_of_D = True
    # the weights stay the protocol's
    monkeypatch.setattr(method, "update", lambda total, name: kept(totals, total, name))
    losses = method.step({X: 2 * real[X] - 1 for X in "AB"})
    named = {
        f"{IN_FILE[kind]}_{X}": float(losses[f"{kind}_{X}"].detach())
        for kind in IN_FILE
        for X in "AB"
    }
    named["d_total"] = totals["D"]
    named["g_total at step 0 (normalisers 1 before)"] = totals["G"]
    assert differences(named, GOLDEN["losses"]) == {}
    slopes = {name: slope(network) for name, network in networks(method).items()}
    assert differences(slopes, GOLDEN["grad_norms"]) == {}


def kept(totals: dict[str, float], total: torch.Tensor, name: str) -> None:
    """A backward pass without a step, and what was minimised."""
    total.backward()
    totals[name] = float(total.detach())
