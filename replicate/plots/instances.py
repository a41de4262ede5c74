"""What windows show: their outlines on test images, and what is cut out by them."""

from collections.abc import Iterable

import numpy as np

from replicate.datasets.packed import ImageSet
from replicate.evaluation import in_words
from replicate.experiment.run import Run
from replicate.experiment.windows import Placed, has_windows, place
from replicate.methods.base import DIRECTIONS
from replicate.plots.galleries import _groups, _none, _trained
from replicate.plots.images import Row, _known, _made, _of_seed
from replicate.plots.picture import Picture, sheet
from replicate.plots.style import name_of

SIDE = 128  # px of a tile; smaller images are enlarged by a whole factor before lines are drawn
LINE = 2  # px
COLOUR = (255, 224, 0)  # in no set's objects or grounds


def windows(runs: Iterable[Run], columns: int = 8, seed: int | None = None) -> Picture:
    """The outlines of the windows on the first test images, the translations below them.

    Args:
        runs: those of `seed` that are scored and look through windows, a block each and direction;
            a run without windows looks at the whole image and is left out.
        columns: test images in a row, the first of the split.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no such run.

    Source: DA-GAN, figure 2: regions of interest.
    """
    blocks = []
    for run in _looking(runs, seed):
        method, test = _trained(run)
        for direction in DIRECTIONS:
            placed = place(method, test, direction, columns)
            (_, inputs), *_ = _known(test, direction[0], columns)
            rows = [("input, window", _outlined(inputs, placed))]
            rows += _made(run, test, direction, columns)[:1]
            heading = (
                f"{name_of(run)} on {run.dataset}, {in_words(direction, test)}, seed {run.seed}"
            )
            blocks.append((heading, rows))
    return sheet(blocks)


def correspondences(runs: Iterable[Run], columns: int = 8, seed: int | None = None) -> Picture:
    """What a learned window shows, and what translations and the ideal have at the same place.

    Args:
        runs: for each data set and size, the first of `seed` with learned windows says where to
            cut; its translation is shown, and below it those of runs of the same method that look
            at the whole image.
        columns: test images in a row, the first of the split; of several windows the first.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no run of `seed` has learned windows.
    """
    blocks = []
    for peers in _groups(_of_seed(runs, seed, "outputs"), _peers):
        readers = [run for run in peers if getattr(run.config, "windows", "") == "learned"]
        if not readers:
            continue
        whole = [run for run in peers if getattr(run.config, "windows", "") == "none"]
        method, test = _trained(readers[0])
        for direction in DIRECTIONS:
            placed = place(method, test, direction, columns)
            rows = _cut_rows(readers[:1] + whole, test, direction, placed)
            words = in_words(direction, test)
            first = readers[0]
            heading = f"{first.dataset}, {words}, seed {first.seed}: {name_of(first)}'s window"
            blocks.append((heading, rows))
    if not blocks:
        raise _none("learned windows", seed)
    return sheet(blocks)


def _looking(runs: Iterable[Run], seed: int | None) -> list[Run]:
    """The finished runs of one seed that look through windows, in the order of tables."""
    chosen = [run for run in _of_seed(runs, seed, "outputs") if has_windows(run.config)]
    if not chosen:
        raise _none("windows", seed)
    return chosen


def _peers(run: Run) -> tuple[str, str, int]:
    return run.method, run.dataset, run.config.crop_size


def _cut_rows(runs: list[Run], test: ImageSet, direction: str, placed: Placed) -> list[Row]:
    """The input with its window, then the cuts of the input, of translations and of the ideal."""
    columns = len(placed.centres)
    (_, inputs), *ideal = _known(test, direction[0], columns)
    made = [_made(run, test, direction, columns)[0] for run in runs]
    rows = [("input", _outlined(inputs, placed, first=True))]
    for label, images in [("  cut out", inputs), *made, *ideal]:
        pairs = zip(images, placed.centres[:, 0], strict=True)
        rows.append((label, [_cut(image, centre, placed.half) for image, centre in pairs]))
    return rows


def _outlined(images: list[np.ndarray], placed: Placed, first: bool = False) -> list[np.ndarray]:
    """Enlarged images with the outlines of their windows; of the first window alone if `first`."""
    tiles = []
    for image, centres in zip(images, placed.centres, strict=True):
        factor = max(1, SIDE // len(image))
        tile = image.repeat(factor, axis=0).repeat(factor, axis=1)
        for centre in centres[:1] if first else centres:
            left, top = (factor * (centre - placed.half)).round().astype(int).clip(0)
            right, bottom = (factor * (centre + placed.half)).round().astype(int)
            inner = tile[top + LINE : bottom - LINE, left + LINE : right - LINE].copy()
            tile[top:bottom, left:right] = COLOUR
            tile[top + LINE : bottom - LINE, left + LINE : right - LINE] = inner
        tiles.append(tile)
    return tiles


def _cut(image: np.ndarray, centre: np.ndarray, half: float) -> np.ndarray:
    """What a window shows, enlarged by a whole factor, in a white frame that fills the tile."""
    size = round(2 * half)
    left, top = (centre - half).round().astype(int).clip(0, len(image) - size)
    cut = image[top : top + size, left : left + size]
    side = max(SIDE, len(image))
    factor = side // size
    cut = cut.repeat(factor, axis=0).repeat(factor, axis=1)
    before = (side - len(cut)) // 2
    frame = (before, side - len(cut) - before)
    return np.pad(cut, (frame, frame, (0, 0)), constant_values=255)
