"""UNIT, MUNIT and DRIT compute what their official code computes."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
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
    sequence,
    slope,
)
from torch import Tensor, nn

from replicate.methods import base
from replicate.methods.base import Batch, Method
from replicate.methods.drit import DRIT, LOSSES
from replicate.methods.munit import MUNIT
from replicate.methods.unit import UNIT


def noise(shape: tuple[int, ...], salt: int) -> Tensor:
    """Random numbers of the protocol: mean 0, variance 1, uniform, rounded to float32."""
    numbers = (math.sqrt(3) * sequence(math.prod(shape), salt)).astype(np.float32)
    return torch.from_numpy(numbers.reshape(shape)).to(torch.get_default_dtype())


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[int]], None]:
    """A function that makes the next draws of `torch.randn` those of the given salts, in turn."""

    def begin(salts: list[int]) -> None:
        left: Iterator[int] = iter(salts)
        monkeypatch.setattr(torch, "randn", lambda *shape, **_: noise(shape, next(left)))

    return begin


def ours(given: Mapping[str, float]) -> dict[str, float]:
    """What a file of UNIT or MUNIT says of each network, by all names that it may have here."""
    names = {"gen": ("VAE", "AE"), "dis": ("D",)}
    return {
        f"{name}_{official[-1].upper()}": value
        for official, value in given.items()
        for name in names.get(official[:-2], ())
    }


def iterations(method: Method, batch: Batch, golden: dict, every: bool, names: dict) -> dict:
    """What of the first two iterations differs, see `iterations_differ`.

    Args:
        every: else only the first, without the update of the autoencoders, which takes longest.
        names: of each kind of loss, the name in the file and the weight that we multiply it by.
    """
    wanted = {kind: golden[kind][f"batch_{len(batch['A'])}"] for kind in ("losses", "grad_norms")}
    slopes = {at: ours(values) for at, values in wanted["grad_norms"].items()}
    compared = [name for name in networks(method) if every or name.startswith("D")]
    slopes = {at: {name: v[name] for name in compared} for at, v in slopes.items()}
    if not every:
        update = method.update
        method.update = lambda loss, *of: update(loss, *of) if of == ("D",) else None

    def named(losses: dict[str, float]) -> dict[str, float]:
        found = {}
        for name, value in losses.items():
            official, weight = names[name[:-2]]
            domain = {"A": "a", "B": "b"}[name[-1]]
            found[official.format(domain, domain + "ba"[domain == "b"] + domain)] = value / weight
        d = {name: value for name, value in losses.items() if name.startswith("dis")}
        rest = sum(losses.values()) - sum(d.values())
        return found | {"dis_total": sum(d.values()), "gen_total": rest}

    wanted["grad_norms"] = slopes
    return iterations_differ(method, batch, wanted, 2 if every else 1, named)


def counts_differ(method: Method, golden: dict, parts: dict[str, nn.Module]) -> dict:
    """What of the numbers of parameters is not as in the file."""
    found = {name: count(network) for name, network in networks(method).items()}
    wanted = golden["params"]
    whole = {name: n for name, n in ours(wanted).items() if name in found}
    some = {name: wanted[name] for name in parts}
    return differences(found, whole) | differences({n: count(p) for n, p in parts.items()}, some)


def scores_of(method: Method, batch: Batch) -> dict[str, Tensor]:
    scores = method.D["B"](batch["B"])
    return {f"dis_b(B)_scale_{i + 1}": one for i, one in enumerate(scores)}


def without_vgg(golden: dict, number: int) -> dict:
    """Outputs at a batch size, without those of VGG16: deviation unit/perceptual-loss."""
    outputs = golden["networks"][f"batch_{number}"]
    return {name: output for name, output in outputs.items() if not name.startswith("vgg")}


@pytest.mark.parametrize("number", [1, 2])
def test_unit(number, every, drawing):
    if number > 1 and not every:
        pytest.skip("the same networks: make test-all compares batches of 2")
    golden = read("unit")
    size = golden["setup"]["size"]
    method = filled(UNIT, ours(salts(golden)), load_size=size, crop_size=size)
    batch = batch_of(size, number)
    with torch.no_grad():
        code = method.encode(batch["A"], "A")
        found = {"gen_a.encode(A)": code, "gen_b.decode(gen_a.encode(A))": method.decode(code, "B")}
        found |= scores_of(method, batch)
    assert differences(found, without_vgg(golden, number)) == {}
    parts = {"encoder": method.VAE["A"].encode, "decoder": method.VAE["A"].decode}
    assert counts_differ(method, golden, parts) == {}
    drawing([20 * t + salt for t in range(2) for salt in (101, 102, 111, 112, 113, 114)])
    c = method.config
    names = {
        "dis": ("dis_{}", c.lambda_adv),
        "adv": ("gen_adv_{}", c.lambda_adv),
        "rec": ("gen_recon_x_{}", c.lambda_rec),
        "kl": ("gen_recon_kl_{}", c.lambda_kl),
        "cyc": ("gen_cyc_x_{}", c.lambda_cyc),
        "kl_cyc": ("gen_recon_kl_cyc_{1}", c.lambda_kl_cyc),
    }
    assert iterations(method, batch, golden, every, names) == {}


@pytest.mark.parametrize("number", [1, 2])
def test_munit(number, every, drawing):
    if number > 1 and not every:
        pytest.skip("the same networks: make test-all compares batches of 2")
    golden = read("munit")
    size = golden["setup"]["size"]
    method = filled(MUNIT, ours(salts(golden)), load_size=size, crop_size=size)
    batch, z = batch_of(size, number), noise((number, 8), 31)
    with torch.no_grad():
        content = method.AE["A"].content(batch["A"])
        found = {
            "gen_a.content(A)": content,
            "gen_a.style(A)": method.AE["A"].style(batch["A"])[..., None, None],
            "gen_b.decode(content(A), z)": method.AE["B"].decode(content, z),
        }
        found |= scores_of(method, batch)
    assert differences(found, without_vgg(golden, number)) == {}
    A = method.AE["A"]
    parts = {"content": A.content, "style": A.style, "decoder": A.decoder, "mlp": A.mlp}
    assert counts_differ(method, golden, parts) == {}
    drawing([20 * t + salt for t in range(2) for salt in (101, 102, 111, 112)])
    c = method.config
    names = {
        "dis": ("dis_{}", c.lambda_adv),
        "adv": ("gen_adv_{}", c.lambda_adv),
        "rec": ("gen_recon_x_{}", c.lambda_rec),
        "style": ("gen_recon_s_{}", c.lambda_style),
        "content": ("gen_recon_c_{}", c.lambda_content),
        "cyc": ("gen_cycrecon_x_{}", c.lambda_cyc),
    }
    assert iterations(method, batch, golden, every, names) == {}


DRIT_NAMES = {
    "enc_c": "E_content",
    "enc_a": "E_attribute",
    "gen": "G",
    "disA": "D_A",
    "disB": "D_B",
    "disA2": "D2_A",
    "disB2": "D2_B",
    "disContent": "D_content",
}


@pytest.mark.parametrize("concat", [1, 0])
def test_networks_of_drit(concat, every):
    if not (concat or every):
        pytest.skip("another way to join attributes: make test-all")
    golden, method, batch = drit(concat)
    trained = networks(method)
    params = {name: count(trained[here]) for name, here in DRIT_NAMES.items()}
    found = {}
    with torch.no_grad():
        x, y = batch["A"][:1], batch["B"][:1]
        found["enc_c(A), eval (no noise)"] = content = method.E_content(x, "A")
        found["disContent(enc_c(A))"] = method.D_content(content)
        found |= {f"disB(B)_scale_{i + 1}": one for i, one in enumerate(method.D["B"](y))}
        for X, images in {"A": x, "B": y}.items():
            mean, log_variance = method.E_attribute(images, X)
            plain = {f"enc_a z_{X.lower()}": mean}
            variational = {f"enc_a mu_{X.lower()}": mean}
            variational[f"enc_a logvar_{X.lower()}"] = log_variance
            found |= variational if concat else plain
        if every:
            z = noise((1, 8), 31)
            found["gen.forward_b(enc_c(A), z)"] = method.G(content, z, "B")
            found["gen.forward_a(enc_c(B), z)"] = method.G(method.E_content(y, "B"), z, "A")
    wanted = {name: golden["networks"][name] for name in found}
    assert differences(found, wanted) == {}
    assert differences(params | {"total": count(method)}, golden["params"]) == {}


@pytest.mark.parametrize("concat", [1, 0])
def test_updates_of_drit(concat, every, drawing, monkeypatch):
    if not every:
        pytest.skip("takes minutes, for contents need images of 212 px: make test-all")
    golden, method, batch = drit(concat)
    method.set_lr(0.0)  # every number belongs to the first weights
    made, slopes, norms = [], [], []
    method.G.register_forward_hook(lambda layer, inputs, out: made.append(out.detach()))
    clip, update = base.clip_grad_norm_, method.update
    monkeypatch.setattr(base, "clip_grad_norm_", lambda *given: norms.append(clip(*given)))

    def watched(loss: Tensor, *names: str) -> None:
        update(loss, *names)
        slopes.append({n: slope(network) for n, network in networks(method).items()})

    monkeypatch.setattr(method, "update", watched)
    drawing([101, 102])
    method.whole = False
    short = method.step(batch)["dis_content"]
    drawing(list(range(201, 210)))
    method.whole = True
    whole = {name: float(loss.detach()) for name, loss in method.step(batch).items()}
    after = ["D_content_update", "update_D", "update_D", "update_EG_first", "update_EG_second"]
    found: dict[str, dict] = {name: {} for name in after}
    for name, values, held in zip(after, slopes, HELD, strict=True):
        found[name] |= {official: values[DRIT_NAMES[official]] for official in held}
    assert differences(found, golden["grad_norms"]) == {}
    losses = {official: whole[here] for official, here in DRIT_LOSSES.items()}
    first = [losses[name] for name in golden["losses"]["update_EG"] if name in FIRST]
    losses["G_loss"] = sum(first)
    at_content = {"disContent": short, "grad_norm_before_clipping": norms[0]}
    losses["disContent_grad_norm_before_clipping"] = norms[1]
    found = {"update_D_content": at_content, "update_D": losses, "update_EG": losses}
    assert differences(found, golden["losses"]) == {}
    images = {"fake_B_encoded (A content, B attribute)": made[1].chunk(2)[1]}
    images |= {"fake_A_random": made[2], "fake_A_recon": made[4]}
    assert differences(images, {name: golden["networks"][name] for name in images}) == {}


# networks whose gradients are compared, after each call of `update`
HELD = (
    ("disContent",),
    ("disA", "disA2", "disB", "disB2"),
    ("disContent",),
    ("enc_c", "enc_a", "gen"),
    ("enc_c", "gen"),
)
DRIT_LOSSES = {
    "disA": "dis_A",
    "disB": "dis_B",
    "disA2": "dis2_A",
    "disB2": "dis2_B",
    "disContent": "dis_content",
} | {
    official.format(domain, domain.upper()): f"{here}_{domain.upper()}"
    for official, here in {
        "gan_loss_{}": "adv",
        "gan_loss_{}content": "adv_content",
        "kl_loss_za_{}": "kl",
        "kl_loss_zc_{}": "kl_content",
        "l1_recon_{1}_loss": "cyc",
        "l1_recon_{1}{1}_loss": "rec",
        "l1_recon_z_loss_{}": "latent",
        "gan2_loss_{}": "adv2",
    }.items()
    for domain in "ab"
}
FIRST = {n for n, here in DRIT_LOSSES.items() if here[:-2] in LOSSES["first"]}


def drit(concat: int) -> tuple[dict, DRIT, Batch]:
    """The file's part for `concat`, a method at the protocol's weights, and its batch."""
    golden = read("drit")
    setup = golden["setup"]
    here = {DRIT_NAMES[name]: salt for name, salt in salts(golden).items()}
    method = filled(DRIT, here, crop_size=setup["size"], concat=bool(concat))
    return golden[f"concat_{concat}"], method, batch_of(setup["size"], 2)
