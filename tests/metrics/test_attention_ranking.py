"""Attention without a threshold for IoU: counted by hand, and against a count of all pairs."""

import numpy as np
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.metrics.attention import attention_auc, pointing_game

# Twelve maps of four pixels; the first two are the object. By hand: how many of the four pairs
# (object, background) the object wins, ties half.
PIXELS = [
    [0.9, 0.8, 0.1, 0.2],  # all four
    [0.1, 0.2, 0.9, 0.8],  # none
    [0.5, 0.5, 0.5, 0.5],  # four ties
    [0.9, 0.1, 0.5, 0.5],  # 0.9 wins both
    [0.9, 0.5, 0.5, 0.1],  # three and a tie
    [0.0, 0.0, 0.0, 1.0],  # two ties
    [1.0, 0.0, 0.0, 0.0],  # two and two ties
    [0.4, 0.6, 0.5, 0.7],  # 0.6 beats 0.5
    [0.7, 0.6, 0.7, 0.6],  # 0.7 wins one, ties one; 0.6 ties one
    [1.0, 1.0, 0.0, 1.0],  # two and two ties
    [0.3, 0.2, 0.1, 0.0],  # all four
    [0.2, 0.2, 0.2, 0.1],  # two and two ties
]
AUC = np.array([4, 0, 2, 2, 3.5, 1, 3, 1, 2, 3, 4, 3]) / 4
# The share of the maxima that lie on the first two pixels.
HITS = [1, 0, 1 / 2, 1, 1, 0, 1, 0, 1 / 2, 2 / 3, 1, 2 / 3]
MAPS = np.array(PIXELS).reshape(12, 2, 2)
MASKS = np.tile([[1, 1], [0, 0]], (12, 1, 1))


def spot(row: int, column: int, size: int = 16) -> np.ndarray:
    found = np.zeros((1, size, size))
    found[0, row, column] = 1
    return found


def test_twelve_maps_by_hand():
    assert attention_auc(MAPS, MASKS) == pytest.approx(AUC, rel=1e-15)  # sums of halves are exact
    assert pointing_game(MAPS, MASKS) == pytest.approx(HITS, rel=1e-15)  # one division
    turned = attention_auc(torch.from_numpy(1 - MAPS), torch.from_numpy(MASKS).bool())
    assert turned == pytest.approx(1 - AUC, rel=1e-15)  # the polarity counts


def test_auc_equals_a_count_of_all_pairs():
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 20, (12, 9, 11)) / 19  # many ties
    masks = rng.random((12, 9, 11)) < rng.uniform(0.1, 0.9, (12, 1, 1))
    for image, mask, found in zip(maps, masks, attention_auc(maps, masks), strict=True):
        inside, outside = image[mask][:, None], image[~mask]
        expected = ((inside > outside) + 0.5 * (inside == outside)).mean()
        assert found == pytest.approx(expected, rel=1e-12)  # exact counts, one division
        assert found != pytest.approx((inside > outside).mean(), rel=1e-3)  # without the ties


def test_auc_sees_only_the_order():
    rng = np.random.default_rng(1)
    maps, masks = rng.random((3, 64, 64)), rng.random((3, 64, 64)) < 0.3
    assert (attention_auc(maps**3, masks) == attention_auc(maps, masks)).all()
    assert attention_auc(maps, masks) == pytest.approx(0.5, abs=0.04)  # 3 sd of 0.009 for chance


def test_masks_without_two_sides_are_named():
    for value, lack in ((0, "no foreground"), (1, "no background")):
        masks = MASKS.copy()
        masks[5] = value
        with pytest.raises(ReplicateError, match=f"image 5 has {lack}.*1 of 12"):
            attention_auc(MAPS, masks)
    assert pointing_game(MAPS[5:6], masks[5:6]) == [1]  # nowhere to miss
    with pytest.raises(ReplicateError, match="image 0 has no foreground"):
        pointing_game(MAPS, 0 * MASKS)


def test_tolerance_is_a_disc_with_its_edge():
    mask = spot(5, 5)
    for peak, distance in (((5, 5), 0), ((5, 8), 3), ((8, 9), 5), ((9, 9), 4 * 2**0.5)):
        found = spot(*peak)
        assert pointing_game(found, mask, tolerance=distance) == [1]
        if distance:
            assert pointing_game(found, mask, tolerance=distance - 1e-9) == [0]
    with pytest.raises(ReplicateError, match="tolerance=-1 px"):
        pointing_game(mask, mask, tolerance=-1)


def test_a_flat_map_points_blindly():
    rng = np.random.default_rng(2)
    masks = rng.random((12, 8, 8)) < 0.3
    found = pointing_game(np.full((12, 8, 8), 0.26), masks)
    assert found == pytest.approx(masks.mean((1, 2)), rel=1e-15)  # the same two integers divided


def test_wrong_inputs_are_named():
    for score in (attention_auc, pointing_game):
        with pytest.raises(ReplicateError, match=r"maps: values in \[0, 255\]"):
            score(MAPS.round() * 255, MASKS)
        with pytest.raises(ReplicateError, match=r"maps: values in \[nan, nan\]"):
            score(MAPS * np.nan, MASKS)
        with pytest.raises(ReplicateError, match="maps has shape"):
            score(MAPS[:3], MASKS)
        with pytest.raises(ReplicateError, match="masks: values other than 0 and 1"):
            score(MAPS, MASKS * 0.5)
