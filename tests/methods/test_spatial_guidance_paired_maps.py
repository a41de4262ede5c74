"""Spatial guidance on pairs: maps kept between visits, controls instead of them, test time."""

from dataclasses import replace

import pytest
import torch
from support.guidance_paired import begun, map_by, shaped, tiny
from torch.nn import functional as F

from replicate.methods.base import Batch
from replicate.methods.spatial_guidance_paired import SpatialGuidancePaired
from replicate.networks.blocks import init_weights
from replicate.networks.guidance import SComponent, enlarge, min_max

# The memory


def test_a_resume_with_crops_is_exact(start, tmp_path, same, saved):
    changes = {"iterations": 12, "precision": "bf16"}  # most pairs are visited twice
    tiny(start, "tam", tmp_path / "whole", **changes).run()
    tiny(start, "tam", tmp_path / "halves", **changes).run(until=9)
    config = tiny(start, "tam", **changes).method.config
    start(SpatialGuidancePaired, config, tmp_path / "halves", weights_seed=99).run()
    whole = saved(tmp_path / "whole")
    assert whole["method"]["memory.A.seen"].sum() == 7 and same(whole, saved(tmp_path / "halves"))


def visited(start, variant: str, **changes) -> tuple[SpatialGuidancePaired, Batch, Batch]:
    """A method whose memory holds maps of two pairs, and batches of both."""
    training = tiny(start, variant, **changes)
    first, second = training.batches(0), training.batches(1)
    for i, batch in enumerate((first, second)):
        training.method.begin(i, 1.0)
        training.method.step(batch)
    return training.method, first, second


@pytest.mark.parametrize("s_component", [True, False])
def test_the_constant_control_keeps_the_amount_and_drops_the_place(s_component, start):
    method, batch, _ = visited(start, "constant", s_component=s_component)
    stored = method.memory["A"].read(batch["A_index"], batch["A_crop"])
    with torch.no_grad():
        guide, placed = method._guide(batch, "A"), shaped(method, "A", stored)
    assert placed.std() > 0.1 and (guide == guide[0, 0, 0, 0]).all()
    torch.testing.assert_close(guide.mean(), placed.mean())


def test_the_shuffled_control_takes_another_pair_s_map(start):
    method, first, second = visited(start, "shuffled", s_component=False)
    own, other = (
        method.memory["A"].read(batch["A_index"], first["A_crop"]) for batch in (first, second)
    )
    guide = method._guide(first, "A")
    assert torch.equal(guide, other) and not torch.equal(guide, own)


def test_unaligned_leaves_a_map_where_it_lay(start):
    method, batch = begun(start, "unaligned", s_component=False)
    planted = torch.rand(1, 1, 8, 8)
    crops = torch.tensor([[0, 0, 0]]), torch.tensor([[4, 8, 1]])
    method.memory["A"].write(batch["A_index"], crops[0], planted, planted)
    guide = method._guide(batch | {"A_crop": crops[1]}, "A")
    assert torch.equal(guide, enlarge(planted, torch.Size((32, 32))))


def test_a_fresh_s_component_gives_a_checkerboard_whatever_the_map():
    """What the deviation s-component says: its variance lies inside the squares of D's grid."""
    inside = []
    for seed in range(8):
        torch.manual_seed(seed)
        S, grid = SComponent(2), min_max(F.avg_pool2d(torch.rand(1, 1, 18, 18), 3, 1))
        init_weights(S, truncated=False)
        with torch.no_grad():
            squares = S(grid).unflatten(2, (16, 4)).unflatten(4, (16, 4))
        means = squares.mean((3, 5))
        inside.append(1 - means.var(correction=0) / squares.var(correction=0))
    # a plain doubling of the sides would give 0; the squares at the border differ a little
    assert min(inside) > 0.9


# Test time


@pytest.mark.parametrize("variant", ["paper", "no-s-component"])
def test_a_test_image_gets_the_mean_of_what_guided(variant, start):
    method, *batches = visited(start, variant)
    method.step(batches[0])  # its second visit, by a map
    memory, x = method.eval().memory["B"], batches[1]["B"]
    levels = memory.levels[memory.seen]
    assert len(levels) == 2 and levels[0] != levels[1]
    with torch.no_grad():
        image, attention = method.translate(x, "BA")
        # the mean of two float32 values, added up in two ways
        torch.testing.assert_close(image, method.G["BA"](x * (1 + levels.mean())))
        assert torch.equal(attention, enlarge(map_by(method, "A", x, image), x.shape[2:]))


@pytest.mark.parametrize("s_component", [True, False])
def test_test_time_as_released_and_without_a_map(s_component, start):
    method, batch, _ = visited(start, "test-released", s_component=s_component)
    method, x = method.eval(), batch["A"]
    with torch.no_grad():
        released = x * (1 + shaped(method, "A", torch.ones(1, 1, 32, 32)))
        assert torch.equal(method.translate(x, "AB").image, method.G["AB"](released))
        method.config = replace(method.config, test_map="none")
        assert torch.equal(method.translate(x, "AB").image, method.G["AB"](x))


def test_two_passes_at_test_time(start):
    method, batch, _ = visited(start, "test-two-pass")
    x, level = batch["A"], method.eval().memory["A"].level()
    with torch.no_grad():
        image, attention = method.translate(x, "AB")
        first = method.G["AB"](x * (1 + level))
        assert torch.equal(attention, enlarge(map_by(method, "B", x, first), x.shape[2:]))
        guide = shaped(method, "A", attention)
        # averages of 4 x 4 px by two kernels: float32, inputs near 1
        torch.testing.assert_close(image, method.G["AB"](x * (1 + guide)), rtol=0, atol=1e-5)
