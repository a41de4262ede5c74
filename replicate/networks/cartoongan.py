"""CartoonGAN's networks, as taki0112 and znxlwm wrote them."""

from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock, SameUpsample, init_weights


def _normed(channels: int, width: int, side: int, padding: str, port: bool) -> list[nn.Module]:
    """A convolution of stride 1 and its norm."""
    conv = nn.Conv2d(channels, width, side)
    return [Pad(side // 2, padding), conv, InstanceNorm(width, affine=not port)]


def _drawn(model: nn.Sequential, port: bool) -> nn.Sequential:
    """`model` with weights from N(0, 0.02), scales 1 and offsets 0; biases 0 or, for TAKI, none."""
    init_weights(model, truncated=False)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and not port:
            layer.bias = None
        elif isinstance(layer, InstanceNorm) and layer.affine:
            nn.init.ones_(layer.weight)
    return model


class CartoonGenerator(nn.Module):
    """A residual generator with a second convolution wherever the size changes.

    Args:
        ngf: channels of the first convolution; the blocks work on 4 ngf.
        n_blocks: residual blocks.
        port: znxlwm's layers: zero padding everywhere, norms without scale and offset, a bias in
            every convolution, PyTorch's transposed convolutions; else taki0112's, without biases.

    Input and output: (N, 3, H, W) in [-1, 1], H and W multiples of 4.

    Source: taki0112/CartoonGAN-Tensorflow @890decc CartoonGAN.py `generator`, 11,124,352
        parameters; znxlwm/pytorch-CartoonGAN @67a872d networks.py, 11,120,195.
    """

    def __init__(self, ngf: int = 64, n_blocks: int = 8, port: bool = False) -> None:
        super().__init__()
        padding = "zero" if port else "reflect"
        layers: list[nn.Module] = [*_normed(3, ngf, 7, padding, port), nn.ReLU()]
        for c in (ngf, 2 * ngf):
            layers.append(nn.Conv2d(c, 2 * c, 3, stride=2, padding=1))
            layers += [*_normed(2 * c, 2 * c, 3, "zero", port), nn.ReLU()]
        for _ in range(n_blocks):
            layers.append(ResBlock(4 * ngf, padding, affine=not port, relu_after_add=False))
        for c in (4 * ngf, 2 * ngf):
            layers.append(
                nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1)
                if port
                else SameUpsample(c, c // 2)
            )
            layers += [*_normed(c // 2, c // 2, 3, "zero", port), nn.ReLU()]
        layers += [Pad(3, padding), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = _drawn(nn.Sequential(*layers), port)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()


class CartoonDiscriminator(nn.Module):
    """3x3 convolutions, two of stride 2; a raw score of every patch.

    Args:
        ndf: channels of the first convolution.
        port: znxlwm's norms and biases, see `CartoonGenerator`; its sigmoid is left to the loss.

    Input (N, 3, H, W), output (N, 1, H / 4, W / 4).

    Source: as of the generator; 1,128,800 parameters, of znxlwm's 1,128,385.
    """

    def __init__(self, ndf: int = 32, port: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, ndf, 3, padding=1), nn.LeakyReLU(0.2)]
        for a, b in ((ndf, 2 * ndf), (4 * ndf, 4 * ndf)):
            layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
            layers += [*_normed(b, 2 * b, 3, "zero", port), nn.LeakyReLU(0.2)]
        layers += [*_normed(8 * ndf, 8 * ndf, 3, "zero", port), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(8 * ndf, 1, 3, padding=1))
        self.model = _drawn(nn.Sequential(*layers), port)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()
