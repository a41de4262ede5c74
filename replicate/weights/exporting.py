"""A run's weights as a file for others: safetensors with a card, and ONNX of one generator."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from replicate import files, paths
from replicate.datasets import directions
from replicate.errors import ReplicateError, unknown
from replicate.methods.base import Method
from replicate.weights import building, stored
from replicate.weights.finding import find
from replicate.weights.stored import PRECISIONS, SUFFIX, Card

CPU = torch.device("cpu")


def export(
    name: str,
    out: Path | None = None,
    precision: str = "fp32",
    onnx: str = "",
    direction: str = "",
) -> list[Path]:
    """The files that were written: weights, their card as Markdown and, on request, ONNX.

    Args:
        name: as of `finding.find`.
        out: of the weights; None: NAME.safetensors in the working folder.
        precision: of the weights: fp32 or fp16.
        direction: the one whose networks are kept, in words or "AB"; empty: all.
        onnx: the direction, in words or "AB", of which ONNX is written; empty: of none.

    Raises:
        UnknownName, ReplicateError: no such model, precision or direction; or the package for ONNX
            is not installed.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    method, card = find(name).load(CPU)
    card = one_way(card, direction)
    way = directions.in_letters(onnx, card.domains) if onnx else ""
    target = out or Path(f"{card.name}{SUFFIX}")
    paths.made(target.absolute().parent)
    written = [write(target, method, card, precision)]
    written.append(files.write(target.with_suffix(".md"), describe(card)))
    if way:
        written.append(write_onnx(target.with_suffix(".onnx"), method, way))
    return written


def one_way(card: Card, direction: str) -> Card:
    """The card with one direction alone, in words or "AB"; as it is where none is named."""
    if not direction:
        return card
    return replace(card, directions=(directions.in_letters(direction, card.domains),))


def write(target: Path, method: Method, card: Card, precision: str) -> Path:
    """The file of a method's weights, its card with this precision."""
    tensors = building.to_keep(method, card.directions)
    return stored.write(target, tensors, replace(card, precision=precision))


def describe(card: Card) -> str:
    """A card as Markdown."""
    seed = "" if card.seed is None else f", seed {card.seed}"
    lines = [
        f"# {card.name}",
        "",
        f"Method {card.method}, variant {card.variant}, trained on "
        f"{card.dataset or 'an unnamed set'} ({' and '.join(card.domains)})"
        f"{f', budget {card.budget}' if card.budget else ''}{seed}"
        f"{f', {card.iterations} iterations' if card.iterations else ''}.",
        "",
        f"- directions: {', '.join(directions.in_words(w, card.domains) for w in card.directions)}",
        f"- size: {card.config['crop_size']} px; precision {card.precision}",
        *([f"- licence: {card.licence}"] if card.licence else []),
        *([f"- commit: {card.commit}"] if card.commit else []),
        *[f"- fingerprint of its {key}: {value}" for key, value in card.fingerprint.items()],
        *[f"- {key}: {value}" for key, value in card.source.items()],
        "- use: `replicate translate FILE PICTURE`, or `replicate.load(FILE).translate(PICTURE)`",
    ]
    if card.scores:
        lines += ["", "| direction | metric | protocol | value |", "|---|---|---|---|"]
        lines += [
            f"| {row['direction']} | {row['metric']} | {row['protocol']} | {row['value']:.5g} |"
            for row in card.scores
        ]
    return "\n".join(lines) + "\n"


class _OneWay(nn.Module):
    """A method as a plain function from images to images."""

    def __init__(self, method: Method, way: str) -> None:
        super().__init__()
        self.method, self.way = method, way

    def forward(self, image: Tensor) -> Tensor:
        return self.method.translate(image, self.way).image


def write_onnx(target: Path, method: Method, way: str) -> Path:
    """ONNX of one direction: "image" (1, 3, S, S) in [-1, 1] to "translation" of the same shape.

    Raises:
        ReplicateError: the package for it is not installed, or the method does what ONNX cannot.
    """
    if method.takes == "sentences":
        raise ReplicateError(
            f"{method.name} draws from sentences, and this ONNX is from image to image; take the "
            "safetensors file"
        )
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise ReplicateError(
            "ONNX needs packages that are not installed; pip install 'replicate-i2i[onnx]'"
        ) from None
    side = method.config.scored_size
    example = torch.linspace(-1, 1, 3 * side * side).reshape(1, 3, side, side)
    try:
        program = torch.onnx.export(
            _OneWay(method, way).eval(), (example,), dynamo=True, verbose=False,
            input_names=["image"], output_names=["translation"],
        )  # fmt: skip
    except Exception as error:  # of torch's tracer: whatever a network's Python leads to
        reason = str(error).partition("\n")[0]
        raise ReplicateError(
            f"{method.name} cannot be written as ONNX ({reason}); take the safetensors file"
        ) from error
    program.save(str(target))
    return target
