"""The test split through a method: translations as PNG files, and their scores as rows."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from replicate.datasets.batches import in_order
from replicate.datasets.layouts import check_stems
from replicate.datasets.packed import ImageSet
from replicate.methods.base import DIRECTIONS, Method
from replicate.metrics import attention
from replicate.metrics.attention_ranking import attention_auc, pointing_game
from replicate.metrics.compare import Bench, compare
from replicate.metrics.image import pair_scores
from replicate.metrics.images import Stack
from replicate.metrics.score import Score, mean_score

BATCH = 16  # images; instance norms make a translation independent of its neighbours
TILES = 8  # images in a row of samples


class Outputs(NamedTuple):
    """What a method makes of a test split: images (N, H, W, 3) uint8, maps (N, H, W) or None."""

    images: np.ndarray
    attention: np.ndarray | None


def in_words(direction: str, images: ImageSet) -> str:
    """`horse->zebra` for "AB"."""
    a, b = (images.domains["AB".index(letter)] for letter in direction)
    return f"{a}->{b}"


def to_uint8(x: Tensor) -> np.ndarray:
    """(N, H, W, 3) uint8 of (N, 3, H, W) in [-1, 1], rounded to the nearest value."""
    x = ((x.float() + 1) * 127.5).round().clamp(0, 255).byte()
    return x.permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def translate_split(method: Method, images: ImageSet, direction: str) -> Outputs:
    """The translations of all test images of the source domain, in the order of the set."""
    method.eval()
    device = next(method.parameters()).device
    source, made, maps = direction[0], [], []
    enabled = method.config.precision == "bf16"
    for batch in in_order(images, source, BATCH, device):
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            translation = method.translate(batch[source], direction)
        made.append(to_uint8(translation.image))
        if translation.attention is not None:
            maps.append(translation.attention.float().squeeze(1).cpu().numpy())
    return Outputs(np.concatenate(made), np.concatenate(maps) if maps else None)


def write_outputs(outputs: Outputs, names: list[str], folder: Path) -> None:
    """PNG files of the translations, and of the maps (0 black, 1 white, never stretched).

    Raises:
        ReplicateError: two translations would be one file; nothing is written then.
    """
    check_stems(names, f"the test split, whose translations go to {folder},")
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        stem = Path(name).stem
        Image.fromarray(outputs.images[i]).save(folder / f"{stem}.png")
        if outputs.attention is not None:
            grey = (outputs.attention[i] * 255).round().astype(np.uint8)
            (folder / "attention").mkdir(exist_ok=True)
            Image.fromarray(grey).save(folder / "attention" / f"{stem}.png")


def score_direction(
    outputs: Outputs,
    direction: str,
    test: ImageSet,
    train: ImageSet,
    cell: int,
    cache: Path | None,
    offline: bool,
) -> list[Score]:
    """All scores of one direction.

    Args:
        outputs: translations of the test images of the source domain.
        direction: "AB" or "BA".
        test: the test split at the size of the outputs.
        train: the training split at that size; its target domain gives the floors.
        cell: px; the side of the squares on which the method's attention maps are constant.
        cache: folder of cached features.
        offline: leave the Inception network out.
    """
    X, Y = direction
    source, target = np.asarray(test.arrays[X]), np.asarray(test.arrays[Y])
    sets = {
        "fake": Stack(outputs.images),
        "real": Stack(target),
        "source": Stack(source),
        "real_train": Stack(np.asarray(train.arrays[Y])),
    }
    scores = compare(Bench(sets, cache, offline=offline))
    if outputs.attention is not None:
        scores.append(mean_attention(outputs.attention))
    truth = target if test.paired else test.arrays.get(f"{X}_ideal")
    if truth is not None:
        scores += _against_truth(outputs.images, np.asarray(truth), source)
    mask = test.arrays.get(f"{X}_mask")
    if mask is not None:
        scores += _against_mask(
            outputs, source, np.asarray(mask), test.arrays.get(f"{X}_ideal"), cell
        )
    return scores


def mean_attention(maps: np.ndarray) -> Score:
    """The mean of (N, H, W) maps in [0, 1]; the note says so where they have collapsed.

    Collapsed means that thresholding at 0.5 leaves the same everywhere: the known failure of AGGAN,
    whose output is then a copy of its input, or a whole repainted image as without attention.
    """
    score = mean_score("attention_mean", "attention/mean", maps.mean(axis=(1, 2)))
    if maps.max() < 0.5:
        return replace(score, note="collapsed to 0: no pixel of any map reaches 0.5")
    if maps.min() >= 0.5:
        return replace(score, note="collapsed to 1: every pixel of every map reaches 0.5")
    return score


def _against_truth(made: np.ndarray, truth: np.ndarray, source: np.ndarray) -> list[Score]:
    idle = {s.protocol: s.value for s in pair_scores(source, truth)}
    return [replace(s, do_nothing=idle[s.protocol]) for s in pair_scores(made, truth)]


def _against_mask(
    outputs: Outputs, source: np.ndarray, mask: np.ndarray, ideal: np.ndarray | None, cell: int
) -> list[Score]:
    """What the true mask tells; a do-nothing map is 1 everywhere, as if all were repainted."""
    background = attention.background_psnr(outputs.images, source, mask)
    scores = [
        replace(mean_score("background_psnr", "background/psnr", background), do_nothing=math.inf)
    ]
    if ideal is not None:
        ideal = np.asarray(ideal)
        foreground = attention.foreground_error(outputs.images, ideal, mask)
        idle = attention.foreground_error(source, ideal, mask).mean()
        scores.append(
            replace(
                mean_score("foreground_error", "foreground/l1", foreground), do_nothing=float(idle)
            )
        )
    if outputs.attention is not None:
        iou = attention.attention_iou(outputs.attention, mask)
        everywhere = attention.attention_iou(np.ones_like(outputs.attention), mask).mean()
        ceiling = attention.iou_ceiling(mask, cell)
        scores += [
            replace(
                mean_score("attention_iou", "attention/iou-0.5", iou),
                do_nothing=float(everywhere),
                note=f"ceiling of the map's {cell} px grid: {ceiling.mean():.4f}",
            ),
            mean_score("attention_iou_ceiling", "attention/iou-0.5", ceiling),
            _ranked("attention_auc", attention_auc, outputs.attention, mask),
            _ranked("attention_pointing", pointing_game, outputs.attention, mask),
        ]
    return scores


def _ranked(
    metric: str, score: Callable[..., np.ndarray], maps: np.ndarray, mask: np.ndarray
) -> Score:
    """A score of the order of a map's values; do-nothing is a flat map, as without attention."""
    flat = score(np.ones_like(maps), mask).mean()
    row = mean_score(metric, metric.replace("_", "/"), score(maps, mask))
    return replace(row, do_nothing=float(flat))


@torch.no_grad()
def sample_sheet(method: Method, images: ImageSet) -> Image.Image:
    """A picture of the first test images: per direction a row of inputs, maps and translations."""
    device = next(method.parameters()).device
    rows = []
    for direction in DIRECTIONS:
        batch = next(in_order(images, direction[0], TILES, device))
        translation = method.translate(batch[direction[0]], direction)
        rows.append(to_uint8(batch[direction[0]]))
        if translation.attention is not None:
            rows.append(to_uint8(translation.attention.expand(-1, 3, -1, -1) * 2 - 1))
        rows.append(to_uint8(translation.image))
    return Image.fromarray(np.concatenate([_strip(row) for row in rows]))


def _strip(images: np.ndarray) -> np.ndarray:
    """`TILES` images side by side; white where the split has fewer."""
    blank = np.full((TILES - len(images), *images.shape[1:]), 255, np.uint8)
    return np.concatenate([*images, *blank], axis=1)
