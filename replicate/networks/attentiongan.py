"""AttentionGAN's networks of scheme II: one encoder, a decoder of contents, one of attentions."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock


class Painting(NamedTuple):
    """What a generator of scheme II makes of an image.

    image: (N, 3, H, W), the composition of the two others with the input.
    attention: (N, n, H, W) >= 0 with sum 1 at every pixel; the last one is the background.
    content: (N, n - 1, 3, H, W) in [-1, 1], or (N, n, 3, H, W) where the background is painted too.
    """

    image: Tensor
    attention: Tensor
    content: Tensor


def compose(x: Tensor, attention: Tensor, content: Tensor) -> Tensor:
    """Contents weighted by their attentions; the last attention weighs `x` if it has no content.

    Args:
        x: (N, 3, H, W), the input.
        attention: (N, n, H, W), sum 1 over n.
        content: (N, n - 1, 3, H, W) or (N, n, 3, H, W).

    Returns:
        (N, 3, H, W); equal to `x` where the background's attention is 1 and has no content.

    Source: G(x) = sum over f of C_f A_f, plus x A_b (scheme II); AttentionGAN models/networks.py:
        480-515, and AttentionGAN-geo for the form without the input.
    """
    painted = content.shape[1]
    image = (attention[:, :painted, None] * content).sum(dim=1)
    return image if painted == attention.shape[1] else image + attention[:, painted:] * x


class SchemeTwoGenerator(nn.Module):
    """A residual encoder shared by two decoders, of n - 1 contents and of n attentions.

    Args:
        ngf: channels after the first convolution; the blocks work on 4 ngf.
        n_blocks: residual blocks.
        n_masks: n, the attentions; the last one is the background's.
        mask_kernel: side of the last convolution of the attentions, 1 (released) or 7.
        paint_background: the background has a content of its own; the input is not used ("geo").

    Input (N, 3, H, W) with H, W multiples of 4; output a `Painting`.

    Source: AttentionGAN models/networks.py:379-517, 11,822,949 parameters at the defaults and
        11,832,360 with `paint_background`.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_blocks: int = 9,
        n_masks: int = 10,
        mask_kernel: int = 1,
        paint_background: bool = False,
    ) -> None:
        super().__init__()
        layers = [Pad(3, "reflect"), nn.Conv2d(3, ngf, 7), InstanceNorm(ngf), nn.ReLU()]
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), InstanceNorm(2 * c), nn.ReLU()]
        blocks = [ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_blocks)]
        self.encoder = nn.Sequential(*layers, *blocks)
        contents = n_masks if paint_background else n_masks - 1
        self.content = _decoder(ngf, 3 * contents, kernel=7)
        self.attention = _decoder(ngf, n_masks, mask_kernel)

    def forward(self, x: Tensor) -> Painting:
        h = self.encoder(x)
        content = torch.tanh(self.content(h).float()).unflatten(1, (-1, 3))
        attention = torch.softmax(self.attention(h).float(), dim=1)
        return Painting(compose(x, attention, content), attention, content)


def _decoder(ngf: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Two transposed convolutions of stride 2, then one of `kernel` px to `out_channels`."""
    layers: list[nn.Module] = []
    for c in (4 * ngf, 2 * ngf):
        layers += [
            nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1),
            InstanceNorm(c // 2),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, Pad(kernel // 2, "reflect"), nn.Conv2d(ngf, out_channels, kernel))
