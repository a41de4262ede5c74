"""Networks with the names and shapes of official checkpoints, written from their layer lists.

Each entry is an official layer with the shapes of its tensors; `state` fills them by the formula of
the golden files, so an imported state dict must compute what the official code computed.
"""

from collections.abc import Iterator

import torch
from support.golden import weights
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
ROLES = {"rho": "rho", "gamma": "scale", "beta": "offset", "weight_u": "direction"}


def state(shapes: Shapes, salt: int) -> dict[str, Tensor]:
    """A state dict with these tensors by formula, in float32; running statistics as constructed."""
    made = {}
    for name, shape in shapes.items():
        leaf = name.rpartition(".")[2]
        if leaf in ("running_mean", "running_var", "num_batches_tracked"):
            value = torch.ones(shape) if leaf == "running_var" else torch.zeros(shape)
            made[name] = value.long() if leaf == "num_batches_tracked" else value
            continue
        role = ROLES.get(leaf)
        if role is None:
            role = "offset" if leaf == "bias" else "kernel" if len(shape) > 1 else "scale"
        if leaf == "weight_u":
            role = "direction"
        made[name] = weights(role, shape, salt).to(torch.float32)  # which it is rounded to
    return made


def conv(name: str, shape: tuple[int, ...], bias: int = 0) -> Shapes:
    """A convolution; `bias` is its number of values."""
    return {f"{name}.weight": shape} | ({f"{name}.bias": (bias,)} if bias else {})


def norm(name: str, channels: int, statistics: bool = True, affine: bool = True) -> Shapes:
    made: Shapes = {}
    if affine:
        made |= {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}
    if statistics:
        made |= {f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)}
        made |= {f"{name}.num_batches_tracked": ()}
    return made


def resnet_generator(ngf: int, n: int, old: bool = False, second: int = 5) -> Shapes:
    """pytorch-CycleGAN-and-pix2pix `ResnetGenerator`; `old`: with the buffers of before 0.4."""
    c, made = 4 * ngf, conv("model.1", (ngf, 3, 7, 7), ngf)
    made |= conv("model.4", (2 * ngf, ngf, 3, 3), 2 * ngf) | conv("model.7", (c, 2 * ngf, 3, 3), c)
    for i in range(n):
        for place in (1, second):
            made |= conv(f"model.{10 + i}.conv_block.{place}", (c, c, 3, 3), c)
    made |= conv(f"model.{10 + n}", (c, 2 * ngf, 3, 3), 2 * ngf)
    made |= conv(f"model.{13 + n}", (2 * ngf, ngf, 3, 3), ngf)
    made |= conv(f"model.{17 + n}", (3, ngf, 7, 7), 3)
    if old:
        norms = {"model.2": ngf, "model.5": 2 * ngf, "model.8": c, f"model.{11 + n}": 2 * ngf}
        norms |= {f"model.{10 + i}.conv_block.{k}": c for i in range(n) for k in (2, 6)}
        for name, channels in norms.items():
            made |= norm(name, channels, affine=False)
    return made


def patch_discriminator(ndf: int, inputs: int = 3, batch_norm: bool = False) -> Shapes:
    """Its `NLayerDiscriminator` of three layers; no bias beside batch norms."""
    made = conv("model.0", (ndf, inputs, 4, 4), ndf)
    for i, (a, b) in enumerate(((ndf, 2 * ndf), (2 * ndf, 4 * ndf), (4 * ndf, 8 * ndf))):
        made |= conv(f"model.{2 + 3 * i}", (b, a, 4, 4), 0 if batch_norm else b)
        made |= norm(f"model.{3 + 3 * i}", b) if batch_norm else {}
    return made | conv("model.11", (1, 8 * ndf, 4, 4), 1)


def unet(ngf: int, levels: int, prefix: str = "model", level: int = 0) -> Shapes:
    """Its `UnetGenerator` with batch norms: every block holds the next one."""
    widths = [ngf * min(8, 2**k) for k in range(levels)]
    inner, outer = widths[level], 3 if level == 0 else widths[level - 1]
    if level == 0:
        made = conv(f"{prefix}.model.0", (inner, 3, 4, 4))
        made |= unet(ngf, levels, f"{prefix}.model.1", 1)
        return made | conv(f"{prefix}.model.3", (2 * inner, 3, 4, 4), 3)
    made = conv(f"{prefix}.model.1", (inner, outer, 4, 4))
    if level == levels - 1:
        made |= conv(f"{prefix}.model.3", (inner, outer, 4, 4))
        return made | norm(f"{prefix}.model.4", outer)
    made |= norm(f"{prefix}.model.2", inner)
    made |= unet(ngf, levels, f"{prefix}.model.3", level + 1)
    made |= conv(f"{prefix}.model.5", (2 * inner, outer, 4, 4))
    return made | norm(f"{prefix}.model.6", outer)


