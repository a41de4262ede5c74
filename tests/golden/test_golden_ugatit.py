"""U-GAT-IT computes what its official PyTorch code computes."""

import re

import pytest
import torch
from support.golden import (
    batch_of,
    count,
    differences,
    fill,
    filled,
    image,
    iterations_differ,
    read,
    salts,
)

from replicate.methods.ugatit import UGATIT
from replicate.networks.ugatit import Discriminator, Generator

ALONE = {
    "G_AB_ngf64_64px_light": lambda: Generator(64, 4, None),
    "G_AB_ngf64_64px_full": lambda: Generator(64, 4, 64),
    "D_global_ndf32_128px_first_training_forward": lambda: Discriminator(32, 7),
    "D_local_ndf64_128px_first_training_forward": lambda: Discriminator(64, 5),
}


@pytest.mark.parametrize("name", ALONE)
def test_networks_of_ugatit(name):
    golden = read("ugatit")
    salt_of = dict(re.findall(r"(\w) (\d+)", golden["setup"]["salts"]["networks alone"]))
    network = ALONE[name]().train()
    fill(network, int(salt_of[name[0]]))
    domain, shape = golden["networks"][name]["input"].split()
    number, _, size, _ = map(int, shape.split("x"))
    with torch.no_grad():
        out, cam, heat = network(image(domain, size, number))
    kind = "image" if name.startswith("G") else "output"
    found = {"params": count(network), kind: out, "cam": cam, "heatmap": heat}
    assert differences(found, golden["networks"][name]) == {}


@pytest.mark.parametrize("variant", ["light", "full"])
def test_training_of_ugatit(variant, every):
    if variant == "full" and not every:
        pytest.skip("the same but for a linear layer, which stands alone above: make test-all")
    golden, size = read("ugatit"), 128
    sizes = {"load_size": size, "crop_size": size, "full_size": size, "ngf": 16, "ndf": 16}
    method = filled(UGATIT, salts(golden), light=variant == "light", **sizes)
    batch = batch_of(size)
    wanted = {kind: golden[kind][variant] for kind in ("losses", "grad_norms")}
    assert iterations_differ(method, batch, wanted, 2 if every else 1) == {}
    if not every:
        return
    method.eval()
    with torch.no_grad():
        found = {
            "G_AB(A)": method.G["AB"](batch["A"]).out,
            "D_global_B(B)_eval": method.D_global["B"](batch["B"]).out,
            "D_local_B(B)_eval": method.D_local["B"](batch["B"]).out,
        }
    assert differences(found, golden["networks"][f"after_two_updates_{variant}"]) == {}
