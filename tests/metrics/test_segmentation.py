"""Segmentation scores: counted by hand over twelve images, the palette's traps, honest errors."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.segmentation import (
    CLASSES,
    PALETTE,
    class_accuracy,
    class_iou,
    confusion,
    nearest_class,
    pixel_accuracy,
    resize_nearest,
    scorer_gate,
    segmentation_scores,
    train_ids,
)

COLORS = {name: tuple(int(v) for v in PALETTE[i]) for i, name in enumerate(CLASSES)}
LABEL_ID = dict(zip(CLASSES, (7, 8, *range(11, 14), 17, *range(19, 29), 31, 32, 33), strict=True))

# Twelve images of 2 px each; 255 is void.
TRUTH = np.array([[0, 0]] * 4 + [[0, 1]] * 4 + [[1, 1]] * 2 + [[1, 255], [255, 255]])
FOUND = np.array(
    [[0, 0]] * 3 + [[0, 1]] + [[0, 1]] * 3 + [[2, 1]] + [[1, 0], [0, 0], [1, 2], [1, 1]]
)
# By hand: class 0 has 12 px, of which 10 found as 0, 1 as 1, 1 as 2; class 1 has 9 px, of which
# 6 found as 1 and 3 as 0; class 2 never occurs and is found once; class 3 is nowhere.
MATRIX = np.array([[10, 1, 1, 0], [3, 6, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def distance(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))


def class_of(*colour: int) -> str:
    return CLASSES[nearest_class(np.array([[[colour]]], np.uint8))[0, 0, 0]]


def test_twelve_images_by_hand():
    matrix = sum(confusion(t, p, 4) for t, p in zip(TRUTH, FOUND, strict=True))
    assert matrix.dtype == np.int64 and (matrix == MATRIX).all()
    assert (confusion(TRUTH, FOUND, 4) == MATRIX).all()  # all at once are the same counts
    # float64 rounding and the 1e-12 of the denominators
    assert pixel_accuracy(matrix) == pytest.approx(16 / 21, rel=1e-12)
    assert class_accuracy(matrix) == pytest.approx((10 / 12 + 6 / 9) / 4, rel=1e-12)
    assert class_accuracy(matrix, skip_absent=True) == pytest.approx((10 / 12 + 6 / 9) / 2)
    assert class_iou(matrix) == pytest.approx((10 / 15 + 6 / 10) / 4, rel=1e-12)
    # class 2 was predicted, so it has a union and counts; only class 3 is left out
    assert class_iou(matrix, skip_absent=True) == pytest.approx((10 / 15 + 6 / 10) / 3)


def test_perfect_predictions_give_one():
    truth = np.arange(4).reshape(2, 2)
    matrix = confusion(torch.from_numpy(truth), torch.from_numpy(truth), 4)
    scores = pixel_accuracy(matrix), class_accuracy(matrix), class_iou(matrix)
    assert scores == pytest.approx((1, 1, 1), abs=1e-11)  # 1e-12 in denominators of 1 px
    assert class_accuracy(matrix.T) == class_accuracy(matrix)
    assert class_accuracy(MATRIX.T) != pytest.approx(class_accuracy(MATRIX), rel=0.05)  # rows count


def test_label_ids_by_cityscapes():
    ids = np.arange(-1, 34)
    expected = [255] * len(ids)
    for train_id, name in enumerate(CLASSES):
        expected[LABEL_ID[name] + 1] = train_id
    assert train_ids(ids).tolist() == expected
    assert train_ids(np.array([255, 7], np.uint8)).tolist() == [255, 0]
    assert len(CLASSES) == 19 and LABEL_ID["sky"] == 23 and LABEL_ID["bicycle"] == 33


def test_every_colour_is_its_own_class():
    images = np.broadcast_to(PALETTE[:, None, None], (19, 2, 2, 3))
    assert (nearest_class(images) == np.arange(19)[:, None, None]).all()


def test_nearest_class_equals_distances_by_brute_force():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 5, 7, 3), dtype=np.uint8)
    apart = images[..., None, :].astype(int) - PALETTE
    assert (nearest_class(images) == (apart**2).sum(-1).argmin(-1)).all()
    # A tie goes to the first class: 100 lies between 90 and 110, and twins are never the second.
    grey = np.full((1, 1, 1, 3), 100, np.uint8)
    for palette in ([[110] * 3, [90] * 3], [[90] * 3, [110] * 3, [90] * 3]):
        assert nearest_class(grey, np.array(palette))[0, 0, 0] == 0


def test_traps_of_the_palette():
    assert class_of(0, 0, 0) == "truck" and distance((0, 0, 0), COLORS["truck"]) == 70
    near = {"bus train": 20, "fence pole": 37, "wall sky": 48.8, "road wall": 53.9}
    for pair, expected in near.items():
        a, b = pair.split()
        # printed with one decimal
        assert distance(COLORS[a], COLORS[b]) == pytest.approx(expected, abs=0.05)
    # licence plate, pole group, caravan and trailer, none of which is scored
    found = [class_of(*c) for c in ((0, 0, 142), (153, 153, 153), (0, 0, 90), (0, 0, 110))]
    assert found == ["car", "pole", "truck", "car"]


def test_resizing_takes_the_pixel_under_the_centre():
    rng = np.random.default_rng(1)
    for old, new in (
        ((8, 12), (4, 4)),
        ((9, 7), (5, 4)),
        ((3, 4), (8, 9)),
        ((1024, 64), (256, 16)),
    ):
        image = rng.integers(0, 34, old, dtype=np.uint8)
        found = resize_nearest(image, new)
        pillow = Image.fromarray(image).resize(new[::-1], Image.Resampling.NEAREST)
        exact = F.interpolate(torch.from_numpy(image)[None, None], new, mode="nearest-exact")[0, 0]
        assert (found == np.asarray(pillow)).all() and (found == exact.numpy()).all()
    line = np.arange(8)[None]
    assert resize_nearest(line, (1, 2)).tolist() == [[2, 6]]  # 0 and 4 by the other convention


def photos_to_labels() -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Twelve predictions, labelIds and truths in colours: road left, sky right, void below."""
    ids = np.full((8, 8), LABEL_ID["road"])
    ids[:, 4:] = LABEL_ID["sky"]
    ids[6:] = 0
    colours = np.full((8, 8, 3), COLORS["road"], np.uint8)
    colours[:, 4:] = COLORS["sky"]
    colours[6:] = 0
    predicted = colours[::2, ::2].copy()
    predicted[0, 0] = np.add(COLORS["car"], (9, 3, -4))  # 1 of 6 px of road
    return [predicted] * 12, [ids] * 12, [colours] * 12


