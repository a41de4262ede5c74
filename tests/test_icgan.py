"""IcGAN: counts, its stages, wrong labels, what is translated to which labels, refusals."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.lab.run import parameter_counts
from replicate.methods.icgan import IcGAN, wrong_labels

SMOKE = replace(IcGAN.Config(), **IcGAN.SMOKE)  # 4 iterations, three epochs


def test_parameters_at_the_paper_s_size():
    wanted = {"G": 3_725_123, "D": 2_803_393, "E_z": 18_278_244, "E_y": 3_186_962}
    assert parameter_counts("icgan", "paper") == wanted


def test_each_stage_has_its_losses_and_moves_its_networks(start):
    training = start(IcGAN, SMOKE, None)
    method = training.method.train()
    stages = [({"dis", "adv"}, {"G", "D"}), ({"noise"}, {"E_z"}), ({"label"}, {"E_y"})]
    for epoch, (losses, moved) in enumerate(stages):
        before = {name: p.detach().clone() for name, p in method.named_parameters()}
        buffers = {name: b.clone() for name, b in method.G.named_buffers()}
        method.train()
        method.begin(10 * epoch, 10.0)
        step = method.step(training.batches(epoch))
        computed = {name for name, value in step.items() if value is not None}
        after = {n.split(".")[0] for n, p in method.named_parameters() if not p.equal(before[n])}
        assert (computed, after) == (losses, moved)
        same = all(b.equal(buffers[name]) for name, b in method.G.named_buffers())
        assert same == (epoch > 0)  # G's running averages are those of the game


@pytest.mark.parametrize(
    ("iteration", "stage"), [(0, 0), (24_999, 0), (25_000, 1), (39_999, 1), (40_000, 2)]
)
def test_stages_are_25_15_and_15_epochs(iteration, stage):
    sizes = {"c_dim": 2, "nz": 1, "ngf": 1, "ndf": 1, "nef": 1, "full": 1}
    method = IcGAN(IcGAN.Config(**sizes))
    method.begin(iteration, 1000.0)
    assert method.stage == stage


def test_the_losses_of_the_game_by_hand(start):
    training = start(IcGAN, SMOKE, None)
    method, batch, judged = training.method.train(), training.batches(0), []
    method.update = lambda loss, *names: None
    method.D.register_forward_hook(lambda layer, inputs, out: judged.append((inputs[1], out)))
    losses = {name: v.detach() for name, v in method.step(batch).items() if v is not None}
    (label, real), (other, mistaken), (sampled, made), (_, again) = judged
    assert label.tolist() == [[1, -1]] * 2 + [[-1, 1]] * 2  # A's images, then B's
    assert torch.equal(other, -label)  # of two classes
    assert sorted(sampled.tolist()) == sorted(label.tolist())
    dis = F.softplus(-real).mean() + 0.5 * (F.softplus(mistaken).mean() + F.softplus(made).mean())
    # float32: softplus and the library's form of it round differently
    wanted = {"dis": dis.detach(), "adv": F.softplus(-again).mean().detach()}
    torch.testing.assert_close(losses, wanted, rtol=1e-5, atol=1e-6)


def test_a_wrong_label_is_one_of_the_batch_and_never_the_same():
    torch.manual_seed(0)
    y = torch.tensor([[1.0, 1, -1], [1, 1, -1], [-1, 1, 1], [-1, -1, 1]])
    drawn = [wrong_labels(y) for _ in range(50)]
    rows = {tuple(row) for row in y.tolist()}
    for wrong in drawn:
        assert {tuple(row) for row in wrong.tolist()} <= rows
        assert (wrong != y).any(dim=1).all()
    assert {tuple(wrong[2].tolist()) for wrong in drawn} == rows - {(-1, 1, 1)}
    assert torch.equal(wrong_labels(y[:2]), -y[:2])  # nothing else is there


def test_labels_of_a_translation():
    """Classes: the target's alone. Attributes: the domains' two, and the rest as E_y sees them."""
    torch.manual_seed(0)
    x, sampled = torch.rand(2, 3, 32, 32) * 2 - 1, []
    for attributes, c_dim in ((False, 2), (True, 4)):
        method = IcGAN(replace(SMOKE, attributes=attributes, c_dim=c_dim)).eval()
        method.G.register_forward_hook(lambda layer, inputs, out: sampled.append(inputs))
        with torch.no_grad():
            image = method.translate(x, "AB").image
            z, y = sampled[-1]
            torch.testing.assert_close(z, method.E_z(x), rtol=0, atol=0)
            assert torch.equal(y[:, :2], torch.tensor([[-1.0, 1.0]] * 2))
            assert torch.equal(y[:, 2:], torch.where(method.E_y(x)[:, 2:] > 0, 1.0, -1.0))
            assert torch.equal(method.translate_to(x, (y + 1) / 2).image, image)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crop_size": 24, "load_size": 24}, "crop_size=24: expected a power of two from 16 px"),
        ({"noise_epochs": 2}, "at least one epoch left"),
        ({"gan_epochs": 0}, "expected 1 or more of either"),
    ],
)
def test_settings_that_no_run_can_have(changes, said):
    with pytest.raises(ReplicateError, match=said):
        make_run("icgan", "any", 0, "smoke", changes)


def test_labels_of_another_number_are_refused():
    x = torch.zeros(2, 3, 32, 32)
    batch = {"A": x, "B": x, "A_label": torch.tensor([0, 5]), "B_label": torch.tensor([0, 1])}
    with pytest.raises(ReplicateError, match=r"values 0 to 5: expected .* set c_dim"):
        IcGAN(SMOKE).step(batch)
