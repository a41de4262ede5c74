"""FAL's generator: a residual generator that sees its last output and what D said of it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm
from replicate.networks.generators import ResnetGenerator
from replicate.networks.unet import BatchNorm

SPLIT = 4  # residual blocks of the encoder; the others are the decoder's


class Feedback(NamedTuple):
    """What a step of generation is told of the one before: an output and D's scores of it."""

    output: Tensor  # (N, 3, H, W) in [-1, 1], or zeros at first
    response: Tensor  # (N, 1, H, W) raw scores at the image's size, or zeros at first

    @classmethod
    def none(cls, x: Tensor) -> "Feedback":
        """That of the first step of the translation of `x` (N, 3, H, W)."""
        return cls(torch.zeros_like(x), torch.zeros_like(x[:, :1]))


class FeedbackGenerator(nn.Module):
    """Johnson et al.'s residual generator, its features changed by feedback before decoding.

    The adaptive spatial transform: h becomes gamma h + beta, both made by `modulator` of h and of
    the features that `reader` has of the feedback.

    Args:
        ngf: channels after the first convolution; h has 4 ngf.
        n_blocks: residual blocks, more than `SPLIT`.
        side: of the training images, px; the channel-wise modulator shrinks that to one position.
        spatial: gamma and beta for every position by 3x3 convolutions, else for every channel.
        batch_norm: batch norms and no bias beside them in encoder and decoder, as released; else
            instance norms.

    Source: voidstrike/ASGIT @235f922 models/networks.py:517-600; 16,695,363 parameters at the
        defaults: encoder 5,101,632, decoder 6,281,795, reader 67,008, modulator 5,244,928.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_blocks: int = 9,
        side: int = 256,
        spatial: bool = False,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        width = 4 * ngf
        plain = ResnetGenerator(ngf, n_blocks).model
        cut = 3 * 4 + SPLIT  # three convolutions with padding, norm and ReLU come before the blocks
        self.encoder, self.decoder = plain[:cut], plain[cut:]
        self.reader = nn.Sequential(
            nn.Conv2d(4, width // 4, 2, stride=2),
            InstanceNorm(width // 4),
            nn.ReLU(),
            nn.Conv2d(width // 4, width, 2, stride=2),
        )
        steps = (1, 1, 1) if spatial else channel_steps(side // 4)
        self.modulator = nn.Sequential(
            _convolution(2 * width, width, steps[0]),
            InstanceNorm(width),
            nn.ReLU(),
            _convolution(width, width, steps[1]),
            InstanceNorm(width),
            nn.ReLU(),
            _convolution(width, 2 * width, steps[2]),
        )
        self.spatial = spatial
        if batch_norm:
            for part in (self.encoder, self.decoder):
                _batch_normed(part, biases=False)
            for part in (self.reader, self.modulator):
                _batch_normed(part, biases=True)

    def encode(self, x: Tensor) -> Tensor:
        """The features (N, 4 ngf, H/4, W/4) of (N, 3, H, W), H and W multiples of 4."""
        return self.encoder(x)

    def modulated(self, h: Tensor, feedback: Feedback) -> Tensor:
        """Features of the shape of `h`, changed by what is known of the last output."""
        read = self.reader(torch.cat(feedback, dim=1))
        both = self.modulator(torch.cat([h, read], dim=1))
        if not self.spatial:  # larger images than those of training have several positions
            both = both.mean((2, 3), keepdim=True)
        gamma, beta = both.chunk(2, dim=1)
        return gamma * h + beta

    def decode(self, h: Tensor) -> Tensor:
        """The image (N, 3, H, W) in [-1, 1] of features."""
        return self.decoder(h).float()


def channel_steps(side: int) -> tuple[int, int, int]:
    """By what the channel-wise modulator shrinks features of `side` px, in three steps, to 1 px.

    4, 4, 4 of 64 px, those of a 256 px image. Smaller ones keep 2 px or more before the last step,
    because the norm of a single value is its offset whatever the image.
    """
    first = 4 if side >= 32 else 2
    return first, first, side // first**2


def _convolution(inner: int, outer: int, step: int) -> nn.Conv2d:
    """As wide as its step; where nothing is shrunk, 3x3."""
    if step == 1:
        return nn.Conv2d(inner, outer, 3, padding=1)
    return nn.Conv2d(inner, outer, step, stride=step)


def _batch_normed(part: nn.Module, biases: bool) -> None:
    """Puts batch norms in the place of instance norms, also in blocks.

    Args:
        biases: whether the convolutions before them keep their biases.
    """
    for layers in [m for m in part.modules() if isinstance(m, nn.Sequential)]:
        for i, layer in enumerate(layers):
            if isinstance(layer, InstanceNorm):
                layers[i] = BatchNorm(layer.num_features)
                if not biases:
                    layers[i - 1].bias = None
