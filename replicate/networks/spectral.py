"""Spectral normalisation: weights divided by their largest singular value."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def in_float32(x: Tensor) -> AbstractContextManager:
    """Inside, autocast is off on the device of `x`; the meta device has none."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


class SpectralNorm(nn.Module):
    """A weight divided by an estimate of its largest singular value, in float32.

    One power iteration in each training forward, none in eval mode, which takes u and v as the last
    training forward left them, as `torch.nn.utils.spectral_norm`, whose hook is not used because
    under autocast it would iterate in bfloat16.

    Args:
        rows: the size of the weight's first dimension; u is a unit vector of it, random at first.
        columns: the product of its other dimensions, the size of v.

    Source: Miyato et al., ICLR 2018 (arXiv 1802.05957), algorithm 1; eps 1e-12.
    """

    EPS = 1e-12

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(rows), dim=0, eps=self.EPS))
        self.register_buffer("v", F.normalize(torch.ones(columns), dim=0))  # until trained

    def forward(self, weight: Tensor) -> Tensor:
        return weight / self.largest(weight)

    def largest(self, weight: Tensor) -> Tensor:
        """The estimate, a scalar with gradient, in training after one power iteration."""
        with in_float32(weight):
            flat, u, v = weight.flatten(1), self.u, self.v
            if self.training:
                with torch.no_grad():
                    v = F.normalize(flat.T.mv(u), dim=0, eps=self.EPS)
                    u = F.normalize(flat.mv(v), dim=0, eps=self.EPS)
                    self.u.copy_(u)
                    self.v.copy_(v)
            return u.dot(flat.mv(v))


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weight is spectrally normalised; arguments of `nn.Conv2d`.

    A convolution is linear: where the weight has more values than the maps, as in a
    discriminator's deep layers, the maps are divided instead of the weight.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, **options) -> None:
        super().__init__(in_channels, out_channels, kernel, **options)
        self.norm = SpectralNorm(out_channels, in_channels * kernel**2)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.numel() <= x.numel():
            return self._conv_forward(x, self.norm(self.weight), self.bias)
        y = self._conv_forward(x, self.weight, None) / self.norm.largest(self.weight)
        return y if self.bias is None else y + self.bias[:, None, None].to(y.dtype)
