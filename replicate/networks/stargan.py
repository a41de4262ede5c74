"""StarGAN's networks, told by a label where to go; parts of AttentionGAN's for many domains."""

import torch
from torch import Tensor, nn

from replicate.errors import ReplicateError
from replicate.networks.blocks import InstanceNorm


class _Block(nn.Module):
    """Two zero-padded 3x3 convolutions without bias, with affine norms, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                InstanceNorm(channels, affine=True),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def label_layers(c_dim: int, ngf: int, n_blocks: int, outputs: int) -> list[nn.Module]:
    """StarGAN's generator up to its last convolution, which has no activation yet.

    Args:
        c_dim: entries of a label, a plane each beside the three of the image.
        ngf: channels after the first convolution; the blocks work on 4 ngf.
        n_blocks: residual blocks.
        outputs: channels of the last convolution.
    """
    layers = [
        nn.Conv2d(3 + c_dim, ngf, 7, padding=3, bias=False),
        InstanceNorm(ngf, affine=True),
        nn.ReLU(),
    ]
    for c in (ngf, 2 * ngf):
        conv = nn.Conv2d(c, 2 * c, 4, stride=2, padding=1, bias=False)
        layers += [conv, InstanceNorm(2 * c, affine=True), nn.ReLU()]
    layers += [_Block(4 * ngf) for _ in range(n_blocks)]
    for c in (4 * ngf, 2 * ngf):
        conv = nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1, bias=False)
        layers += [conv, InstanceNorm(c // 2, affine=True), nn.ReLU()]
    return [*layers, nn.Conv2d(ngf, outputs, 7, padding=3, bias=False)]


def with_planes(x: Tensor, label: Tensor) -> Tensor:
    """(N, 3 + c_dim, H, W): images (N, 3, H, W), and below them labels (N, c_dim) as planes."""
    planes = label[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


class StarGenerator(nn.Module):
    """A residual generator told by a label where to go.

    An instance norm removes what a constant plane adds to every pixel, so the label planes act
    through the zeros around the image alone.

    Args:
        c_dim, ngf, n_blocks: as of `label_layers`.

    Input (N, 3, H, W) with H, W multiples of 4, and labels (N, c_dim); output (N, 3, H, W) in
    [-1, 1].

    Source: yunjey/stargan @94dd002 model.py, 8,439,936 parameters at the defaults.
    """

    def __init__(self, c_dim: int = 8, ngf: int = 64, n_blocks: int = 6) -> None:
        super().__init__()
        self.model = nn.Sequential(*label_layers(c_dim, ngf, n_blocks, outputs=3), nn.Tanh())

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.model(with_planes(x, label)).float()


class LabelDiscriminator(nn.Module):
    """StarGAN's: scores of patches, and logits of the label of the whole image.

    Args:
        c_dim: entries of a label.
        ndf: channels of the first convolution, doubled at each of the next.
        n_layers: convolutions of stride 2.
        image_size: side of the images in px, a multiple of 2^n_layers.

    Input (N, 3, image_size, image_size); output (N, 1, h, w) scores and (N, c_dim) logits.

    Raises:
        ReplicateError: the logits would need a fraction of a pixel.

    Source: AttentionGAN-v1-multi/model.py:74-97, which is StarGAN's; 44,786,624 parameters at the
        defaults.
    """

    def __init__(
        self, c_dim: int = 8, ndf: int = 64, n_layers: int = 6, image_size: int = 128
    ) -> None:
        super().__init__()
        side, rest = divmod(image_size, 2**n_layers)
        if rest or not side:
            raise ReplicateError(
                f"crop_size {image_size} px with n_layers {n_layers}: expected a multiple of "
                f"{2**n_layers} px; use fewer layers or another crop_size"
            )
        layers: list[nn.Module] = []
        for i in range(n_layers):
            a, b = (3 if i == 0 else ndf * 2 ** (i - 1)), ndf * 2**i
            layers += [nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.model = nn.Sequential(*layers)
        self.score = nn.Conv2d(b, 1, 3, padding=1, bias=False)
        self.label = nn.Conv2d(b, c_dim, side, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.model(x)
        return self.score(h).float(), self.label(h).flatten(1).float()
