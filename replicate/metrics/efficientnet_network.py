"""EfficientNet-Lite0 as a network of torch: 1280 pooled features and 1000 logits.

Tan and Le, ICML 2019 (arXiv 1905.11946), table 1, in the Lite form of tensorflow/tpu,
models/official/efficientnet/lite: no squeeze and excitation, ReLU6 for swish. Padding, the
epsilon of the norms and the names of the weights are those of TensorFlow's port to torch.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from replicate.metrics.weights import COUNTER

STEM, HEAD, CLASSES = 32, 1280, 1000
# repeats, side of the kernel, stride of the first, expansion, channels out
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
EPSILON = 1e-3  # of every norm, as in TensorFlow


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding: the output has ceil(side / stride) pixels.

    Where the padding is odd, the larger half is at the bottom and on the right.
    """

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for side, kernel, stride in zip(
            x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [missing // 2, missing - missing // 2]
        if pads[0] == pads[1] == pads[2] == pads[3]:  # one pass over memory, not two
            return F.conv2d(x, self.weight, self.bias, self.stride, pads[0], 1, self.groups)
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    """An inverted bottleneck: widen by 1x1, filter each channel, narrow by 1x1 without a ReLU6.

    Args:
        inside: channels in.
        outside: channels out.
        kernel: side of the middle convolution, px.
        stride: of the middle convolution.
        expansion: factor of the widening; 1 leaves it out.
    """

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.is_residual = stride == 1 and inside == outside
        if expansion > 1:
            self._expand_conv = Same(inside, wide, 1)
        self._depthwise_conv = Same(wide, wide, kernel, stride, groups=wide)
        self._project_conv = Same(wide, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if hasattr(self, "_expand_conv"):
            y = F.relu6(self._expand_conv(y), inplace=True)
        y = F.relu6(self._depthwise_conv(y), inplace=True)
        y = self._project_conv(y)
        return x + y if self.is_residual else y


class EfficientNetLite0(nn.Module):
    """The network in inference: norms are part of the convolutions before them.

    `forward` takes (N, 3, 224, 224) float, (pixel - 127) / 128, and returns the (N, 1280) means of
    the last features over the image, >= 0, and the (N, 1000) logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = Same(3, STEM, 3, 2)
        blocks, inside = [], STEM
        for repeats, kernel, stride, expansion, outside in STAGES:
            for i in range(repeats):
                blocks.append(Block(inside, outside, kernel, 1 if i else stride, expansion))
                inside = outside
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = Same(inside, HEAD, 1)
        self._fc = nn.Linear(HEAD, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu6(self._conv_stem(x), inplace=True)
        for block in self._blocks:
            x = block(x)
        pool = F.relu6(self._conv_head(x), inplace=True).mean((2, 3))
        return pool, self._fc(pool)


# The norm after each convolution, by the last part of the convolution's name.
NORMS = {
    "_conv_stem": "_bn0", "_expand_conv": "_bn0", "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2", "_conv_head": "_bn1",
}  # fmt: skip


def load(file: Path) -> EfficientNetLite0:
    """The network for inference, with the weights of a checked file in the port's names."""
    stored = torch.load(file, map_location="cpu", weights_only=True)
    stored = {name: value for name, value in stored.items() if not name.endswith(COUNTER)}
    network, folded = EfficientNetLite0(), {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            owner, _, last = name.rpartition(".")
            norm = f"{owner}.{NORMS[last]}" if owner else NORMS[last]
            weight, bias = _fold(stored.pop(f"{name}.weight"), stored, norm)
            folded |= {f"{name}.weight": weight, f"{name}.bias": bias}
    network.load_state_dict(folded | stored)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _fold(kernel: Tensor, stored: dict[str, Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution that does what the norm after it did; takes it out."""
    scale, shift, mean, variance = (
        stored.pop(f"{norm}.{part}").double()
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    # in float64, so that folding costs no digit of float32
    scale = scale / (variance + EPSILON).sqrt()
    folded = kernel.double() * scale[:, None, None, None]
    return folded.float(), (shift - mean * scale).float()
