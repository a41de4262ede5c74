"""Networks: parameters to the unit, sizes, padding, and what each output sees."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.attention import AttentionNet
from replicate.networks.blocks import (
    InstanceNorm,
    ResBlock,
    SamePad,
    SameUpsample,
    init_weights,
    reflect_pad,
    upsample_nearest,
)
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator

AGGAN_G = {"padding": "zero", "affine": True, "relu_after_add": True, "tf_same": True}
AGGAN_D = {"pad": 2, "affine": True, "norm_first": True}


@pytest.mark.parametrize(
    ("network", "arguments", "parameters"),
    [  # papers/cyclegan_pix2pix.md 2.5, papers/aggan.md 2.4
        (ResnetGenerator, {}, 11_378_179),
        (ResnetGenerator, {"n_blocks": 6}, 7_837_699),
        (ResnetGenerator, {"ngf": 32}, 2_850_563),
        (ResnetGenerator, {"ngf": 32} | AGGAN_G, 2_855_811),
        (PatchDiscriminator, {}, 2_764_737),
        (PatchDiscriminator, {"in_channels": 6}, 2_767_809),
        (PatchDiscriminator, AGGAN_D, 2_766_657),
        (AttentionNet, {}, 104_001),
    ],
)
def test_parameters(network, arguments, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in network(**arguments).parameters()) == parameters


@pytest.mark.parametrize(
    ("arguments", "side", "scores"),
    [({}, 256, 30), ({}, 128, 14), (AGGAN_D, 256, 35), ({"n_layers": 2}, 64, 14)],
)
def test_sides_of_the_score_map(arguments, side, scores):
    with torch.device("meta"):
        out = PatchDiscriminator(**arguments)(torch.empty(2, 3, side, side))
    assert out.shape == (2, 1, scores, scores)


@pytest.mark.parametrize("network", [ResnetGenerator(), ResnetGenerator(32, **AGGAN_G)])
@pytest.mark.parametrize("size", [(256, 256), (20, 36)])
def test_generators_keep_the_size(network, size):
    assert network.to("meta")(torch.empty(1, 3, *size, device="meta")).shape == (1, 3, *size)


def influence(network: nn.Module, out: tuple[slice, slice], side: int) -> Tensor:
    """(side, side): how much each px of a constant image moves the sum of some outputs.

    Every weight is positive and every norm and activation the identity, so that nothing cancels.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.constant_(layer.weight, 0.01)
    x = torch.ones(1, 3, side, side, requires_grad=True)
    network(x)[0, 0][out].sum().backward()
    return x.grad.abs().sum(dim=(0, 1))


def without_norms(network: nn.Sequential) -> nn.Sequential:
    idle = (nn.InstanceNorm2d, nn.ReLU, nn.Tanh)
    return nn.Sequential(*(m for m in network if not isinstance(m, idle)))


