"""Spatial guidance, unpaired and paired, computes what its official code computes."""

import pytest
import torch
from support.golden import (
    batch_of,
    count,
    differences,
    filled,
    iterations_differ,
    read,
    salts,
)
from torch import Tensor

from replicate.methods import spatial_guidance_paired as paired
from replicate.methods.base import DIRECTIONS
from replicate.methods.map_memory import MapMemory
from replicate.methods.spatial_guidance import SpatialGuidance
from replicate.networks.guidance import enlarge, min_max

VARIANTS = {
    "pha_rmult": "paper",
    "pha_alpha": "alpha",
    "tam_rmult": "tam",
    "v2_source_pha_rmult": "source",
    "two_pass_pha_rmult": "two-pass",
}
RAW = "raw map (mean of |a|, not stretched)"


@pytest.mark.parametrize("model", VARIANTS)
def test_spatial_guidance(model, every):
    golden = read("spatial_guidance")
    wanted, size = golden[model], golden["setup"]["size"]
    sizes = {"load_size": size, "crop_size": size, "ngf": 16, "ndf": 16, "memory": 1}
    variant = SpatialGuidance.VARIANTS[VARIANTS[model]]
    method, batch = filled(SpatialGuidance, salts(golden), **variant, **sizes), batch_of(size)
    D, unused = method.D["B"], 0
    if method.config.attention == "tam":  # deviation spatial_guidance/tam-unused-layer
        unused = 9 * (4 * method.config.ndf) ** 2
    with torch.no_grad():
        scores, attention = D(batch["B"])
    shown = enlarge(min_max(attention), batch["B"].shape[2:])
    found = {
        "D_B": {"params": count(D) + unused, "scores": scores, "map": shown},
        "G_AB": {"params": count(method.G["AB"])},
    }
    before = {name: wanted["networks"][name] for name in found}
    assert differences(found, before) == {}
    if every:
        assert iterations_differ(method, batch, wanted, 2) == {}
        after = {"map": method.memory["A"].read(batch["A_index"], batch["A_crop"])}
        stored = wanted["networks"].get("stored_map_A_after_2", {})
        assert differences(after, stored) == {}


def test_spatial_guidance_paired(fixed_dropout, monkeypatch):
    golden = read("spatial_guidance_paired")
    size = golden["setup"]["size"]
    sizes = {"load_size": size, "crop_size": size, "ngf": 16, "ndf": 16, "memory": 1}
    method, batch = filled(paired.SpatialGuidancePaired, salts(golden), **sizes), batch_of(size)
    as_officially_normed(method)
    found = {}
    for X, Y in DIRECTIONS:
        D, S = method.D[Y], method.S[X]
        with torch.no_grad():
            scores, raw = D(torch.cat([batch[X], batch[Y]], dim=1))
            of_ones, of_map = S(torch.ones_like(raw)), S(raw)
        found[f"D_{Y}"] = {"params": count(D), "scores": scores, RAW: raw}
        found[f"S_{X}"] = {"params": count(S), "output": of_ones}
        found[f"S_{X} of a map"] = {"output": of_map}
    assert differences(found, golden["networks"]) == {}

    # Deviation spatial_guidance_paired/raw-map: official S gets the stored map as D made it. Here
    # it is stretched, and goes by the image's grid; all else of the second iteration is compared.
    monkeypatch.setattr(paired, "min_max", lambda maps: maps)
    monkeypatch.setattr(method, "_guide", lambda batch, X: method.S[X](stored(method.memory[X])))
    for slopes in golden["grad_norms"].values():
        for name in ("G_AB", "G_BA"):
            slopes[name] = slopes.pop(f"{name} (kernels and last bias)")
    assert iterations_differ(method, batch, golden, 2) == {}


def stored(memory: MapMemory) -> Tensor:
    """The map of the one image, on D's grid; before the first visit the value it starts with."""
    return torch.where(memory.seen, memory.maps, memory.start)


def as_officially_normed(method: paired.SpatialGuidancePaired) -> None:
    """Takes back the deviation spatial_guidance_paired/norms.

    The official G has no scale and offset in its norms and biases in all convolutions. Norms cancel
    them but behind two convolutions, the first and the innermost one on the way down. These two
    start at 0, are trained, and are no parameters here: the file leaves them out of G's gradient.
    """
    for G in method.G.values():
        for name, parameter in G.named_parameters():
            if "norms" in name:
                parameter.requires_grad_(False).fill_(1.0 if name.endswith("weight") else 0.0)
        for layer in (G.downs[0], G.downs[-1]):
            del layer.bias
            layer.bias = torch.zeros(layer.out_channels, requires_grad=True)
            method.optimizers["G"].add_param_group({"params": [layer.bias]})
