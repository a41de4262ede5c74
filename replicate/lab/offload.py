"""Training steps that need more memory than there is: activations wait on the disk.

The steps are those of a run, to the same numbers, only slower; for a preflight, not for a run.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

LEAST = 2**20  # bytes of a tensor that is worth a file


class _Kept:
    """A tensor in a file, which goes with it."""

    def __init__(self, x: Tensor, folder: Path) -> None:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".pt", delete=False) as file:
            torch.save(x.detach().clone(), file)  # a view would bring its whole storage
        self.path = Path(file.name)

    def __del__(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def saved_on_disk(folder: Path, least: int = LEAST) -> Iterator[None]:
    """Inside, what the forward pass keeps for the backward pass lies in files below `folder`.

    Args:
        folder: on a disk with room for it.
        least: bytes below which a tensor stays in the memory; parameters always do.
    """

    def pack(x: Tensor) -> Tensor | _Kept:
        stays = x.nbytes < least or (x.is_leaf and x.requires_grad)
        return x if stays else _Kept(x, folder)

    def unpack(kept: Tensor | _Kept) -> Tensor:
        return torch.load(kept.path, weights_only=True) if isinstance(kept, _Kept) else kept

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield
