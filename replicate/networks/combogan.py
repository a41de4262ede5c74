"""ComboGAN's networks: a residual generator cut in two, and the discriminator that came later."""

from itertools import pairwise

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm, Pad

GREY = (0.299, 0.587, 0.114)  # of red, green and blue
BLUR, SIGMA = 5, 3.0  # px; side of the kernel, and its standard deviation


class _Block(nn.Module):
    """Two reflect-padded 3x3 convolutions added to their input."""

    def __init__(self, channels: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Pad(1, "reflect"),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(channels),
            activation(),
            Pad(1, "reflect"),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResnetEncoder(nn.Module):
    """The first half of a residual generator: images (N, 3, H, W) to codes (N, 4 ngf, H/4, W/4).

    Args:
        ngf: channels after the first convolution.
        n_blocks: residual blocks.
        activation: after every norm but the last of a block.

    Source: AAnoosheh/ComboGAN @295e61b models/networks.py, 5,099,136 parameters at the defaults.
    """

    def __init__(
        self, ngf: int = 64, n_blocks: int = 4, activation: type[nn.Module] = nn.ReLU
    ) -> None:
        super().__init__()
        layers = [Pad(3, "reflect"), nn.Conv2d(3, ngf, 7), InstanceNorm(ngf), activation()]
        for c in (ngf, 2 * ngf):
            conv = nn.Conv2d(c, 2 * c, 3, stride=2, padding=1)
            layers += [conv, InstanceNorm(2 * c), activation()]
        layers += [_Block(4 * ngf, activation) for _ in range(n_blocks)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class ResnetDecoder(nn.Module):
    """The second half: codes (N, 4 ngf, h, w) to images (N, 3, 4h, 4w) in [-1, 1].

    Args:
        ngf, n_blocks, activation: as of `ResnetEncoder`.

    Source: AAnoosheh/ComboGAN @295e61b models/networks.py, 6,565,763 parameters at the defaults.
    """

    def __init__(
        self, ngf: int = 64, n_blocks: int = 5, activation: type[nn.Module] = nn.ReLU
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Block(4 * ngf, activation) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            conv = nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1)
            layers += [conv, InstanceNorm(c // 2), activation()]
        layers += [Pad(3, "reflect"), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, code: Tensor) -> Tensor:
        return self.model(code).float()


class _DeepPatches(nn.Module):
    """A PatchGAN that gives scores after every convolution but the first."""

    def __init__(self, in_channels: int, ndf: int, n_layers: int) -> None:
        super().__init__()
        widths = [in_channels] + [ndf * min(2**i, 8) for i in range(n_layers + 1)]
        parts = []
        for i, (a, b) in enumerate(pairwise(widths)):
            last = i == n_layers
            b += 0 if i == 0 or last else 1  # the score, in a channel of its own
            layers = [nn.Conv2d(a, b, 4, stride=1 if last else 2, padding=2)]
            layers += [InstanceNorm(b)] if i else []
            layers += [nn.PReLU()]
            layers += [nn.Conv2d(b, 1, 4, padding=2)] if last else []
            parts.append(nn.Sequential(*layers))
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> list[Tensor]:
        first, *others = self.parts
        x, scores = first(x), []
        for part in others:
            out = part(x)
            x, score = out[:, :-1], out[:, -1:]
            scores.append(score)
        return scores


class SplitDiscriminator(nn.Module):
    """Scores of the grey image and of the blurred colours, after every convolution but the first.

    Args:
        ndf: channels of the first convolution, doubled up to 8 ndf.
        n_layers: convolutions of stride 2.

    Input (N, 3, H, W); output `n_layers` maps (N, 2, h, w) of raw scores, the last one the deepest.

    Source: AAnoosheh/ComboGAN @27643b6 models/networks.py, 13,931,410 parameters at the defaults.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 4) -> None:
        super().__init__()
        self.grey, self.colours = (_DeepPatches(c, ndf, n_layers) for c in (1, 3))
        self.register_buffer("weights", torch.tensor(GREY).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("kernel", _blur().expand(3, 1, -1, -1), persistent=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        grey = (self.weights * x).sum(dim=1, keepdim=True)
        blurred = F.conv2d(x, self.kernel.to(x), padding=BLUR // 2, groups=3)
        pairs = zip(self.grey(grey), self.colours(blurred), strict=True)
        return [torch.cat(pair, dim=1).float() for pair in pairs]


def _blur() -> Tensor:
    """(1, 1, 5, 5): a Gaussian that is reflected at the kernel's own edges: nearly flat."""
    impulse = np.zeros((BLUR, BLUR))
    impulse[BLUR // 2, BLUR // 2] = 1  # official: util/util.py, gkern_2d
    kernel = torch.from_numpy(gaussian_filter(impulse, SIGMA))
    return kernel.to(torch.get_default_dtype())[None, None]
