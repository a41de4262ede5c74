"""AttentionGAN, scheme I: TV, pixel loss and curriculum by hand, the discriminator of pairs."""

from dataclasses import replace

import pytest
import torch
from support.reach import losses_with_graphs, reached
from torch import Tensor, nn

from replicate.methods.attentiongan_v1 import AttentionGANv1, _total_variation
from replicate.networks.attentiongan_v1 import (
    BatchNorm,
    PooledDiscriminator,
    SchemeOneGenerator,
    init_weights_v1,
)
from replicate.networks.discriminators import PatchDiscriminator


def mean_square(x: Tensor) -> Tensor:
    return (x**2).mean()


def tiny(start, variant: str = "paper", **more: object):
    changes = {**AttentionGANv1.VARIANTS[variant], **AttentionGANv1.SMOKE, **more}
    training = start(AttentionGANv1, replace(AttentionGANv1.Config(), **changes), None)
    return training.method, training.batches(0)


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], 0),
        ([[1.0, 1.0], [1.0, 1.0]], 0),  # a mask of 1 everywhere has none either
        ([[0.0, 1.0], [0.0, 1.0]], 3 * 2),  # two neighbours differ, in three channels
        ([[0.0, 1.0], [1.0, 0.0]], 3 * 4),
        ([[0.0, 0.25, 0.5], [0.0, 0.25, 1.0]], 3 * (3 * 0.25 + 0.75 + 0.5)),
    ],
)
def test_total_variation_by_hand(mask, wanted):
    found = _total_variation(torch.tensor(mask)[None, None])
    assert found.item() == wanted  # quarters are exact
    both = torch.tensor([mask, mask])[:, None]
    assert _total_variation(both).item() == wanted  # a mean over images ...
    longer = torch.tensor(mask).repeat(2, 1)[None, None]
    seam = 3 * (torch.tensor(mask[0]) - torch.tensor(mask[-1])).abs().sum().item()
    across = 3 * torch.tensor(mask).diff(dim=1).abs().sum().item()
    down = 3 * torch.tensor(mask).diff(dim=0).abs().sum().item()
    assert _total_variation(longer).item() == 2 * (across + down) + seam  # ... a sum over pixels


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_composition_of_the_generator(norm):
    torch.manual_seed(0)
    G, x = SchemeOneGenerator(4, 1, norm), torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        G.model[-1].weight.mul_(20)  # contents beyond 1, masks beside 1/2
        raw = G.model(x)
        image, attention, content = G(x)
    a, c = raw[:, :1].sigmoid(), raw[:, 1:]
    assert any(isinstance(layer, BatchNorm) for layer in G.modules()) == (norm == "batch")
    assert a.std() > 0.05 and c.abs().max() > 1
    torch.testing.assert_close(content[:, 0], c)
    torch.testing.assert_close(attention, torch.cat([a, 1 - a], dim=1))
    torch.testing.assert_close(image, c * a + x * (1 - a))


def test_translations_are_cut_where_the_content_leaves_the_range(start):
    method, batch = tiny(start)
    with torch.no_grad():
        method.G["AB"].model[-1].bias[1:] = 5.0
        raw, cut = method.masks(batch["A"], "AB").image, method.translate(batch["A"], "AB").image
    assert raw.max() > 1
    assert torch.equal(cut, raw.clamp(-1, 1))


def test_norms_stay_in_float32_under_autocast():
    G, x = SchemeOneGenerator(4, 1), torch.rand(1, 3, 16, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert BatchNorm(3)(x.bfloat16()).dtype == torch.float32
        assert {t.dtype for t in G(x)} == {torch.float32}
        assert PooledDiscriminator(3, 4, 2)(torch.rand(1, 3, 32, 32)).dtype == torch.float32


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [  # papers/attentiongan.md 2.5; a fourth channel has 4 * 4 * 64 weights
        ("paper", {"G": 7_931_332, "D": 6_953_793}),
        ("plain-sum", {"G": 7_931_332, "D": 6_953_793}),
        ("attention-guided-d", {"G": 7_931_332, "D": 6_953_793, "D_pair": 6_953_793 + 1024}),
        # without scale and offset of the norms: 3,904 channels in G, 960 in D
        ("instance-norm", {"G": 7_931_332 - 2 * 3904, "D": 6_953_793 - 2 * 960}),
    ],
)
def test_parameters(variant, parameters):
    with torch.device("meta"):
        config = replace(AttentionGANv1.Config(), **AttentionGANv1.VARIANTS[variant])
        assert AttentionGANv1(config).counts() == parameters


