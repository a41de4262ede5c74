"""pix2pix's networks: parameters, a U-Net by hand, what skips carry, norms and noise."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.networks import unet
from replicate.networks.pix2pix import BatchNormPatchDiscriminator, PixelDiscriminator
from replicate.networks.unet import BatchNorm, UNet, image_noise

TORCH_ENCODER_DECODER = {"skips": False, "torch_layers": True}


@pytest.mark.parametrize(
    ("network", "arguments", "parameters"),
    [  # papers/cyclegan_pix2pix.md 2.5
        (UNet, {}, 54_413_955),
        (UNet, {"levels": 7}, 41_828_995),
        (UNet, TORCH_ENCODER_DECODER, 39_080_963),
        (BatchNormPatchDiscriminator, {}, 2_768_705),
        (BatchNormPatchDiscriminator, {"torch_layers": True}, 2_769_601),
        (BatchNormPatchDiscriminator, {"in_channels": 3}, 2_765_633),
        (PixelDiscriminator, {}, 9_024),
    ],
)
def test_parameters(network, arguments, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in network(**arguments).parameters()) == parameters


# Norms


def test_batch_norm_by_hand():
    norm = BatchNorm(1)
    with torch.no_grad():
        norm.weight.fill_(2.0)
        norm.bias.fill_(1.0)
    x = torch.tensor([[[[0.0, 2.0]]], [[[4.0, 6.0]]]])
    together = 2 * (x - 3) / 5**0.5 + 1  # mean 3, variance 5 of all four values
    alone = 2 * torch.tensor([[[[-1.0, 1.0]]], [[[-1.0, 1.0]]]]) + 1  # each image's own
    # eps 1e-5 beside variances of 1 and 5 moves values of at most 3 by 1e-5
    torch.testing.assert_close(norm.train()(x), together, rtol=0, atol=2e-5)
    torch.testing.assert_close(norm.eval()(x), alone, rtol=0, atol=2e-5)
    assert (together - alone).abs().max() > 0.1


def test_one_image_has_the_same_norms_in_training_and_outside():
    norm, x = BatchNorm(3), torch.randn(1, 3, 4, 4)
    # two kernels add up in another order: float32, values near 1
    torch.testing.assert_close(norm.train()(x), norm.eval()(x), rtol=0, atol=1e-6)


def test_norms_are_in_float32_under_autocast():
    norm, x = BatchNorm(3), torch.randn(2, 3, 4, 4).bfloat16()
    assert norm.train()(x).dtype == norm.eval()(x).dtype == torch.float32


# The U-Net


def by_hand(network: UNet, x: Tensor) -> Tensor:
    """Three levels written out, with activations in place as official."""
    (d1, d2, d3), (_, n2, _) = network.downs, network.down_norms
    (u3, u2, u1), (m3, m2, _) = network.ups, network.up_norms
    e1 = d1(x)
    e2 = n2(d2(F.leaky_relu(e1.clone(), 0.2)))
    e3 = d3(F.leaky_relu(e2.clone(), 0.2))
    skip1, skip2 = F.leaky_relu(e1, 0.2), F.leaky_relu(e2, 0.2)  # what in place leaves behind
    y = m3(u3(F.relu(e3)))
    y = m2(u2(F.relu(torch.cat([skip2, y], 1) if network.skips else y)))
    return torch.tanh(u1(F.relu(torch.cat([skip1, y], 1) if network.skips else y)))


@pytest.mark.parametrize("skips", [True, False])
def test_a_u_net_of_three_levels_by_hand(skips):
    network = UNet(2, levels=3, skips=skips)
    x = torch.randn(2, 3, 16, 24)
    with torch.no_grad():
        assert torch.equal(network(x), by_hand(network, x))


def test_only_skips_pass_the_bottleneck():
    """With a closed bottleneck the encoder-decoder gives one image for all, the U-Net does not."""
    x = torch.randn(2, 3, 32, 32)
    for skips in (False, True):
        network = UNet(2, levels=5, skips=skips).eval()
        nn.init.zeros_(network.downs[-1].weight)
        with torch.no_grad():
            a, b = network(x)
        assert torch.equal(a, b) != skips


@pytest.mark.parametrize(
    ("levels", "torch_layers", "dropped"),
    [(8, False, {5, 6, 7}), (7, False, {5, 6}), (8, True, {6, 7, 8}), (7, True, {5, 6, 7})],
)
def test_dropout_of_both_codes(levels, torch_layers, dropped):
    """PyTorch networks.py:610-709; P2P models.lua:67-73,119-125."""
    with torch.device("meta"):
        assert UNet(4, levels, torch_layers=torch_layers).dropped == dropped


@pytest.mark.parametrize(
    ("network", "kept"),
    [
        (UNet(2, levels=5), {"ups.4"}),
        (UNet(2, 5, torch_layers=True), {f"{k}.{i}" for k in ("downs", "ups") for i in range(5)}),
        (BatchNormPatchDiscriminator(6, 2), {"convs.0", "head"}),
    ],
)
def test_which_convolutions_have_a_bias(network, kept):
    convolutions = (nn.Conv2d, nn.ConvTranspose2d)
    layers = dict(network.named_modules()).items()
    assert {n for n, m in layers if isinstance(m, convolutions) and m.bias is not None} == kept


def test_a_size_that_does_not_halve_so_often_is_refused():
    with pytest.raises(ReplicateError, match=r"4 levels got 16 x 24 px; expected multiples of 16"):
        UNet(2, levels=4)(torch.zeros(1, 3, 16, 24))


# Noise


def test_half_of_the_values_is_dropped_and_the_rest_doubled():
    x = torch.full((4, 10, 50, 50), 3.0)
    out = unet._half_dropped(x, None)
    assert set(out.unique().tolist()) == {0.0, 6.0}
    assert (out == 0).float().mean() == pytest.approx(0.5, abs=0.0064)  # 4 errors of 100,000 coins
    assert not torch.equal(out[0], out[1])


def test_an_image_s_own_values_decide_its_noise():
    one, other = torch.rand(2, 3, 8, 8)
    images = [one, other, one.clone()]
    a, b, c = unet._half_dropped(torch.ones(3, 4, 2, 2), [image_noise(i) for i in images])
    assert torch.equal(a, c) and not torch.equal(a, b)


def test_noise_is_fresh_in_training_and_repeats_outside():
    network, x = UNet(2, levels=6), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.equal(network(x), network(x))
        network.eval()
        state = torch.get_rng_state()
        assert torch.equal(network(x), network(x))
        assert torch.equal(torch.get_rng_state(), state)
        noisy, network.dropped = network(x), set()
        assert not torch.equal(network(x), noisy)


def test_outside_training_it_is_the_official_test_with_a_seed():
    """One image in training mode, with the same masks from the global generator."""
    network, x = UNet(2, levels=6, torch_layers=True), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.manual_seed(image_noise(x[0]).initial_seed())
        official = network.train()(x)
        # the norms' two kernels add up in another order: float32, outputs near 1
        torch.testing.assert_close(network.eval()(x), official, rtol=0, atol=1e-5)


# Discriminators


@pytest.mark.parametrize(
    ("network", "scores"),
    [(BatchNormPatchDiscriminator(), 30), (BatchNormPatchDiscriminator(n_layers=1), 126),
     (BatchNormPatchDiscriminator(n_layers=5), 6), (PixelDiscriminator(), 256)],
)  # fmt: skip
def test_sides_of_the_score_map(network, scores):
    out = network.to("meta")(torch.empty(1, 6, 256, 256, device="meta"))
    assert out.shape == (1, 1, scores, scores)
