"""The test split through a method: translations as PNG files, and their scores as rows."""

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.methods.base import DIRECTIONS, Method
from replicate.metrics import attention
from replicate.metrics.arrays import spaced
from replicate.metrics.attention import attention_auc, pointing_game
from replicate.metrics.compare import Bench, compare, default_protocols
from replicate.metrics.images import Stack
from replicate.metrics.pixels import psnr, ssim
from replicate.metrics.protocols import EFFICIENTNET
from replicate.metrics.score import Score, joined, mean_score
from replicate.naming import check_stems

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
    check_stems([folder / name for name in names])
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        stem = Path(name).stem
        Image.fromarray(outputs.images[i]).save(folder / f"{stem}.png")
        if outputs.attention is not None:
            grey = (outputs.attention[i] * 255).round().astype(np.uint8)
            (folder / "attention").mkdir(exist_ok=True)
            Image.fromarray(grey).save(folder / "attention" / f"{stem}.png")


class Seen(NamedTuple):
    """One direction of a test split, as scores of pixels see it.

    Attributes:
        made: the translations, (N, H, W, 3) uint8.
        source: their inputs, the same shape.
        cell: px; the side of the squares on which attention maps are constant.
        attention: the maps, (N, H, W) in [0, 1].
        truth: the true translations, shaped as `made`.
        mask: (N, H, W), 1 where the object is.
        ideal: the true translations where there is a mask too.
    """

    made: np.ndarray
    source: np.ndarray
    cell: int
    attention: np.ndarray | None = None
    truth: np.ndarray | None = None
    mask: np.ndarray | None = None
    ideal: np.ndarray | None = None


def score_direction(
    outputs: Outputs,
    direction: str,
    test: ImageSet,
    train: ImageSet,
    cell: int,
    cache: Path | None,
    offline: bool,
    classes: Collection[int] = (),
    at_most: int | None = None,
) -> list[Score]:
    """All scores of one direction: of features, then of pixels as far as their truth is known.

    Args:
        outputs: translations of the test images of the source domain.
        direction: "AB" or "BA".
        test: the test split at the size of the outputs.
        train: the training split at that size; its target domain gives the floors.
        cell: px; the side of the squares on which the method's attention maps are constant.
        cache: folder of cached features.
        offline: leave the Inception network out.
        classes: of ImageNet, those that show the target domain's object.
        at_most: images of each set that feature networks look at; None: all.
    """
    sets = image_sets(outputs, direction, test, train)
    chosen = default_protocols(sets)
    real = [p for p in chosen if p.features == EFFICIENTNET]
    fewer = _few(sets, at_most)
    scores = compare(Bench(fewer, cache), real, classes=classes)
    rest = Bench(fewer if at_most else sets, cache, offline=offline)
    scores += compare(rest, [p for p in chosen if p not in real])
    about = seen(outputs, direction, test, cell)
    for needs, score in PIXELS.values():
        if all(getattr(about, name) is not None for name in needs):
            made = test.passport.get("masks", "") if "mask" in needs else ""  # by what, if not true
            scores += [replace(row, note=joined(row.note, made)) for row in score(about)]
    return scores


def _few(sets: dict[str, Stack], at_most: int | None) -> dict[str, Stack]:
    """At most so many images of each set; floors need as many training images as outputs."""
    n = min(len(sets["fake"]), at_most or len(sets["fake"]))
    limits = dict.fromkeys(sets, at_most) | {"real_train": n}
    return {key: Stack(spaced(s.array, limits[key] or len(s))) for key, s in sets.items()}


def image_sets(
    outputs: Outputs, direction: str, test: ImageSet, train: ImageSet
) -> dict[str, Stack]:
    """What the scores of features compare, by the names of `protocols.SETS`."""
    X, Y = direction
    return {
        "fake": Stack(outputs.images),
        "real": Stack(np.asarray(test.arrays[Y])),
        "source": Stack(np.asarray(test.arrays[X])),
        "real_train": Stack(np.asarray(train.arrays[Y])),
    }