def test_sizes_in_the_networks_at_256_px():
    with torch.device("meta"):
        x, D, sides = torch.empty(2, 3, 256, 256), PooledDiscriminator(), []
        for layer in D.model:
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(lambda layer, _, out: sides.append(out.shape[-1]))
        assert D(x).shape == (2, 1, 1, 1)
        assert sides == [127, 62, 30, 14, 11]  # papers/attentiongan.md 2.3
        image, attention, content = SchemeOneGenerator()(x)
    assert image.shape == x.shape
    assert attention.shape == (2, 2, 256, 256) and content.shape == (2, 1, 3, 256, 256)


@pytest.mark.parametrize(("n_layers", "smallest"), [(2, 22), (3, 46), (4, 94)])
def test_the_smallest_image_of_the_discriminator(n_layers, smallest):
    with torch.device("meta"):
        D = PooledDiscriminator(3, 4, n_layers)
        assert D(torch.empty(1, 3, smallest, smallest)).shape == (1, 1, 1, 1)
        with pytest.raises(RuntimeError, match="Kernel size"):
            D(torch.empty(1, 3, smallest - 1, smallest - 1))


def test_initial_weights():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(64, 64, 5), BatchNorm(20_000))
    drawn = network[0].bias.clone()
    init_weights_v1(network)
    for weight, mean in ((network[0].weight, 0.0), (network[1].weight, 1.0)):
        # 3 %: 4 standard errors of 20,000 draws
        assert weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert weight.mean().item() == pytest.approx(mean, abs=4 * 0.02 / 20_000**0.5)
    assert torch.equal(network[0].bias, drawn) and drawn.abs().max() > 0
    assert network[1].bias.abs().max() == 0


@pytest.mark.parametrize(
    ("variant", "epoch", "judged", "kept"),
    [
        ("paper", 0, 0.99, 0.01),
        ("paper", 9, 0.99, 0.01),
        ("paper", 10, 0.5, 0.5),
        ("plain-sum", 0, 1.0, 1.0),
        ("low-rate", 10, 0.9, 0.1),
        ("attention-guided-d", 10, 0.5, 0.5),
    ],
)
def test_losses_by_hand(variant, epoch, judged, kept, start):
    method, batch = tiny(start, variant)
    (a, b), G, D = (batch["A"], batch["B"]), method.G, method.D
    with torch.no_grad():  # train mode: batch norms use the batch
        (fake_b, mask_a, _), (fake_a, mask_b, _) = G["AB"](a), G["BA"](b)
        wanted = {}
        for X, Y, x, y, fake, mask in (
            ("A", "B", a, b, fake_b, mask_a[:, :1]),
            ("B", "A", b, a, fake_a, mask_b[:, :1]),
        ):
            across, down = mask.diff(dim=3).abs().sum(), mask.diff(dim=2).abs().sum()
            wanted |= {
                f"adv_{Y}": judged * 0.5 * mean_square(D[Y](fake) - 1),
                f"tv_{X}": judged * 1e-6 * 3 * (across + down),
                f"cyc_{X}": kept * 10 * (G[Y + X](fake).image - x).abs().mean(),
                f"pixel_{X}": kept * (fake - x).abs().mean(),
                f"dis_{Y}": 0.25 * (mean_square(D[Y](y) - 1) + mean_square(D[Y](fake))),
                f"attention_{X}": mask.mean(),
            }
            if variant == "attention-guided-d":
                J, made = method.D_pair[Y], torch.cat([fake, mask], dim=1)
                real = torch.cat([y, mask], dim=1)  # the mask of the made image beside the real
                wanted[f"adv_pair_{Y}"] = judged * 0.5 * mean_square(J(made) - 1)
                both = mean_square(J(real) - 1) + mean_square(J(made))
                wanted[f"dis_pair_{Y}"] = 0.25 * both
    method.begin(epoch, 1.0)
    found = {k: v.detach() for k, v in method.step(batch).items()}
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("variant", ["paper", "attention-guided-d"])
def test_what_each_loss_moves(variant, start, monkeypatch):
    method, batch = tiny(start, variant)
    losses = losses_with_graphs(method, batch, monkeypatch)
    wanted = {}
    for X, Y in ("AB", "BA"):
        wanted |= {f"cyc_{X}": {"G.AB", "G.BA"}, f"attention_{X}": set(), f"dis_{Y}": {f"D.{Y}"}}
        wanted |= {f"{name}_{X}": {f"G.{X}{Y}"} for name in ("tv", "pixel")}
        wanted[f"adv_{Y}"] = {f"G.{X}{Y}"}
        if variant == "attention-guided-d":
            wanted |= {f"adv_pair_{Y}": {f"G.{X}{Y}"}, f"dis_pair_{Y}": {f"D_pair.{Y}"}}
    assert {name: reached(method, loss) for name, loss in losses.items()} == wanted


