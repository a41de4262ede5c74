"""What a method translates: random images, or sentences of random letters."""

import torch
from torch import Tensor

from replicate.methods.base import Method

LETTERS = (97, 123)  # a to z
LENGTH = 48


def inputs(method: type[Method], n: int, height: int, width: int | None = None) -> Tensor:
    """(n, 3, height, width) in [-1, 1], or (n, LENGTH) uint8, whichever the method takes."""
    if method.takes == "sentences":
        return torch.randint(*LETTERS, (n, LENGTH), dtype=torch.uint8)
    return torch.rand(n, 3, height, width or height) * 2 - 1
