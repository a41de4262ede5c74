"""Spatial guidance: maps kept between visits, controls instead of them, none at test time."""

import pytest
import torch
from support.guidance import begun, seen_by, square, tiny

from replicate.errors import ReplicateError
from replicate.methods.spatial_guidance import SpatialGuidance
from replicate.networks.guidance import enlarge, min_max

# The memory


def test_the_map_of_this_translation_guides_the_next(start):
    """Of the target domain's D, as it was before its own update; used under the next crop."""
    method, batch = begun(start)
    batch["A_crop"] = torch.tensor([[0, 0, 0]])
    with torch.no_grad():
        fake = method.G["AB"].model(2 * batch["A"])
        stored = min_max(method.D["B"](fake).attention)
    method.step(batch)
    memory, index = method.memory["A"], batch["A_index"]
    torch.testing.assert_close(memory.maps[index], stored)
    assert memory.seen.tolist() == [i == index.item() for i in range(3000)]
    again = batch | {"A_crop": torch.tensor([[4, 8, 1]])}
    with torch.no_grad():
        here = enlarge(stored, torch.Size((32, 32)))[0, 0]
        guide = torch.ones(32, 32)
        guide[:28, :24] = here[4:, 8:]
        guide = guide.flip(-1)
        image = method.G["AB"].model(again["A"] * (1 + guide))
        adv = square(method.D["B"](image).scores - 1)
    losses = method.step(again)
    torch.testing.assert_close(losses["guide_A"], guide.mean())
    torch.testing.assert_close(losses["adv_B"].detach(), adv)


def test_a_resume_with_crops_is_exact(start, tmp_path, same, saved):
    """On pairs it is TAM in bfloat16; the paper's variant is in the contract of methods."""
    changes = {"iterations": 12}  # most images are visited twice
    tiny(start, "shuffled", tmp_path / "whole", **changes).run()
    tiny(start, "shuffled", tmp_path / "halves", **changes).run(until=9)
    config = tiny(start, "shuffled", **changes).method.config
    start(SpatialGuidance, config, tmp_path / "halves", weights_seed=99).run()
    whole = saved(tmp_path / "whole")
    assert whole["method"]["memory.A.seen"].sum() == 7 and same(whole, saved(tmp_path / "halves"))


# Controls


def visited(start, variant: str, **changes):
    """A method whose memory holds a map of each of two images, and batches of both."""
    training = tiny(start, variant, **changes)
    first, second = training.batches(0), training.batches(1)
    for i, batch in enumerate((first, second)):
        training.method.begin(i, 1.0)
        training.method.step(batch)
    return training.method, first, second


def test_the_constant_control_keeps_the_amount_and_drops_the_place(start):
    method, batch, _ = visited(start, "constant")
    stored = method.memory["A"].read(batch["A_index"], batch["A_crop"])
    guide = method._guide(batch, "A", None)
    assert stored.std() > 0.1 and (guide == guide[0, 0, 0, 0]).all()
    torch.testing.assert_close(guide.mean(), stored.mean())


def test_the_shuffled_control_takes_another_image_s_map(start):
    method, first, second = visited(start, "shuffled")
    own, other = (
        method.memory["A"].read(batch["A_index"], first["A_crop"]) for batch in (first, second)
    )
    guide = method._guide(first, "A", None)
    assert torch.equal(guide, other) and not torch.equal(guide, own)


def test_the_oracle_guides_by_the_true_mask_and_needs_it(start):
    method, batch = begun(start, "oracle")
    assert torch.equal(method._guide(batch, "A", None), batch["A_mask"])
    assert method.translate(batch["A"], "AB").attention is None
    del batch["B_mask"]
    with pytest.raises(ReplicateError, match=r"oracle needs the true masks .* expected B_mask too"):
        method.step(batch)


