"""Discriminators that say where they look, and where a generator takes a map in: by hand."""

import pytest
import torch
from torch import Tensor, nn

from replicate.errors import ReplicateError
from replicate.networks.blocks import ResBlock, init_weights
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.guidance import (
    GuidedGenerator,
    MaskBranch,
    PHADiscriminator,
    SComponent,
    TAMDiscriminator,
    activation_map,
    by_maximum,
    enlarge,
    fuse,
    min_max,
)


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def drawn(module: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    init_weights(module, truncated=False)
    return module


def image(*shape: int) -> Tensor:
    torch.manual_seed(1)
    return torch.rand(shape) * 2 - 1


UNUSED = 589_824  # the released TAM registers `u1`, which nothing calls


@pytest.mark.parametrize(
    ("network", "parameters"),
    [  # papers/spatial_guidance.md A.2
        (lambda: PHADiscriminator(), 2_764_737),
        (lambda: PHADiscriminator(in_channels=6), 2_767_809),
        (lambda: TAMDiscriminator(), 3_818_433 - UNUSED),
        (lambda: TAMDiscriminator(in_channels=6), 3_821_505 - UNUSED),
        (lambda: MaskBranch(64, 256, 2), 1_053_696 - UNUSED),
        (lambda: SComponent(3), 75_649),
        (lambda: SComponent(1), 75_649),
        (lambda: GuidedGenerator(), 11_378_179),
        (lambda: GuidedGenerator(fusion="alpha"), 11_381_315),
    ],
)
def test_parameters(network, parameters):
    with torch.device("meta"):
        assert size(network()) == parameters


def test_shapes_at_256_px():
    with torch.device("meta"):
        x = torch.empty(2, 3, 256, 256)
        for D in (PHADiscriminator(), TAMDiscriminator()):
            scores, attention = D(x)
            assert scores.shape == (2, 1, 30, 30) and attention.shape == (2, 1, 32, 32)
        assert PHADiscriminator(block=4)(x).attention.shape == (2, 1, 31, 31)


# The maps


def test_the_map_of_a_planted_activation():
    features = torch.zeros(2, 4, 3, 5)
    features[0, 2, 1, 3] = -8.0
    features[1, :, 0, 0] = torch.tensor([1.0, -1.0, 2.0, 0.0])
    maps = activation_map(features)
    assert maps.shape == (2, 1, 3, 5) and maps.count_nonzero() == 2
    assert maps[0, 0, 1, 3] == 8 / 4 and maps[1, 0, 0, 0] == 4 / 4
    assert activation_map(features, power=2.0)[0, 0, 1, 3] == 64 / 4


def test_pha_maps_a_planted_pixel_to_its_place():
    D = PHADiscriminator(ndf=4, n_layers=1)
    with torch.no_grad():
        D.convs[0].weight.zero_()
        D.convs[0].bias.zero_()
        D.convs[0].weight[3, 0, 1, 1] = 1.0  # channel 3 at (y, x) is red at (2 y, 2 x)
        x = torch.zeros(1, 3, 16, 16)
        x[0, 0, 4, 10] = -1.0
        attention = D(x).attention
    assert attention.shape == (1, 1, 8, 8) and attention.count_nonzero() == 1
    # the leaky ReLU leaves 0.2 of what is negative; the mean is over 4 channels, float32
    assert attention[0, 0, 2, 5].item() == pytest.approx(0.2 / 4, rel=1e-6)


@pytest.mark.parametrize("block", [None, 1, 2, 3])
def test_pha_scores_as_the_plain_patch_discriminator(block):
    plain, D = drawn(PatchDiscriminator(3, 4, 2)), PHADiscriminator(4, 2, block)
    D.load_state_dict(plain.state_dict())
    x = image(2, 3, 32, 32)
    assert torch.equal(D(x).scores, plain(x))
    side = {None: 8, 1: 16, 2: 8, 3: 7}[block]
    assert D(x).attention.shape == (2, 1, side, side)


def test_tam_multiplies_its_trunk_by_one_plus_the_mask():
    D, x = drawn(TAMDiscriminator(ndf=4, n_layers=3)), image(2, 3, 48, 48)
    with torch.no_grad():
        D.mask.head[-1].weight.mul_(100)  # masks on both sides of 1/2
        scores, attention = D(x)
        features = D.extractor(x)
        mask, trunk = D.mask(features), D.trunk(features)
        assert mask.shape == trunk.shape == (2, 16, 6, 6)
        assert mask.min() < 0.4 and mask.max() > 0.6
        assert torch.equal(scores, D.head((1 + mask) * trunk))
        assert not torch.allclose(scores, D.head(trunk), rtol=0.1)
        assert torch.equal(attention, mask.mean(dim=1, keepdim=True))
        D.mask.head[-1].weight.zero_()
        scores, attention = D(x)
        assert torch.equal(scores, D.head(1.5 * trunk)) and (attention == 0.5).all()


def test_every_parameter_of_tam_is_used():
    D = drawn(TAMDiscriminator(ndf=4, n_layers=2))
    D(image(2, 3, 32, 32)).scores.square().mean().backward()
    assert all(p.grad is not None for p in D.parameters())


def test_maps_are_stretched_one_by_one():
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]], [[[10.0, 10.0], [30.0, 20.0]]]])
    assert min_max(maps).flatten(1).tolist() == [[0, 0.25, 0.5, 1], [0, 0, 1, 0.5]]
    # 1/5 and 1/3 in float32
    wanted = [[0.2, 0.4, 0.6, 1], [1 / 3, 1 / 3, 1, 2 / 3]]
    torch.testing.assert_close(by_maximum(maps).flatten(1), torch.tensor(wanted))
    flat = torch.full((1, 1, 2, 2), 7.0)
    assert min_max(flat).count_nonzero() == 0 and by_maximum(flat).min() == 1
    assert by_maximum(0 * flat).count_nonzero() == 0


