"""What methods of sentences are given: images of both domains, each with the sentence about it."""

from typing import NamedTuple

import torch
from torch import Tensor

from replicate.errors import ReplicateError
from replicate.methods.base import Batch

MADE_UP = 48  # characters of a made-up sentence
LETTERS = range(97, 123)  # a to z


class Pairs(NamedTuple):
    """Images (N, 3, H, W) and sentences (N, L), those of A and B in turn."""

    images: Tensor
    sentences: Tensor


def pairs_of(batch: Batch, made_up: bool) -> Pairs:
    """The images of both domains with their sentences.

    Args:
        made_up: stand letters that follow from an image's number in for sentences that a set lacks,
            for smoke runs, which prove that the code executes on any set.

    Raises:
        ReplicateError: a domain has no captions.
    """
    captions = {X: batch.get(f"{X}_caption") for X in "AB"}
    for X, sentences in captions.items():
        if sentences is None and not made_up:
            raise ReplicateError(
                f"{X}_caption: the set has no captions; expected a sentence for every image. Use a "
                "set that has them, such as shapes_captioned, or write a captions.csv beside the "
                "images (`file,caption`)"
            )
        if sentences is None:
            at = batch[f"{X}_index"][:, None] + torch.arange(MADE_UP, device=batch[X].device)
            captions[X] = (LETTERS.start + at % len(LETTERS)).to(torch.uint8)
    return Pairs(in_turn(batch["A"], batch["B"]), in_turn(captions["A"], captions["B"]))


def in_turn(a: Tensor, b: Tensor) -> Tensor:
    """The rows of two tensors of one shape in turn: a[0], b[0], a[1], and so on."""
    return torch.stack([a, b], dim=1).flatten(0, 1)


def of_domain(rows: Tensor, X: str) -> Tensor:
    """Of rows in turn those of a domain."""
    return rows["AB".index(X) :: 2]


def check_sentences(x: Tensor, name: str) -> None:
    """Refuses what is no batch of sentences."""
    if x.ndim != 2 or x.dtype != torch.uint8:
        raise ReplicateError(
            f"{name} draws from sentences: found {x.dtype} of shape {tuple(x.shape)}, expected "
            "torch.uint8 (N, L), the characters that `captions.encode` gives"
        )