def test_unguided_is_a_cyclegan_without_identity_loss(start):
    method, batch = begun(start, "unguided")
    with torch.no_grad():
        assert torch.equal(method.translate(batch["A"], "AB").image, method.G["AB"](batch["A"]))
    assert method.translate(batch["A"], "AB").attention is None


# Test time


@pytest.mark.parametrize("variant", ["paper", "alpha", "f2", "s-component"])
def test_a_test_image_gets_the_mean_of_what_guided(variant, start):
    method, *batches = visited(start, variant)
    method.step(batches[0])  # its second visit, by a map
    memory, x = method.eval().memory["B"], batches[1]["B"]
    levels = memory.levels[memory.seen]
    assert len(levels) == 2 and levels[0] != levels[1]
    a = torch.full((1, 1, 32, 32), levels.mean().item())
    with torch.no_grad():
        guide, _ = method._test_guide(x, "B", "A")
        torch.testing.assert_close(guide, a)
        assert torch.equal(method.translate(x, "BA").image, method.G["BA"](x, guide))


@pytest.mark.parametrize(
    ("stage", "fusion", "visible"),
    [
        ("f0", "rhp", False),
        ("f0", "mult", False),
        ("f0", "alpha", False),
        ("f1", "rhp", False),
        ("f2", "rhp", True),  # the residual blocks add what is not normalised
        ("f3", "rhp", True),
        ("f4", "rhp", False),
    ],
)
def test_instance_norms_hide_a_map_that_is_constant(stage, fusion, visible, start):
    """A factor before a convolution and a norm cancels; so does one value in a channel."""
    method, batch = begun(start, stage=stage, fusion=fusion)
    G, x = method.G["AB"], batch["A"]
    with torch.no_grad():
        for p in G.parameters():  # sizes at which the norms' eps of 1e-5 vanishes
            p.mul_(50)
        change = [
            (G(x, torch.full((1, 1, 32, 32), a)) - G(x, torch.ones(1, 1, 32, 32))).abs().mean()
            for a in (0.25, 0.5)
        ]
    # images have a standard deviation near 1; float32 and eps leave 1e-4 of it
    assert all(c > 1e-2 for c in change) if visible else all(c < 1e-3 for c in change)


@pytest.mark.parametrize(("variant", "factor"), [("test-1.5", 1.5), ("test-plain", 1.0)])
def test_test_time_factors(variant, factor, start):
    method, batch = begun(start, variant)
    x = batch["A"]
    with torch.no_grad():
        image, attention = method.eval().translate(x, "AB")
        assert torch.equal(image, method.G["AB"].model(factor * x))
        assert torch.equal(attention, seen_by(method.D["B"], image))


def test_alpha_as_released_has_ones_at_test_time(start):
    method, batch = begun(start, "alpha", test_map="released")
    with torch.no_grad():
        image = method.eval().translate(batch["A"], "AB").image
        assert torch.equal(image, method.G["AB"](batch["A"]))  # ones by its own default


@pytest.mark.parametrize("variant", ["two-pass", "test-two-pass"])
def test_two_passes_at_test_time(variant, start):
    method, batch = begun(start, variant)
    x = batch["A"]
    with torch.no_grad():
        image, attention = method.eval().translate(x, "AB")
        assert torch.equal(attention, seen_by(method.D["B"], method.G["AB"].model(x)))
        assert torch.equal(image, method.G["AB"].model(x * (1 + attention)))


def test_the_s_component_shapes_what_guides(start):
    method, batch, _ = visited(start, "s-component")
    stored = method.memory["A"].read(batch["A_index"], batch["A_crop"])
    small = stored.unflatten(2, (8, 4)).unflatten(4, (8, 4)).mean((3, 5))
    guide = method._guide(batch, "A", None)
    torch.testing.assert_close(guide, method.S["A"](small))
    assert guide.shape == stored.shape
    deep, batch = begun(start, "f3", s_component=True)
    assert deep._guide(batch, "A", None).shape == (1, 1, 8, 8)  # of the features
