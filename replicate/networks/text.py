"""Sentences as vectors: a small network over characters, and one over images to train it by."""

from torch import Tensor, nn
from torch.nn import functional as F

CHARACTERS = 128  # of ASCII; 0 fills a sentence up
KERNEL, STRIDE = 4, 3  # of both convolutions over characters
SHORTEST = KERNEL + STRIDE * (KERNEL - 1)  # characters that both need


class TextEncoder(nn.Module):
    """A character CNN-RNN: two convolutions, a GRU over what they leave, its maximum over time.

    Args:
        width: channels of the convolutions and of the GRU.
        text_dim: numbers of an embedding.

    Input (N, L) integers from 0 to 127, such as `captions.encode` makes; output (N, text_dim),
    float32. Zeros are read like any other character: a sentence is as long as its array.

    Source: the kind of network is that of Reed et al., CVPR 2016, whose weights the official code
        takes; its size is deviation stackgan/text-encoder.
    """

    def __init__(self, width: int, text_dim: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(CHARACTERS, width)
        self.convs = nn.ModuleList(nn.Conv1d(width, width, KERNEL, STRIDE) for _ in range(2))
        self.gru = nn.GRU(width, width, batch_first=True)
        self.linear = nn.Linear(width, text_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = F.pad(tokens.long(), (0, max(0, SHORTEST - tokens.shape[1])))
        x = self.characters(tokens).transpose(1, 2)
        for conv in self.convs:
            x = F.relu(conv(x))
        over_time, _ = self.gru(x.float().transpose(1, 2))
        return self.linear(over_time.amax(dim=1)).float()


class ImageEmbedder(nn.Module):
    """Images in the space of sentences: convolutions of stride 2 down to 4 px, then a linear layer.

    Args:
        width: channels after the first convolution, doubled up to four times as many.
        text_dim: numbers of an embedding.
        side: H = W, px, 4 times a power of 2.

    Input (N, 3, side, side) in [-1, 1]; output (N, text_dim), float32. Where a thing stands stays
    known, because sentences name places.
    """

    def __init__(self, width: int, text_dim: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        while side > 4:
            made = min(2 * channels, 4 * width) if layers else width
            layers += [nn.Conv2d(channels, made, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            channels, side = made, side // 2
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(16 * channels, text_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.convs(x).flatten(1)).float()
