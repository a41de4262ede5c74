"""Numbers of official code under weights and images made by formula, protocol H1.

`tests/golden/<name>.json` holds what the official code computes: outputs, losses, gradient norms,
counts. The formula takes a tensor's shape, its role and its network's salt, and no name: tensors of
one shape are equal in a network, so neither other names nor another order of layers matter.
"""

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from replicate.methods.base import Batch, Method
from replicate.networks.spectral import SpectralNorm

FOLDER = Path(__file__).parents[1] / "golden"
DIRECTION_SALT, DROPOUT_SALT = 50, 7  # of spectral norm's u and of dropout's mask, in every file
ROLES = {"bias": "offset", "beta": "offset", "gamma": "scale", "rho": "rho"}
PRINTED = 5e-12  # half of the last of the twelve digits in the files, relative to 1.00...
TOLERANCE = 1e-9  # of the protocol, for float64
ITERATIONS_PER_EPOCH = 1000.0  # so that no schedule moves in the few iterations compared


def read(name: str) -> dict:
    """The file of a method."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def salts(golden: Mapping) -> dict[str, int]:
    """The salt of each network, by names such as G_AB; what a name has in brackets is left out."""
    given = golden["setup"]["salts"]
    return {name.split()[0]: salt for name, salt in given.items() if isinstance(salt, int)}


# The formula


# A network's many layers of one size have the same values.
@functools.lru_cache(maxsize=8)
def sequence(n: int, salt: int) -> np.ndarray:
    """n values in (-1, 1), uniform, float64."""
    x = np.arange(n, dtype=np.uint32)
    x += np.uint32((2654435761 * n + 1013904223 * salt) % 2**32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    values = x.astype(np.float64)
    values += 0.5
    values /= 2**31
    values -= 1
    return values


def weights(role: str, shape: tuple[int, ...], salt: int) -> Tensor:
    """A tensor of the default dtype, its values rounded to float32.

    Args:
        role: "kernel", "scale" or "offset" (of a norm, or a bias), "rho", "direction" (a unit
            vector: spectral norm's u).
        shape: PyTorch's; (in, out, kh, kw) for a transposed convolution.
        salt: of the network.
    """
    return _weights(role, shape, salt).to(torch.get_default_dtype(), copy=True)


@functools.lru_cache(maxsize=8)
def _weights(role: str, shape: tuple[int, ...], salt: int) -> Tensor:
    s = sequence(int(np.prod(shape)), DIRECTION_SALT if role == "direction" else salt)
    if role == "kernel":
        values = 0.8 * np.sqrt(6 / np.prod(shape[1:])) * s
    elif role == "direction":
        values = s / np.linalg.norm(s)
    else:
        start, spread = {"scale": (1, 0.05), "offset": (0, 0.05), "rho": (0.5, 0.4)}[role]
        values = start + spread * s
    return torch.from_numpy(values.reshape(shape).astype(np.float32))


def image(domain: str, size: int, batch: int) -> Tensor:
    """(batch, 3, size, size) of domain "A" or "B"."""
    return _rounded(_wave(domain, size, batch))


def unit_image(domain: str, size: int, batch: int) -> Tensor:
    """The same in [0, 1]: rounded as such, so that twice it less one is not quite `image`."""
    return _rounded((_wave(domain, size, batch) + 1) / 2)


def _wave(domain: str, size: int, batch: int) -> np.ndarray:
    a, b = {"A": (0.05, 0.07), "B": (0.03, 0.11)}[domain]
    n, c, h, w = np.ogrid[:batch, :3, :size, :size]
    return np.sin(a * (h + 1) * (c + 1)) * np.cos(b * (w + 1)) * (0.9 - 0.1 * n)


def dropped(x: Tensor, *_: object) -> Tensor:
    """Dropout by one mask for all images of `x` (N, C, H, W), in the place of random ones."""
    kept = sequence(x[0].numel(), DROPOUT_SALT) < 0
    return x * 2 * torch.from_numpy(kept.reshape(x.shape[1:])).to(x)


def _rounded(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(torch.get_default_dtype())


# Networks and methods


@torch.no_grad()
def fill(network: nn.Module, salt: int) -> None:
    """Gives every parameter of `network`, and spectral norm's vectors, their values by formula."""
    for layer in network.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            role = ROLES.get(name) or ("kernel" if parameter.ndim > 1 else "scale")
            parameter.copy_(weights(role, tuple(parameter.shape), salt))
        if isinstance(layer, SpectralNorm):
            layer.u.copy_(weights("direction", tuple(layer.u.shape), salt))


def networks(method: Method) -> dict[str, nn.Module]:
    """What a method trains, by names such as G_AB, D_global_B or G."""
    children = {
        f"{name}_{key}" if key else name: network
        for name, child in method.named_children()
        for key, network in (child.items() if isinstance(child, nn.ModuleDict) else [("", child)])
    }
    return {name: child for name, child in children.items() if list(child.parameters())}


def filled(cls: type[Method], salt_of: Mapping[str, int], **changes: object) -> Method:
    """A method in training mode, its networks filled by their salts."""
    method = cls(replace(cls.Config(), **changes)).train()
    for name, network in networks(method).items():
        fill(network, salt_of[name])
    return method


def batch_of(size: int, n: int = 1) -> Batch:
    """n images of each domain, the first of their set, uncropped."""
    images = {X: image(X, size, n) for X in "AB"}
    places = {f"{X}_index": torch.arange(n) for X in "AB"}
    return images | places | {f"{X}_crop": torch.zeros(n, 3, dtype=torch.int64) for X in "AB"}


def iterations_differ(
    method: Method,
    batch: Batch,
    wanted: Mapping,
    number: int,
    named: Callable[[dict[str, float]], dict[str, float]] = dict,
) -> dict[str, float]:
    """What of the first iterations, all on one batch, is not as in a file, see `differences`.

    Args:
        wanted: "losses" and "grad_norms", both by iteration.
        number: of iterations.
        named: makes a file's losses of the method's.
    """
    far = {}
    for i in range(number):
        method.begin(i, ITERATIONS_PER_EPOCH)
        losses = {k: float(v.detach()) for k, v in method.step(batch).items() if v is not None}
        slopes = {name: slope(network) for name, network in networks(method).items()}
        for kind, found in {"losses": named(losses), "grad_norms": slopes}.items():
            at = f"iteration_{i + 1}"
            far |= differences(found, wanted[kind][at], f"{kind}/{at}")
    return far


def slope(network: nn.Module) -> float:
    """The norm of the gradient that is in the parameters."""
    slopes = [p.grad for p in network.parameters() if p.grad is not None]
    return math.sqrt(sum(float(s.square().sum()) for s in slopes))


def count(network: nn.Module) -> int:
    """Its parameters."""
    return sum(p.numel() for p in network.parameters())


# Comparing


def differences(values: Mapping, wanted: Mapping, place: str = "") -> dict[str, float]:
    """How far values lie from those of a file, by their place in it; only those too far.

    An output is compared by mean, spread, sum and samples, in units of its spread where it has
    one; a number relative to itself. Every number and output of `wanted` must be in `values`.
    """
    far = {}
    for name, number in wanted.items():
        here = f"{place}/{name}"
        if isinstance(number, str):  # what the file says of its numbers
            continue
        if isinstance(number, dict) and "samples" not in number:
            far |= differences(values[name], number, here)
        elif (distance := _distance(values[name], number)) > TOLERANCE:
            far[here] = distance
    return far


def _distance(value: Tensor | float, wanted: dict | float) -> float:
    if not isinstance(wanted, dict):
        return _gap(value, wanted) / abs(wanted)
    assert list(value.shape) == wanted["shape"]
    value, unit = value.detach(), wanted["std"] or abs(wanted["mean"])
    pairs = [(value[tuple(place)], sample) for place, sample in wanted["samples"]]
    pairs += [(value.mean(), wanted["mean"]), (value.std(correction=0), wanted["std"])]
    of_samples = max(_gap(float(one), other) / unit for one, other in pairs)
    return max(of_samples, _distance(float(value.abs().sum()), wanted["abs_sum"]))


def _gap(value: float, wanted: float) -> float:
    """How far a number is from a printed one, beyond what printing rounds."""
    return max(0.0, abs(value - wanted) - PRINTED * abs(wanted))
