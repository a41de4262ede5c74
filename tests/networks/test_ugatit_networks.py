"""U-GAT-IT's networks: parts and sizes against the sheet, norms and attention by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.adalin import GroupNorm, LayerInstanceNorm, clip_rho
from replicate.networks.spectral import SpectralConv2d
from replicate.networks.ugatit import Cam, Discriminator, Generator, min_max


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters_of_the_generator_s_parts():
    with torch.device("meta"):
        G, light = Generator(), Generator(size=None, tf=True)
    assert parameters(G.style.trunk) == 268_500_992 and parameters(G.merge) == 131_328
    assert [parameters(head) for head in (*G.style.heads, *G.cam.heads)] == [65_536] * 2 + [256] * 2
    assert [parameters(block) for block in G.decoder] == [1_180_160] * 4
    assert parameters(light) == 10_600_388


@pytest.mark.parametrize(
    ("network", "arguments", "sides"),
    [
        (Discriminator, {"n_layers": 7}, (6, 7)),
        (Discriminator, {"n_layers": 5}, (30, 31)),
        (Discriminator, {"n_layers": 7, "tf": True}, (8, 8)),
        (Discriminator, {"n_layers": 5, "tf": True}, (32, 32)),
        (Generator, {}, (256, 64)),
        (Generator, {"tf": True}, (256, 64)),
    ],
)
def test_sides_of_outputs_and_heat_maps_at_256_px(network, arguments, sides):
    with torch.device("meta"):
        out, cam, heat = network(**arguments)(torch.empty(2, 3, 256, 256))
    assert (out.shape[-1], heat.shape[-1]) == sides and cam.shape == (2, 2)


# Norms

X = torch.tensor([1.0, 3.0, 5.0, 11.0]).reshape(1, 2, 1, 2)  # channels (1, 3) and (5, 11)


@pytest.mark.parametrize(
    ("unbiased", "variances"),
    [(True, (2.0, 18.0, 56 / 3)), (False, (1.0, 9.0, 14.0))],  # of the channels, of all four
)
def test_adalin_by_hand(unbiased, variances):
    norm = LayerInstanceNorm(2, 0.25, learnt=True, affine=False, unbiased=unbiased)
    first, second, both = ((v + 1e-5) ** 0.5 for v in variances)
    instance = [(1 - 2) / first, (3 - 2) / first, (5 - 8) / second, (11 - 8) / second]
    layer = [(x - 5) / both for x in (1, 3, 5, 11)]
    mix = [0.25 * i + 0.75 * a for i, a in zip(instance, layer, strict=True)]
    gamma, beta = torch.tensor([2.0, -3.0]), torch.tensor([0.5, 1.0])
    wanted = [2 * mix[0] + 0.5, 2 * mix[1] + 0.5, -3 * mix[2] + 1, -3 * mix[3] + 1]
    out = norm(X, gamma.reshape(1, 2, 1, 1), beta.reshape(1, 2, 1, 1))
    assert out.flatten().tolist() == pytest.approx(wanted, rel=1e-5)  # float32 of values near 1


def plain_adalin(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, unbiased: bool) -> Tensor:
    """Both norms one after the other, as the paper writes them."""

    def norm(axes: tuple[int, ...]) -> Tensor:
        variance = x.var(axes, correction=int(unbiased), keepdim=True)
        return (x - x.mean(axes, keepdim=True)) / (variance + 1e-5).sqrt()

    return gamma * (rho * norm((2, 3)) + (1 - rho) * norm((1, 2, 3))) + beta


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("shape", [(1, 256, 64, 64), (2, 5, 3, 4)])
def test_adalin_equals_both_norms_one_after_the_other(shape, unbiased):
    torch.manual_seed(0)
    norm = LayerInstanceNorm(shape[1], 0.5, learnt=True, affine=False, unbiased=unbiased)
    nn.init.uniform_(norm.rho)
    gamma, beta = torch.randn(2, shape[0], shape[1], 1, 1)
    # means of other sizes than the spread, where one pass over the map loses most digits
    x = torch.randn(shape) * torch.rand(1, shape[1], 1, 1) + 3 * torch.randn(1, shape[1], 1, 1)
    double = [t.double() for t in (x, norm.rho, gamma, beta)]
    out = norm(x, gamma, beta)
    # float32: offsets up to some hundreds times the spread at channels of little of it
    torch.testing.assert_close(out.double(), plain_adalin(*double, unbiased), rtol=1e-4, atol=1e-4)
    if len(x) == 2:  # at 60 values the estimators differ by a percent and would be noticed
        other = plain_adalin(*double, not unbiased)
        assert not torch.allclose(out.double(), other, rtol=1e-4, atol=1e-4)


def test_rho_at_its_ends_is_instance_or_layer_normalisation():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 16, 16) * 3 + 1
    biased = {"learnt": False, "affine": True, "unbiased": False}
    close = {"rtol": 1e-5, "atol": 1e-5}  # float32 sums of 1,024 values
    torch.testing.assert_close(LayerInstanceNorm(4, 1.0, **biased)(x), F.instance_norm(x), **close)
    torch.testing.assert_close(
        LayerInstanceNorm(4, 0.0, **biased)(x), F.layer_norm(x, x.shape[1:]), **close
    )
    torch.testing.assert_close(GroupNorm(4)(x), F.group_norm(x, 1), **close)


def test_rho_starts_and_ends_where_each_reading_says():
    torch_G, tf_G = Generator(4, 1, None), Generator(4, 1, None, tf=True)
    for G, stored, used in ((torch_G, 0.9, 0.9), (tf_G, 1.0, 0.9)):
        norm = G.decoder[0].norms[1]
        assert torch.equal(norm.rho, torch.full((1, 16, 1, 1), stored))
        assert norm.mixed.unique().item() == pytest.approx(used, rel=1e-6)  # float32
        assert all(n.rho.abs().max() == 0 and n.gamma.min() == 1 for n in G.up_norms)
        norm.rho.data.copy_(torch.linspace(-2, 2, 16).reshape(1, 16, 1, 1))
        clip_rho(G)
        assert torch.equal(norm.rho.flatten(), torch.linspace(-2, 2, 16).clamp(0, 1))
        assert norm.mixed.min() >= 0 and norm.mixed.max() <= (1.0 if G is torch_G else 0.9)


# Attention

MAPS = torch.tensor([1.0, 3.0, -2.0, 8.0]).reshape(1, 2, 1, 2)  # means 2 and 3, maxima 3 and 8


def cam(tf: bool, spectral: bool, *weights: tuple[float, float]) -> tuple[list, list]:
    module = Cam(2, tf, spectral)
    with torch.no_grad():
        for head, weight in zip(module.heads, weights, strict=True):
            head.weight.copy_(torch.tensor([weight]))
            if tf:
                head.bias.fill_(10.0)
        maps, logits = module(MAPS)
    return maps.flatten().tolist(), logits.flatten().tolist()


def test_cam_by_hand():
    maps, logits = cam(False, False, (2, -1), (0.5, 3))
    assert logits == [2 * 2 - 3, 0.5 * 3 + 3 * 8]
    assert maps == [2, 6, 2, -8, 0.5, 1.5, -6, 24]
    maps, logits = cam(True, False, (2, -1))  # one layer for both; w + b are 12 and 9
    assert logits == [2 * 2 - 3 + 10, 2 * 3 - 8 + 10]
    assert maps == [12, 36, -18, 72] * 2


def test_cam_of_the_discriminators_by_hand():
    """Unit weights for the logits: (3, 4) has length 5; the maps take them raw, TensorFlow not."""
    maps, logits = cam(False, True, (3, 4), (0, 2))
    assert logits == pytest.approx([0.6 * 2 + 0.8 * 3, 8])
    assert maps == [3, 9, -8, 32, 0, 0, -4, 16]
    maps, logits = cam(True, True, (3, 4))
    assert logits == pytest.approx([13.6, 0.6 * 3 + 0.8 * 8 + 10])
    assert maps == pytest.approx([10.6, 31.8, -21.6, 86.4] * 2)


def test_min_max_of_heat_maps():
    heat = torch.tensor([[2.0, 4.0, 6.0, 3.0], [7.0, 7.0, 7.0, 7.0]]).reshape(2, 1, 2, 2)
    assert min_max(heat).flatten(1).tolist() == [[0, 0.5, 1, 0.25], [0, 0, 0, 0]]


# Spectral normalisation


@pytest.mark.parametrize("side", [12, 6])  # maps with more values than the weight, and with fewer
def test_spectral_norm_equals_torch_s_hook(side):
    torch.manual_seed(0)
    ours, theirs = SpectralConv2d(3, 8, 4, stride=2), nn.Conv2d(3, 8, 4, stride=2)
    theirs.load_state_dict({n: p.detach() for n, p in ours.named_parameters()})
    theirs = nn.utils.spectral_norm(theirs)
    theirs.weight_u.copy_(ours.norm.u)
    x = torch.randn(2, 3, side, side)
    for _ in range(3):  # each forward iterates once
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-6, atol=1e-6)  # float32
    for network in (ours, theirs):
        network(x).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight_orig.grad, rtol=1e-5, atol=1e-5)
    with torch.no_grad():  # a step of an optimizer: eval mode keeps u and v of the forward before
        for weight in (ours.weight, theirs.weight_orig):
            weight.mul_(1.1).add_(0.01)
    outputs = [network.eval()(x) for network in (ours, theirs)]
    torch.testing.assert_close(*outputs, rtol=1e-6, atol=1e-6)
    assert torch.equal(ours.eval()(x), outputs[0])


def test_norms_and_logits_stay_in_float32_under_autocast():
    torch.manual_seed(0)
    x, G = torch.randn(1, 4, 8, 8), Generator(4, 1, None)
    layer, heads = SpectralConv2d(4, 4, 3).eval(), Cam(4, False, True).eval()
    norm = LayerInstanceNorm(4, 0.5, learnt=True, affine=True)
    plain = [norm(x), *heads(x), layer.norm(layer.weight)]
    with torch.autocast("cpu", torch.bfloat16):
        cast = [norm(x), *heads(x), layer.norm(layer.weight)]
        assert layer(x).dtype == layer(x[..., :3, :3]).dtype == torch.bfloat16
        assert all(out.dtype == torch.float32 for out in G(x[:, :3]))
    assert all(torch.equal(a, b) for a, b in zip(plain, cast, strict=True))


@pytest.mark.parametrize(("tf", "pads"), [(False, (1, 1, 1, 1)), (True, (1, 2, 1, 2))])
def test_stride_1_convolutions_pad_more_right_and_below_in_tensorflow(tf, pads):
    D, x = Discriminator(2, 3, tf=tf), torch.randn(1, 2, 4, 6)
    assert torch.equal(D._pad(x, D.head), F.pad(x, pads, mode="reflect"))
    assert torch.equal(D._pad(x, D.convs[0]), F.pad(x, (1, 1, 1, 1), mode="reflect"))
