"""DA-GAN's attention encoder for sentences: an embedding places windows, each with a code."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import upsample_nearest
from replicate.networks.dagan import Code, place_windows

FIRST, PATCH = 4, 8  # sides of the map that a code grows from, and of a window's code
CODE = 4  # px of an image for one place of a code


class Grow(nn.Module):
    """A vector as a square map: a linear layer, then doublings with 3x3 convolutions.

    Args:
        numbers: of the vector.
        channels: of the map.
        side: of the map, `FIRST` times a power of 2.

    Input (N, numbers); output (N, channels, side, side), of either sign.
    """

    def __init__(self, numbers: int, channels: int, side: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear = nn.Linear(numbers, channels * FIRST**2)
        doublings = (side // FIRST).bit_length() - 1
        convs = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(doublings))
        self.convs = nn.ModuleList(convs)
        self.last = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.linear(x)).unflatten(1, (self.channels, FIRST, FIRST))
        for conv in self.convs:
            x = F.relu(conv(upsample_nearest(x, 2)))
        return self.last(x).float()


def put(codes: Tensor, centres: Tensor, half: float, side: int) -> Tensor:
    """Codes on empty maps, each stretched over its window; differentiable in codes and centres.

    Args:
        codes: (N, n, C, p, p).
        centres: (N, n, 2), x and y of the windows in px.
        half: half of a window's side, px.
        side: of the image, px; a multiple of `CODE`.

    Returns:
        (N, n, C, side / CODE, side / CODE): bilinear between the cells of a code, 0 outside its
        window. Products of matrices, because the gradients of a sampled grid are added up in no
        fixed order on a GPU.
    """
    p = codes.shape[-1]
    at = (torch.arange(side // CODE, device=codes.device) + 0.5) * CODE
    # in cells of the code, whose centres are 0 to p - 1
    cells = (at - (centres[..., None] - half)) * p / (2 * half) - 0.5
    weights = F.relu(1 - (cells[..., None] - torch.arange(p, device=codes.device)).abs())
    across, down = weights.unbind(dim=2)  # (N, n, side / CODE, p)
    return torch.einsum("biyp,bicpq,bixq->bicyx", down, codes, across)


class SentenceEncoder(nn.Module):
    """DAE of a sentence: f_loc places windows by its embedding, and each window holds a code.

    The code of the whole is that of the rest of the image, plus the codes of the windows in their
    places; so it is composed as that of an image is, and one G decodes both.

    Args:
        text_dim: numbers of an embedding.
        channels: of a code.
        side: of the images, px, 16 times a power of 2.
        n_regions: n, the windows; 0 for the code of the rest alone.
        half: half of a window's side, px.

    Source: deviation dagan_text/sentence-encoder.
    """

    WIDTH = 64  # of f_loc

    def __init__(
        self, text_dim: int, channels: int, side: int, n_regions: int, half: float
    ) -> None:
        super().__init__()
        self.side, self.half, self.n_regions = side, half, n_regions
        self.rest = Grow(text_dim, channels, side // CODE)
        if n_regions:
            self.f_loc = nn.Sequential(
                nn.Linear(text_dim, self.WIDTH), nn.LeakyReLU(0.2),
                nn.Linear(self.WIDTH, 2 * n_regions),
            )  # fmt: skip
            self.instance = nn.ModuleList(Grow(text_dim, channels, PATCH) for _ in range(n_regions))

    def forward(self, text: Tensor, k: Tensor | float) -> Code:
        """The code of embeddings (N, text_dim); `k`, the sharpness of the windows' masks, 1/px."""
        rest = self.rest(text)
        if not self.n_regions:
            middle = text.new_full((len(text), 1, 2), self.side / 2)
            whole = place_windows(middle, self.side / 2, float("inf"), self.side)
            return Code(rest, rest[:, None], whole)
        place = torch.sigmoid(self.f_loc(text).float()).unflatten(1, (self.n_regions, 2))
        centres = self.half + (self.side - 2 * self.half) * place
        codes = torch.stack([grow(text) for grow in self.instance], dim=1)
        instances = put(codes, centres, self.half, self.side)
        windows = place_windows(centres, self.half, k, self.side)
        return Code(rest + instances.sum(dim=1), instances, windows)
