"""DiscoGAN's networks: a pyramid of 4x4 convolutions down and up, and one that only goes down."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation in float32 also under autocast; the dtype stays float32.

    Outside training by running averages, if it keeps any: see deviation discogan/test-statistics.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


@contextmanager
def untracked(network: nn.Module) -> Iterator[None]:
    """Inside, training passes through `network` leave its running averages as they are."""
    norms = [layer for layer in network.modules() if isinstance(layer, BatchNorm)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


class PyramidGenerator(nn.Module):
    """Four convolutions of stride 2 and as many transposed ones; no bias, no skip.

    Args:
        ngf: channels of the first convolution, doubled three times.
        bottleneck: channels of a code of (H / 16 - 3, W / 16 - 3) px in the middle, 1 px at 64 px;
            0 for none. The official `extra_layers` have 100.

    Input and output: (N, 3, H, W) in [0, 1], H and W multiples of 16.

    Source: SKTBrain/DiscoGAN @f044178 discogan/model.py, 5,513,856 parameters at the defaults,
        7,153,480 with a bottleneck of 100. Weights are drawn as PyTorch draws them by default.
    """

    def __init__(self, ngf: int = 64, bottleneck: int = 0) -> None:
        super().__init__()
        widths = [ngf * 2**i for i in range(4)]
        layers: list[nn.Module] = [nn.Conv2d(3, ngf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), BatchNorm(b), nn.LeakyReLU(0.2)]
        if bottleneck:
            deep = widths[-1]
            layers += [nn.Conv2d(deep, bottleneck, 4, bias=False), BatchNorm(bottleneck)]
            layers += [nn.LeakyReLU(0.2), nn.ConvTranspose2d(bottleneck, deep, 4, bias=False)]
            layers += [BatchNorm(deep), nn.ReLU()]
        for a, b in pairwise(widths[::-1]):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), BatchNorm(b), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float().sigmoid()


class Judgement(NamedTuple):
    """Raw scores (N, 1, h, w), and the features after the second, third and fourth layer."""

    scores: Tensor
    features: list[Tensor]


class PyramidDiscriminator(nn.Module):
    """Four 4x4 convolutions of stride 2, then a score of every 4x4 window; no bias.

    Args:
        ndf: channels of the first convolution, doubled three times.

    Input: (N, 3, H, W) in [0, 1]; 64 px give one score an image, 256 px give 13x13.

    Source: SKTBrain/DiscoGAN @f044178 discogan/model.py, 2,765,568 parameters; its sigmoid is left
        to the loss.
    """

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        widths = [3] + [ndf * 2**i for i in range(4)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in pairwise(widths)
        )
        # no running averages: D only works in training
        self.norms = nn.ModuleList(BatchNorm(b, track_running_stats=False) for b in widths[2:])
        self.head = nn.Conv2d(widths[-1], 1, 4, bias=False)

    def forward(self, x: Tensor) -> Judgement:
        x, features = F.leaky_relu(self.convs[0](x), 0.2), []
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
            features.append(x)
        return Judgement(self.head(x).float(), features)
