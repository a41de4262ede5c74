"""What methods for several domains share: domains as labels, and a translation to any of them."""

from string import ascii_uppercase

import torch
from torch import Tensor

from replicate.errors import ReplicateError
from replicate.methods import base
from replicate.methods.base import Batch, Method, Translation


def index(letter: str) -> int:
    """The label of a domain by its letter: 0 of A, 1 of B, 2 of C."""
    return ascii_uppercase.index(letter)


def of_batch(batch: Batch, X: str, c_dim: int) -> Tensor:
    """(N, c_dim) of 0 and 1: the labels of the set, or the domain `X`.

    Raises:
        ReplicateError: the set's labels are not of this size.
    """
    x, label = batch[X], batch.get(f"{X}_label")
    if label is None:
        return of_domain(x, X, c_dim)
    if label.ndim == 1 and int(label.min()) >= 0 and int(label.max()) < c_dim:
        return torch.eye(c_dim).to(x)[label.long()]
    if label.shape == (len(x), c_dim):
        return label.to(x)
    raise ReplicateError(
        f"{X}_label has shape {tuple(label.shape)} and values {int(label.min())} to "
        f"{int(label.max())}: expected ({len(x)},) of 0 to {c_dim - 1} or ({len(x)}, {c_dim}) "
        "of 0 and 1; set c_dim to the number of labels"
    )


def of_domain(x: Tensor, X: str, c_dim: int) -> Tensor:
    """(N, c_dim): the class of the domain with the letter `X` for every image of `x`."""
    label = x.new_zeros(len(x), c_dim)
    label[:, index(X)] = 1
    return label


class Labelled(Method):
    """A method whose one generator is told the label of the target; a subclass has `painted`."""

    many = True

    @classmethod
    def check(cls, c: base.Config) -> None:
        super().check(c)
        base.check_room(c, 2**c.n_layers)
        base.check_multiple(c, max(4, 2**c.n_layers))

    def painted(self, x: Tensor, label: Tensor) -> Translation:
        """What G makes of (N, 3, H, W) for labels (N, c_dim) of 0 and 1, as losses see it."""
        raise NotImplementedError

    def translate(self, x: Tensor, direction: str) -> Translation:
        return self.translate_to(x, self.target(x, direction))

    def translate_to(self, x: Tensor, label: Tensor) -> Translation:
        image, attention = self.painted(x, label)
        return Translation(image.clamp(-1, 1), attention)

    def target(self, x: Tensor, direction: str) -> Tensor:
        """(N, c_dim): what the images `x` are to become."""
        return of_domain(x, direction[1], self.config.c_dim)
