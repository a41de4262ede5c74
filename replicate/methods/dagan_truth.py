"""What DA-GAN needs to be told of its training images: their classes, or for a control their masks.

`made_up` stands class 0 and masks of the whole image in for what a set lacks, for smoke runs, which
prove that the code executes on any set and enter nothing.
"""

import torch
from torch import Tensor

from replicate.errors import ReplicateError
from replicate.methods.base import Batch
from replicate.networks.dagan import centre_of


def labels_of(batch: Batch, X: str, n_classes: int, made_up: bool) -> Tensor:
    """(N,) int64, the classes of the images of domain `X`, 0 to n_classes - 1.

    Raises:
        ReplicateError: there are none, or they are no classes in this range.
    """
    label = batch.get(f"{X}_label")
    if label is None and made_up:
        return torch.zeros(len(batch[X]), dtype=torch.int64, device=batch[X].device)
    if label is None:
        raise ReplicateError(
            f"{X}_label: the set has no labels; expected classes 0 to {n_classes - 1}, from which "
            "dagan learns where to look. Use a set that has them, such as shapes_drawn, or the "
            "variant no-labels"
        )
    if label.ndim != 1 or not 0 <= int(label.min()) <= int(label.max()) < n_classes:
        raise ReplicateError(
            f"{X}_label has shape {tuple(label.shape)} and values {int(label.min())} to "
            f"{int(label.max())}: expected ({len(batch[X])},) of 0 to {n_classes - 1}; set "
            "n_classes to the number of classes"
        )
    return label.long()


def true_centres(batch: Batch, letters: str, half: float, made_up: bool) -> Tensor:
    """(N, 1, 2), x and y in px of the objects of the domains `letters` in turn.

    Args:
        half: half of a window's side, px; centres are moved so that a window stays inside.

    Raises:
        ReplicateError: a domain has no masks.
    """
    masks = {X: batch.get(f"{X}_mask") for X in letters}
    if made_up:
        whole = {X: torch.ones_like(batch[X][:, :1]) for X in letters}
        masks = {X: whole[X] if mask is None else mask for X, mask in masks.items()}
    for X, mask in masks.items():
        if mask is None:
            raise ReplicateError(
                f"{X}_mask: the set has no masks for training; windows=oracle expects one for "
                "every image. Use a set that has them, such as shapes_drawn, or windows=learned"
            )
    mask = torch.cat(list(masks.values()))
    return centre_of(mask).clamp(half, mask.shape[-1] - half)[:, None]
