"""DualGAN's networks: a U-Net and a discriminator padded as TensorFlow's SAME."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks import unet
from replicate.networks.blocks import InstanceNorm


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Px of zeros before and after a side under SAME: ceil(size / stride) px come out.

    An odd number leaves the larger half after: a 5x5 convolution of stride 2 on an even side has
    1 px before and 2 after.

    Source: TensorFlow's guide, "Convolution", padding.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv(nn.Conv2d):
    """A square convolution under SAME, with bias; drawn from N(0, 0.02) cut off at 0.04."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, kernel, stride)

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, 0.0, 0.02, -0.04, 0.04)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        k, s = self.kernel_size[0], self.stride[0]
        return super().forward(
            F.pad(x, (*same_pads(x.shape[3], k, s), *same_pads(x.shape[2], k, s)))
        )


class SameDeconv(nn.ConvTranspose2d):
    """The adjoint of a `SameConv` of stride 2, to an image of any size that it makes this small."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__(in_channels, out_channels, kernel, stride=2)

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, 0.0, 0.02)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        k, s = self.kernel_size[0], self.stride[0]
        top, left = same_pads(height, k, s)[0], same_pads(width, k, s)[0]
        return super().forward(x)[..., top : top + height, left : left + width]


class Norm(InstanceNorm):
    """Instance normalisation, affine, with eps 1e-6; of 1 px it is the offset, as variance 0 makes.

    Source: DualGAN @d7ee5b8 ops.py `batch_norm`, whose moments are those of height and width.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)
        self.eps = 1e-6

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, 1.0, 0.02)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] == (1, 1):
            return self.bias[:, None, None].expand_as(x)
        return super().forward(x)


class SameUNet(nn.Module):
    """Convolutions of stride 2 down and transposed ones up again, joined level by level.

    Args:
        ngf: channels of the first convolution, doubled up to 8 ngf.
        levels: convolutions down, as many as up.
        kernel: of all but the outermost convolutions, which are 5x5.
        dropout: half of the values of the three innermost levels up, in training and outside it
            with the masks of `unet.UNet`.

    Input and output: (N, 3, H, W) of any size; output in [-1, 1]. Where it is as large as
    2**levels px or smaller, the bottleneck is 1 px and its own offset whatever the image is.

    Source: duxingren14/DualGAN @d7ee5b8 model.py `fcn`, 85,022,787 parameters at the defaults;
        @bd64bf9 with 3x3 kernels, 30,627,907.
    """

    def __init__(
        self, ngf: int = 64, levels: int = 8, kernel: int = 5, dropout: bool = True
    ) -> None:
        super().__init__()
        widths = [3] + [ngf * min(2**i, 8) for i in range(levels)]  # by level, 0 is the image
        down, up = range(1, levels + 1), range(levels, 0, -1)
        kernels = [0, 5] + [kernel] * (levels - 1)
        self.dropped = set(range(max(2, levels - 2), levels + 1)) if dropout else set()
        self.downs = nn.ModuleList(SameConv(widths[i - 1], widths[i], kernels[i], 2) for i in down)
        self.down_norms = nn.ModuleList(Norm(widths[i]) if i > 1 else nn.Identity() for i in down)
        self.ups = nn.ModuleList(
            SameDeconv(widths[i] * (1 if i == levels else 2), widths[i - 1], kernels[i]) for i in up
        )
        self.up_norms = nn.ModuleList(Norm(widths[i - 1]) if i > 1 else nn.Identity() for i in up)

    def forward(self, x: Tensor) -> Tensor:
        noise = None if self.training else [unet.image_noise(image) for image in x]
        features: list[Tensor] = [x]
        for i, (conv, norm) in enumerate(zip(self.downs, self.down_norms, strict=True)):
            x = norm(conv(F.leaky_relu(x, 0.2) if i else x))
            features.append(x)
        x = features.pop()
        for i, (conv, norm) in enumerate(zip(self.ups, self.up_norms, strict=True)):
            beside = features.pop()
            x = norm(conv(F.relu(x), *beside.shape[2:]))
            if len(self.ups) - i in self.dropped:
                x = unet._half_dropped(x, noise)
            if features:  # the image itself is not joined
                x = torch.cat([x, beside], dim=1)
        return torch.tanh(x.float())


class SameDiscriminator(nn.Module):
    """Convolutions, then a score of every patch, or one of the whole image.

    Args:
        ndf: channels of the first convolution, doubled up to 8 ndf.
        deep: the layout of 2020: five convolutions of stride 2, 3x3 but for the first; that of 2017
            has three of stride 2 and one of stride 1, all 5x5.
        side: px of the images, where one linear layer looks at all; None for patches.

    Input (N, 3, H, W), output raw scores (N, 1, h, w) or (N, 1).

    Source: duxingren14/DualGAN @d7ee5b8 model.py `discriminator`, 4,321,153 parameters; @d71400c,
        with the linear layer; @bd64bf9, 3,949,441 with the linear layer at 256 px, 3,921,281 with
        patches.
    """

    def __init__(self, ndf: int = 64, deep: bool = False, side: int | None = None) -> None:
        super().__init__()
        widths = [3] + [ndf * min(2**i, 8) for i in range(5 if deep else 4)]
        strides = [2] * 5 if deep else [2, 2, 2, 1]
        kernels = [5, 3, 3, 3, 3] if deep else [5] * 4
        shapes = zip(pairwise(widths), kernels, strides, strict=True)
        self.convs = nn.ModuleList(SameConv(a, b, k, s) for (a, b), k, s in shapes)
        self.norms = nn.ModuleList(
            Norm(b) if i else nn.Identity() for i, b in enumerate(widths[1:])
        )
        if side is None:
            self.head: nn.Module = SameConv(widths[-1], 1, kernels[-1], 1)
        else:
            for stride in strides:
                side = -(-side // stride)
            self.head = nn.Linear(widths[-1] * side**2, 1)
            nn.init.normal_(self.head.weight, 0.0, 0.02)
            nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return self.head(x.flatten(1) if isinstance(self.head, nn.Linear) else x).float()
