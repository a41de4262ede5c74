"""A stored map lies on the pixels of its image, however the image is cropped and mirrored."""

import numpy as np
import pytest
import torch
from torch import Tensor

from replicate.datasets.batches import Batches
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.methods.map_memory import MapMemory

WHOLE, CROP = 12, 8  # px


def one(*values: int) -> Tensor:
    return torch.tensor([values])


def cut(whole: Tensor, crop: Tensor) -> Tensor:
    """(1, 1, CROP, CROP) of a (WHOLE, WHOLE) map, as `Batches` cuts an image."""
    top, left, mirrored = crop[0].tolist()
    window = whole[top : top + CROP, left : left + CROP]
    return (window.flip(-1) if mirrored else window)[None, None]


def test_a_planted_map_is_found_under_every_crop():
    """Inside the stored crop the planted values, outside of it the initial one."""
    torch.manual_seed(0)
    # a grid as fine as the crop: enlarging changes nothing, so equality is exact
    planted, memory = torch.rand(WHOLE, WHOLE), MapMemory(3, CROP, CROP, start=0.25)
    moved = 0
    for _ in range(50):
        stored, new = (
            torch.cat([torch.randint(5, (1, 2)), torch.randint(2, (1, 1))], dim=1) for _ in "ab"
        )
        memory.write(one(1)[0], stored, cut(planted, stored), torch.ones(1, 1, 2, 2))
        known = torch.full((WHOLE, WHOLE), 0.25)
        top, left, _ = stored[0].tolist()
        window = slice(top, top + CROP), slice(left, left + CROP)
        known[window] = planted[window]
        assert torch.equal(memory.read(one(1)[0], new), cut(known, new))
        blind = memory.read(one(1)[0], new, realign=False)
        assert torch.equal(blind, cut(planted, stored))
        moved += not torch.equal(blind, cut(known, new))
    assert moved > 40  # without the crops the test would fail


def test_a_coarse_map_is_enlarged_first_and_moved_by_pixels_then():
    memory = MapMemory(1, 2, CROP, start=1.0)
    index, here, lower = one(0)[0], one(0, 0, 0), one(3, 0, 0)
    memory.write(index, here, torch.tensor([[[[0.0, 0.0], [1.0, 1.0]]]]), torch.zeros(1, 1, 2, 2))
    columns = memory.read(index, here)[0, 0, :, 0].tolist()
    assert columns == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]
    assert memory.read(index, lower)[0, 0, :, 5].tolist() == [*columns[3:], 1, 1, 1]


def test_the_batches_crops_are_those_that_the_memory_means():
    """Masks of real batches: at each later visit, the mask of then on the pixels known."""
    rng = np.random.default_rng(0)
    arrays = {k: rng.integers(0, 256, (4, WHOLE, WHOLE, 3), np.uint8) for k in "AB"}
    arrays["A_mask"] = rng.integers(0, 2, (4, WHOLE, WHOLE), np.uint8)
    images = ImageSet("random", "train", WHOLE, ("a", "b"), False, arrays, {}, {})
    batches = Batches(images, 2, CROP, flip=True, seed=0)
    memory, found = MapMemory(4, CROP, CROP, start=0.5), 0
    for i in range(12):
        batch = batches(i)
        index, crop, mask = (batch[f"A_{name}"] for name in ("index", "crop", "mask"))
        seen = memory.read(index, crop)
        known = seen != 0.5
        assert torch.equal(seen[known], mask[known])
        # crops of 8 in 12 px overlap by 4 x 4 px at least
        assert known.any() == (i > 1) and (i < 2 or known.sum((1, 2, 3)).min() >= 16)
        found += int((known.sum((1, 2, 3)) < CROP * CROP).sum())
        memory.write(index, crop, mask, mask)
    assert found > 10  # most visits had another crop


def test_another_image_is_one_that_was_visited():
    memory = MapMemory(10, 2, CROP, start=1.0)
    torch.manual_seed(0)
    everyone = torch.arange(10)
    assert not memory.seen[memory.another(everyone)].any()
    memory.seen[3] = True
    assert memory.another(everyone).tolist() == [3, 3, 3, 4, 3, 3, 3, 3, 3, 3]
    memory.seen[[5, 6]] = True
    drawn = torch.stack([memory.another(everyone) for _ in range(400)])
    assert set(drawn[:, 0].tolist()) == {3, 5, 6} and set(drawn[:, 3].tolist()) == {5, 6}
    # 400 fair coins have a standard deviation of 10
    assert (drawn[:, 3] == 5).sum().item() == pytest.approx(200, abs=40)


def test_the_level_is_the_mean_over_the_last_visits():
    memory, maps = MapMemory(9, 2, CROP, start=1.0), torch.zeros(2, 1, 2, 2)
    assert memory.level() == 1
    crops = torch.zeros(2, 3, dtype=torch.int64)
    guides = torch.tensor([0.5, 0.25]).reshape(2, 1, 1, 1).expand(2, 1, CROP, CROP)
    memory.write(torch.tensor([4, 7]), crops, maps, guides)
    assert memory.level() == 0.375
    memory.write(torch.tensor([4]), crops[:1], maps[:1], 0 * guides[:1])
    assert memory.level() == 0.125


def test_an_image_beyond_the_memory_is_refused():
    memory = MapMemory(3, 2, CROP, start=1.0)
    with pytest.raises(ReplicateError, match="training image 3 in a memory of 3 maps: expected"):
        memory.read(torch.tensor([0, 3]), torch.zeros(2, 3, dtype=torch.int64))
