"""Autoencoders of UNIT and MUNIT: a content code, for MUNIT also a style, and images of them.

Sources are named in `replicate/methods/unit.py`; line numbers are those of networks.py of the 2018
code base that both share, "v2" stands for the branch version_02, trainers/cocogan_nets.py.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock, reflect_pad, upsample_nearest

CELL = 4  # px of the image in one of the content code
STYLE_DOWNS = 4  # halvings in the style encoder; it doubles its channels in the first two


class SpreadNorm(nn.Module):
    """Layer normalisation that divides by (deviation + eps), the deviation being the unbiased one.

    Computed in float32 also under autocast; gamma starts uniform in (0, 1), beta at 0.

    Source: LayerNorm, lines 479-506; the usual layer norm has eps inside the root.
    """

    EPS = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        nn.init.uniform_(self.gamma)

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        deviation, mean = torch.std_mean(x, (1, 2, 3), keepdim=True)
        scale = self.gamma[:, None, None] / (deviation + self.EPS)
        return (x - mean) * scale + self.beta[:, None, None]


class StyledBlock(nn.Module):
    """Two 3x3 convolutions added to their input; offsets and scales of its norms are a style's.

    Args:
        channels: C of input and output.

    Source: ResBlock with AdaptiveInstanceNorm2d, lines 273-286 and 447-476.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3) for _ in range(2))
        self.norms = nn.ModuleList(InstanceNorm(channels) for _ in range(2))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """The styled (N, C, h, w); `style` is (N, 2, 2, C, 1, 1): of each norm offset, scale."""
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = style[:, i, 0] + style[:, i, 1] * norm(conv(reflect_pad(y, 1)))
            y = y if i else F.relu(y)
        return x + y


class ContentEncoder(nn.Module):
    """(N, 3, H, W), H and W multiples of 4, to codes (N, 4 ngf, H / 4, W / 4).

    Source: lines 206-221; 5,385,856 parameters at 64 channels and 4 blocks.
    """

    def __init__(self, ngf: int, n_res: int) -> None:
        super().__init__()
        layers = _conv(3, ngf, 7, 1, norm=True)
        for c in (ngf, 2 * ngf):
            layers += _conv(c, 2 * c, 4, 2, norm=True)
        blocks = [ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_res)]
        self.layers = nn.Sequential(*layers, *blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).float()


class StyleEncoder(nn.Module):
    """(N, 3, H, W) to styles (N, style_dim): no norms, which would take the style away.

    Source: lines 188-204; 2,764,936 parameters at 64 channels and 8 numbers.
    """

    def __init__(self, ngf: int, style_dim: int) -> None:
        super().__init__()
        widths = [ngf, 2 * ngf] + [4 * ngf] * (STYLE_DOWNS - 1)
        layers = _conv(3, ngf, 7, 1, norm=False)
        for a, b in pairwise(widths):
            layers += _conv(a, b, 4, 2, norm=False)
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], style_dim)

    def forward(self, x: Tensor) -> Tensor:
        # the mean as adaptive pooling to 1 x 1, but deterministic on CUDA
        return self.head(self.layers(x).mean((2, 3))).float()


