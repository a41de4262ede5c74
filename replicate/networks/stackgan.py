"""StackGAN's networks: two stages of a generator, and a discriminator of images with sentences."""

from itertools import pairwise
from math import log2
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import upsample_nearest

FIRST = 4  # px, the side of the map that images begin and end with


class Drawn(NamedTuple):
    """An image (N, 3, S, S) in [-1, 1], and mean and log sigma (N, c_dim) of its condition."""

    image: Tensor
    mean: Tensor
    log_sigma: Tensor


def conv3(a: int, b: int) -> nn.Conv2d:
    """3x3, without a bias, as all convolutions before a batch norm."""
    return nn.Conv2d(a, b, 3, padding=1, bias=False)


def down(a: int, b: int) -> nn.Conv2d:
    """4x4 of stride 2."""
    return nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False)


class UpBlock(nn.Module):
    """Twice as large by repeated pixels, a 3x3 convolution, batch norm, ReLU."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.conv, self.norm = conv3(a, b), nn.BatchNorm2d(b)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(upsample_nearest(x, 2))))


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norms, added to their input; ReLU on the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv3(channels, channels), nn.BatchNorm2d(channels), nn.ReLU(),
            conv3(channels, channels), nn.BatchNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class Condition(nn.Module):
    """Conditioning augmentation: a sentence's embedding as the mean and spread of a normal draw.

    Args:
        text_dim: numbers of an embedding.
        c_dim: of a condition.

    Source: section 3.2; leaky ReLU and log sigma are the TensorFlow code's (stageI/model.py:46-53).
    """

    def __init__(self, text_dim: int, c_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(text_dim, 2 * c_dim)

    def forward(self, text: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A draw (N, c_dim) by standard normal `noise` of that shape; its mean and log sigma."""
        mean, log_sigma = F.leaky_relu(self.linear(text).float(), 0.2).chunk(2, dim=1)
        return mean + log_sigma.exp() * noise, mean, log_sigma


class StageOne(nn.Module):
    """Stage I: a sentence and noise to a small image, from 4 px up.

    Args:
        text_dim, c_dim: as of `Condition`.
        z_dim: numbers of noise.
        ngf: channels; 8 ngf at 4 px where four doublings follow, half as many after each.
        side: of the image, px, 4 times a power of 2.

    Source: StackGAN-Pytorch code/model.py:100-163 @e72ef88; 10,301,248 parameters at the birds'
        settings.
    """

    def __init__(self, text_dim: int, c_dim: int, z_dim: int, ngf: int, side: int) -> None:
        super().__init__()
        ups = int(log2(side // FIRST))
        self.channels = max(1, ngf * 2**ups // 2)
        self.condition = Condition(text_dim, c_dim)
        first = self.channels * FIRST**2
        self.linear = nn.Linear(z_dim + c_dim, first, bias=False)
        self.norm = nn.BatchNorm1d(first)
        widths = [max(1, self.channels >> i) for i in range(ups + 1)]
        self.ups = nn.Sequential(*(UpBlock(a, b) for a, b in pairwise(widths)))
        self.image = conv3(widths[-1], 3)

    def forward(self, text: Tensor, z: Tensor, noise: Tensor) -> Drawn:
        c, mean, log_sigma = self.condition(text, noise)
        x = F.relu(self.norm(self.linear(torch.cat([z, c], dim=1))))
        x = self.ups(x.reshape(-1, self.channels, FIRST, FIRST))
        return Drawn(torch.tanh(self.image(x).float()), mean, log_sigma)


class StageTwo(nn.Module):
    """Stage II: a small image and its sentence to a larger one.

    Args:
        text_dim, c_dim: as of `Condition`.
        ngf: channels after the first convolution.
        n_res: residual blocks.
        upscale: how many times larger the image becomes, a power of 2.

    Input of `forward`: images (N, 3, s, s), s a multiple of 4, in [-1, 1], and embeddings; output
    images of side `upscale` s.

    Source: code/model.py:216-290; 26,290,080 parameters at the birds' settings.
    """

    def __init__(self, text_dim: int, c_dim: int, ngf: int, n_res: int, upscale: int) -> None:
        super().__init__()
        self.condition = Condition(text_dim, c_dim)
        self.encoder = nn.Sequential(
            conv3(3, ngf), nn.ReLU(),
            down(ngf, 2 * ngf), nn.BatchNorm2d(2 * ngf), nn.ReLU(),
            down(2 * ngf, 4 * ngf), nn.BatchNorm2d(4 * ngf), nn.ReLU(),
        )  # fmt: skip
        self.joint = nn.Sequential(
            conv3(c_dim + 4 * ngf, 4 * ngf), nn.BatchNorm2d(4 * ngf), nn.ReLU()
        )
        self.blocks = nn.Sequential(*(Residual(4 * ngf) for _ in range(n_res)))
        widths = [max(1, 4 * ngf >> i) for i in range(int(log2(4 * upscale)) + 1)]
        self.ups = nn.Sequential(*(UpBlock(a, b) for a, b in pairwise(widths)))
        self.image = conv3(widths[-1], 3)

    def forward(self, small: Tensor, text: Tensor, noise: Tensor) -> Drawn:
        c, mean, log_sigma = self.condition(text, noise)
        x = self.blocks(self.joint(_with_condition(self.encoder(small), c)))
        return Drawn(torch.tanh(self.image(self.ups(x)).float()), mean, log_sigma)


class Discriminator(nn.Module):
    """Whether an image is real and is what its sentence tells.

    Args:
        c_dim: numbers of a condition.
        ndf: channels after the first convolution, doubled at each halving of the side; where they
            go beyond 8 ndf, 3x3 convolutions halve them again.
        side: of the images, px, 4 times a power of 2.
        unconditional: whether it also judges images without their sentences.

    Source: code/model.py:73-97, 166-212, 293-342; 5,715,713 parameters at 64 px and 71,269,122 at
        256 px, with the second head.
    """

    def __init__(self, c_dim: int, ndf: int, side: int, unconditional: bool) -> None:
        super().__init__()
        downs = int(log2(side // FIRST))
        widths = [ndf * 2**i for i in range(downs)]
        layers: list[nn.Module] = [down(3, ndf), nn.LeakyReLU(0.2)]
        for a, b in pairwise(widths):
            layers += [down(a, b), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
        last = widths[-1]
        while last > 8 * ndf:
            layers += [conv3(last, last // 2), nn.BatchNorm2d(last // 2), nn.LeakyReLU(0.2)]
            last //= 2
        self.features = nn.Sequential(*layers)
        self.joint = nn.Sequential(conv3(last + c_dim, last), nn.BatchNorm2d(last))
        self.matched = nn.Conv2d(last, 1, FIRST)
        self.alone = nn.Conv2d(last, 1, FIRST) if unconditional else None

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, 4, 4) of images, for the two heads."""
        return self.features(x)

    def with_sentence(self, features: Tensor, condition: Tensor) -> Tensor:
        """(N,) raw scores of images that go with conditions (N, c_dim)."""
        x = F.leaky_relu(self.joint(_with_condition(features, condition)), 0.2)
        return self.matched(x).flatten().float()

    def without_sentence(self, features: Tensor) -> Tensor:
        """(N,) raw scores of images by themselves."""
        return self.alone(features).flatten().float()


def _with_condition(x: Tensor, condition: Tensor) -> Tensor:
    """A map with the condition at every place as further channels."""
    c = condition[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, c.to(x.dtype)], dim=1)
