"""Batches as a pure function of (seed, iteration)."""

import numpy as np
import pytest
import torch

from replicate.datasets.batches import Batches, in_order
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError, UnknownName

FROZEN = {
    "A_index": [4, 3, 6, 0],
    "B_index": [4, 0, 2, 1],
    "A_crop": [[4, 1, 1], [1, 0, 0], [2, 4, 1], [4, 1, 0]],
}


def image_set(counts=(7, 5), size=12, paired=False, **more: np.ndarray) -> ImageSet:
    rng = np.random.default_rng(0)
    arrays = {
        key: rng.integers(0, 256, (n, size, size, 3), np.uint8)
        for key, n in zip("AB", counts, strict=True)
    }
    return ImageSet("toy", "train", size, ("a", "b"), paired, arrays | more, {}, {})


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_shapes_types_and_range():
    batch = Batches(image_set(), 4, 8, True, seed=0)(0)
    assert set(batch) == {"A", "B", "A_index", "B_index", "A_crop", "B_crop"}
    for key in "AB":
        assert batch[key].shape == (4, 3, 8, 8) and batch[key].dtype == torch.float32
        assert batch[key].is_contiguous()
        assert batch[f"{key}_index"].shape == (4,) and batch[f"{key}_index"].dtype == torch.int64
        assert batch[f"{key}_crop"].shape == (4, 3) and batch[f"{key}_crop"].dtype == torch.int64


def test_the_ends_of_the_range_are_exact():
    images = image_set((2, 1))
    images.arrays["A"][0], images.arrays["A"][1] = 0, 255
    batch = Batches(images, 2, 12, False, seed=0)(0)
    by_index = dict(zip(batch["A_index"].tolist(), batch["A"], strict=True))
    assert (by_index[0] == -1).all() and (by_index[1] == 1).all()


def test_the_pixels_are_those_of_the_named_crop():
    images = image_set()
    batches = Batches(images, 4, 8, True, seed=3)
    for iteration in range(6):
        batch = batches(iteration)
        for key in "AB":
            crops = batch[f"{key}_crop"].tolist()
            for x, i, crop in zip(batch[key], batch[f"{key}_index"], crops, strict=True):
                top, left, mirrored = crop
                window = images.arrays[key][i, top : top + 8, left : left + 8]
                wanted = window[:, ::-1] if mirrored else window
                # half a grey level: the way back from [-1, 1] rounds to the nearest
                assert ((x.permute(1, 2, 0).numpy() + 1) * 127.5).round() == pytest.approx(
                    wanted.astype(float), abs=0.5
                )


def test_a_batch_does_not_depend_on_the_ones_asked_for_before():
    images = image_set()
    walked, jumped = (Batches(images, 4, 8, True, seed=0) for _ in range(2))
    history = [walked(iteration) for iteration in range(20)]
    for iteration in (19, 3, 11, 3, 0):
        assert same(jumped(iteration), history[iteration])


def test_the_stream_of_a_seed_is_frozen():
    # literals: resumed and published runs rest on them, so a change here invalidates both
    batch = Batches(image_set(), 4, 8, True, seed=0)(1)
    assert batch["A_index"].tolist() == FROZEN["A_index"]
    assert batch["B_index"].tolist() == FROZEN["B_index"]
    assert batch["A_crop"].tolist() == FROZEN["A_crop"]


def test_the_global_random_state_is_neither_read_nor_moved():
    images = image_set()
    np.random.seed(0)
    torch.manual_seed(0)
    before = np.random.get_state()[1].tobytes(), torch.get_rng_state()
    first = Batches(images, 4, 8, True, seed=0)(5)
    assert np.random.get_state()[1].tobytes() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    np.random.seed(1)
    assert same(Batches(images, 4, 8, True, seed=0)(5), first)


def test_seeds_differ_and_so_do_epochs_and_domains():
    images = image_set((60, 60))
    orders = {
        (seed, epoch, domain): tuple(
            Batches(images, 60, 8, True, seed)(epoch)[f"{domain}_index"].tolist()
        )
        for seed in (0, 1, 2**64 - 1)
        for epoch in (0, 1)
        for domain in "AB"
    }
    assert len(set(orders.values())) == len(orders)
    crops = [Batches(images, 60, 8, True, seed)(0)["A_crop"] for seed in (0, 1)]
    assert not torch.equal(*crops)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 16])
def test_each_epoch_of_each_domain_visits_each_image_once(batch_size):
    batches = Batches(image_set((7, 5)), batch_size, 8, True, seed=1)
    for key, n in (("A", 7), ("B", 5)):
        walk = torch.cat([batches(k)[f"{key}_index"] for k in range(3 * n)]).tolist()
        epochs = [walk[start : start + n] for start in range(0, 3 * n, n)]
        assert [sorted(epoch) for epoch in epochs] == [list(range(n))] * 3


