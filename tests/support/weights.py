"""Weights without a training: small networks as they are initialised."""

from dataclasses import asdict, replace
from pathlib import Path

import torch

from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.translating.model import Model
from replicate.weights import building, stored
from replicate.weights.stored import Card


def small(name: str, variant: str = "paper", **changes: object) -> Method:
    """A method of smoke size, its weights from seed 0."""
    kind = METHODS[name]
    torch.manual_seed(0)
    fields = {**kind.VARIANTS[variant], **kind.SMOKE, **changes}
    return kind(replace(kind.Config(), **fields)).eval()


def card(method: Method, variant: str = "paper", **more: object) -> Card:
    about = {"dataset": "horse2zebra_drawn", "domains": ("horse", "zebra"), "origin": "run"}
    return Card(method.name, variant, asdict(method.config), **about | more)


def model(name: str, variant: str = "paper", **changes: object) -> Model:
    method = small(name, variant, **changes)
    return Model(method, card(method, variant), torch.device("cpu"))


def write(folder: Path, name: str, **changes: object) -> Path:
    """A file of weights that translate."""
    method = small(name, **changes)
    file = folder / f"{name}.safetensors"
    return stored.write(file, building.to_keep(method), card(method))
