"""Weights in one safetensors file, with a card as JSON in its header: tensors and text, no code."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from replicate import files
from replicate.errors import ReplicateError
from replicate.lab.run import method_name
from replicate.paths import shown

FORMAT = 1  # of the card; raise it when an older one can no longer be read as it is
KEY = "replicate"  # of the card in the header
SUFFIX = ".safetensors"
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}


@dataclass(frozen=True)
class Card:
    """What weights are.

    Attributes:
        method, variant: as in a run's record; overrides stand in `variant` after a plus sign.
        config: every field of the method's configuration.
        dataset, domains: what it was trained on; `domains` are the names of A and B, and of C and
            so on where there are more.
        origin: where it comes from: "run", or "official" for a checkpoint of the authors.
        directions: those that the file has networks for.
        seed, budget, iterations: of the run; None and "" where nobody knows.
        commit, fingerprint, passport: of the run: its code, and what its images were.
        scores: rows of the run's `scores.csv`: metric, protocol, direction, value.
        source: of an official checkpoint: files with their sha256, and where they are published.
        licence: of the weights, where it is known.
        precision: of the file: fp32 or fp16.
    """

    method: str
    variant: str
    config: dict
    dataset: str
    domains: tuple[str, ...]
    origin: str
    directions: tuple[str, ...] = ("AB", "BA")
    seed: int | None = None
    budget: str = ""
    iterations: int | None = None
    commit: str = ""
    fingerprint: dict = field(default_factory=dict)
    passport: dict = field(default_factory=dict)
    scores: list[dict] = field(default_factory=list)
    source: dict = field(default_factory=dict)
    licence: str = ""
    precision: str = "fp32"

    @property
    def label(self) -> str:
        """`aggan:low-rate`: METHOD[:VARIANT], as tables name it."""
        return method_name(self.method, self.variant)

    @property
    def name(self) -> str:
        """`aggan:low-rate@horse2zebra`: what these weights are called."""
        name = f"{self.label}@{self.dataset}" if self.dataset else self.label
        return f"{name}-official" if self.origin == "official" else name


def write(path: Path, tensors: dict[str, Tensor], card: Card) -> Path:
    """The file, written whole; floats are rounded to the card's precision.

    Raises:
        ReplicateError: a value is not finite in that precision.
    """
    kind = PRECISIONS[card.precision]
    rounded = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu()
        if value.is_floating_point():
            if not torch.isfinite(value.to(kind)).all():
                raise ReplicateError(
                    f"{name} of {card.name} holds values that are not finite in "
                    f"{card.precision}; expected finite weights: take fp32, or another run"
                )
            value = value.to(kind)
        rounded[name] = value.contiguous().clone()
    about = json.dumps({"format": FORMAT, **asdict(card)}, sort_keys=True, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.write(path, save(rounded, metadata={KEY: about}))


def read_card(path: Path) -> Card:
    """The card alone; no tensor is read.

    Raises:
        ReplicateError: as `read`.
    """
    with _opened(path) as file:
        return _card(path, file.metadata())


def read(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Tensors, as fp32 where they are floats, and card.

    Raises:
        ReplicateError: no such file, none of this kind, cut short, or without a card.
    """
    with _opened(path) as file:
        card = _card(path, file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, card


def _opened(path: Path):
    if not path.is_file():
        raise ReplicateError(f"{shown(path)} is no file; expected one of weights ({SUFFIX})")
    try:
        return safe_open(path, "pt")
    except (SafetensorError, OSError, ValueError) as error:
        raise ReplicateError(
            f"{shown(path)} cannot be read as safetensors ({error}); expected a file that "
            "`replicate weights export` or `replicate weights import` wrote. Get or write it anew"
        ) from None


def _card(path: Path, header: dict[str, str] | None) -> Card:
    try:
        about = json.loads((header or {})[KEY])
        version = about.pop("format")
        pairs = {key: tuple(about[key]) for key in ("domains", "directions")}
        card = Card(**about | pairs)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ReplicateError(
            f"{shown(path)} has no card of `replicate` in its header, so nobody knows which method "
            "it is of; expected a file that `replicate weights export` or `import` wrote"
        ) from None
    if version != FORMAT:
        raise ReplicateError(
            f"{shown(path)} has a card of format {version}, expected {FORMAT}; take a newer "
            "`replicate`, or write the file anew"
        )
    return card
