"""Discriminators that say where they look, and generators that are guided by it.

File and line numbers are those of voidstrike/ASGIT @235f922, see `methods/spatial_guidance.py`.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError, unknown
from replicate.networks.blocks import InstanceNorm
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator

FUSIONS = ("rhp", "mult", "alpha", "none")
STAGES = ("f0", "f1", "f2", "f3", "f4")


class Judgement(NamedTuple):
    """What a discriminator says of images: how real each patch is, and where it looked."""

    scores: Tensor  # (N, 1, h, w) raw
    attention: Tensor  # (N, 1, k, k) >= 0 on the discriminator's own grid, not normalised


def activation_map(features: Tensor, power: float = 1.0) -> Tensor:
    """Where features are strong: the mean over channels of |a|^power, float32.

    Args:
        features: (N, C, h, w).
        power: larger ones weigh the strongest places more.

    Returns:
        (N, 1, h, w) >= 0; 0 where every channel is 0.

    Source: Zagoruyko & Komodakis, ICLR 2017 (arXiv 1612.03928), F_sum^p up to the factor 1 / C;
        networks.py:1017-1018 with power 1.
    """
    return features.float().abs().pow(power).mean(dim=1, keepdim=True)


def min_max(maps: Tensor) -> Tensor:
    """Each map (N, 1, h, w) stretched to [0, 1] by itself; a flat one is 0 everywhere.

    Source: networks.py:952-957, 1020-1025, where one minimum and maximum serve the whole batch.
    """
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    return (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny)


def by_maximum(maps: Tensor) -> Tensor:
    """Each map (N, 1, h, w) >= 0 divided by its own maximum; one of zeros stays so."""
    return maps / maps.amax((2, 3), keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny)


def enlarge(maps: Tensor, size: torch.Size) -> Tensor:
    """Maps (N, 1, h, w) in [0, 1] at `size` (H, W), bilinear; corners are not aligned."""
    return F.interpolate(maps, size, mode="bilinear", align_corners=False).clamp(0, 1)


class PHADiscriminator(PatchDiscriminator):
    """A PatchGAN whose own activations are its attention map (post-hoc); no parameter is added.

    Args:
        ndf: as in `PatchDiscriminator`.
        n_layers: as in `PatchDiscriminator`.
        block: the map is taken after this convolution, counted from 1; default: the last of
            stride 2, the third at the paper's size.
        power: see `activation_map`.
        in_channels: 3, or 6 for a conditional pair.

    Input (N, C, H, W), output a `Judgement` with k = H / 2**n_layers at the default block.

    Source: networks.py:960-1025, 2,764,737 parameters at the defaults.
    """

    def __init__(
        self,
        ndf: int = 64,
        n_layers: int = 3,
        block: int | None = None,
        power: float = 1.0,
        in_channels: int = 3,
    ) -> None:
        super().__init__(in_channels, ndf, n_layers)
        self.block, self.power = block or n_layers, power
        if not 1 <= self.block <= len(self.convs):
            raise ReplicateError(
                f"map after block {self.block} of a discriminator with {len(self.convs)}: expected "
                f"1 to {len(self.convs)}; take an earlier block or more layers"
            )

    def forward(self, x: Tensor) -> Judgement:
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), start=1):
            x = F.leaky_relu(norm(conv(x)), 0.2)
            if i == self.block:
                attention = activation_map(x, self.power)
        return Judgement(self.head(x).float(), attention)


class MaskBranch(nn.Module):
    """Bottom-up, top-down mask of features: a value in (0, 1) for each place and channel.

    Args:
        channels: of the features.
        out_channels: of the mask, those of the trunk that it multiplies.
        pools: poolings of stride 2 that bring the features to the trunk's grid.

    Input (N, channels, h, w), output (N, out_channels, h / 2**pools, w / 2**pools), float32.

    Source: networks.py:845-889 at its documented sizes, where the resize before the skip is none;
        463,872 parameters at 64, 256 and 2, that is without its `u1`, which is never used.
    """

    def __init__(self, channels: int, out_channels: int, pools: int) -> None:
        super().__init__()

        def conv(a: int, b: int, kernel: int = 3) -> nn.Conv2d:
            return nn.Conv2d(a, b, kernel, padding=kernel // 2, bias=False)

        down: list[nn.Module] = []
        for _ in range(pools):
            down += [nn.MaxPool2d(3, stride=2, padding=1), conv(channels, channels), nn.ReLU()]
        self.down = nn.Sequential(*down)
        self.skip = nn.Sequential(conv(channels, channels), nn.ReLU())
        self.middle = nn.Sequential(
            conv(channels, channels), nn.ReLU(), conv(channels, channels), nn.ReLU()
        )
        self.head = nn.Sequential(
            conv(channels, out_channels),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            conv(out_channels, out_channels, 1),
            nn.BatchNorm2d(out_channels),
            conv(out_channels, out_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return torch.sigmoid(self.head(self.middle(x) + self.skip(x)).float())


class TAMDiscriminator(nn.Module):
    """A PatchGAN with a trained mask: a trunk times 1 + mask, whose mean is the attention map.

    Args:
        ndf: channels of the first convolution, doubled up to 8 ndf.
        n_layers: stride-2 convolutions; the first extracts features, the others are the trunk.
        in_channels: 3, or 6 for a conditional pair.

    Input (N, C, H, W), H and W multiples of 2**n_layers; output a `Judgement` with
    k = H / 2**n_layers.

    Source: networks.py:892-957, 3,228,609 parameters at the defaults; 589,824 fewer than the
        released network registers, see `MaskBranch`.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 3, in_channels: int = 3) -> None:
        super().__init__()
        widths = [ndf * min(2**i, 8) for i in range(n_layers + 1)]
        self.extractor = _block(in_channels, ndf, stride=2, norm=False)
        self.trunk = nn.Sequential(*(_block(a, b, stride=2) for a, b in pairwise(widths[:-1])))
        self.mask = MaskBranch(ndf, widths[-2], pools=n_layers - 1)
        self.head = nn.Sequential(
            _block(widths[-2], widths[-1], stride=1), nn.Conv2d(widths[-1], 1, 4, padding=1)
        )

    def forward(self, x: Tensor) -> Judgement:
        features = self.extractor(x)
        mask = self.mask(features)
        scores = self.head((1 + mask) * self.trunk(features))
        return Judgement(scores.float(), mask.mean(dim=1, keepdim=True))