def seen(outputs: Outputs, direction: str, test: ImageSet, cell: int) -> Seen:
    """What the scores of pixels compare."""
    X, Y = direction
    known = {name: test.arrays.get(f"{X}_{name}") for name in ("mask", "ideal")}
    truth = test.arrays[Y] if test.paired else known["ideal"]
    known["truth"] = truth
    arrays = {name: np.asarray(array) for name, array in known.items() if array is not None}
    source = np.asarray(test.arrays[X])
    return Seen(outputs.images, source, cell, outputs.attention, **arrays)


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


def _against_truth(metric: str, score: Callable[..., np.ndarray], images: Seen) -> list[Score]:
    protocol = f"{metric}/skimage"
    idle = mean_score(metric, protocol, score(images.source, images.truth)).value
    row = mean_score(metric, protocol, score(images.made, images.truth))
    return [replace(row, do_nothing=idle)]


def _background(images: Seen) -> list[Score]:
    values = attention.background_psnr(images.made, images.source, images.mask)
    return [replace(mean_score("background_psnr", "background/psnr", values), do_nothing=math.inf)]


def _foreground(images: Seen) -> list[Score]:
    values = attention.foreground_error(images.made, images.ideal, images.mask)
    idle = attention.foreground_error(images.source, images.ideal, images.mask).mean()
    row = mean_score("foreground_error", "foreground/l1", values)
    return [replace(row, do_nothing=float(idle))]


def _iou(images: Seen) -> list[Score]:
    """And its ceiling; a do-nothing map is 1 everywhere, as if all were repainted."""
    protocol = "attention/iou-0.5"
    iou = attention.attention_iou(images.attention, images.mask)
    everywhere = attention.attention_iou(np.ones_like(images.attention), images.mask).mean()
    ceiling = attention.iou_ceiling(images.mask, images.cell)
    note = f"ceiling of the map's {images.cell} px grid: {ceiling.mean():.4f}"
    row = mean_score("attention_iou", protocol, iou)
    return [
        replace(row, do_nothing=float(everywhere), note=note),
        mean_score("attention_iou_ceiling", protocol, ceiling),
    ]


def _ranked(metric: str, score: Callable[..., np.ndarray], images: Seen) -> list[Score]:
    """A score of the order of a map's values; do-nothing is a flat map, as without attention."""
    flat = score(np.ones_like(images.attention), images.mask).mean()
    values = score(images.attention, images.mask)
    row = mean_score(metric, metric.replace("_", "/"), values)
    return [replace(row, do_nothing=float(flat))]


# By protocol, in the order of a run's rows: what of `Seen` it needs, and its rows.
PIXELS: dict[str, tuple[tuple[str, ...], Callable[[Seen], list[Score]]]] = {
    "attention/mean": (("attention",), lambda images: [mean_attention(images.attention)]),
    "psnr/skimage": (("truth",), partial(_against_truth, "psnr", psnr)),
    "ssim/skimage": (("truth",), partial(_against_truth, "ssim", ssim)),
    "background/psnr": (("mask",), _background),
    "foreground/l1": (("mask", "ideal"), _foreground),
    "attention/iou-0.5": (("attention", "mask"), _iou),
    "attention/auc": (
        ("attention", "mask"), partial(_ranked, "attention_auc", attention_auc)
    ),
    "attention/pointing": (
        ("attention", "mask"), partial(_ranked, "attention_pointing", pointing_game)
    ),
}  # fmt: skip


@torch.no_grad()
def sample_sheet(method: Method, images: ImageSet) -> Image.Image:
    """A picture of the first test images: per direction a row of inputs, maps and translations.

    Translations that a one-way method does not make are white.
    """
    device = next(method.parameters()).device
    rows = []
    for direction in DIRECTIONS:
        batch = next(in_order(images, direction[0], TILES, device))
        rows.append(to_uint8(batch[direction[0]]))
        if direction not in method.directions:
            rows.append(np.full_like(rows[-1], 255))
            continue
        translation = method.translate(batch[direction[0]], direction)
        if translation.attention is not None:
            rows.append(to_uint8(translation.attention.expand(-1, 3, -1, -1) * 2 - 1))
        rows.append(to_uint8(translation.image))
    return Image.fromarray(np.concatenate([_strip(row) for row in rows]))


def _strip(images: np.ndarray) -> np.ndarray:
    """`TILES` images side by side; white where the split has fewer."""
    blank = np.full((TILES - len(images), *images.shape[1:]), 255, np.uint8)
    return np.concatenate([*images, *blank], axis=1)
