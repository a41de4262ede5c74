"""ContrastGAN as specified here: the comparison in closed form, categories, masks."""

import math
from dataclasses import replace

import pytest
import torch
from support.reach import losses_with_graphs, reached

from replicate.losses import contrast_loss
from replicate.methods.contrastgan import ContrastGAN, _centres, _of_category


def small(**changes: object) -> ContrastGAN:
    torch.manual_seed(0)
    return ContrastGAN(replace(ContrastGAN.Config(), **ContrastGAN.SMOKE | changes))


def batch_of(a: list[int], b: list[int]) -> dict[str, torch.Tensor]:
    images = {X: torch.rand(2, 3, 32, 32) * 2 - 1 for X in "AB"}
    return images | {"A_label": torch.tensor(a), "B_label": torch.tensor(b)}


def test_the_comparison_in_closed_form():
    """From (0, 0), near at distance 5 and far at 13; halfway; and rows that do not count."""
    origin = torch.zeros(2, 2)
    near, far = torch.tensor([[3.0, 4.0]] * 2), torch.tensor([[5.0, 12.0]] * 2)
    both, first = torch.tensor([True, True]), torch.tensor([True, False])
    wanted = -math.log(math.exp(-5) / (math.exp(-5) + math.exp(-13)))
    # float32
    assert contrast_loss(origin, near, far, both).item() == pytest.approx(wanted, rel=1e-4)
    assert contrast_loss(origin, near, near, both).item() == pytest.approx(math.log(2))
    half = torch.stack([near[0], far[0]])
    assert contrast_loss(origin, half, far, first).item() == pytest.approx(wanted, rel=1e-4)
    assert contrast_loss(origin, near, far, ~both).item() == 0


def test_the_gradient_at_no_distance_is_a_number():
    made = torch.zeros(1, 3, requires_grad=True)
    contrast_loss(made, torch.zeros(1, 3), torch.ones(1, 3), torch.tensor([True])).backward()
    assert made.grad.isfinite().all()


def test_the_mean_features_of_a_category():
    feature = {"A": torch.tensor([[1.0], [3.0]]), "B": torch.tensor([[5.0], [7.0]])}
    label = {"A": torch.eye(3)[[0, 2]], "B": torch.eye(3)[[0, 1]]}
    centres = _centres(feature, label)
    assert centres["A"].tolist() == [[3.0], [3.0]]  # category 0: (1 + 5) / 2; category 2: 3
    assert centres["B"].tolist() == [[3.0], [7.0]]


def test_the_scores_of_an_image_are_those_of_its_category():
    scores = torch.arange(2 * 3 * 4.0).reshape(2, 3, 2, 2)
    wanted = torch.stack([scores[0, 2:], scores[1, :1]])
    assert torch.equal(_of_category(scores, torch.eye(3)[[2, 0]]), wanted)


def test_counts_of_two_parts():
    """CycleGAN's six blocks and eight planes; StarGAN's body with other heads at 128 px."""
    with torch.device("meta"):
        counts = ContrastGAN(ContrastGAN.Config()).counts()
    body = 44_786_624 - 2048 * 9 - 2048 * 4 * 8
    assert counts == {"G": 7_837_699 + 8 * 64 * 49, "D": body + 8 * 2048 * 9 + 128 * 2048 * 4}


def test_what_each_loss_moves(monkeypatch):
    method = small(c_dim=3)
    losses = losses_with_graphs(method, batch_of([0, 1], [2, 0]), monkeypatch)
    kinds = {n: {part[0] for part in reached(method, loss)} for n, loss in losses.items()}
    for X in "AB":
        assert all(kinds[f"{name}_{X}"] == {"G"} for name in ("adv", "contrast", "cyc"))
        assert all(kinds[f"{name}_{X}"] == {"D"} for name in ("dis", "apart"))


def test_images_become_what_the_other_half_shows(monkeypatch):
    method, asked = small(c_dim=4), []
    paint = method.painted
    monkeypatch.setattr(
        method, "painted", lambda x, y, m=None: (asked.append(y), paint(x, y, m))[1]
    )
    method.step(batch_of([0, 3], [1, 2]))
    classes = [label.argmax(dim=1).tolist() for label in asked]
    assert classes == [[1, 2], [0, 3], [0, 3], [1, 2]]  # A to B and back, then B to A and back


def test_pairs_of_one_category_are_not_compared():
    method = small(c_dim=4)
    losses = method.step(batch_of([1, 1], [1, 1]))
    assert losses["contrast_A"].item() == losses["apart_B"].item() == 0


def test_outside_of_its_mask_an_image_stays():
    method, x = small(masks=True).eval(), torch.rand(2, 3, 32, 32) * 2 - 1
    mask = torch.zeros(2, 1, 32, 32)
    mask[:, :, 8:20, 4:12] = 1
    with torch.no_grad():
        made = method.translate(x, "AB", mask).image
        everywhere = method.translate(x, "AB").image
    outside = (mask == 0).expand_as(x)
    assert torch.equal(made[outside], x[outside])
    assert (made[~outside] - x[~outside]).abs().mean() > 0.1
    assert (everywhere[outside] - x[outside]).abs().mean() > 0.1
    assert method.needs(method.config).masks and not small().needs(small().config).masks