def test_the_pair_discriminator_pulls_at_the_mask_directly(start):
    method, _ = tiny(start, "attention-guided-d")
    pair = torch.rand(1, 4, 32, 32, requires_grad=True)
    method.D_pair["B"](pair).sum().backward()
    assert pair.grad[:, 3].abs().max() > 0


def test_patches_in_the_place_of_one_score(start):
    method, batch = tiny(start, "attention-guided-d", patch_d=True, n_layers=1)
    for D in (method.D["A"], method.D_pair["A"]):
        assert isinstance(D, PatchDiscriminator)
    with torch.no_grad():
        fake, mask = method.masks(batch["A"], "AB")[:2]
        scores = method.D["B"](fake)
        assert (
            scores.shape[2:] == (14, 14)
            and method.D_pair["B"](torch.cat([fake, mask[:, :1]], dim=1)).shape == scores.shape
        )
    wanted = method.judged * 0.5 * mean_square(scores - 1)
    torch.testing.assert_close(method.step(batch)["adv_B"].detach(), wanted)


def test_the_pool_keeps_images_with_their_masks(start):
    method, batch = tiny(start)
    with torch.no_grad():
        painting = method.masks(batch["A"], "AB")
    method.step(batch)
    wanted = torch.cat([painting.image, painting.attention[:, :1]], dim=1)
    assert torch.equal(method.pool["B"].samples[:1], wanted)


def test_running_statistics_see_the_images_of_the_step_and_no_others(start):
    method, batch = tiny(start)
    method.step(batch)
    for X, Y in ("AB", "BA"):
        norm = next(m for m in method.G[X + Y].modules() if isinstance(m, BatchNorm))
        assert norm.num_batches_tracked == 2  # a real image and one that the other network made
    method.eval()
    with torch.no_grad():
        method.translate(batch["A"], "AB")
    assert norm.num_batches_tracked == 2


@pytest.mark.parametrize(("epoch", "factor"), [(0, 1.0), (100, 1.0), (150, 0.5), (199, 0.01)])
def test_learning_rates(epoch, factor, start):
    method, _ = tiny(start)
    method.begin(epoch * 1067 + 1066, 1067.0)
    rates = {group["lr"] for o in method.optimizers.values() for group in o.param_groups}
    # the laptop's and the smoke's rates differ, the factor does not; float64
    assert len(rates) == 1 and rates.pop() == pytest.approx(1e-4 * factor, rel=1e-12)
