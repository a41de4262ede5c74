"""DA-GAN's networks: an encoder that looks through windows, what places them, and a decoder."""

from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import unknown
from replicate.networks.blocks import InstanceNorm, Pad, ResBlock

PLACES = ("learned", "oracle", "random", "none")
CELL = 16  # px; four halvings lie between an image and what `Localiser` reads places from


class Windows(NamedTuple):
    """n windows on N images: centres (N, n, 2) as x, y and boxes (N, n, 4) as left, top, right,
    bottom, both in px; masks (N, n, H, W) in [0, 1].
    """

    centres: Tensor
    boxes: Tensor
    masks: Tensor


class Code(NamedTuple):
    """DAE(x): the latent code (N, C, h, w), instance codes (N, n, C, h, w), and their windows."""

    latent: Tensor
    instances: Tensor
    windows: Windows


def place_windows(centres: Tensor, half: float, k: Tensor | float, side: int) -> Windows:
    """Square windows with soft edges, whose masks have gradients with respect to their centres.

    Args:
        centres: (N, n, 2), x and y in px; the first pixel reaches from 0 to 1.
        half: half of a window's side, px.
        k: sharpness, 1/px; an edge rises from 10 to 90 % within 2 ln 9 / k px.
        side: H = W of the images, px.

    Returns:
        The windows; a mask is near 1 inside its box and near 0 outside, 1/2 on its edges.

    Source: eqs. 2 and 4.
    """
    centres = centres.float()
    low, high = centres - half, centres + half
    at = torch.arange(side, device=centres.device) + 0.5
    inside = torch.sigmoid(k * (at - low[..., None])) - torch.sigmoid(k * (at - high[..., None]))
    x, y = inside.unbind(dim=2)
    return Windows(centres, torch.cat([low, high], dim=2), y[..., :, None] * x[..., None, :])


