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
)
from torch import Tensor

from replicate.methods.base import Method
from replicate.methods.unit import UNIT

# by the official names; `losses` and `params` are those of the file
KINDS = {"gen": ("VAE", "AE"), "dis": ("D",)}


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


def ours(given: Mapping[str, int]) -> dict[str, int]:
    """Salts by the names of our networks."""
    return {
        f"{name}_{official[-1].upper()}": salt
        for official, salt in given.items()
        for name in KINDS.get(official[:3], ())
    }


def officially(found: Mapping, weights: Mapping[str, float], names: Mapping[str, str]) -> dict:
    """Our losses with the official names, less their weights, and their sums."""
    losses = {}
    for name, value in found.items():
        kind, domain = name[:-2], name[-1].lower()
        suffix = {"a": "aba", "b": "bab"}[domain] if kind == "kl_cyc" else domain
        losses[f"{names[kind]}_{suffix}"] = value / weights[kind]
    return losses | {
        "dis_total": sum(v for name, v in found.items() if name.startswith("dis")),
        "gen_total": sum(v for name, v in found.items() if not name.startswith("dis")),
    }


def with_official_slopes(wanted: Mapping) -> dict:
    """Gradient norms of a file by the names of our networks."""
    return {at: ours(slopes) for at, slopes in wanted.items()}


def compared(method: Method, batch: Mapping, golden: Mapping, number: int, named: Callable) -> dict:
    """What of the first iterations is not as in the file, at this batch size."""
    of = f"batch_{len(batch['A'])}"
    trained = networks(method)
    slopes = {
        at: {name: slope for name, slope in ours(values).items() if name in trained}
        for at, values in golden["grad_norms"][of].items()
    }
    wanted = {"losses": golden["losses"][of], "grad_norms": slopes}
    return iterations_differ(method, batch, wanted, number, named)


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
        found = {
            "gen_a.encode(A)": code,
            "gen_b.decode(gen_a.encode(A))": method.decode(code, "B"),
        }
        for i, scores in enumerate(method.D["B"](batch["B"])):
            found[f"dis_b(B)_scale_{i + 1}"] = scores
    wanted = golden["networks"][f"batch_{number}"]
    wanted.pop("vgg_features(A)", None)  # deviation unit/perceptual-loss
    assert differences(found, wanted) == {}

    c = method.config
    weights = {"dis": 1, "adv": 1, "rec": c.lambda_rec, "kl": c.lambda_kl, "cyc": c.lambda_cyc}
    weights["kl_cyc"] = c.lambda_kl_cyc
    names = {"dis": "dis", "adv": "gen_adv", "rec": "gen_recon_x", "kl": "gen_recon_kl"}
    names |= {"cyc": "gen_cyc_x", "kl_cyc": "gen_recon_kl_cyc"}
    iterations = 2 if every else 1
    steps = (101, 102, 111, 112, 113, 114)
    drawing([20 * t + salt for t in range(iterations) for salt in steps])
    named = lambda losses: officially(losses, weights, names)  # noqa: E731
    assert compared(method, batch, golden, iterations, named) == {}
    if number == 1:
        parts = {"encoder": method.VAE["A"].encode, "decoder": method.VAE["A"].decode}
        counts = {name: count(part) for name, part in parts.items()}
        official = {"VAE": "gen", "D": "dis"}
        for name, network in networks(method).items():
            counts[f"{official[name[:-2]]}_{name[-1].lower()}"] = count(network)
        assert differences(counts, golden["params"]) == {}
