"""DRIT's encoders of content and attribute, generators, and discriminator of content.

Line numbers are those of networks.py of DRIT @f19f50a, see `replicate/methods/drit.py`. Each
network serves both domains and has branches of its own for each of them.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.networks.blocks import InstanceNorm, Pad, ResBlock, reflect_pad

CELL = 4  # px of the image in one of the content code
HALVINGS = 4  # in the attribute encoders


class Attribute(NamedTuple):
    """What an encoder says of an image's attribute: numbers (N, nz) and their log variance."""

    mean: Tensor
    log_variance: Tensor | None  # None where the encoder is no variational one


class LayerNorm(nn.Module):
    """The usual layer normalisation over C, h and w, scale and offset for each channel.

    Computed in float32 also under autocast. Source: lines 464-478.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * F.layer_norm(x.float(), x.shape[1:]) + self.beta


class ContentEncoder(nn.Module):
    """(N, 3, H, W), H and W multiples of 4, to contents (N, 4 ngf, H / 4, W / 4), without noise.

    Source: lines 93-138; 9,018,112 parameters at 64 channels.
    """

    def __init__(self, ngf: int = 64) -> None:
        super().__init__()
        self.front = nn.ModuleDict({X: _front(ngf) for X in "AB"})
        self.shared = ResBlock(4 * ngf, "reflect", False, False)

    def forward(self, x: Tensor, X: str) -> Tensor:
        return self.shared(self.front[X](x)).float()


class AttributeEncoder(nn.Module):
    """(N, 3, H, W) to attributes: convolutions, the mean over the image, one layer.

    Source: E_attr, lines 140-197, for `concat` 0; 5,529,872 parameters at 64 channels.
    """

    def __init__(self, ngf: int = 64, nz: int = 8) -> None:
        super().__init__()
        widths = [ngf, 2 * ngf] + [4 * ngf] * (HALVINGS - 1)
        self.layers = nn.ModuleDict({X: _plain(widths) for X in "AB"})
        self.heads = nn.ModuleDict({X: nn.Conv2d(widths[-1], nz, 1) for X in "AB"})

    def forward(self, x: Tensor, X: str) -> Attribute:
        # the mean as adaptive pooling to 1 x 1, but deterministic on CUDA
        pooled = self.layers[X](x).float().mean((2, 3), keepdim=True)
        return Attribute(self.heads[X](pooled).flatten(1).float(), None)


class VariationalAttributeEncoder(nn.Module):
    """(N, 3, H, W) to the means and log variances of attributes.

    Source: E_attr_concat, lines 199-252, for `concat` 1; 2,688,160 parameters at 64 channels.
    """

    def __init__(self, ngf: int = 64, nz: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({X: _halving(ngf) for X in "AB"})
        self.means = nn.ModuleDict({X: nn.Linear(HALVINGS * ngf, nz) for X in "AB"})
        self.log_variances = nn.ModuleDict({X: nn.Linear(HALVINGS * ngf, nz) for X in "AB"})

    def forward(self, x: Tensor, X: str) -> Attribute:
        pooled = self.layers[X](x).float().mean((2, 3))
        return Attribute(self.means[X](pooled).float(), self.log_variances[X](pooled).float())


class PooledBlock(nn.Module):
    """Two 3x3 convolutions, each behind an activation, halved, and a halved shortcut.

    Source: BasicBlock, lines 480-496.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList((nn.Conv2d(a, a, 3), nn.Conv2d(a, b, 3)))
        self.shortcut = nn.Conv2d(a, b, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in self.convs:
            y = conv(reflect_pad(F.leaky_relu(y, 0.2), 1))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class ConcatGenerator(nn.Module):
    """Contents and attributes to images; the attribute is tiled and joined before every stage.

    Args:
        ngf: channels before the last convolution, without the attribute's.
        nz: numbers in an attribute.

    Source: G_concat, lines 329-401; 9,564,710 parameters at the defaults.
    """

    def __init__(self, ngf: int = 64, nz: int = 8) -> None:
        super().__init__()
        self.shared = ResBlock(4 * ngf, "reflect", False, False)
        self.branches = nn.ModuleDict({X: ConcatDecoder(ngf, nz) for X in "AB"})

    def forward(self, h: Tensor, z: Tensor, X: str) -> Tensor:
        """Images (N, 3, 4 h, 4 w) in [-1, 1] of domain `X`; `z` is (N, nz)."""
        return self.branches[X](self.shared(h), z)


class ConcatDecoder(nn.Module):
    """The part of `ConcatGenerator` that each domain has of its own."""

    def __init__(self, ngf: int, nz: int) -> None:
        super().__init__()
        c = 4 * ngf + nz
        self.blocks = nn.Sequential(*(ResBlock(c, "reflect", False, False) for _ in range(3)))
        self.ups = nn.ModuleList()
        for _ in range(2):
            self.ups.append(_up(c + nz, (c + nz) // 2))
            c = (c + nz) // 2
        self.head = nn.ConvTranspose2d(c + nz, 3, 1)

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        h = self.blocks(_joined(h, z))
        for up in self.ups:
            h = up(_joined(h, z))
        return torch.tanh(self.head(_joined(h, z)).float())


class FeatureGenerator(nn.Module):
    """Contents and attributes to images; numbers made of the attribute enter every block.

    Args:
        ngf: channels before the last convolution.
        nz: numbers in an attribute.

    Source: G, lines 257-327; 17,146,374 parameters at the defaults. Feature-wise transformation is
        its readme's word for it; the numbers are joined and convolved, and neither scale nor shift.
    """

    def __init__(self, ngf: int = 64, nz: int = 8) -> None:
        super().__init__()
        self.branches = nn.ModuleDict({X: FeatureDecoder(ngf, nz) for X in "AB"})

    def forward(self, h: Tensor, z: Tensor, X: str) -> Tensor:
        """Images (N, 3, 4 h, 4 w) in [-1, 1] of domain `X`; `z` is (N, nz)."""
        return self.branches[X](h, z)


class FeatureDecoder(nn.Module):
    """The part of `FeatureGenerator` that each domain has of its own, which is all of it."""

    def __init__(self, ngf: int, nz: int) -> None:
        super().__init__()
        c = 4 * ngf
        widths = [nz, c, c, 4 * c]
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.mlp = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
        self.blocks = nn.ModuleList(FeatureBlock(c) for _ in range(4))
        self.ups = nn.Sequential(_up(c, c // 2), _up(c // 2, ngf))
        self.head = nn.ConvTranspose2d(ngf, 3, 1)

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        for block, numbers in zip(self.blocks, self.mlp(z).float().chunk(4, dim=1), strict=True):
            h = block(h, numbers)
        return torch.tanh(self.head(self.ups(h)).float())


class FeatureBlock(nn.Module):
    """Two 3x3 convolutions with norms, each mixed with tiled numbers by two 1x1 convolutions.

    Both 1x1 convolutions end in ReLU, so what is added to the input is never negative.

    Source: MisINSResBlock, lines 550-590.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        self.convs = nn.ModuleList(nn.Conv2d(c, c, 3) for _ in range(2))
        self.norms = nn.ModuleList(InstanceNorm(c) for _ in range(2))
        self.mixes = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * c, 2 * c, 1), nn.ReLU(), nn.Conv2d(2 * c, c, 1), nn.ReLU())
            for _ in range(2)
        )

    def forward(self, x: Tensor, numbers: Tensor) -> Tensor:
        y = x
        for conv, norm, mix in zip(self.convs, self.norms, self.mixes, strict=True):
            y = mix(_joined(norm(conv(reflect_pad(y, 1))), numbers))
        return x + y


class ContentDiscriminator(nn.Module):
    """Of which domain contents are: 7x7 convolutions of stride 2, one 4x4, one 1x1, no norms.

    Args:
        channels: of a content.
        n_layers: 7x7 convolutions; 3 need contents of 53 px, which images of 212 px have.

    Source: Dis_content, lines 11-27; 10,683,649 parameters at 256 channels.
    """

    def __init__(self, channels: int = 256, n_layers: int = 3) -> None:
        super().__init__()
        c, layers = channels, []
        for _ in range(n_layers):
            layers += [Pad(1, "reflect"), nn.Conv2d(c, c, 7, stride=2), nn.LeakyReLU(0.01)]
        layers += [nn.Conv2d(c, c, 4), nn.LeakyReLU(0.01), nn.Conv2d(c, 1, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        """Raw scores, all of (N, C, h, w) in one dimension."""
        return self.layers(h).flatten().float()


def check_content_size(crop_size: int, n_layers: int) -> None:
    """Refuses crops whose contents are too small for `ContentDiscriminator`.

    Raises:
        ReplicateError: naming the settings.
    """
    side = 4
    for _ in range(n_layers):
        side = 2 * side + 3  # before a 7x7 convolution of stride 2 and padding 1
    if crop_size < CELL * side:
        raise ReplicateError(
            f"content_layers={n_layers} at crop_size={crop_size}: expected a crop of "
            f"{CELL * side} px or more, or fewer layers"
        )


def _joined(h: Tensor, z: Tensor) -> Tensor:
    """(N, C + n, h, w): the maps and the numbers (N, n), the same everywhere."""
    return torch.cat([h, z[:, :, None, None].expand(-1, -1, *h.shape[2:])], dim=1)


def _up(a: int, b: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(conv, LayerNorm(b), nn.ReLU())


def _front(ngf: int) -> nn.Sequential:
    layers: list[nn.Module] = [Pad(3, "reflect"), nn.Conv2d(3, ngf, 7), nn.LeakyReLU(0.01)]
    for c in (ngf, 2 * ngf):
        layers += [Pad(1, "reflect"), nn.Conv2d(c, 2 * c, 3, stride=2)]
        layers += [InstanceNorm(2 * c), nn.ReLU()]
    return nn.Sequential(*layers, *(ResBlock(4 * ngf, "reflect", False, False) for _ in range(3)))


def _plain(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = [Pad(3, "reflect"), nn.Conv2d(3, widths[0], 7), nn.ReLU()]
    for a, b in pairwise(widths):
        layers += [Pad(1, "reflect"), nn.Conv2d(a, b, 4, stride=2), nn.ReLU()]
    return nn.Sequential(*layers)


def _halving(ngf: int) -> nn.Sequential:
    blocks = [PooledBlock(n * ngf, (n + 1) * ngf) for n in range(1, HALVINGS)]
    first = nn.Conv2d(3, ngf, 4, stride=2)
    return nn.Sequential(Pad(1, "reflect"), first, *blocks, nn.LeakyReLU(0.2))