def union(masks: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1] of masks (N, n, H, W): 1 - prod (1 - M_i), where any window looks."""
    return (1 - (1 - masks).prod(dim=1, keepdim=True)).clamp(0, 1)


def overlap(masks: Tensor) -> Tensor:
    """Mean over pairs of windows of sum min(M_i, M_j) / sum max(M_i, M_j): 1 where all agree.

    Args:
        masks: (N, n, H, W) in [0, 1], n >= 2.
    """
    pairs = list(combinations(masks.flatten(2).unbind(dim=1), 2))
    shares = [torch.minimum(a, b).sum(1) / torch.maximum(a, b).sum(1) for a, b in pairs]
    return torch.stack(shares).mean()


def centre_of(mask: Tensor) -> Tensor:
    """(N, 2), x and y in px of the centre of the box around masks (N, 1, H, W) of 0 and 1.

    An empty mask, as a crop may leave it, gives the centre of the image.
    """
    found = []
    for axis in (2, 3):  # columns that the mask touches, then rows
        line = mask.amax(dim=(1, axis)) > 0
        at = torch.arange(line.shape[1], device=mask.device)
        low = torch.where(line, at, line.shape[1]).amin(dim=1)
        high = torch.where(line, at + 1, 0).amax(dim=1)
        found.append((low + high) / 2)
    return torch.stack(found, dim=1)


class Encoder(nn.Module):
    """The first half of CycleGAN's generator: a 7x7 convolution, two of stride 2, residual blocks.

    Args:
        ngf: channels after the first convolution; the code has 4 ngf.
        n_blocks: residual blocks.

    Input (N, 3, H, W) with H, W multiples of 4; output (N, 4 ngf, H/4, W/4), float32.

    Source: the paper's E "can be utilized in any form".
    """

    def __init__(self, ngf: int, n_blocks: int) -> None:
        super().__init__()
        layers = [Pad(3, "reflect"), nn.Conv2d(3, ngf, 7), InstanceNorm(ngf), nn.ReLU()]
        for c in (ngf, 2 * ngf):
            conv = nn.Conv2d(c, 2 * c, 3, stride=2, padding=1)
            layers += [conv, InstanceNorm(2 * c), nn.ReLU()]
        layers += [ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_blocks)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()


class Decoder(nn.Module):
    """The second half: residual blocks, two transposed convolutions, a 7x7 convolution, tanh.

    Input: a code (N, 4 ngf, H/4, W/4); output (N, 3, H, W) in [-1, 1], float32.
    """

    def __init__(self, ngf: int, n_blocks: int) -> None:
        super().__init__()
        layers = [ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            up = nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1)
            layers += [up, InstanceNorm(c // 2), nn.ReLU()]
        self.model = nn.Sequential(*layers, Pad(3, "reflect"), nn.Conv2d(ngf, 3, 7), nn.Tanh())

    def forward(self, code: Tensor) -> Tensor:
        return self.model(code).float()


class Localiser(nn.Module):
    """f_loc: centres of windows that lie inside the image, read from the whole image's code.

    Two convolutions of stride 2 and a linear layer; nothing is rounded, so gradients pass.

    Args:
        channels: of the code.
        side: of the image, px, a multiple of `CELL`.
        n_regions: n, the windows.
        half: half of a window's side, px, at most half of `side`.

    Input (N, channels, side/4, side/4); output (N, n, 2), x and y in px, each within
    [half, side - half].

    Source: eq. 1; the range is deviation dagan/centre-range.
    """

    WIDTH = 32  # channels

    def __init__(self, channels: int, side: int, n_regions: int, half: float) -> None:
        super().__init__()
        self.low, self.reach, self.n_regions = half, side - 2 * half, n_regions
        layers: list[nn.Module] = []
        for c in (channels, self.WIDTH):
            layers += [nn.Conv2d(c, self.WIDTH, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(self.WIDTH * (side // CELL) ** 2, 2 * n_regions)

    def forward(self, code: Tensor) -> Tensor:
        place = torch.sigmoid(self.linear(self.convs(code).flatten(1)).float())
        return self.low + self.reach * place.unflatten(1, (self.n_regions, 2))


class AttentionEncoder(nn.Module):
    """DAE: f_loc places windows by the code of the whole image, E encodes what each of them shows.

    Args:
        ngf, n_blocks: of E.
        side: H = W of the images, px, a multiple of `CELL`.
        n_regions: n, the windows.
        half: half of a window's side, px.
        windows: "learned" by f_loc; "oracle" the same, for callers that know the centres of most
            images; "random", fixed places that are the same in every run; "none", E(x) alone.
        with_global: whether E(x) joins the sum of the instance codes.

    Source: section 3.1 and figure 2b.
    """

    def __init__(
        self, ngf: int, n_blocks: int, side: int, n_regions: int, half: float, windows: str,
        with_global: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        if windows not in PLACES:
            raise unknown("windows", windows, PLACES)
        self.half, self.windows, self.with_global = half, windows, with_global
        self.E = Encoder(ngf, n_blocks)
        if windows in ("learned", "oracle"):
            self.f_loc = Localiser(4 * ngf, side, n_regions, half)
        if windows == "random":
            generator = torch.Generator(device="cpu").manual_seed(0)
            places = torch.rand(1, n_regions, 2, generator=generator, device="cpu")
            self.register_buffer("places", half + places * (side - 2 * half))

    def forward(self, x: Tensor, k: Tensor | float, centres: Tensor | None = None) -> Code:
        """The code of (N, 3, H, W) in [-1, 1]; `centres` (N, n, 2) in px replace f_loc's."""
        finds = centres is None and hasattr(self, "f_loc")
        whole = self.E(x) if finds or self.with_global or self.windows == "none" else None
        side = x.shape[-1]
        if self.windows == "none":  # one window whose sharp edges are those of the image
            middle = x.new_full((len(x), 1, 2), side / 2)
            return Code(whole, whole[:, None], place_windows(middle, side / 2, float("inf"), side))
        if finds:
            centres = self.f_loc(whole)
        elif centres is None:
            centres = self.places.expand(len(x), -1, -1)
        windows = place_windows(centres, self.half, k, side)
        regions = x[:, None] * windows.masks[:, :, None]
        instances = self.E(regions.flatten(0, 1)).unflatten(0, regions.shape[:2])
        latent = instances.sum(dim=1)
        return Code(latent + whole if self.with_global else latent, instances, windows)


class Classifier(nn.Module):
    """A linear layer on instance codes, their positive parts averaged over places and windows.

    Without the ReLU an instance norm would leave nothing in the mean over places.

    Input (N, n, channels, h, w); output (N, n_classes) logits, float32.

    Source: the geometric regularisation d(Y, DAE(X)) of section 3.1.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, n_classes)

    def forward(self, instances: Tensor) -> Tensor:
        return self.linear(F.relu(instances).mean(dim=(1, 3, 4))).float()
