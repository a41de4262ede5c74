"""pix2pix's discriminators: patches or single pixels of an image or of a pair, with batch norms."""

from torch import Tensor, nn

from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.unet import BatchNorm


class BatchNormPatchDiscriminator(PatchDiscriminator):
    """PatchGAN with batch norms, and no bias beside them.

    Args:
        in_channels: 6 for input and output side by side, 3 for an output alone.
        ndf: channels of the first convolution, doubled up to 8 ndf.
        n_layers: stride-2 convolutions; receptive field 16, 34, 70, 142, 286 px for 1 to 5.
        torch_layers: the Torch code's layers: biases beside norms too.

    Source: PyTorch networks.py:712-757, 2,768,705 parameters at the defaults; Torch
        models.lua:180-214, 2,769,601 with its biases (see `replicate/methods/pix2pix.py`).
    """

    def __init__(
        self, in_channels: int = 6, ndf: int = 64, n_layers: int = 3, torch_layers: bool = False
    ) -> None:
        super().__init__(in_channels, ndf, n_layers)
        for i, conv in enumerate(self.convs[1:], start=1):
            self.norms[i] = BatchNorm(conv.out_channels)
            if not torch_layers:
                conv.bias = None


class PixelDiscriminator(nn.Module):
    """PixelGAN: 1x1 convolutions, one score a pixel.

    Args: as `BatchNormPatchDiscriminator`; input (N, in_channels, H, W), output (N, 1, H, W).

    Source: PyTorch networks.py, 9,024 parameters at the defaults: no bias beside the norm nor in
        the last layer; Torch models.lua:155-171 with all biases.
    """

    def __init__(self, in_channels: int = 6, ndf: int = 64, torch_layers: bool = False) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(in_channels, ndf, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 1, bias=torch_layers),
            BatchNorm(2 * ndf),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * ndf, 1, 1, bias=torch_layers),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()
