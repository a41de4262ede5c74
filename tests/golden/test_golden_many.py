"""StarGAN and AttentionGAN for several domains compute what their official code computes."""

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