def _block(a: int, b: int, stride: int, norm: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(a, b, 4, stride, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*(layers[:1] + [InstanceNorm(b)] * norm + layers[1:]))


class SComponent(nn.Module):
    """A small trained upsampler of attention maps; its last instance norm holds the mean near 0.5.

    Args:
        doublings: how often the side is doubled, 0 to 3: 3 for the released mode 0, 1 for mode 1.

    Input (N, 1, h, w), output (N, 1, h 2**doublings, w 2**doublings) in (0, 1), float32.

    Source: networks.py:1028-1055, 75,649 parameters in both modes.
    """

    def __init__(self, doublings: int) -> None:
        super().__init__()
        if not 0 <= doublings <= 3:
            raise ReplicateError(
                f"an S-component that doubles its map {doublings} times: expected 0 to 3; the "
                "discriminator's grid must be 1 to 8 times as coarse as what the map multiplies"
            )
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate([(1, 64), (64, 128), (128, 1)]):
            up = {"stride": 2, "output_padding": 1}
            layers.append(
                nn.ConvTranspose2d(a, b, 3, padding=1, **up)
                if i < doublings
                else nn.Conv2d(a, b, 3, padding=1)
            )
            layers += [InstanceNorm(b), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, maps: Tensor) -> Tensor:
        return torch.sigmoid(self.model(maps).float())


def fuse(x: Tensor, attention: Tensor | None, fusion: str) -> Tensor:
    """What a generator gets of an image, or of its features, and a map.

    Args:
        x: (N, C, H, W).
        attention: (N, 1, H, W) in [0, 1]; None where nothing guides.
        fusion: "rhp" for x (1 + A), "mult" for x A, "alpha" for one more channel, "none".

    Returns:
        `x` itself where nothing guides; for "alpha" always C + 1 channels, the last one then 1.

    Source: attn_cycle_gan_model.py:107-130, where "rhp" is called rmult.
    """
    if fusion == "alpha":
        return torch.cat([x, torch.ones_like(x[:, :1]) if attention is None else attention], dim=1)
    if attention is None or fusion == "none":
        return x
    return x * attention if fusion == "mult" else x * (1 + attention)


class GuidedGenerator(nn.Module):
    """`ResnetGenerator` with a map fused into its input or into its features.

    Args:
        ngf: as in `ResnetGenerator`.
        n_blocks: as in `ResnetGenerator`.
        fusion: of `FUSIONS`; features take "rhp" only.
        stage: "f0" the input; "f1" before, "f2" after the down-sampling; "f3" after the 4th of 9
            blocks, or the same share of fewer; "f4" after the last.

    Input and output: (N, 3, H, W), H and W multiples of 4; output in [-1, 1].

    Source: seed 000 table 1 for the stages; 11,378,179 parameters at the defaults, 11,381,315
        with "alpha".
    """

    def __init__(
        self, ngf: int = 64, n_blocks: int = 9, fusion: str = "rhp", stage: str = "f0"
    ) -> None:
        super().__init__()
        for what, name, known in (("fusion", fusion, FUSIONS), ("stage", stage, STAGES)):
            if name not in known:
                raise unknown(what, name, known)
        if stage != "f0" and fusion != "rhp":
            raise ReplicateError(
                f"fusion={fusion} at stage={stage}: expected rhp, the only one that the paper has "
                "inside the generator; use it, or stage=f0"
            )
        self.fusion = fusion
        self.model = ResnetGenerator(ngf, n_blocks).model
        if fusion == "alpha":
            self.model[1] = nn.Conv2d(4, ngf, 7)
        blocks = 12  # layers before them: 4 of the first convolution, 4 of each down-sampling
        fourth = max(1, round(n_blocks * 4 / 9))
        self.split = (0, 4, blocks, blocks + fourth, blocks + n_blocks)[STAGES.index(stage)]
        self.decoder = blocks + n_blocks + 3  # up to here its first up-sampling, norm and ReLU

    def forward(self, x: Tensor, attention: Tensor | None = None) -> Tensor:
        """The image; `attention` (N, 1, H, W), or on the grid of the features that it meets."""
        return self.model[self.split :](self._fused(x, attention)).float()

    def with_features(self, x: Tensor, attention: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The image, and the features of the decoder's first layer (N, 2 ngf, H / 2, W / 2)."""
        features = self.model[self.split : self.decoder](self._fused(x, attention))
        return self.model[self.decoder :](features).float(), features

    def _fused(self, x: Tensor, attention: Tensor | None) -> Tensor:
        x = self.model[: self.split](x)
        if attention is not None and attention.shape[2:] != x.shape[2:]:
            attention = F.avg_pool2d(attention, attention.shape[-1] // x.shape[-1])
        return fuse(x, attention, self.fusion)
