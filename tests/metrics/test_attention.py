"""Scores against a true mask: counted by hand, and against all choices of cells."""

import itertools
import math

import numpy as np
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.metrics.attention import (
    attention_iou,
    background_psnr,
    foreground_error,
    iou_ceiling,
)


def masks(n: int, size: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, size, size)) < 0.4).astype(np.uint8)


def square(size: int = 16) -> np.ndarray:
    mask = np.zeros((1, size, size), np.uint8)
    mask[:, 6:10, 6:10] = 1
    return mask


def test_iou_by_hand():
    mask = np.zeros((1, 4, 4))
    mask[0, :, :2] = 1  # 8 px
    attention = np.zeros((1, 4, 4))
    attention[0, :2] = 0.5  # 8 px at the threshold itself, 4 of them inside
    assert attention_iou(attention, mask) == pytest.approx([4 / 12])
    assert attention_iou(attention, mask, threshold=0.6) == [0]
    assert attention_iou(torch.from_numpy(mask), torch.from_numpy(mask).bool()) == [1]
    assert attention_iou(1 - mask, mask) == [0]  # the polarity counts


def test_ceiling_is_the_best_of_all_choices_of_cells():
    mask = masks(3, 6)
    for image, found in zip(mask, iou_ceiling(mask, 2), strict=True):
        best = 0.0
        for chosen in itertools.product((0, 1), repeat=9):
            block = np.kron(np.reshape(chosen, (3, 3)), np.ones((2, 2))).astype(bool)
            best = max(best, (block & (image == 1)).sum() / (block | (image == 1)).sum())
        assert found == pytest.approx(best, rel=1e-12)  # the same two integers divided


def test_ceiling_of_pixels_is_one_and_falls_with_the_cell():
    mask = masks(4, 8)
    assert (iou_ceiling(mask, 1) == 1).all()
    assert (iou_ceiling(mask, 4) < iou_ceiling(mask, 2)).all()
    with pytest.raises(ReplicateError, match="3 px does not divide 8 x 8"):
        iou_ceiling(mask, 3)


def test_background_psnr_counts_only_outside_the_grown_mask():
    inputs = np.full((1, 16, 16, 3), 100, np.uint8)
    grown = np.zeros((16, 16), bool)
    grown[4:12, 4:12] = True  # 6:10 widened by 2 px, corners included
    repainted = np.where(grown[..., None], 200, inputs).astype(np.uint8)
    assert np.isposinf(background_psnr(repainted, inputs, square())[0])
    assert np.isfinite(background_psnr(repainted, inputs, square(), grow=1)[0])
    shifted = np.where(grown[..., None], 200, np.full_like(inputs, 110)).astype(np.uint8)
    expected = 20 * math.log10(255 / 10)
    assert background_psnr(shifted, inputs, square()) == pytest.approx([expected], rel=1e-12)


def test_foreground_error_counts_only_inside_the_mask():
    ideal = np.full((1, 16, 16, 3), 100, np.uint8)
    output = np.where(square()[..., None] == 1, 151, 0 * ideal).astype(np.uint8)
    assert foreground_error(output, ideal, square()) == pytest.approx([51 / 255])
    assert foreground_error(ideal, ideal, square()) == [0]


def test_images_without_a_score_are_named():
    mask = square().repeat(3, axis=0)
    mask[1] = 0
    images = np.zeros((3, 16, 16, 3), np.uint8)
    for call in (
        lambda: attention_iou(mask.astype(float), mask),
        lambda: iou_ceiling(mask, 2),
        lambda: foreground_error(images, images, mask),
    ):
        with pytest.raises(ReplicateError, match="image 1 has no foreground"):
            call()
    mask[1, 2::4, 2::4] = 1  # grown by 2 px it covers the image
    with pytest.raises(ReplicateError, match="image 1 has no background"):
        background_psnr(images, images, mask)


def test_wrong_ranges_are_named():
    mask = square()
    with pytest.raises(ReplicateError, match=r"maps: values in \[0, 255\]"):
        attention_iou(mask * 255, mask)
    with pytest.raises(ReplicateError, match="masks: values other than 0 and 1"):
        attention_iou(mask, mask * 0.5)
    with pytest.raises(ReplicateError, match="maps has shape"):
        attention_iou(mask[:, :8], mask)
