"""PSNR, SSIM and means over images: closed forms and identical pairs."""

import math

import numpy as np
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.metrics.pixels import psnr, ssim
from replicate.metrics.score import Score, joined, mean_score


def images(n: int = 3, size: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 246, (n, size, size, 3), dtype=np.uint8)


def test_psnr_of_a_constant_shift():
    a = images()
    expected = 20 * math.log10(255 / 10)
    assert psnr(a, a + np.uint8(10)) == pytest.approx([expected] * 3, rel=1e-12)  # float64
    assert psnr(a, a + np.uint8(9))[0] != pytest.approx(expected, rel=1e-3)


def test_torch_images_give_the_same():
    a, b = images(), images(seed=1)
    assert (psnr(torch.from_numpy(a), torch.from_numpy(b)) == psnr(a, b)).all()


def test_identical_images_are_infinite_and_marked():
    a = images()
    assert np.isposinf(psnr(a, a)).all()
    assert ssim(a, a) == pytest.approx([1, 1, 1], abs=1e-12)  # float64 rounding
    row = mean_score("psnr", "psnr/skimage", psnr(a, a))
    assert row.value == math.inf and row.note == "identical"


def test_a_single_identical_pair_does_not_hide_the_rest():
    a = images()
    b = a + np.array([0, 10, 10], dtype=np.uint8)[:, None, None, None]
    row = mean_score("psnr", "psnr/skimage", psnr(b, a))
    assert row.value == pytest.approx(20 * math.log10(255 / 10), rel=1e-12)
    assert row.note == "1 of 3 identical, mean over the rest"


def test_ssim_of_two_flat_images_is_the_luminance_term():
    a, b = np.full((1, 9, 9, 3), 100, np.uint8), np.full((1, 9, 9, 3), 50, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 50 + c1) / (100**2 + 50**2 + c1)
    assert ssim(a, b) == pytest.approx([expected], rel=1e-9)  # running sums of float64


def test_mean_score():
    row = mean_score("iou", "attention/iou-0.5", [0.2, 0.4, 0.6])
    assert (row.value, row.spread, row.spread_kind) == (
        pytest.approx(0.4),
        pytest.approx(0.2),
        "sd over images",
    )
    assert (row.n_real, row.n_fake, row.note) == (3, 3, "")
    assert mean_score("iou", "x", [0.5]) == Score("iou", 0.5, "x", n_real=1, n_fake=1)
    assert joined("", "a", "", "b") == "a; b"


def test_wrong_inputs_are_named():
    a = images()
    with pytest.raises(ReplicateError, match="float64 array of shape"):
        psnr(a / 255, a)
    with pytest.raises(ReplicateError, match="expected uint8"):
        psnr(a.transpose(0, 3, 1, 2), a)
    with pytest.raises(ReplicateError, match=r"\(2, 16, 16, 3\)"):
        psnr(a, a[:2])
    with pytest.raises(ReplicateError, match="at least 7 x 7 px, got 6 x 6"):
        ssim(images(size=6), images(size=6))
