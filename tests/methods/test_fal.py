"""FAL: what a step is told, which outputs losses see, sizes, counts."""

from dataclasses import replace

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab.run import parameter_counts
from replicate.methods.fal import FAL
from replicate.networks.fal import Feedback, FeedbackGenerator, channel_steps

SMOKE = replace(FAL.Config(), **FAL.SMOKE)


def test_parameters_at_the_paper_s_size():
    counted = {"G": 16_695_363, "D": 2_768_705}  # baselines.md 15
    assert parameter_counts("fal", "paper") == counted
    assert parameter_counts("fal", "every-output") == counted


def test_the_modulator_shrinks_features_to_one_position():
    assert channel_steps(64) == (4, 4, 4)  # the released one, at 256 px
    for side in (8, 16, 32, 64, 128):
        first, second, last = channel_steps(side)
        assert first * second * last == side and side // (first * second) > 1
        G = FeedbackGenerator(4, 5, 4 * side)
        x = torch.rand(1, 3, 4 * side, 4 * side)
        h, read = G.encode(x), G.reader(torch.cat(Feedback.none(x), dim=1))
        assert h.shape == read.shape == (1, 16, side, side)
        assert G.modulator(torch.cat([h, read], dim=1)).shape == (1, 32, 1, 1)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_step_sees_the_last_output_and_what_d_says_of_it(start, steps, monkeypatch):
    method = start(FAL, replace(SMOKE, steps=steps), None).method.eval()
    G, D, x, seen = method.G["AB"], method.D["B"], torch.rand(2, 3, 32, 32), []
    modulated = G.modulated
    monkeypatch.setattr(G, "modulated", lambda h, f: seen.append((h, f)) or modulated(h, f))
    with torch.no_grad():
        outputs = method._outputs(x, "AB")
        assert len(outputs) == len(seen) == steps
        assert not any(part.any() for part in seen[0][1])
        for i in range(1, steps):
            (h, before), (h_now, now) = seen[i - 1], seen[i]
            assert torch.equal(h_now, modulated(h, before))  # features are handed on, too
            assert torch.equal(now.output, G.decode(h_now))
            scores = D(torch.cat([x, now.output], dim=1))
            assert scores.std() > 0 and now.response.shape == (2, 1, 32, 32)
            torch.testing.assert_close(now.response.mean(), scores.mean(), rtol=0.2, atol=0.05)
    assert torch.equal(method.translate(x, "AB").image, outputs[-1])


@pytest.mark.parametrize("every", [False, True])
def test_losses_by_hand(start, every):
    training = start(FAL, replace(SMOKE, every_output=every), None)
    method, batch = training.method.train(), training.batches(0)
    method.set_lr(0.0)
    with torch.no_grad():
        outputs = method._outputs(batch["A"], "AB")
        judged = outputs if every else outputs[-1:]
        gaps = [(y - batch["B"]).abs().mean() for y in judged]
    losses = method.step(batch)
    # float32: a sum in another order
    torch.testing.assert_close(
        losses["l1_B"].detach(), 100 * sum(gaps) / len(gaps), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("steps", [1, 2])
def test_the_reader_learns_by_the_second_step(start, steps):
    """Zeros are all that it sees at the first one, of which its kernel has no gradient."""
    training = start(FAL, replace(SMOKE, steps=steps), None)
    method = training.method.train()
    method.step(training.batches(0))
    assert bool(method.G["AB"].reader[0].weight.grad.any()) is (steps > 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop_size": 24, "load_size": 24}, "expected 32, 64, 128 or 256 px"),
        ({"test_size": 16}, "test_size=16 with transform=channels and crop_size=32"),
        ({"n_blocks": 4}, "expected 5 or more"),
        ({"n_layers": 4}, "expected a crop of 48 px"),
    ],
)
def test_what_it_cannot_be(changes, words):
    with pytest.raises(ReplicateError, match=words):
        FAL.check(replace(SMOKE, **changes))
    FAL.check(replace(SMOKE, transform="spatial", crop_size=24, load_size=24))
