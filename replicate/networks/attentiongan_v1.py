"""AttentionGAN's networks of scheme I: one mask, one content, and a discriminator of one score."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from replicate.networks.attentiongan import Painting, compose
from replicate.networks.blocks import InstanceNorm, Pad


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation computed in float32 also under autocast; the dtype stays float32."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


NORMS = {"batch": BatchNorm, "instance": InstanceNorm}


class _Block(nn.Module):
    """Two reflected 3x3 convolutions with norms, added to their input."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        first = _conv(channels, channels, 3, norm)
        self.body = nn.Sequential(*first, *_conv(channels, channels, 3, norm)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SchemeOneGenerator(nn.Module):
    """A residual generator of one attention and one content, enlarged by pixel shuffles.

    Args:
        ngf: channels after the first convolution; the blocks work on 4 ngf.
        n_blocks: residual blocks.
        norm: "batch" (released) or "instance".

    Input (N, 3, H, W) with H, W multiples of 4; output a `Painting` of n = 2 attentions, the mask
    in (0, 1) and what it leaves of the input, and of one content, which no tanh bounds.

    Source: AttentionGAN-v1/models.py:6-80, 7,931,332 parameters at the defaults.
    """

    def __init__(self, ngf: int = 64, n_blocks: int = 6, norm: str = "batch") -> None:
        super().__init__()
        layers = _conv(3, ngf, 7, norm)
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, 2, padding=1), NORMS[norm](2 * c), nn.ReLU()]
        layers += [_Block(4 * ngf, norm) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            layers += [
                *_conv(c, c // 2, 3, norm),
                nn.Conv2d(c // 2, 2 * c, 1),
                nn.PixelShuffle(2),
                NORMS[norm](c // 2),
                nn.ReLU(),
            ]
        self.model = nn.Sequential(*layers, Pad(3, "reflect"), nn.Conv2d(ngf, 4, 7))

    def forward(self, x: Tensor) -> Painting:
        mask, content = self.model(x).float().split([1, 3], dim=1)
        mask, content = torch.sigmoid(mask), content[:, None]
        attention = torch.cat([mask, 1 - mask], dim=1)
        return Painting(compose(x, attention, content), attention, content)


def _conv(in_channels: int, out_channels: int, kernel: int, norm: str) -> list[nn.Module]:
    """Reflection padding, convolution, norm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel)
    return [Pad(kernel // 2, "reflect"), conv, NORMS[norm](out_channels), nn.ReLU()]


class PooledDiscriminator(nn.Module):
    """One score an image: unpadded 4x4 convolutions, a mean over the image, a linear layer.

    Args:
        in_channels: 3, or 4 for an image with its mask.
        ndf: channels of the first convolution, doubled up to 8 ndf.
        n_layers: convolutions of stride 2; one of stride 1 follows.
        norm: "batch" (released) or "instance", also after the first convolution.

    Input (N, in_channels, H, W), output (N, 1, 1, 1). The smallest side is 94 px for 4 layers,
    46 px for 3, 22 px for 2.

    Source: AttentionGAN-v1/models.py:82-106, 6,953,793 parameters at the defaults.
    """

    def __init__(
        self, in_channels: int = 3, ndf: int = 64, n_layers: int = 4, norm: str = "batch"
    ) -> None:
        super().__init__()
        widths = [in_channels] + [ndf * min(2**i, 8) for i in range(n_layers)]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 4, stride=2), NORMS[norm](b), nn.LeakyReLU(0.01)]
        last = widths[-1]
        self.model = nn.Sequential(*layers, nn.Conv2d(last, last, 4), nn.LeakyReLU(0.01))
        self.head = nn.Conv2d(last, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.model(x).mean(dim=(2, 3), keepdim=True)).float()


@torch.no_grad()
def init_weights_v1(module: nn.Module) -> None:
    """Convolution weights from N(0, 0.02), biases as PyTorch draws them; norms N(1, 0.02) and 0.

    Source: AttentionGAN-v1/utils.py:118-124.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