def test_photos_to_labels_by_hand():
    predicted, ids, colours = photos_to_labels()
    found = segmentation_scores(iter(predicted), iter(ids), resolution=4)
    assert (found.images, found.matrix.sum(), found.matrix[0, 13]) == (12, 12 * 12, 12)
    expected = 11 / 12, (5 / 6 + 1) / 19, (5 / 6 + 1) / 19
    assert found[:3] == pytest.approx(expected, rel=1e-12)  # float64 rounding
    present = segmentation_scores(predicted, ids, resolution=None, skip_absent=True)
    assert present[:3] == pytest.approx((11 / 12, 11 / 12, (5 / 6 + 1 + 0) / 3), rel=1e-12)
    # Void is right as a truck where the truth is read by colour, which flatters the prediction.
    flattered = segmentation_scores(predicted, colours, truth="color", resolution=4)
    assert flattered.pixel_accuracy == pytest.approx(15 / 16, rel=1e-12)
    assert flattered.matrix[14, 14] == 12 * 4 and found.matrix[14].sum() == 0


def test_classes_at_the_size_of_the_truth():
    ids = np.array([[7, 8], [-1, 11]])
    classes = np.array([[0, 1], [5, 3]])
    found = segmentation_scores([classes], [ids], resolution=None)
    assert found.pixel_accuracy == pytest.approx(2 / 3, rel=1e-11)  # 1e-12 on 3 px
    assert found.matrix[2, 3] == 1


def test_colours_as_truth_are_asked_for_by_name():
    predicted, ids, colours = photos_to_labels()
    with pytest.raises(ReplicateError, match=r"image 0 has shape \(8, 8, 3\).*truth='color'"):
        segmentation_scores(predicted, colours, resolution=4)
    with pytest.raises(ReplicateError, match=r"unknown ground truth 'colour'.*mean 'color'"):
        segmentation_scores(predicted, colours, truth="colour")
    with pytest.raises(ReplicateError, match="uint8"):
        segmentation_scores(predicted, ids, truth="color", resolution=4)


def test_errors_name_the_image_and_the_value():
    predicted, ids, _ = photos_to_labels()
    strange = ids[0].copy()
    strange[0] = 77
    with pytest.raises(ReplicateError) as caught:
        segmentation_scores(
            predicted[:2], [ids[0], strange], resolution=4, names=["ulm_0.png", "ulm_1.png"]
        )
    assert str(caught.value) == (
        "ground truth of ulm_1.png: label value 77 in 8 px, expected -1 to 33 or 255; give the "
        "*_gtFine_labelIds.png"
    )
    with pytest.raises(ReplicateError, match=r"image 0 has shape.* expected 256 x 256 px"):
        segmentation_scores(predicted, ids)
    with pytest.raises(ReplicateError, match="12 predictions for 9 ground truths"):
        segmentation_scores(predicted, ids[:9], resolution=4)
    with pytest.raises(ReplicateError, match="3 predictions for 12 ground truths"):
        segmentation_scores(predicted[:3], iter(ids), resolution=4)
    for empty in ([], [np.zeros((8, 8), int)]):
        with pytest.raises(ReplicateError, match="0 labelled pixels"):
            segmentation_scores(predicted[: len(empty)], empty, resolution=4)
    with pytest.raises(
        ReplicateError, match=r"prediction of image: label value 19 in 1 px.*0 to 18"
    ):
        confusion([0, 1], [0, 19])
    with pytest.raises(ReplicateError, match="float64 labels, expected integers"):
        confusion([0.0, 1.0], [0, 1])
    with pytest.raises(ReplicateError, match=r"truth of image has shape \(2,\), its prediction"):
        confusion([0, 1], [0, 1, 1])
    with pytest.raises(ReplicateError, match=r"palette of shape \(3, 2\)"):
        nearest_class(predicted[0][None], np.zeros((3, 2)))


def test_a_scorer_that_fails_on_photographs_is_withheld():
    with pytest.raises(ReplicateError) as caught:
        scorer_gate(0.39)
    assert str(caught.value) == (
        "FCN scorer reaches 0.39 pixel accuracy on real photos (expected ~0.80): wrong "
        "preprocessing, score withheld."
    )
    scorer_gate(0.80)
    scorer_gate(0.57)  # 0.7 x 0.80 = 0.56
    for wrong in (0.55, float("nan"), 39.0):
        with pytest.raises(ReplicateError):
            scorer_gate(wrong)
    with pytest.raises(ReplicateError, match=r"reaches 0.60 .*expected ~0.90"):
        scorer_gate(0.60, expected=0.90)
