"""DistanceGAN computes what its official code computes."""

import pytest
import torch
from support.golden import batch_of, count, differences, filled, iterations_differ, networks, read
from support.golden import salts as salts_of

from replicate.methods.distancegan import DistanceGAN

GOLDEN = read("distancegan")
SIZES = {"load_size": 64, "crop_size": 64, "ngf": 16, "ndf": 16}
CASES = {  # of the file, and here
    "distancegan": {},
    "dist+cycle": DistanceGAN.VARIANTS["with-cycle"],
    "self_distance_batch1": DistanceGAN.VARIANTS["self-distance"] | {"batch_size": 1},
}


@pytest.mark.parametrize("variant", CASES)
def test_distancegan(variant, every):
    wanted = GOLDEN[variant]
    method = filled(DistanceGAN, salts_of(GOLDEN), **SIZES, **CASES[variant])
    n, images = method.config.batch_size, batch_of(64, 6)
    method.setup({X: images[X][i : i + n] for X in "AB"} for i in range(0, 6, n))
    values = {"statistics": {}, "networks": {}}
    for X, (mean, spread) in zip("AB", method.distances.tolist(), strict=True):
        values["statistics"] |= {f"expectation_{X}": mean, f"std_{X}": spread}
    for name in ("G_AB", "D_B"):
        network = networks(method)[name]
        with torch.no_grad():
            out = network(images[name[2]][:n])
        values["networks"][name] = {"params": count(network), "output": out}
    assert differences(values, {kind: wanted[kind] for kind in values}) == {}
    assert iterations_differ(method, batch_of(64, n), wanted, 2 if every else 1) == {}


def test_one_direction_alone_computes_the_same(every):
    """Without a cycle the two have nothing in common but the optimiser's name."""
    wanted = GOLDEN["distancegan"]
    method = filled(DistanceGAN, salts_of(GOLDEN), **SIZES, **DistanceGAN.VARIANTS["one-sided"])
    images = batch_of(64, 6)
    method.setup({X: images[X][i : i + 2] for X in "AB"} for i in range(0, 6, 2))
    of_this = {"adv_B", "distance_A", "dis_B", "G_AB", "D_B"}
    half = {
        kind: {at: {n: v for n, v in values.items() if n in of_this} for at, values in of.items()}
        for kind, of in wanted.items()
        if kind in ("losses", "grad_norms")
    }
    assert iterations_differ(method, batch_of(64, 2), half, 2 if every else 1) == {}