def test_crops_and_flips_cover_their_range_evenly():
    images = image_set((1, 1), size=10)
    batches = Batches(images, 64, 7, True, seed=0)
    crops = torch.cat([batches(k)["A_crop"] for k in range(25)])  # 1,600 draws
    for column, choices in ((0, 4), (1, 4), (2, 2)):
        counts = torch.bincount(crops[:, column], minlength=choices)
        expected = 1600 / choices
        # five standard deviations of a binomial count: fails by chance once in a million
        margin = 5 * (expected * (1 - 1 / choices)) ** 0.5
        assert len(counts) == choices and (counts - expected).abs().max() < margin


def test_without_flip_and_room_the_image_comes_whole():
    batch = Batches(image_set(), 4, 12, False, seed=0)(0)
    assert (batch["A_crop"] == 0).all()


def test_an_images_crop_does_not_depend_on_the_batch_size():
    images = image_set()
    small, large = (Batches(images, n, 8, True, seed=0) for n in (2, 4))
    pair = torch.cat([small(2)["A_crop"], small(3)["A_crop"]])
    assert torch.equal(pair, large(1)["A_crop"])


def test_paired_halves_get_one_order_crop_and_flip():
    images = image_set((9, 9), paired=True)
    images.arrays["B"][:] = images.arrays["A"]
    batches = Batches(images, 4, 5, True, seed=0)
    for iteration in range(9):
        batch = batches(iteration)
        for key in ("", "_index", "_crop"):
            assert torch.equal(batch[f"A{key}"], batch[f"B{key}"])


def test_unpaired_halves_do_not():
    images = image_set((9, 9))
    images.arrays["B"][:] = images.arrays["A"]
    batch = Batches(images, 9, 5, True, seed=0)(0)
    assert not torch.equal(batch["A_index"], batch["B_index"])
    assert not torch.equal(batch["A_crop"], batch["B_crop"])


def test_aligned_arrays_are_cut_like_their_image():
    plain = image_set()
    red = plain.arrays["A"][..., 0]
    images = image_set(
        A_ideal=plain.arrays["A"].copy(),
        A_mask=(red > 127).astype(np.uint8),
        B_label=np.arange(5) * 10,
        B_attributes=np.eye(5, dtype=np.float32),
    )
    batch = Batches(images, 4, 8, True, seed=0)(2)
    assert torch.equal(batch["A_ideal"], batch["A"])
    assert batch["A_mask"].shape == (4, 1, 8, 8) and batch["A_mask"].dtype == torch.float32
    assert torch.equal(batch["A_mask"], (batch["A"][:, :1] > 0).float())
    assert torch.equal(batch["B_label"], batch["B_index"] * 10)
    assert torch.equal(batch["B_attributes"].argmax(1), batch["B_index"])


@pytest.mark.parametrize(
    "counts, batch_size, wanted", [((7, 5), 4, 2), ((8, 5), 4, 2), ((1, 9), 1, 9)]
)
def test_iterations_per_epoch_follow_the_larger_domain(counts, batch_size, wanted):
    assert Batches(image_set(counts), batch_size, 8, True, seed=0).iterations_per_epoch == wanted


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ((0, 8, True, 0), "batch_size 0"),
        ((4, 13, True, 0), r"crop_size 13: expected 1 to 12 px.*'toy'"),
        ((4, 8, True, -1), "seed -1"),
        ((4, 8, True, 2**64), r"expected 0 to 2\*\*64 - 1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, complaint):
    with pytest.raises(ReplicateError, match=complaint):
        Batches(image_set(), *arguments)


def test_a_negative_iteration_is_refused():
    with pytest.raises(ReplicateError, match="iteration -1"):
        Batches(image_set(), 4, 8, True, seed=0)(-1)


def test_in_order_gives_every_image_once_and_whole():
    images = image_set(A_mask=np.ones((7, 12, 12), np.uint8), B_label=np.arange(5))
    parts = list(in_order(images, "A", 3))
    assert [len(part["A"]) for part in parts] == [3, 3, 1]
    assert set(parts[0]) == {"A", "A_mask", "A_index"}
    assert torch.cat([part["A_index"] for part in parts]).tolist() == list(range(7))
    assert torch.cat([part["A_mask"] for part in parts]).shape == (7, 1, 12, 12)
    whole = torch.from_numpy(images.arrays["A"]).permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.equal(torch.cat([part["A"] for part in parts]), whole)
    assert [part["B_label"].tolist() for part in in_order(images, "B", 5)] == [list(range(5))]


def test_in_order_refuses_other_domains():
    with pytest.raises(UnknownName, match="known: A, B"):
        next(in_order(image_set(), "horse", 3))