class Decoder(nn.Module):
    """Codes to images in [-1, 1]: residual blocks, two upsamplings with layer norms, tanh.

    Args:
        ngf: channels before the last convolution; codes have 4 ngf.
        blocks: residual blocks, which take the style if one is given.

    Source: lines 223-243; 5,754,627 parameters at 64 channels and 4 blocks.
    """

    def __init__(self, ngf: int, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.ups = nn.ModuleList(nn.Conv2d(c, c // 2, 5) for c in (4 * ngf, 2 * ngf))
        self.norms = nn.ModuleList(SpreadNorm(layer.out_channels) for layer in self.ups)
        self.head = nn.Conv2d(ngf, 3, 7)

    def forward(self, h: Tensor, styles: tuple[Tensor, ...] = ()) -> Tensor:
        """(N, 3, 4 h, 4 w) of (N, 4 ngf, h, w); `styles` has one for each block, or none."""
        for i, block in enumerate(self.blocks):
            h = block(h, styles[i]) if styles else block(h)
        for conv, norm in zip(self.ups, self.norms, strict=True):
            h = F.relu(norm(conv(reflect_pad(upsample_nearest(h, 2), 2))))
        return torch.tanh(self.head(reflect_pad(h, 3)).float())


class Vae(nn.Module):
    """UNIT's autoencoder of one domain. Its code is a mean; the variance is 1 everywhere.

    Source: VAEGen, lines 150-181; 11,140,483 parameters at 64 channels and 4 blocks.
    """

    def __init__(self, ngf: int = 64, n_res: int = 4) -> None:
        super().__init__()
        self.encode = ContentEncoder(ngf, n_res)
        blocks = [ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_res)]
        self.decode = Decoder(ngf, blocks)


class StyleAutoencoder(nn.Module):
    """MUNIT's autoencoder of one domain: content and style, and images of both.

    Args:
        ngf: channels after the first convolution.
        n_res: residual blocks of the content encoder, and of the decoder.
        style_dim: numbers in a style.
        mlp_dim: width of the layers that make offsets and scales of a style.

    Source: AdaINGen, lines 89-148; 15,026,187 parameters at the defaults.
    """

    def __init__(
        self, ngf: int = 64, n_res: int = 4, style_dim: int = 8, mlp_dim: int = 256
    ) -> None:
        super().__init__()
        self.n_res, self.channels = n_res, 4 * ngf
        self.style = StyleEncoder(ngf, style_dim)
        self.content = ContentEncoder(ngf, n_res)
        self.decoder = Decoder(ngf, [StyledBlock(4 * ngf) for _ in range(n_res)])
        self.mlp = nn.Sequential(
            nn.Linear(style_dim, mlp_dim),
            nn.ReLU(),
            nn.Linear(mlp_dim, mlp_dim),
            nn.ReLU(),
            nn.Linear(mlp_dim, n_res * 4 * self.channels),
        )

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """(N, 3, 4 h, 4 w) of content (N, 4 ngf, h, w) and style (N, style_dim)."""
        numbers = self.mlp(style).float()
        shaped = numbers.reshape(len(style), self.n_res, 2, 2, self.channels, 1, 1)
        return self.decoder(content, shaped.unbind(1))


class SharedVaes(nn.Module):
    """The paper's pair of autoencoders: the innermost blocks of both are the same.

    Args:
        ngf: channels after the first convolution.
        n_res: residual blocks of each encoder and each decoder, of which one is shared.

    Source: COCOResGen, v2 lines 160-260; 18,017,286 parameters at the defaults.
    """

    def __init__(self, ngf: int = 64, n_res: int = 4) -> None:
        super().__init__()
        c = 4 * ngf
        self.front = nn.ModuleDict({X: _front(ngf, n_res - 1) for X in "AB"})
        self.inner = nn.ModuleList(ResBlock(c, "zero", False, False) for _ in range(2))
        self.back = nn.ModuleDict({X: _back(ngf, n_res - 1) for X in "AB"})

    def encode(self, x: Tensor, X: str) -> Tensor:
        """Codes (N, 4 ngf, H / 4, W / 4) of images (N, 3, H, W) of domain `X`."""
        return self.inner[0](self.front[X](x)).float()

    def decode(self, h: Tensor, X: str) -> Tensor:
        """Images (N, 3, 4 h, 4 w) of domain `X` of codes (N, 4 ngf, h, w)."""
        return torch.tanh(self.back[X](self.inner[1](h)).float())


def _conv(a: int, b: int, kernel: int, stride: int, norm: bool) -> list[nn.Module]:
    """A reflection-padded convolution, a norm or none, ReLU."""
    layers = [Pad((kernel - 1) // 2, "reflect"), nn.Conv2d(a, b, kernel, stride)]
    return layers + [InstanceNorm(b)] * norm + [nn.ReLU()]


def _front(ngf: int, n_res: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, ngf, 7, padding=3), nn.LeakyReLU(0.01)]
    for c in (ngf, 2 * ngf):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, padding=1), InstanceNorm(2 * c), nn.ReLU()]
    blocks = [ResBlock(4 * ngf, "zero", False, False) for _ in range(n_res)]
    return nn.Sequential(*layers, *blocks)


def _back(ngf: int, n_res: int) -> nn.Sequential:
    layers: list[nn.Module] = [ResBlock(4 * ngf, "zero", False, False) for _ in range(n_res)]
    for c in (4 * ngf, 2 * ngf):
        up = nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [up, InstanceNorm(c // 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(ngf, 3, 1))


class PlainDiscriminator(nn.Module):
    """3x3 convolutions of stride 2 without norms, scores by one 1x1 convolution.

    Args:
        ndf: channels of the first convolution, doubled by every further one.
        n_layers: convolutions of stride 2.

    Source: COCODis, v2 lines 125-158; 25,149,057 parameters at the defaults.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise([3] + [ndf * 2**i for i in range(n_layers)]):
            layers += [nn.Conv2d(a, b, 3, 2, padding=1), nn.LeakyReLU(0.01)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(b, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Raw scores (N, 1, h, w) of (N, 3, H, W), in a list of one scale."""
        return [self.layers(x).float()]


@torch.no_grad()
def init_by_fan(network: nn.Module) -> None:
    """Draws all kernels from N(0, sqrt(2 / fan_in)), biases 0; norms keep their own start.

    Source: weights_init("kaiming"), utils.py:260-280 of UNIT.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / fan_in))
            nn.init.zeros_(layer.bias)
