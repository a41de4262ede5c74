"""AttentionGAN for several domains: the penalty in closed form, labels, five D steps a G step."""

from dataclasses import replace

import pytest
import torch
from support.reach import losses_with_graphs, reached
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.losses import gradient_penalty
from replicate.methods import labelled
from replicate.methods.attentiongan_multi import AttentionGANMulti
from replicate.networks.attentiongan_multi import LabelGenerator
from replicate.networks.stargan import LabelDiscriminator

OF_D = {"critic", "penalty", "label_real"}
OF_G = {"adv", "cyc", "label_fake"}


def tiny(start, variant: str = "paper", **more: object):
    changes = {**AttentionGANMulti.VARIANTS[variant], **AttentionGANMulti.SMOKE, **more}
    training = start(AttentionGANMulti, replace(AttentionGANMulti.Config(), **changes), None)
    return training.method, training.batches(0)


class Linear(nn.Module):
    """A critic with one patch for every pixel; its gradient is `slope` everywhere."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.slope * x.sum(dim=1, keepdim=True), None


@pytest.mark.parametrize("slope", [0.0, 0.05, 1.0, -1.0])
def test_the_penalty_of_a_linear_critic(slope):
    """The gradient of the sum over 4 x 4 patches has 48 entries `slope`: norm sqrt(48) |slope|."""
    D, norm = Linear(slope), 48**0.5 * abs(slope)
    real, fake = torch.rand(2, 5, 3, 4, 4)
    penalty = gradient_penalty(lambda x: D(x)[0], real, fake)
    # float32
    assert penalty.item() == pytest.approx((norm - 1) ** 2, rel=1e-5)
    mean_over_patches = (norm / 16 - 1) ** 2
    assert slope == 0 or penalty.item() != pytest.approx(mean_over_patches, rel=0.1)
    if slope:
        penalty.backward()  # through the gradient, as D's step does
        wanted = 2 * (norm - 1) * 48**0.5 * (1 if slope > 0 else -1)
        assert D.slope.grad.item() == pytest.approx(wanted, rel=1e-5)


def test_the_penalty_is_taken_between_the_images():
    class Square(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, None]:
            return x.square() / 2, None  # its gradient is x

    real, fake = torch.full((400, 1, 1, 1), 1.0), torch.full((400, 1, 1, 1), 2.0)
    torch.manual_seed(0)
    # x = 2 - u, so the mean of (1 - u)^2 is 1/3; its standard error 0.3 / sqrt(400) = 0.015
    assert gradient_penalty(lambda x: Square()(x)[0], real, fake).item() == pytest.approx(
        1 / 3, abs=0.06
    )


@pytest.mark.parametrize(
    ("variant", "size", "parameters"),
    [  # papers/attentiongan.md 2.5
        ("paper", 128, {"G": 8_443_072, "D": 44_786_624}),
        ("celeba", 128, {"G": 8_433_664, "D": 44_762_048}),
        ("paper", 256, {"G": 8_443_072, "D": 44_983_232}),
        ("celeba", 256, {"G": 8_433_664, "D": 44_884_928}),
        ("two-domains", 128, {"G": 8_433_664 - 3 * 3_136, "D": 44_762_048 - 3 * 8_192}),
    ],
)
def test_parameters(variant, size, parameters):
    changes = AttentionGANMulti.VARIANTS[variant] | {"crop_size": size, "load_size": size}
    with torch.device("meta"):
        assert AttentionGANMulti(replace(AttentionGANMulti.Config(), **changes)).counts() == (
            parameters
        )


def test_shapes_at_128_px():
    with torch.device("meta"):
        x, label = torch.empty(2, 3, 128, 128), torch.empty(2, 8)
        image, attention, content = LabelGenerator()(x, label)
        scores, logits = LabelDiscriminator()(x)
    assert image.shape == x.shape
    assert attention.shape == (2, 2, 128, 128) and content.shape == (2, 1, 3, 128, 128)
    assert scores.shape == (2, 1, 2, 2) and logits.shape == (2, 8)


def test_the_composition_of_the_generator():
    torch.manual_seed(0)
    G, x = LabelGenerator(2, 4, 1), torch.rand(2, 3, 16, 16) * 2 - 1
    label = torch.eye(2)
    planes = label[:, :, None, None].repeat(1, 1, 16, 16)
    with torch.no_grad():
        raw = G.model(torch.cat([x, planes], dim=1))
        image, attention, _ = G(x, label)
        other = G(x, label.flip(0)).image
    a, c = raw[:, :1].sigmoid(), raw[:, 1:]
    torch.testing.assert_close(image, c * a + x * (1 - a))
    torch.testing.assert_close(attention, torch.cat([a, 1 - a], dim=1))
    assert (image - other).abs().max() > 1e-3  # the label changes something ...
    first, norm = G.model[0], G.model[1]
    with torch.no_grad():
        one, two = (
            norm(F.conv2d(torch.cat([x, p], dim=1), first.weight)) for p in (planes, planes.flip(0))
        )
    # ... through the zeros around the image alone: a norm of values of order 1, float32
    torch.testing.assert_close(one, two, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "layers", "fits"), [(64, 5, True), (64, 6, True), (96, 6, False), (32, 6, False)]
)
def test_the_discriminator_needs_a_multiple_of_its_strides(size, layers, fits):
    if fits:
        D = LabelDiscriminator(3, 2, layers, size)
        assert D(torch.rand(2, 3, size, size))[1].shape == (2, 3)
        return
    with pytest.raises(ReplicateError, match=rf"crop_size {size} px .* multiple of 64 px; use"):
        LabelDiscriminator(3, 2, layers, size)


@pytest.mark.parametrize("variant", ["paper", "celeba"])
def test_losses_by_hand(variant, start):
    method, batch = tiny(start, variant)
    x, here = torch.cat([batch["A"], batch["B"]]), torch.eye(2).repeat_interleave(2, dim=0)
    torch.manual_seed(7)
    there = here[torch.randperm(4)]
    mix = torch.rand(4, 1, 1, 1)

    def label_loss(logits: Tensor, label: Tensor) -> Tensor:
        if variant == "celeba":  # a sum over attributes, a mean over images
            p = logits.sigmoid()
            return -(label * p.log() + (1 - label) * (1 - p).log()).sum() / 4
        return -(label * logits.log_softmax(dim=1)).sum() / 4

    with torch.no_grad():
        fake = method.G(x, there).image
        (real_score, real_logits), (score, logits) = method.D(x), method.D(fake)
    between = (mix * x + (1 - mix) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(method.D(between)[0].sum(), between)
    wanted = {
        "critic": score.mean() - real_score.mean(),
        "penalty": 10 * (slope.square().sum(dim=(1, 2, 3)).sqrt() - 1).square().mean(),
        "label_real": label_loss(real_logits, here),
    }
    torch.manual_seed(7)
    method.begin(4, 1.0)
    method.optimizers["D"].param_groups[0]["lr"] = 0.0  # so that G meets the D from above
    found = method.step(batch)
    with torch.no_grad():
        wanted |= {"adv": -score.mean(), "label_fake": label_loss(logits, there)}
    torch.testing.assert_close({k: found[k].detach() for k in wanted}, wanted)


def test_the_cycle_returns_to_the_label_of_the_image(start, monkeypatch):
    method, batch = tiny(start)
    asked: list[Tensor] = []
    paint = method.G.forward
    monkeypatch.setattr(
        method.G, "forward", lambda x, label: (asked.append(label), paint(x, label))[1]
    )
    method.begin(4, 1.0)
    torch.manual_seed(1)
    losses = method.step(batch)
    here = torch.eye(2).repeat_interleave(2, dim=0)
    torch.manual_seed(1)
    there = here[torch.randperm(4)]
    assert not torch.equal(there, here)  # else the two could not be told apart
    assert [label.tolist() for label in asked] == [x.tolist() for x in (there, there, here)]
    assert losses["cyc"] > 0


def test_the_generator_moves_in_every_fifth_step(start):
    method, batch = tiny(start)
    for iteration in range(10):
        before = {n: p.detach().clone() for n, p in method.named_parameters()}
        method.begin(iteration, 1.0)
        losses = method.step(batch)
        moved = {n[0] for n, p in method.named_parameters() if not torch.equal(p, before[n])}
        turn = iteration in (4, 9)
        assert moved == ({"G", "D"} if turn else {"D"})
        assert tuple(losses) == method.LOSSES
        assert {n for n in OF_G if losses[n] is not None} == (OF_G if turn else set())


def test_what_each_loss_moves(start, monkeypatch):
    method, batch = tiny(start)
    method.begin(4, 1.0)
    losses = losses_with_graphs(method, batch, monkeypatch)
    kinds = {name: {part[0] for part in reached(method, loss)} for name, loss in losses.items()}
    assert kinds == {"attention": set()} | {n: {"D"} for n in OF_D} | {n: {"G"} for n in OF_G}


@pytest.mark.parametrize(
    "label",
    [torch.tensor([2, 0]), torch.tensor([[0, 0, 1], [1, 0, 0]], dtype=torch.uint8)],
    ids=["classes", "vectors"],
)
def test_labels_of_the_set_take_the_place_of_the_domains(label, start):
    method, batch = tiny(start, c_dim=3)
    wanted = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert labelled.of_batch(batch | {"A_label": label}, "A", 3).tolist() == wanted
    assert labelled.of_batch(batch | {"A_label": label}, "B", 3).tolist() == [[0.0, 1.0, 0.0]] * 2
    method.step(batch | {"A_label": label, "B_label": label})


@pytest.mark.parametrize("label", [torch.tensor([3, 0]), torch.tensor([-1, 0]), torch.ones(2, 4)])
def test_labels_that_do_not_fit_are_refused(label, start):
    method, batch = tiny(start, c_dim=3)
    with pytest.raises(ReplicateError, match=r"A_label has shape .* expected \(2,\) of 0 to 2 or"):
        method.step(batch | {"A_label": label})


def test_a_direction_is_the_label_of_its_end(start):
    method, batch = tiny(start, c_dim=3)
    for direction, label in (("AB", [0.0, 1.0, 0.0]), ("BA", [1.0, 0.0, 0.0])):
        with torch.no_grad():
            painting = method.paint(batch["A"], torch.tensor([label] * 2))
            image, attention = method.translate(batch["A"], direction)
        assert torch.equal(image, painting.image.clamp(-1, 1))
        assert torch.equal(attention, painting.attention[:, :1])
