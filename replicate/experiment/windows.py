"""Where a method's windows lie in test images, and what windows placed blindly would hit."""

from dataclasses import dataclass

import numpy as np
import torch

from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.methods.base import Method

BATCH = 16  # images; no layer mixes them


@dataclass(frozen=True)
class Placed:
    """n windows on each of N images: `centres` (N, n, 2) as x, y and half their side, in px."""

    centres: np.ndarray
    half: float


def has_windows(config: object) -> bool:
    """Whether a run's configuration is of a method that looks through windows."""
    return getattr(config, "windows", "none") != "none"


@torch.no_grad()
def place(method: Method, images: ImageSet, direction: str, number: int | None = None) -> Placed:
    """The windows on the first `number` images (None: all) of the direction's source domain.

    Args:
        method: one that has `windows`, in evaluation mode, on the CPU.
        images: a split at the method's size.
        direction: "AB" or "BA".
    """
    X, found = direction[0], []
    for batch in in_order(images, X, BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=method.config.precision == "bf16"):
            found.append(method.windows(batch[X], direction).centres.float().numpy())
        if number is not None and sum(map(len, found)) >= number:
            break
    return Placed(np.concatenate(found)[:number], method.half)


def hits(placed: Placed, mask: np.ndarray) -> np.ndarray:
    """The share of an image's windows whose centre lies on the mask.

    Args:
        placed: windows on N images.
        mask: (N, S, S) of 0 and 1.

    Returns:
        (N,) in [0, 1]; 1 where every centre is on the mask.
    """
    x, y = np.moveaxis(placed.centres.astype(int).clip(0, mask.shape[-1] - 1), 2, 0)
    return mask[np.arange(len(mask))[:, None], y, x].mean(axis=1)


def inside(placed: Placed, mask: np.ndarray) -> np.ndarray:
    """The share of the mask's pixels whose middle lies in a window, (N,) in [0, 1].

    Args:
        placed: windows on N images.
        mask: (N, S, S) of 0 and 1, each with a 1 somewhere.
    """
    at = np.arange(mask.shape[-1]) + 0.5
    x, y = np.moveaxis(np.abs(at - placed.centres[..., None]) <= placed.half, 2, 0)
    seen = (y[..., :, None] & x[..., None, :]).any(axis=1)
    return (seen * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))


def expected_hits(half: float, mask: np.ndarray) -> np.ndarray:
    """What `hits` gives on average over every place at which a window can stand, (N,).

    Args:
        half: half of a window's side, px; centres keep this distance from the image's edges.
        mask: (N, S, S) of 0 and 1.
    """
    low = np.arange(mask.shape[-1], dtype=float)
    chance = _share(low, low + 1, half, mask.shape[-1])
    return np.einsum("nyx,y,x->n", mask, chance, chance)


def expected_inside(half: float, mask: np.ndarray, n: int = 1) -> np.ndarray:
    """What `inside` gives on average over all places of `n` windows that know nothing of another.

    Args:
        half: half of a window's side, px.
        mask: (N, S, S) of 0 and 1, each with a 1 somewhere.
        n: windows on an image.
    """
    at = np.arange(mask.shape[-1]) + 0.5
    chance = _share(at - half, at + half, half, mask.shape[-1])
    seen = 1 - (1 - chance[:, None] * chance[None, :]) ** n
    return (seen * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))


def _share(low: np.ndarray, high: np.ndarray, half: float, side: int) -> np.ndarray:
    """The chance that a coordinate, uniform on [half, side - half], lies in [low, high]."""
    reach = side - 2 * half
    if reach == 0:  # one place is left: the middle
        return ((low <= side / 2) & (side / 2 < high)).astype(float)
    return (np.minimum(high, side - half) - np.maximum(low, half)).clip(0) / reach
