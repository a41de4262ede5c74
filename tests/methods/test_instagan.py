"""InstaGAN: the order of masks, chunks, what each chunk sees, runs on sets with instances."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from replicate.datasets import drawn
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run
from replicate.lab.run import parameter_counts
from replicate.methods.instagan import InstaGAN, context_loss, masks_of
from replicate.networks.instagan import Scene, SetDiscriminator, SetGenerator, present

SMOKE = replace(InstaGAN.Config(), **InstaGAN.SMOKE)
BOXES = ((2, 2, 12, 14), (4, 18, 20, 30), (22, 4, 30, 16), (24, 20, 31, 26))  # 120, 192, 96, 42 px


def boxes(*chosen: int) -> Tensor:
    """(1, K, 32, 32): the masks of some boxes, in this order; -1 stands for an empty mask."""
    masks = torch.full((1, len(chosen), 32, 32), -1.0)
    for place, i in enumerate(chosen):
        if i >= 0:
            top, left, bottom, right = BOXES[i]
            masks[0, place, top:bottom, left:right] = 1
    return masks


def map_of(*chosen: int) -> Tensor:
    """(1, 1, 32, 32): the map of some boxes, numbered from 1 in this order."""
    numbers = torch.arange(1.0, len(chosen) + 1)[None, :, None, None]
    return ((boxes(*chosen) + 1) / 2 * numbers).sum(dim=1, keepdim=True)


@pytest.mark.parametrize("variant", InstaGAN.VARIANTS)
def test_parameters_at_the_paper_s_size(variant):
    assert parameter_counts("instagan", variant) == {"G": 26_815_108, "D": 9_721_729}


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0), (0, 2, 1)])
def test_masks_follow_a_permutation_and_the_image_does_not_change(order, monkeypatch):
    """In float64: another order of a sum leaves 1e-15, which norms make a little more of."""
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)  # which would round
    torch.manual_seed(0)
    G, D = SetGenerator(4, 1).double().eval(), SetDiscriminator(4).double().eval()
    image, masks = torch.rand(1, 3, 32, 32, dtype=torch.float64), boxes(0, 1, 2).double()
    with torch.no_grad():
        plain, moved = G(Scene(image, masks)), G(Scene(image, masks[:, order]))
        scores, others = D(Scene(image, masks)), D(Scene(image, masks[:, order]))
        fewer = G(Scene(image, masks[:, :2]))
    close = {"rtol": 0, "atol": 1e-10}
    torch.testing.assert_close(moved.image, plain.image, **close)
    torch.testing.assert_close(moved.masks, plain.masks[:, order], **close)
    torch.testing.assert_close(others, scores, **close)
    assert (plain.masks[:, 0] - plain.masks[:, 1]).abs().max() > 1e-3  # they can be told apart
    assert (fewer.image - plain.image).abs().max() > 1e-3  # and every one counts


def test_empty_masks_are_left_out_whatever_their_number():
    torch.manual_seed(0)
    G, D, image = SetGenerator(4, 1).eval(), SetDiscriminator(4).eval(), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        two, more = G(Scene(image, boxes(0, 1))), G(Scene(image, boxes(-1, 0, -1, 1)))
        assert torch.equal(more.image, two.image) and torch.equal(more.masks[:, 1::2], two.masks)
        assert torch.equal(more.masks[:, ::2], boxes(-1, -1))
        scores = [D(Scene(image, masks)) for masks in (boxes(0, 1), boxes(-1, 0, -1, 1))]
        assert torch.equal(*scores)
        none = G(Scene(image, boxes(-1, -1)))  # one stands in
    assert not torch.equal(none.masks[:, 0], boxes(-1)[:, 0])
    assert torch.equal(none.masks[:, 1], boxes(-1)[:, 0])


def test_images_of_a_batch_have_instances_of_their_own():
    torch.manual_seed(0)
    G, images = SetGenerator(4, 1).eval(), torch.rand(2, 3, 32, 32)
    masks = [boxes(0, 1, 2), boxes(3, -1, -1)]
    with torch.no_grad():
        both = G(Scene(images, torch.cat(masks)))
        for i, one in enumerate(masks):
            alone = G(Scene(images[i : i + 1], one))
            # kernels may add up in another order at another batch size
            torch.testing.assert_close(both.image[i : i + 1], alone.image, rtol=0, atol=1e-5)
            torch.testing.assert_close(both.masks[i : i + 1], alone.masks, rtol=0, atol=1e-5)


def test_the_largest_masks_come_first():
    masks = masks_of(torch.cat([map_of(0, 1, 2, 3), map_of(3, -1, -1, -1)]), 3)
    assert torch.equal(masks[:1], boxes(1, 0, 2)) and torch.equal(masks[1:], boxes(3, -1, -1))
    assert present(masks).tolist() == [[True] * 3, [True, False, False]]


def test_chunks_go_on_where_the_last_one_stopped(start):
    method = start(InstaGAN, SMOKE, None).method.eval()
    G, x = method.G["AB"], torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        first = G(Scene(x, boxes(1, 0)))
        second = G(Scene(first.image, boxes(2, -1)))
        scene = method.translate_scene(Scene(x, boxes(1, 0, 2, -1)), "AB")
        assert torch.equal(scene.image, second.image)
        assert torch.equal(scene.masks, torch.cat([first.masks, second.masks], dim=1))
        image = method.translate(x, "AB", map_of(0, 1, 2)).image
        assert torch.equal(image, second.image)
        two = method.translate(x, "AB", map_of(0, 1)).image
        assert torch.equal(two, first.image)  # a chunk of empty masks is skipped


def test_images_of_a_batch_have_as_many_chunks_as_alone(start):
    method, x = start(InstaGAN, SMOKE, None).method.eval(), torch.rand(2, 3, 32, 32)
    maps = torch.cat([map_of(3, -1, -1), map_of(0, 1, 2)])
    with torch.no_grad():
        both = method.translate(x, "AB", maps).image
        alone = [method.translate(x[i : i + 1], "AB", maps[i : i + 1]).image for i in range(2)]
    # kernels may add up in another order at another batch size
    torch.testing.assert_close(both, torch.cat(alone), rtol=0, atol=1e-5)


def test_each_chunk_updates_g_then_d_and_d_sees_all_instances_so_far(start, monkeypatch):
    training = start(InstaGAN, SMOKE, None)
    method, batch = training.method.train(), training.batches(0)
    batch |= {"A_instances": map_of(0, 1, 2), "B_instances": map_of(3)}
    updates, seen = [], {"A": [], "B": []}
    update = method.update
    monkeypatch.setattr(method, "update", lambda v, n: updates.append(n) or update(v, n))
    for X, D in method.D.items():
        forward = D.forward
        monkeypatch.setattr(
            D, "forward", lambda s, f=forward, X=X: seen[X].append(present(s.masks)) or f(s)
        )
    losses = method.step(batch)
    assert updates == ["G", "D", "G", "D"]
    counts = {X: [int(row.sum()) for row in rows] for X, rows in seen.items()}
    # of B: a translation of A for G, the real scene, the translation for D; twice. Of A one chunk:
    # the empty mask beside B's only instance stays empty
    assert counts == {"B": [2, 1, 2, 3, 1, 3], "A": [1, 3, 1]}
    assert set(losses) == {f"{k}_{X}" for k in ("adv", "cyc", "idt", "ctx", "dis") for X in "AB"}
    assert all(v is not None for v in losses.values())


def test_context_counts_outside_masks_and_their_translations():
    image, made = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    outside = 1 - (120 + 192) / 32**2
    loss = context_loss(Scene(image, boxes(0, -1)), Scene(made, boxes(-1, 1)))
    assert float(loss) == pytest.approx(outside)
    half = boxes(1) * 0  # half of everywhere
    assert float(context_loss(Scene(image, boxes(0)), Scene(made, half))) == pytest.approx(
        0.5 * (1 - 120 / 32**2)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ins_max": 3}, "ins_max=3 with ins_per=2: expected whole chunks"),
        ({"test_max": 256}, "255 instances or fewer"),
        ({"crop_size": 28}, "expected 32 px or more"),
        ({"batch_size": 2}, "batch_size=2: expected 1"),
    ],
)
def test_what_it_cannot_be(changes, words):
    with pytest.raises(ReplicateError, match=words):
        InstaGAN.check(replace(SMOKE, **changes))


@pytest.mark.parametrize("dataset", ["horse2zebra_drawn", "horse2zebra_herd_drawn"])
def test_runs_on_drawn_sets_with_their_true_instances(workspace, monkeypatch, dataset):
    told = []
    translate = InstaGAN.translate

    def watched(method, x, direction, instances=None):
        told.append(instances)
        return translate(method, x, direction, instances)

    monkeypatch.setattr(InstaGAN, "translate", watched)
    for split in drawn.COUNTS:  # the least that has every score, in place of hundreds
        monkeypatch.setitem(drawn.COUNTS, split, 8)
    run = make_run("instagan", dataset, 0, "smoke")
    try:
        ensure(run, offline=True)
    finally:
        torch.use_deterministic_algorithms(False)
    scores = pd.read_csv(run.folder / "scores.csv")
    assert scores[scores["metric"] == "psnr_background"]["value"].notna().all()
    assert told and all(maps is not None and maps.shape[1] == 1 for maps in told)
    most = int(max(maps.max() for maps in told))
    assert most == (1 if dataset == "horse2zebra_drawn" else 3)
    assert np.isfinite(pd.read_csv(run.folder / "losses.csv").to_numpy()).all()
