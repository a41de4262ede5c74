"""U-GAT-IT's generator and discriminators, with class activation maps (CAM) in both.

`tf` chooses the TensorFlow reading of each network, else the PyTorch one; sources are named in
`replicate/methods/ugatit.py`, UP for PyTorch, UT for TensorFlow.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.networks.adalin import GroupNorm, LayerInstanceNorm
from replicate.networks.blocks import InstanceNorm, reflect_pad, upsample_nearest
from replicate.networks.spectral import SpectralConv2d, SpectralNorm, in_float32

NORMS = ("adalin", "in", "ln", "adain", "gn")
ADAPTIVE = ("adalin", "adain")  # gamma and beta of the residual blocks come from the image
CELL = 4  # px of the image in one of the generator's heat map


class Output(NamedTuple):
    """What a network says of images: G's image or D's scores, and its class activation."""

    out: Tensor  # G: (N, 3, H, W) in [-1, 1]; D: (N, 1, h, w) raw scores
    cam: Tensor | None  # (N, 2) logits after average and after maximum pooling; None without CAM
    heat: Tensor | None  # (N, 1, h, w) >= 0 in G; the attended features, summed, without gradient


class Cam(nn.Module):
    """Class activation mapping: logits of the pooled maps, and the maps times the logits' weights.

    Args:
        channels: C of the maps.
        tf: one linear layer for both poolings, its bias added to the logits and to every weight,
            else one for each, without bias.
        spectral: unit weights for the logits, as in the discriminators. The PyTorch reading weighs
            the maps with the weights as they are (deviation ugatit/d-cam-unnormalised-weight).

    Input (N, C, h, w); output (N, 2 C, h, w), float32, and logits (N, 2), average pooling first.

    Source: UP networks.py:80-95, 233-245; UT UGATIT.py:124-135, ops.py:54-80.
    """

    def __init__(self, channels: int, tf: bool, spectral: bool) -> None:
        super().__init__()
        self.tf = tf
        kinds = 1 if tf else 2
        self.heads = nn.ModuleList(nn.Linear(channels, 1, bias=tf) for _ in range(kinds))
        self.norms = nn.ModuleList(
            SpectralNorm(1, channels) if spectral else nn.Identity() for _ in self.heads
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with in_float32(x):
            x = x.float()
            maps, logits = [], []
            # means and maxima, as adaptive pooling to 1 x 1 but deterministic on CUDA
            for i, pooled in ((0, x.mean((2, 3))), (-1, x.amax((2, 3)))):
                head, weight = self.heads[i], self.norms[i](self.heads[i].weight)
                logits.append(F.linear(pooled, weight, head.bias))
                used = weight + head.bias if self.tf else head.weight
                maps.append(x * used[:, :, None, None])
            return torch.cat(maps, dim=1), torch.cat(logits, dim=1)


class Block(nn.Module):
    """Two 3x3 convolutions added to their input; no ReLU on the sum.

    Args:
        channels: C of input and output.
        norms: after each convolution; they take the `style` that `forward` is given.
        bias: of the convolutions.
    """

    def __init__(self, channels: int, norms: tuple[nn.Module, nn.Module], bias: bool) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, bias=bias) for _ in norms)
        self.norms = nn.ModuleList(norms)

    def forward(self, x: Tensor, *style: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.convs[0](reflect_pad(x, 1)), *style))
        return x + self.norms[1](self.convs[1](reflect_pad(y, 1)), *style)


class Style(nn.Module):
    """gamma and beta (N, C, 1, 1) of all adaptive norms, from the attended maps (N, C, h, w).

    Args:
        channels: C.
        pixels: h w for the full network, which sees every value; 1 for the light one, which sees
            the channels' means.
        bias: of the linear layers.

    Source: UP networks.py:52-68, 97-105; UT UGATIT.py:160-183.
    """

    def __init__(self, channels: int, pixels: int, bias: bool) -> None:
        super().__init__()
        self.full = pixels > 1
        widths = (channels * pixels, channels, channels)
        self.trunk = nn.ModuleList(nn.Linear(a, b, bias=bias) for a, b in pairwise(widths))
        self.heads = nn.ModuleList(nn.Linear(channels, channels, bias=bias) for _ in range(2))

    def forward(self, x: Tensor) -> list[Tensor]:
        h = x.flatten(1) if self.full else x.mean((2, 3))
        for layer in self.trunk:
            h = F.relu(layer(h))
        return [head(h).float()[:, :, None, None] for head in self.heads]


class Generator(nn.Module):
    """An encoder, attention by CAM, and a decoder whose norms the attended maps steer.

    Args:
        ngf: channels after the first convolution; the blocks work on 4 ngf.
        n_res: residual blocks in the encoder, and as many in the decoder.
        size: px of the images that the full network is made for; None for the light one, which
            takes any size.
        norm: of the decoder: "adalin" (with ILN after upsampling), or for ablations "in", "ln",
            "adain", "gn".
        cam: False leaves out the attention, its logits and heat map.
        tf: the TensorFlow reading.

    Input (N, 3, H, W) with H, W multiples of 4; output `Output`, the heat map a quarter as wide.

    Source: UP networks.py:6-110; 278,959,808 parameters full at 256 px, 10,589,888 light.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_res: int = 4,
        size: int | None = 256,
        norm: str = "adalin",
        cam: bool = True,
        tf: bool = False,
    ) -> None:
        super().__init__()
        self.size, c = size, 4 * ngf
        self.stem = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride, bias=tf)
            for a, b, kernel, stride in ((3, ngf, 7, 1), (ngf, 2 * ngf, 3, 2), (2 * ngf, c, 3, 2))
        )
        self.stem_norms = nn.ModuleList(InstanceNorm(layer.out_channels, tf) for layer in self.stem)
        self.encoder = nn.ModuleList(
            Block(c, (InstanceNorm(c, tf), InstanceNorm(c, tf)), tf) for _ in range(n_res)
        )
        self.cam = Cam(c, tf, spectral=False) if cam else None
        self.merge = nn.Conv2d(2 * c, c, 1) if cam else None
        pixels = 1 if size is None else (size // CELL) ** 2
        self.style = Style(c, pixels, tf) if norm in ADAPTIVE else None
        self.decoder = nn.ModuleList(
            Block(c, (_norm(norm, c, tf, True), _norm(norm, c, tf, True)), tf) for _ in range(n_res)
        )
        self.up = nn.ModuleList(nn.Conv2d(a, a // 2, 3, bias=tf) for a in (c, 2 * ngf))
        self.up_norms = nn.ModuleList(_norm(norm, a, tf, False) for a in (2 * ngf, ngf))
        self.head = nn.Conv2d(ngf, 3, 7, bias=tf)

    def forward(self, x: Tensor) -> Output:
        tied = self.style is not None and self.size is not None
        if tied and set(x.shape[2:]) != {self.size}:
            raise ReplicateError(
                f"the full U-GAT-IT generator was made for {self.size} x {self.size} px and got "
                f"{x.shape[2]} x {x.shape[3]}; use light=True, whose networks take any size"
            )
        h = x
        for layer, norm in zip(self.stem, self.stem_norms, strict=True):
            h = F.relu(norm(layer(reflect_pad(h, layer.kernel_size[0] // 2))))
        for block in self.encoder:
            h = block(h)
        cam = heat = None
        if self.cam is not None:
            maps, cam = self.cam(h)
            h = F.relu(self.merge(maps))
            heat = h.detach().float().sum(1, keepdim=True)
        return Output(self._decode(h), cam, heat)

    def _decode(self, h: Tensor) -> Tensor:
        style = self.style(h) if self.style is not None else []
        for block in self.decoder:
            h = block(h, *style)
        for layer, norm in zip(self.up, self.up_norms, strict=True):
            h = F.relu(norm(layer(reflect_pad(upsample_nearest(h, 2), 1))))
        return torch.tanh(self.head(reflect_pad(h, 3))).float()


def _norm(name: str, channels: int, tf: bool, in_block: bool) -> nn.Module:
    """A norm of the decoder: of its residual blocks, or after its upsampling."""
    if name == "gn":
        return GroupNorm(channels)
    if name == "adalin":
        if in_block:
            rho, smoothing = (1.0, 0.1) if tf else (0.9, 0.0)  # UT main.py:30, ops.py:190-193
            return LayerInstanceNorm(channels, rho, True, False, not tf, smoothing)
        return LayerInstanceNorm(channels, 0.0, True, True, not tf)
    rho = 0.0 if name == "ln" else 1.0
    return LayerInstanceNorm(channels, rho, False, not (in_block and name == "adain"), not tf)


class Discriminator(nn.Module):
    """Spectrally normalised 4x4 convolutions without norms, attention by CAM, scores of patches.

    Args:
        ndf: channels of the first convolution, doubled by every further one.
        n_layers: 7 (global, receptive field 286 px) or 5 (local, 70 px): stride 2 but for the last
            two, of which the very last stands behind the attention.
        cam: False leaves out the attention, its logits and heat map.
        tf: the TensorFlow reading: stride-1 convolutions pad one px more right and below.

    Input (N, 3, H, W); output `Output`.

    Source: UP networks.py:197-253; 53,130,176 (global) and 3,290,560 (local) parameters.
    """

    def __init__(
        self, ndf: int = 64, n_layers: int = 7, cam: bool = True, tf: bool = False
    ) -> None:
        super().__init__()
        self.tf = tf
        widths = [3] + [ndf * 2**i for i in range(n_layers - 1)]
        self.convs = nn.ModuleList(
            SpectralConv2d(a, b, 4, stride=2 if i < n_layers - 2 else 1)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.cam = Cam(widths[-1], tf, spectral=True) if cam else None
        self.merge = nn.Conv2d(2 * widths[-1], widths[-1], 1) if cam else None
        self.head = SpectralConv2d(widths[-1], 1, 4, bias=tf)

    def forward(self, x: Tensor) -> Output:
        for layer in self.convs:
            x = F.leaky_relu(layer(self._pad(x, layer)), 0.2)
        cam = heat = None
        if self.cam is not None:
            maps, cam = self.cam(x)
            x = F.leaky_relu(self.merge(maps), 0.2)
            heat = x.detach().float().sum(1, keepdim=True)
        return Output(self.head(self._pad(x, self.head)).float(), cam, heat)

    def _pad(self, x: Tensor, layer: nn.Conv2d) -> Tensor:
        if self.tf and layer.stride == (1, 1):
            return reflect_pad(x, 2)[..., 1:, 1:]  # UT ops.py:25-29
        return reflect_pad(x, 1)


def min_max(heat: Tensor) -> Tensor:
    """Each heat map (N, 1, h, w) stretched to [0, 1]; a flat one is 0 everywhere.

    Source: UP utils.py `cam`, before its colours.
    """
    low, high = heat.amin((2, 3), keepdim=True), heat.amax((2, 3), keepdim=True)
    return (heat - low) / (high - low).clamp_min(torch.finfo(heat.dtype).tiny)
