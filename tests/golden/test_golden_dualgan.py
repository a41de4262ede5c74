"""DualGAN's code of August 2017 and ours compute the same."""

import pytest
import torch
from support.golden import (
    batch_of,
    count,
    differences,
    filled,
    networks,
    read,
    salts,
    slope,
)

from replicate.methods.dualgan import DualGAN

GOLDEN = read("dualgan")


@pytest.fixture
def method(fixed_dropout) -> DualGAN:
    """At the protocol's weights."""
    width = GOLDEN["setup"]["fcn_filter_dim (generator and discriminator)"]
    return filled(DualGAN, salts(GOLDEN), ngf=width, ndf=width)


def in_file(losses: dict) -> dict[str, float]:
    """Losses by the file's names: A_d judges B, Ag is G_AB's score and the cycle of B."""
    v = {name: float(value.detach()) for name, value in losses.items() if value is not None}
    weight = DualGAN.Config().lambda_cyc
    if "dis_A" in v:
        return {"Ad_loss": v["dis_B"], "Bd_loss": v["dis_A"]}
    return {
        "Ag_loss": v["adv_B"] + v["cyc_B"],
        "Bg_loss": v["adv_A"] + v["cyc_A"],
        "A_loss (cycle A)": v["cyc_A"] / weight,
        "B_loss (cycle B)": v["cyc_B"] / weight,
    }


def summed(logged: dict) -> dict[str, float]:
    """The file's numbers, those of D added up as its loss is."""
    kept = {name: value for name, value in logged.items() if "d_loss_" not in name}
    for D in {name[:2] for name in logged if "d_loss_" in name}:
        kept[f"{D}_loss"] = logged[f"{D}_loss_fake"] + logged[f"{D}_loss_real"]
    return kept


def test_networks_and_gradients_of_dualgan(method):
    batch = batch_of(256)
    found = {name: count(network) for name, network in networks(method).items()}
    assert found == GOLDEN["params"]
    with torch.no_grad():
        G_AB, G_BA = method.G["AB"](batch["A"]), method.G["BA"](batch["B"])
        found = {"G_AB(A)": G_AB, "G_BA(B)": G_BA, "A2B2A": method.G["BA"](G_AB)}
        found |= {"D_B(B)": method.D["B"](batch["B"]), "D_B(G_AB(A))": method.D["B"](G_AB)}
    assert differences(found, GOLDEN["networks"]) == {}

    method.update = lambda total, name: total.backward()  # the weights stay the protocol's
    losses = in_file(method._update_discriminators(batch))
    losses |= in_file(method._update_generators(batch))
    assert differences(losses, summed(GOLDEN["losses"]["protocol weights"])) == {}
    slopes = {name: slope(network) for name, network in networks(method).items()}
    assert differences(slopes, GOLDEN["grad_norms"]) == {}


def test_steps_of_dualgan(method, every):
    if not every:
        pytest.skip("RMSProp's steps by hand in test_dualgan.py: make test-all")
    batch = batch_of(256)
    for i in (1, 2):
        logged = GOLDEN["losses"][f"iteration_{i}"]
        found = in_file(method._update_discriminators(batch))
        assert differences(found, summed(logged["D step"])) == {}
        for k in (1, 2):
            found = in_file(method._update_generators(batch))
            assert differences(found, logged[f"G step {k}"]) == {}
