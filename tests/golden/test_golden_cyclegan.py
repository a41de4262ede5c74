"""CycleGAN, pix2pix and AttentionGAN's scheme II compute what their official code computes."""

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
    networks,
    read,
    salts,
)

from replicate.methods.attentiongan import AttentionGAN
from replicate.methods.base import DIRECTIONS
from replicate.methods.cyclegan import CycleGAN
from replicate.methods.pix2pix import Pix2Pix
from replicate.networks.unet import UNet


def test_cyclegan(every):
    golden = read("cyclegan")
    size = golden["setup"]["size"]
    method, batch = filled(CycleGAN, salts(golden), load_size=size, crop_size=size), batch_of(size)
    found = {}
    for name, network in networks(method).items():
        x = batch[golden["networks"][name]["input"]]
        with torch.no_grad():
            found[name] = {"params": count(network), "output_train": network.train()(x)}
            found[name]["output_eval"] = network.eval()(x)
    assert differences(found, golden["networks"]) == {}
    assert iterations_differ(method.train(), batch, golden, 3 if every else 1) == {}


@pytest.mark.parametrize("variant", ["paper", "geo"])
def test_attentiongan(variant, every):
    if variant == "geo" and not every:
        pytest.skip("the same networks but for one content: make test-all")
    golden = read("attentiongan" if variant == "paper" else f"attentiongan_{variant}")
    size, number = golden["setup"]["size"], golden["setup"]["batch"]
    sizes = {"load_size": size, "crop_size": size}
    method = filled(AttentionGAN, salts(golden), **AttentionGAN.VARIANTS[variant], **sizes)
    batch, found = batch_of(size, number), {}
    for name, network in networks(method).items():
        with torch.no_grad():
            out = network(batch[golden["networks"][name]["input"]])
        found[name] = {"params": count(network)}
        if name.startswith("D"):
            found[name]["output"] = out
        else:
            found[name] |= {
                "image": out.image,
                "attention_1": out.attention[:, :1],
                "attention_10_background": out.attention[:, 9:],
                "content_1": out.content[:, 0],
            }
    assert differences(found, golden["networks"]) == {}
    if every:
        assert iterations_differ(method, batch, golden, 2) == {}


def test_pix2pix(every, fixed_dropout):
    golden = read("pix2pix")
    size, number = golden["setup"]["size"], golden["setup"]["batch"]
    method = filled(Pix2Pix, salts(golden), ngf=16, load_size=size, crop_size=size)
    batch, found = batch_of(size, number), {}
    pair = {Y: torch.cat([batch[X], batch[Y]], dim=1) for X, Y in DIRECTIONS}
    for name, network in networks(method).items():
        x = pair[name[-1]] if name.startswith("D") else batch[name[2]]
        with torch.no_grad():
            found[name] = {"params": count(network), "output_train": network(x)}
    small = {name: golden["networks"][name] for name in found}
    assert differences(found, small) == {}
    assert iterations_differ(method, batch, golden, 2 if every else 1) == {}


def test_the_unet_of_256_px(fixed_dropout):
    golden = read("pix2pix")
    network = UNet()
    fill(network, salts(golden)["G_AB"])
    with torch.no_grad():
        found = {"params": count(network), "output_train": network(image("A", 256, 1))}
    assert differences(found, golden["networks"]["G_unet_256_ngf64"]) == {}