@pytest.mark.parametrize(("n_layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field_of_the_discriminator(n_layers, field):
    network = PatchDiscriminator(ndf=1, n_layers=n_layers)
    network.norms = nn.ModuleList(nn.Identity() for _ in network.norms)
    middle = 320 // 2**n_layers // 2  # of the scores
    seen = influence(network, (slice(middle, middle + 1),) * 2, side=320) > 0
    assert seen.any(dim=0).sum() == seen.any(dim=1).sum() == field


@pytest.mark.parametrize("arguments", [{}, AGGAN_G])
def test_an_output_of_a_generator_stands_where_its_input_is(arguments):
    network = without_norms(ResnetGenerator(2, n_blocks=0, **arguments).model)
    cell = slice(32, 36)  # the sampling repeats every 4 px
    seen = influence(network, (cell, cell), 64)
    px = torch.arange(64.0)
    centre = (seen.sum(dim=0) * px).sum() / seen.sum()
    # 0.1 px: constant kernels do not weigh the grid's phases alike; another padding is 1 px or more
    assert centre == pytest.approx(33.5, abs=0.1)


def test_reflect_pad_of_slices_equals_torch(monkeypatch):
    x = torch.randn(2, 3, 5, 9)
    wanted = {pad: F.pad(x, (pad,) * 4, mode="reflect") for pad in (1, 3, 4)}
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)  # takes the branch of the GPU

    def used(*arguments, **keywords) -> None:
        raise AssertionError("torch's own padding")

    monkeypatch.setattr(F, "pad", used)
    assert all(torch.equal(reflect_pad(x, pad), wanted[pad]) for pad in wanted)


def test_same_padding_is_tensorflow_s():
    """SAME, 3x3, stride 2, even sides: out[i] = sum of w[k] x[2 i + k], 0 beyond the end."""
    x, w = torch.randn(1, 1, 1, 8, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    kernel[0, 0, 0] = w  # the top row: SAME adds nothing above
    beyond = [*x.flatten().tolist(), 0.0]
    wanted = [sum(w[k].item() * beyond[2 * i + k] for k in range(3)) for i in range(4)]
    out = F.conv2d(SamePad()(x.expand(1, 1, 2, 8)), kernel, stride=2)
    assert out.flatten().tolist() == pytest.approx(wanted, rel=1e-12)  # float64 rounding


def test_same_upsample_is_the_adjoint_of_the_same_convolution():
    """What TensorFlow calls a transposed convolution is the gradient of its SAME convolution."""
    up = SameUpsample(5, 3).double()
    nn.init.zeros_(up.bias)
    x = torch.randn(1, 3, 8, 12, dtype=torch.float64)
    y = torch.randn(1, 5, 4, 6, dtype=torch.float64)
    down = F.conv2d(SamePad()(x), up.weight, stride=2)
    # rounding of some thousand products of float64
    assert (up(y) * x).sum().item() == pytest.approx((down * y).sum().item(), rel=1e-10)


def test_the_attention_net_equals_the_decoder_as_it_was_released():
    """Nearest x2, 1x1, norm, ReLU, nearest x2, twice 1x1, each at the resolution of its place."""
    network = AttentionNet(8)
    init_weights(network, truncated=True)
    encoder, decoder = network.model[:9], network.model[9:]
    assert isinstance(encoder[-1], ResBlock)
    conv_4, norm_4, _, conv_5, norm_5, _, conv_6 = decoder
    x = torch.randn(2, 3, 20, 36)
    with torch.no_grad():
        h = F.interpolate(encoder(x), scale_factor=2, mode="nearest")
        h = F.relu(F.instance_norm(conv_4(h), weight=norm_4.weight, bias=norm_4.bias))
        h = F.interpolate(h, scale_factor=2, mode="nearest")
        h = F.relu(F.instance_norm(conv_5(h), weight=norm_5.weight, bias=norm_5.bias))
        wanted = torch.sigmoid(conv_6(h))
        out = network(x)
    assert wanted.std() > 1e-4  # else any map would pass
    # sums of 4 x 4 as many terms in float32
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-5)


def test_upsample_nearest_equals_torch():
    x = torch.randn(2, 3, 5, 7)
    assert torch.equal(upsample_nearest(x, 4), F.interpolate(x, scale_factor=4, mode="nearest"))


def test_a_discriminator_without_norms_is_its_convolutions():
    network, x = PatchDiscriminator(ndf=2, n_layers=1, **AGGAN_D), torch.randn(1, 3, 16, 16)
    h = x
    for conv in network.convs:
        h = F.leaky_relu(conv(h), 0.2)
    assert torch.equal(network(x, normalize=False), network.head(h))
    assert not torch.allclose(network(x), network.head(h))


def test_norms_stay_in_float32_under_autocast():
    x = torch.randn(2, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(InstanceNorm(4)(x), F.instance_norm(x))
        assert ResnetGenerator(2, 1)(x[:, :3]).dtype == torch.float32


def test_relu_after_the_addition_of_a_block():
    x = torch.randn(1, 2, 6, 6)
    plain, after = (ResBlock(2, "zero", False, relu_after_add=r) for r in (False, True))
    after.load_state_dict(plain.state_dict())
    assert plain(x).min() < 0
    assert torch.equal(after(x), F.relu(plain(x)))


@pytest.mark.parametrize("truncated", [True, False])
def test_initial_weights(truncated):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(64, 64, 5), InstanceNorm(20_000, affine=True))
    init_weights(network, truncated)
    for weight, mean in ((network[0].weight, 0.0), (network[1].weight, 1.0)):
        # of a normal cut at 2 sigma remains 0.8796 sigma; 3 %: 4 standard errors of 20,000 draws
        wanted = 0.02 * (0.8796 if truncated else 1.0)
        assert weight.std().item() == pytest.approx(wanted, rel=0.03)
        assert weight.mean().item() == pytest.approx(mean, abs=4 * 0.02 / 20_000**0.5)
        farthest = (weight - mean).abs().max().item()
        assert farthest <= 0.04 + 1e-6 if truncated else farthest > 0.06  # float32 near 1
    assert network[0].bias.abs().max() == 0 and network[1].bias.abs().max() == 0
