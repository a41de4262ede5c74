"""Optimisers that PyTorch has not, or has otherwise."""

from collections.abc import Callable, Iterable

import torch
from torch import nn


class RMSProp(torch.optim.Optimizer):
    """TensorFlow's RMSProp: its mean square starts at 1, and eps stands under the root.

    PyTorch's starts at 0, so its first step is 1 / sqrt(1 - decay) lr whatever the gradient is;
    here early steps are about lr times the gradient.

    Args:
        parameters: of the networks that it trains.
        lr: learning rate.
        decay: of the mean square.
        eps: under the root.

    Source: tensorflow/python/training/rmsprop.py (1.x): ms = decay ms + (1 - decay) g^2, then
        lr g / sqrt(ms + eps); no momentum.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        decay: float = 0.9,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """One step along the gradients in the parameters; there is no closure to call."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["mean_square"] = torch.ones_like(p)
                ms = state["mean_square"].mul_(group["decay"])
                ms.addcmul_(p.grad, p.grad, value=1 - group["decay"])
                p.addcdiv_(p.grad, (ms + group["eps"]).sqrt_(), value=-group["lr"])


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Every parameter into [-limit, limit]: WGAN's (arXiv 1701.07875, algorithm 1)."""
    for p in network.parameters():
        p.clamp_(-limit, limit)
