"""StarGAN, AttentionGAN for several domains and ComboGAN: as their official code computes."""

import re
from collections.abc import Callable

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
)

from replicate.methods.attentiongan_multi import AttentionGANMulti
from replicate.methods.combogan import ComboGAN
from replicate.methods.stargan import StarGAN

# attributes of A's image and of B's
CELEBA = [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1]]


@pytest.mark.parametrize("labels, variant", [("RaFD", "paper"), ("CelebA", "celeba")])
@pytest.mark.parametrize("method", [StarGAN, AttentionGANMulti])
def test_stargan_and_its_heir(method, labels, variant, every, monkeypatch):
    if labels != "RaFD" and not every:
        pytest.skip("the same networks but for their labels: make test-all")
    golden = read(method.name)
    wanted, size = golden[labels], golden["setup"]["size"]
    changes = method.VARIANTS[variant] | {"load_size": size, "crop_size": size}
    method = filled(method, salts(golden), n_critic=2, **changes)
    batch, here = batch_of(size), torch.eye(2, method.config.c_dim)
    if labels == "CelebA":
        here = torch.tensor(CELEBA, dtype=torch.get_default_dtype())
        batch |= {"A_label": here[:1], "B_label": here[1:]}
    real = torch.cat([batch["A"], batch["B"]])
    with torch.no_grad():
        outputs, (scores, logits) = method.G(real, here.flip(0)), method.D(real)
    found = {"G": {"image": outputs}, "D": {"scores": scores, "logits": logits}}
    if isinstance(method, AttentionGANMulti):
        mask, content = outputs.attention[:, :1], outputs.content[:, 0]
        found["G"] = {"image": outputs.image, "mask": mask, "content": content}
    for name, network in networks(method).items():
        found[name]["params"] = count(network)
    assert differences(found, wanted["networks"]) == {}
    if not every:
        return
    # what `step` draws: whose label an image is to get, and the points of the gradient penalty
    monkeypatch.setattr(torch, "randperm", lambda n: torch.arange(n).flip(0))
    monkeypatch.setattr(torch, "rand", lambda *shape: torch.tensor([0.3, 0.5]).view(shape))
    for losses in wanted["losses"].values():  # their sum `critic` is compared
        del losses["d_real"], losses["d_fake"]
    assert iterations_differ(method, batch, wanted, 4, of_solver(method)) == {}


def of_solver(method: StarGAN) -> Callable[[dict[str, float]], dict[str, float]]:
    """Names the losses as the official solver does, which prints them without their weights."""
    c = method.config
    weights = {"critic": ("critic", 1.0), "label_real": ("d_cls", c.lambda_label)}
    weights |= {"penalty": ("d_gp", c.lambda_gp), "adv": ("g_fake", 1.0)}
    weights |= {"cyc": ("g_rec", c.lambda_cyc), "label_fake": ("g_cls", c.lambda_label)}
    return lambda losses: {
        name: losses[ours] / weight for ours, (name, weight) in weights.items() if ours in losses
    }


@pytest.mark.parametrize("pad", [2, 1])
def test_combogan(pad, every):
    if pad == 1 and not every:
        pytest.skip("the same networks but for D's padding: make test-all")
    golden = read("combogan")
    setup, wanted = golden["setup"], golden[f"d_padding_{pad}"]
    first = {name: int(salt) for name, salt in re.findall(r"(\w+)_d: (\d+) \+ d", setup["salts"])}
    ours = {"E": "enc", "G": "dec", "D": "D"}
    salt_of = {
        f"{kind}_{letter}": first[name] + d
        for kind, name in ours.items()
        for d, letter in enumerate("ABC")
    }
    size = setup["size"]
    sizes = {"load_size": size, "crop_size": size, "ngf": 32, "ndf": 32, "c_dim": 3}
    method = filled(ComboGAN, salt_of, d_pad=pad, **sizes)
    batch = batch_of(size) | {"A_label": torch.tensor([0]), "B_label": torch.tensor([2])}
    with torch.no_grad():
        code = method.E["A"](batch["A"])
        found = {
            "enc_0(A)": code,
            "dec_2(enc_0(A))": method.G["C"](code),
            "D_2(B)": method.D["C"](batch["B"]),
        }
    assert differences(found, wanted["networks"]) == {}
    places = {"A": 0, "B": 2}
    shown = {"adv_B": "adv_2 (fake from A)", "adv_A": "adv_0 (fake from B)"}
    shown |= {f"{kind}_{X}": f"{kind}_{d}" for kind in ("cyc", "dis") for X, d in places.items()}
    slopes = {
        at: {
            f"{kind}_{'ABC'[d]}": values[f"{name}_{d}"]
            for kind, name in ours.items()
            for d in (0, 2)
        }
        for at, values in wanted["grad_norms"].items()
    }
    both = {"losses": wanted["losses"], "grad_norms": slopes}

    def named(losses: dict[str, float]) -> dict[str, float]:
        return {shown[name]: value for name, value in losses.items()}

    assert iterations_differ(method, batch, both, 2 if every else 1, named) == {}
