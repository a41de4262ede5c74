"""Norms between instance and layer normalisation: AdaLIN, ILN and their ablations."""

import torch
from torch import Tensor, nn

CHANNELS_A_GROUP = 8  # 32 groups of 256 channels, the default of Wu and He, ECCV 2018


class LayerInstanceNorm(nn.Module):
    """gamma * (rho * IN(x) + (1 - rho) * LN(x)) + beta, one rho a channel.

    With gamma and beta from outside it is AdaLIN, with its own ILN; with `rho` fixed at 1 or 0
    and its own gamma and beta it is instance or layer normalisation, fixed at 1 with those from
    outside AdaIN. Computed in float32 also under autocast; the dtype stays float32.

    Args:
        channels: C of the input.
        rho: 1 is instance, 0 is layer normalisation; the first value where it is learnt.
        learnt: whether rho is a parameter, (1, C, 1, 1); `clip_rho` keeps it in [0, 1].
        affine: own gamma (from 1) and beta (from 0), (1, C, 1, 1).
        unbiased: variances divide by the number of values less one (PyTorch), else by it (TF).
        smoothing: subtracted from rho before its use, then cut to [0, 1]; 0.1 in TF's AdaLIN.

    Source: section "Method, AdaLIN" of the paper; UP networks.py:157-194, UT ops.py:184-230
        (see `replicate/methods/ugatit.py`); eps 1e-5 in both.
    """

    EPS = 1e-5

    def __init__(
        self,
        channels: int,
        rho: float,
        learnt: bool,
        affine: bool,
        unbiased: bool = True,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.correction, self.smoothing = int(unbiased), smoothing
        shape = (1, channels, 1, 1)
        self.rho = nn.Parameter(torch.full(shape, rho)) if learnt else rho
        if affine:
            self.gamma = nn.Parameter(torch.ones(shape))
            self.beta = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
        """The normalised (N, C, H, W); gamma and beta are (N, C, 1, 1), None for its own."""
        if gamma is None:
            gamma, beta = self.gamma, self.beta
        x = x.float()
        mean_i, var_i, mean_l, var_l = self._statistics(x)
        scale_i = self.mixed * (var_i + self.EPS).rsqrt()
        scale_l = (1 - self.mixed) * (var_l + self.EPS).rsqrt()
        # the two norms are linear in x: their mix takes one pass over the map instead of five
        offset = beta - gamma * (scale_i * mean_i + scale_l * mean_l)
        return torch.addcmul(offset, x, gamma * (scale_i + scale_l))

    @property
    def mixed(self) -> Tensor | float:
        """rho as it enters the mix."""
        return (self.rho - self.smoothing).clamp(0, 1) if self.smoothing else self.rho

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Means and variances per channel, (N, C, 1, 1), and over all channels, (N, 1, 1, 1).

        The latter from the former: the spread within the channels plus that of their means.
        """
        pixels, values = x[0, 0].numel(), x[0].numel()
        var_i, mean_i = torch.var_mean(x, (2, 3), correction=self.correction, keepdim=True)
        mean_l = mean_i.mean(1, keepdim=True)
        within = (pixels - self.correction) * var_i
        between = pixels * (mean_i - mean_l).square()
        var_l = (within + between).sum(1, keepdim=True) / (values - self.correction)
        return mean_i, var_i, mean_l, var_l


class GroupNorm(nn.GroupNorm):
    """Group normalisation in groups of 8 channels, computed in float32 also under autocast."""

    def __init__(self, channels: int) -> None:
        super().__init__(max(1, channels // CHANNELS_A_GROUP), channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


@torch.no_grad()
def clip_rho(network: nn.Module) -> None:
    """Puts every learnt rho inside `network` back into [0, 1]."""
    for layer in network.modules():
        if isinstance(layer, LayerInstanceNorm) and isinstance(layer.rho, nn.Parameter):
            layer.rho.clamp_(0, 1)