def test_maps_are_enlarged_without_moving():
    row = enlarge(torch.tensor([[[[0.0, 1.0]]]]), torch.Size((1, 4)))
    assert row.flatten().tolist() == [0, 0.25, 0.75, 1]  # aligned corners would give 0, 1/3, 2/3, 1
    ones = enlarge(torch.ones(1, 1, 3, 3), torch.Size((24, 24)))
    assert ones.max() <= 1
    assert ones.min() > 1 - 1e-6  # weights that sum to 1 in float32


# Fusion


def test_what_the_generator_gets():
    x, a = torch.tensor([0.5, -1.0, 0.0]).reshape(1, 3, 1, 1), torch.full((1, 1, 1, 1), 0.25)
    assert fuse(x, a, "rhp").flatten().tolist() == [0.625, -1.25, 0.0]
    assert fuse(x, a, "mult").flatten().tolist() == [0.125, -0.25, 0.0]
    assert fuse(x, a, "alpha").flatten().tolist() == [0.5, -1.0, 0.0, 0.25]
    assert fuse(x, a, "none") is x
    assert all(fuse(x, None, fusion) is x for fusion in ("rhp", "mult", "none"))
    assert fuse(x, None, "alpha").flatten().tolist() == [0.5, -1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("stage", "channels", "cell", "blocks"),
    [("f0", 3, 1, 0), ("f1", 4, 1, 0), ("f2", 16, 4, 0), ("f3", 16, 4, 4), ("f4", 16, 4, 9)],
)
def test_where_each_stage_takes_the_map_in(stage, channels, cell, blocks):
    G, x = drawn(GuidedGenerator(4, 9, stage=stage)).eval(), image(2, 3, 32, 32)
    before, after = G.model[: G.split], G.model[G.split :]
    assert sum(isinstance(layer, ResBlock) for layer in before) == blocks
    a = torch.rand(2, 1, 32 // cell, 32 // cell)
    with torch.no_grad():
        hidden = before(x)
        assert hidden.shape == (2, channels, 32 // cell, 32 // cell)
        wanted = after(hidden * (1 + a))
        assert torch.equal(G(x, a), wanted)
        # the same map on the image's pixels: a mean of equal numbers, then the generator, float32
        large = a.repeat_interleave(cell, 2).repeat_interleave(cell, 3)
        torch.testing.assert_close(G(x, large), wanted, rtol=0, atol=1e-5)
        assert torch.equal(G(x), G(x, 0 * a))
        assert (G(x) - wanted).abs().max() > 1e-4  # the map changes something


@pytest.mark.parametrize(("n_blocks", "fourth"), [(9, 4), (6, 3), (4, 2), (2, 1), (1, 1)])
def test_f3_at_fewer_blocks(n_blocks, fourth):
    with torch.device("meta"):
        G = GuidedGenerator(4, n_blocks, stage="f3")
    assert sum(isinstance(layer, ResBlock) for layer in G.model[: G.split]) == fourth


def test_features_of_the_decoder_do_not_change_the_image():
    G, x, a = drawn(GuidedGenerator(4, 2)), image(1, 3, 32, 32), torch.rand(1, 1, 32, 32)
    made, features = G.with_features(x, a)
    assert torch.equal(made, G(x, a)) and features.shape == (1, 8, 16, 16)


def test_alpha_without_a_map_has_a_channel_of_ones():
    G, x = drawn(GuidedGenerator(4, 1, "alpha")), image(1, 3, 16, 16)
    assert torch.equal(G(x), G(x, torch.ones(1, 1, 16, 16)))
    assert not torch.equal(G(x), G(x, torch.zeros(1, 1, 16, 16)))


# The S-component


@pytest.mark.parametrize("doublings", [0, 1, 2, 3])
def test_the_s_component_grows_maps_around_one_half(doublings):
    S = drawn(SComponent(doublings))
    assert size(S) == 75_649
    axis = torch.linspace(-2, 2, 32)
    blob = torch.exp(-(axis[:, None] ** 2) - axis**2).expand(1, 1, 32, 32)
    for maps in (blob, 0.3 * blob):
        grown = S(maps)
        assert grown.shape == (1, 1, 32 << doublings, 32 << doublings)
        assert grown.min() > 0 and grown.max() < 1 and grown.std() > 0.05
        # normalised, then a sigmoid: 1/2 but for skewness; the sheet measured 0.502 to 0.506
        assert grown.mean().item() == pytest.approx(0.5, abs=0.03)


def test_maps_and_scores_stay_float32_under_autocast():
    x = image(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        for D in (PHADiscriminator(4, 2), TAMDiscriminator(4, 2)):
            assert {t.dtype for t in D(x)} == {torch.float32}
        assert SComponent(1)(torch.rand(1, 1, 8, 8)).dtype == torch.float32
        assert GuidedGenerator(4, 1)(x, torch.rand(1, 1, 32, 32)).dtype == torch.float32


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GuidedGenerator(fusion="rph"), r"unknown fusion 'rph' \(did you mean 'rhp'\?\)"),
        (lambda: GuidedGenerator(stage="f5"), "unknown stage 'f5'"),
        (lambda: GuidedGenerator(fusion="alpha", stage="f2"), "fusion=alpha at stage=f2: expected"),
        (lambda: SComponent(4), "doubles its map 4 times: expected 0 to 3"),
        (lambda: SComponent(-1), "doubles its map -1 times"),
        (lambda: PHADiscriminator(block=5), "map after block 5 of a discriminator with 4"),
    ],
)
def test_networks_that_cannot_be_are_refused(make, text):
    with torch.device("meta"), pytest.raises(ReplicateError, match=text):
        make()
