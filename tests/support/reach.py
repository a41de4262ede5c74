"""Which networks a loss of a method's step can move."""

import torch
from torch import Tensor

from replicate.methods.base import Batch, Method


def losses_with_graphs(method: Method, batch: Batch, monkeypatch) -> dict[str, Tensor | None]:
    """The losses of one step whose updates are left out, so that each can be differentiated."""
    with monkeypatch.context() as patched:
        patched.setattr(method, "update", lambda loss, *names: None)
        return method.step(batch)


def reached(method: Method, loss: Tensor) -> set[str]:
    """Names such as "G.AB" or "D.B" of the networks into which the gradient of `loss` flows."""
    if not loss.requires_grad:
        return set()
    names, parameters = zip(*method.named_parameters(), strict=True)
    slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    moved = [name for name, slope in zip(names, slopes, strict=True) if slope is not None]
    return {".".join(name.split(".")[:2]) for name in moved}
