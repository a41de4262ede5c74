"""Padding, normalisation, residual blocks and weight initialisation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def reflect_pad(x: Tensor, pad: int) -> Tensor:
    """`x` grown by its own mirror image, the border pixel not repeated.

    Args:
        x: (N, C, H, W) with H, W > pad.
        pad: px on each side.

    Returns:
        (N, C, H + 2 pad, W + 2 pad), equal to `F.pad(x, ..., mode="reflect")` value for value.

    Source: made of slices on CUDA, because the backward of CUDA's own ReflectionPad2d adds in an
        unordered way (pytorch/pytorch#98925) and would make two equal runs differ.
    """
    if not x.is_cuda:
        return F.pad(x, (pad, pad, pad, pad), mode="reflect")
    x = torch.cat([x[..., 1 : pad + 1].flip(-1), x, x[..., -pad - 1 : -1].flip(-1)], dim=-1)
    return torch.cat(
        [x[..., 1 : pad + 1, :].flip(-2), x, x[..., -pad - 1 : -1, :].flip(-2)], dim=-2
    )


class Pad(nn.Module):
    """Reflection or zero padding as a layer; `mode` is "reflect" or "zero"."""

    def __init__(self, pad: int, mode: str) -> None:
        super().__init__()
        self.pad, self.mode = pad, mode

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "reflect":
            return reflect_pad(x, self.pad)
        return F.pad(x, (self.pad,) * 4)


class SamePad(nn.Module):
    """TensorFlow's SAME padding of a stride-2 3x3 convolution on even sizes: 1 px right, below."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 1, 0, 1))


class SameUpsample(nn.ConvTranspose2d):
    """TensorFlow's SAME 3x3 transposed convolution of stride 2: the adjoint of `SamePad` + conv.

    PyTorch's padding=1, output_padding=1 writes one pixel further up and left; after two `SamePad`
    convolutions and two of those, an output would stand 3 px away from what it was made of.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1, :-1]


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation computed in float32 also under autocast; the dtype stays float32."""

    def __init__(self, channels: int, affine: bool = False) -> None:
        super().__init__(channels, eps=1e-5, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


class ResBlock(nn.Module):
    """Two 3x3 convolutions added to their input.

    Args:
        channels: C of the input and of the output.
        padding: "reflect" or "zero".
        affine: whether the instance norms have scale and offset.
        relu_after_add: ReLU on the sum; AGGAN has it, CycleGAN has not.
    """

    def __init__(self, channels: int, padding: str, affine: bool, relu_after_add: bool) -> None:
        super().__init__()
        self.relu_after_add = relu_after_add
        self.body = nn.Sequential(
            Pad(1, padding),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(channels, affine),
            nn.ReLU(),
            Pad(1, padding),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(channels, affine),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x + self.body(x)
        return F.relu(y) if self.relu_after_add else y


def upsample_nearest(x: Tensor, factor: int) -> Tensor:
    """(N, C, h, w) repeated to (N, C, factor h, factor w); deterministic backward everywhere."""
    n, c, h, w = x.shape
    x = x[:, :, :, None, :, None].expand(n, c, h, factor, w, factor)
    return x.reshape(n, c, h * factor, w * factor)


@torch.no_grad()
def init_weights(module: nn.Module, truncated: bool) -> None:
    """Draws all weights from N(0, 0.02), biases 0; affine norms get N(1, 0.02) and 0.

    Args:
        module: every convolution, linear layer and norm inside is set.
        truncated: redraw beyond two standard deviations, as TensorFlow's truncated normal does.

    Source: CycleGAN PyTorch networks.py `init_weights` (normal); AGGAN layers.py:15-30,90.
    """

    def normal(weight: Tensor, mean: float) -> None:
        if truncated:
            nn.init.trunc_normal_(weight, mean, 0.02, mean - 0.04, mean + 0.04)
        else:
            nn.init.normal_(weight, mean, 0.02)

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            normal(layer.weight, 0.0)
        elif isinstance(layer, nn.InstanceNorm2d | nn.BatchNorm2d) and layer.affine:
            normal(layer.weight, 1.0)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
