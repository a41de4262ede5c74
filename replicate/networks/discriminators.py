"""Patch discriminators: one score per overlapping patch of the image."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm


class PatchDiscriminator(nn.Module):
    """PatchGAN: 4x4 convolutions, stride 2 `n_layers` times, then twice stride 1.

    Args:
        in_channels: 3, or 6 for a conditional pair.
        ndf: channels of the first convolution, doubled up to 8 ndf.
        n_layers: stride-2 convolutions; receptive field 16, 34, 70, 142 px for 1, 2, 3, 4.
        pad: zero padding of every convolution; 1 (PyTorch) or 2 (Torch, AGGAN).
        affine: scale and offset in the instance norms.
        norm_first: normalise after the first convolution too (AGGAN).

    Source: PyTorch CycleGAN models/networks.py (lines 712-757 of its copy, see `cyclegan.py`),
        2,764,737 parameters at the defaults; AGGAN's model.py:223-262.
    """

    def __init__(
        self,
        in_channels: int = 3,
        ndf: int = 64,
        n_layers: int = 3,
        pad: int = 1,
        affine: bool = False,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        widths = [in_channels] + [ndf * min(2**i, 8) for i in range(n_layers + 1)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2 if i < n_layers else 1, padding=pad)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.norms = nn.ModuleList(
            InstanceNorm(b, affine) if i or norm_first else nn.Identity()
            for i, b in enumerate(widths[1:])
        )
        self.head = nn.Conv2d(widths[-1], 1, 4, padding=pad)

    def forward(self, x: Tensor, normalize: bool = True) -> Tensor:
        """(N, 1, h, w) raw scores of (N, C, H, W); without norms where `normalize` is False."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = conv(x)
            x = F.leaky_relu(norm(x) if normalize else x, 0.2)
        return self.head(x).float()
