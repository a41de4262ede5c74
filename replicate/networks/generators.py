"""Image-to-image generators."""

from torch import Tensor, nn

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock, SamePad, SameUpsample


class ResnetGenerator(nn.Module):
    """Johnson et al.'s residual generator: two down, `n_blocks` residual, two up, tanh.

    Args:
        ngf: channels after the first convolution; the blocks work on 4 ngf.
        n_blocks: residual blocks; 9 at 256 px, 6 at 128 px.
        padding: "reflect" (CycleGAN) or "zero" (AGGAN) before every 7x7 and residual convolution.
        affine: scale and offset in the instance norms.
        relu_after_add: see `ResBlock`.
        tf_same: stride-2 and transposed convolutions pad as TensorFlow's SAME, else as PyTorch's
            CycleGAN, 1 px on every side.

    Input and output: (N, 3, H, W), H and W multiples of 4; output in [-1, 1].

    Source: PyTorch CycleGAN models/networks.py (lines 319-377 of its copy, see `cyclegan.py`),
        11,378,179 parameters at the defaults; AGGAN's model.py:176-221.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_blocks: int = 9,
        padding: str = "reflect",
        affine: bool = False,
        relu_after_add: bool = False,
        tf_same: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            Pad(3, padding),
            nn.Conv2d(3, ngf, 7),
            InstanceNorm(ngf, affine),
            nn.ReLU(),
        ]
        for c in (ngf, 2 * ngf):
            layers += [
                SamePad() if tf_same else Pad(1, "zero"),
                nn.Conv2d(c, 2 * c, 3, stride=2),
                InstanceNorm(2 * c, affine),
                nn.ReLU(),
            ]
        layers += [ResBlock(4 * ngf, padding, affine, relu_after_add) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            layers += [
                SameUpsample(c, c // 2)
                if tf_same
                else nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1),
                InstanceNorm(c // 2, affine),
                nn.ReLU(),
            ]
        layers += [Pad(3, padding), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).float()
