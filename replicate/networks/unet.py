"""pix2pix's generator, a U-Net with or without skips, and the norm of its networks."""

from zlib import crc32

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.networks.blocks import InstanceNorm


class BatchNorm(InstanceNorm):
    """Normalisation by the statistics of the batch in training, of each image alone outside it.

    Official tests run in training mode on one image at a time, so its own statistics are those of
    its batch; here a test batch may be larger and gives the same. There are no running statistics.
    Computed in float32 also under autocast; the dtype stays float32.

    Source: `replicate/methods/pix2pix.py`, deviation pix2pix/test-in-train-mode.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        arguments = {"training": True, "eps": self.eps}
        return F.batch_norm(x.float(), None, None, self.weight, self.bias, **arguments)


class UNet(nn.Module):
    """4x4 convolutions of stride 2 down to the bottleneck and up again, joined level by level.

    Dropout is on outside training too, with masks of its own for every image. In training they come
    from torch's global generator; outside it an image's own values are their seed, so that its
    translation depends on the image alone.

    Args:
        ngf: channels of the first convolution, doubled up to 8 ngf.
        levels: convolutions down, as many as up; 8 is U-Net-256, 7 is U-Net-128.
        skips: every level up also sees the features that the level down gave; without, it is the
            encoder-decoder.
        torch_layers: the Torch code's layers: biases beside norms, and dropout in the three
            innermost levels instead of in those from the fifth to the last but one.

    Input and output: (N, 3, H, W), H and W multiples of 2**levels; output in [-1, 1].

    Source: PyTorch networks.py:610-709, 54,413,955 parameters with 8 levels and 41,828,995 with 7;
        Torch models.lua:3-147, its encoder-decoder 39,080,963 (see `replicate/methods/pix2pix.py`).
    """

    def __init__(
        self, ngf: int = 64, levels: int = 8, skips: bool = True, torch_layers: bool = False
    ) -> None:
        super().__init__()
        self.skips = skips
        widths = [3] + [ngf * min(2**i, 8) for i in range(levels)]  # by level, 0 is the image
        down, up = range(1, levels + 1), range(levels, 0, -1)
        self.dropped = set(range(levels - 2, levels + 1) if torch_layers else range(5, levels))
        self.downs = nn.ModuleList(
            nn.Conv2d(widths[i - 1], widths[i], 4, 2, 1, bias=torch_layers) for i in down
        )
        self.down_norms = nn.ModuleList(
            BatchNorm(widths[i]) if 1 < i < levels else nn.Identity() for i in down
        )
        joined = [2 * widths[i] if skips and i < levels else widths[i] for i in up]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(c, widths[i - 1], 4, 2, 1, bias=torch_layers or i == 1)
            for i, c in zip(up, joined, strict=True)
        )
        self.up_norms = nn.ModuleList(
            BatchNorm(widths[i - 1]) if i > 1 else nn.Identity() for i in up
        )

    def forward(self, x: Tensor) -> Tensor:
        levels = len(self.downs)
        if x.shape[2] % 2**levels or x.shape[3] % 2**levels:
            raise ReplicateError(
                f"a U-Net of {levels} levels got {x.shape[2]} x {x.shape[3]} px; expected "
                f"multiples of {2**levels} px: resize the images or take fewer levels"
            )
        noise = None if self.training else [image_noise(image) for image in x]
        features: list[Tensor] = []
        for i, (conv, norm) in enumerate(zip(self.downs, self.down_norms, strict=True)):
            x = norm(conv(F.leaky_relu(x, 0.2) if i else x))
            features.append(x)
        x = features.pop()
        for i, (conv, norm) in enumerate(zip(self.ups, self.up_norms, strict=True)):
            if i and self.skips:
                x = torch.cat([features.pop(), x], dim=1)
            x = norm(conv(F.relu(x)))
            if levels - i in self.dropped:
                x = _half_dropped(x, noise)
        return torch.tanh(x.float())


def image_noise(image: Tensor) -> torch.Generator:
    """The generator of an image's dropout masks outside training: equal images, equal masks."""
    return torch.Generator().manual_seed(crc32(image.detach().float().cpu().numpy().tobytes()))


def _half_dropped(x: Tensor, noise: list[torch.Generator] | None) -> Tensor:
    """`x` with about half of its values 0 and the others doubled; `noise` holds one an image."""
    sources = [None] * len(x) if noise is None else noise
    # on the CPU: the same on every device
    kept = torch.stack([torch.rand(x.shape[1:], generator=source) < 0.5 for source in sources])
    return x * 2 * kept.to(x)