def ugatit_generator(ngf: int, n: int, pixels: int) -> Shapes:
    """UGATIT-pytorch `ResnetGenerator`; `pixels` of the attended maps, 1 for the light one."""
    c = 4 * ngf
    made = conv("DownBlock.1", (ngf, 3, 7, 7)) | conv("DownBlock.5", (2 * ngf, ngf, 3, 3))
    made |= conv("DownBlock.9", (c, 2 * ngf, 3, 3))
    for i in range(n):
        for place in (1, 5):
            made |= conv(f"DownBlock.{12 + i}.conv_block.{place}", (c, c, 3, 3))
    made |= conv("gap_fc", (1, c)) | conv("gmp_fc", (1, c)) | conv("conv1x1", (c, 2 * c, 1, 1), c)
    made |= conv("gamma", (c, c)) | conv("beta", (c, c))
    for i in range(1, n + 1):
        for k in (1, 2):
            made |= conv(f"UpBlock1_{i}.conv{k}", (c, c, 3, 3))
            made |= {f"UpBlock1_{i}.norm{k}.rho": (1, c, 1, 1)}
    made |= conv("FC.0", (c, c * pixels)) | conv("FC.2", (c, c))
    for place, wide in ((2, c), (7, 2 * ngf)):
        made |= conv(f"UpBlock2.{place}", (wide // 2, wide, 3, 3))
        for name in ("rho", "gamma", "beta"):
            made |= {f"UpBlock2.{place + 1}.{name}": (1, wide // 2, 1, 1)}
    return made | conv("UpBlock2.11", (3, ngf, 7, 7))


def ugatit_discriminator(ndf: int, layers: int) -> Shapes:
    widths = [3, *(ndf * 2**i for i in range(layers - 1))]
    c, made = widths[-1], {}
    for i in range(layers - 1):
        made |= {f"model.{1 + 3 * i}.bias": (widths[i + 1],)}
        made |= _spectral(f"model.{1 + 3 * i}", (widths[i + 1], widths[i], 4, 4))
    made |= _spectral("gap_fc", (1, c)) | _spectral("gmp_fc", (1, c))
    made |= conv("conv1x1", (c, 2 * c, 1, 1), c)
    return made | _spectral("conv", (1, c, 4, 4))


def _spectral(name: str, shape: tuple[int, ...]) -> Shapes:
    flat = 1
    for side in shape[1:]:
        flat *= side
    return {
        f"{name}.weight_orig": shape, f"{name}.weight_u": shape[:1], f"{name}.weight_v": (flat,),
    }  # fmt: skip


def scheme_two_generator(ngf: int, n: int, contents: int) -> Shapes:
    """AttentionGAN `ResnetGenerator_our`."""
    c, made = 4 * ngf, conv("conv1", (ngf, 3, 7, 7), ngf)
    made |= conv("conv2", (2 * ngf, ngf, 3, 3), 2 * ngf) | conv("conv3", (c, 2 * ngf, 3, 3), c)
    for i in range(n):
        for k in (1, 2):
            made |= conv(f"resnet_blocks.{i}.conv{k}", (c, c, 3, 3), c)
    for kind, outs, side in (("content", 3 * contents, 7), ("attention", 10, 1)):
        made |= conv(f"deconv1_{kind}", (c, 2 * ngf, 3, 3), 2 * ngf)
        made |= conv(f"deconv2_{kind}", (2 * ngf, ngf, 3, 3), ngf)
        made |= conv(f"deconv3_{kind}", (outs, ngf, side, side), outs)
    return made


def scheme_one_generator(ngf: int, n: int) -> Shapes:
    """AttentionGAN-v1 `Generator`, with batch norms."""
    c, made = 4 * ngf, {}
    for place, shape in ((1, (ngf, 3, 7, 7)), (4, (2 * ngf, ngf, 3, 3)), (7, (c, 2 * ngf, 3, 3))):
        made |= conv(f"model.{place}", shape, shape[0]) | norm(f"model.{place + 1}", shape[0])
    for i in range(n):
        for k in (1, 5):
            made |= conv(f"model.{10 + i}.conv_block.{k}", (c, c, 3, 3), c)
            made |= norm(f"model.{10 + i}.conv_block.{k + 1}", c)
    for place, wide in ((11 + n, c), (19 + n, 2 * ngf)):
        half = wide // 2
        made |= conv(f"model.{place}", (half, wide, 3, 3), half) | norm(f"model.{place + 1}", half)
        made |= conv(f"model.{place + 3}", (4 * half, half, 1, 1), 4 * half)
        made |= norm(f"model.{place + 5}", half)
    return made | conv(f"model.{27 + n}", (4, ngf, 7, 7), 4)


def scheme_one_discriminator() -> Shapes:
    widths, made = (3, 64, 128, 256, 512), {}
    for i in range(4):
        made |= conv(f"conv_tower.{3 * i}", (widths[i + 1], widths[i], 4, 4), widths[i + 1])
        made |= norm(f"conv_tower.{3 * i + 1}", widths[i + 1])
    made |= conv("conv_tower.12", (512, 512, 4, 4), 512)
    return made | conv("conv_tower.15", (1, 512, 1, 1), 1)


def star_generator(ngf: int, n: int, labels: int, outputs: int = 3) -> Shapes:
    """StarGAN `Generator`, AttentionGAN's with 4 outputs; its instance norms keep statistics."""
    c = 4 * ngf
    made = conv("main.0", (ngf, 3 + labels, 7, 7)) | norm("main.1", ngf)
    for place, wide in ((3, ngf), (6, 2 * ngf)):
        made |= conv(f"main.{place}", (2 * wide, wide, 4, 4)) | norm(f"main.{place + 1}", 2 * wide)
    for i in range(n):
        for k in (0, 3):
            made |= conv(f"main.{9 + i}.main.{k}", (c, c, 3, 3))
            made |= norm(f"main.{9 + i}.main.{k + 1}", c)
    for place, wide in ((9 + n, c), (12 + n, 2 * ngf)):
        made |= conv(f"main.{place}", (wide, wide // 2, 4, 4))
        made |= norm(f"main.{place + 1}", wide // 2)
    return made | conv(f"main.{15 + n}", (outputs, ngf, 7, 7))


def combo_encoder(ngf: int, n: int) -> Shapes:
    """ComboGAN `ResnetGenEncoder` of December 2017."""
    c, made = 4 * ngf, conv("model.1", (ngf, 3, 7, 7), ngf)
    made |= conv("model.4", (2 * ngf, ngf, 3, 3), 2 * ngf) | conv("model.7", (c, 2 * ngf, 3, 3), c)
    for i in range(n):
        for place in (1, 5):
            made |= conv(f"model.{10 + i}.conv_block.{place}", (c, c, 3, 3), c)
    return made


def combo_decoder(ngf: int, n: int) -> Shapes:
    """Its `ResnetGenDecoder`."""
    c, made = 4 * ngf, {}
    for i in range(n):
        for place in (1, 5):
            made |= conv(f"model.{i}.conv_block.{place}", (c, c, 3, 3), c)
    made |= conv(f"model.{n}", (c, 2 * ngf, 4, 4), 2 * ngf)
    made |= conv(f"model.{n + 3}", (2 * ngf, ngf, 4, 4), ngf)
    return made | conv(f"model.{n + 7}", (3, ngf, 7, 7), 3)


def star_discriminator(ndf: int, layers: int, labels: int, side: int) -> Shapes:
    widths = [3, *(ndf * 2**i for i in range(layers))]
    made: Shapes = {}
    for i in range(layers):
        made |= conv(f"main.{2 * i}", (widths[i + 1], widths[i], 4, 4), widths[i + 1])
    made |= conv("conv1", (1, widths[-1], 3, 3))
    return made | conv("conv2", (labels, widths[-1], side, side))


def damaged(shapes: Shapes) -> Iterator[tuple[str, Shapes]]:
    """What a strict import refuses, with the words of its error."""
    first, *_, last = shapes
    yield "1 missing", {name: shape for name, shape in shapes.items() if name != last}
    yield "1 left over", shapes | {"model.99.weight": (1,)}
    yield "1 of another shape", shapes | {first: (2, *shapes[first][1:])}
