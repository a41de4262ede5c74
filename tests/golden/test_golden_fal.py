"""FAL computes what its re-implementation by the authors of spatial guidance computes."""

import functools

import pytest
import torch
from support.golden import batch_of, count, differences, fill, read, slope

from replicate.methods import fal

GOLDEN = read("fal")


def method_of(steps: int) -> fal.FAL:
    """Decoder, reader and modulator are one network there, with a salt of their own."""
    method, salt = fal.FAL(fal.Config(steps=steps)).train(), GOLDEN["setup"]["salts"]
    fill(method.G["AB"], salt["GD (decoder, F_e, F_d)"])
    fill(method.G["AB"].encoder, salt["encoder"])
    fill(method.D["B"], salt["D"])
    method.update = lambda total, name: total.backward()  # the weights stay the protocol's
    return method


@pytest.mark.parametrize("steps", [1, 2])
def test_fal(steps, every, monkeypatch):
    if steps == 1 and not every:
        pytest.skip("the second step holds all of the first: `make test-all` compares both")
    monkeypatch.setattr(fal, "DIRECTIONS", ("AB",))  # of the file; the other is its mirror image
    wanted, method, batch = GOLDEN[f"K={steps}"], method_of(steps), batch_of(256)
    G, D = method.G["AB"], method.D["B"]
    if not every:  # the ways back take a minute at 256 px: `make test-all` compares gradients
        method.update = lambda total, name: None
        # no weight moves, so what is made once is what every call would make
        G.encode, method._outputs = functools.cache(G.encode), functools.cache(method._outputs)
    with torch.no_grad():
        images = {
            "fake_B": method.translate(batch["A"], "AB").image,
            "GE(A)": G.encode(batch["A"]),
        }
    assert differences(images, wanted["networks"]) == {}
    params = {"encoder": count(G.encoder), "GD": count(G) - count(G.encoder), "D": count(D)}
    assert params == wanted["params"]

    losses = {name: float(value.detach()) for name, value in method.step(batch).items()}
    named = {"G_GAN": losses["adv_B"], "G_L1": losses["l1_B"], "D": losses["dis_B"]}
    assert differences(named, {name: wanted["losses"][name] for name in named}) == {}
    if not every:
        return
    rest = torch.nn.ModuleList([G.decoder, G.reader, G.modulator])
    slopes = {"D": slope(D), "encoder": slope(G.encoder), "GD": slope(rest)}
    assert differences(slopes, wanted["grad_norms"]) == {}
