"""AGGAN, and AttentionGAN by one mask: as their official code."""

import pytest
import torch
from support.golden import (
    batch_of,
    count,
    differences,
    filled,
    iterations_differ,
    networks,
    read,
    salts,
    slope,
)

from replicate.methods.aggan import AGGAN
from replicate.methods.attentiongan_v1 import AttentionGANv1
from replicate.methods.base import DIRECTIONS


@pytest.mark.parametrize("phase, epoch", [("before_switch", 0), ("after_switch", 30)])
def test_aggan(phase, epoch):
    golden = read("aggan")
    size = golden["setup"]["size"]
    sizes = {"load_size": size, "crop_size": size, "threshold": 0.5}
    method, batch = filled(AGGAN, salts(golden), **sizes), batch_of(size)
    method.begin(epoch, 1.0)
    method.set_lr(0.0)  # every number belongs to the first weights
    x, y = batch["A"], batch["B"]
    with torch.no_grad():
        fake_B, mask_A = method.translate(x, "AB")
        fake_A, mask_B = method.translate(y, "BA")
        outputs = {
            "fake_B": fake_B,
            "fake_A": fake_A,
            "cycle_A": method.translate(fake_B, "BA").image,
            "mask_A": mask_A,
            "mask_B": mask_B,
            "D_B(B)": method._judge("B", y, mask_B),
            "D_A(A)": method._judge("A", x, mask_A),
            "D_B(fake_B)": method._judge("B", fake_B, mask_A),
            "F(A) of g_A": method.G["AB"](x),
        }
    threshold = method.config.threshold if method.switched else 0.0
    found = {
        "networks": outputs,
        "losses": {},
        "grad_norms": {},
        "masks_above_threshold": {
            X: float((mask >= threshold).double().mean())
            for X, mask in (("A", mask_A), ("B", mask_B))
        },
    }
    for X, Y in DIRECTIONS:
        # the parts of `step`, not itself: it asks for no gradient of A after the switch
        fake, mask = method._update_generator(batch, X, Y, found["losses"])
        for name in (f"G_{X}{Y}", f"A_{X}"):
            found["grad_norms"][f"G_{X}{Y} step, {name}"] = slope(networks(method)[name])
        method._update_discriminator(batch, fake, mask, Y, found["losses"])
        found["grad_norms"][f"D_{Y}"] = slope(method.D[Y])
        method.zero_grad()
    assert differences(found, golden[phase]) == {}


def test_counts_of_aggan():
    golden = read("aggan")
    outputs = {"G": 3, "D": 1, "A": 1}
    for name, network in networks(filled(AGGAN, salts(golden))).items():
        # deviation aggan/last-norm: a scale and an offset that the graph has and nothing uses
        unused = 2 * outputs[name[0]]
        assert count(network) + unused == golden["params_of_variables_in_graph"][name]


@pytest.mark.parametrize("rate, epochs", [("curriculum_rate_0.01", 10), ("rate_0.5", 0)])
def test_attentiongan_v1(rate, epochs, every):
    if rate != "rate_0.5" and not every:
        pytest.skip("the same networks: make test-all compares its iterations")
    golden = read("attentiongan_v1")
    size = golden["setup"]["size"]
    sizes = {"load_size": size, "crop_size": size, "curriculum_epochs": epochs}
    method, batch = filled(AttentionGANv1, salts(golden), **sizes), batch_of(size)
    found = {name: {"params": count(network)} for name, network in networks(method).items()}
    for mode in ("train", "eval"):  # in this order: training moves the running statistics
        method.train(mode == "train")
        for name, network in networks(method).items():
            with torch.no_grad():
                out = network(batch[golden["networks"][name]["input"]])
            if name.startswith("D"):
                found[name][f"output_{mode}"] = out
            else:
                found[name] |= {
                    f"image_{mode}": out.image,
                    f"mask_{mode}": out.attention[:, :1],
                    f"content_{mode}": out.content[:, 0],
                }
    assert differences(found, golden["networks"]) == {}
    if every:
        wanted = {kind: golden[kind][rate] for kind in ("losses", "grad_norms")}
        assert iterations_differ(method.train(), batch, wanted, 2, with_totals) == {}


def with_totals(losses: dict[str, float]) -> dict[str, float]:
    """The losses of scheme I, and their sums."""
    d = {name: value for name, value in losses.items() if name.startswith("dis")}
    g = {name: value for name, value in losses.items() if name[:3] in ("adv", "tv_", "cyc", "pix")}
    return losses | {"total_D": sum(d.values()), "total_G": sum(g.values())}
