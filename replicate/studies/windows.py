"""Where a method's windows lie in test images, whether they find the object, what they show.

Beside them stand windows that are placed blindly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from replicate.datasets import packed
from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.lab.execute import load_method
from replicate.lab.run import Run, method_name
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.report.plots.images import Row, _known, _made, _of_seed
from replicate.report.plots.picture import Picture, name_of, sheet
from replicate.report.tables.catalogue import method_order, number
from replicate.report.tables.frames import one_budget
from replicate.report.tables.summary import SMOKE
from replicate.studies.galleries import _groups, _none, _trained

BATCH = 16  # images; no layer mixes them


@dataclass(frozen=True)
class Placed:
    """n windows on each of N images: `centres` (N, n, 2) as x, y and half their side, in px."""

    centres: np.ndarray
    half: float


def has_windows(run: Run) -> bool:
    """Whether a run's method looks at images through windows; of a sentence it places them."""
    windows = getattr(run.config, "windows", "none")
    return windows != "none" and METHODS[run.method].takes == "images"


def inapplicable(runs: Iterable[Run]) -> str:
    """That no run has windows, in words; "" where one has."""
    return "" if any(map(has_windows, runs)) else "No method here looks at images through windows."


@torch.no_grad()
def place_windows(
    method: Method, images: ImageSet, direction: str, number: int | None = None
) -> Placed:
    """The windows on the first `number` images (None: all) of the direction's source domain.

    Args:
        method: one that has `windows`, in evaluation mode, on the CPU.
        images: a split at the method's size.
        direction: "AB" or "BA".
    """
    X, centres = direction[0], []
    for batch in in_order(images, X, BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=method.config.precision == "bf16"):
            centres.append(method.windows(batch[X], direction).centres.float().numpy())
        if number is not None and sum(map(len, centres)) >= number:
            break
    return Placed(np.concatenate(centres)[:number], method.half)


def hits(placed: Placed, mask: np.ndarray) -> np.ndarray:
    """The share of an image's windows whose centre lies on the mask.

    Args:
        placed: windows on N images.
        mask: (N, S, S) of 0 and 1.

    Returns:
        (N,) in [0, 1]; 1 where every centre is on the mask.
    """
    x, y = np.moveaxis(placed.centres.astype(int).clip(0, mask.shape[-1] - 1), 2, 0)
    return mask[np.arange(len(mask))[:, None], y, x].mean(axis=1)


def inside(placed: Placed, mask: np.ndarray) -> np.ndarray:
    """The share of the mask's pixels whose middle lies in a window, (N,) in [0, 1].

    Args:
        placed: windows on N images.
        mask: (N, S, S) of 0 and 1, each with a 1 somewhere.
    """
    at = np.arange(mask.shape[-1]) + 0.5
    x, y = np.moveaxis(np.abs(at - placed.centres[..., None]) <= placed.half, 2, 0)
    seen = (y[..., :, None] & x[..., None, :]).any(axis=1)
    return (seen * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))


def expected_hits(half: float, mask: np.ndarray) -> np.ndarray:
    """What `hits` gives on average over every place at which a window can stand, (N,).

    Args:
        half: half of a window's side, px; centres keep this distance from the image's edges.
        mask: (N, S, S) of 0 and 1.
    """
    low = np.arange(mask.shape[-1], dtype=float)
    chance = _share(low, low + 1, half, mask.shape[-1])
    return np.einsum("nyx,y,x->n", mask, chance, chance)


def expected_inside(half: float, mask: np.ndarray, n: int = 1) -> np.ndarray:
    """What `inside` gives on average over all places of `n` windows that know nothing of another.

    Args:
        half: half of a window's side, px.
        mask: (N, S, S) of 0 and 1, each with a 1 somewhere.
        n: windows on an image.
    """
    at = np.arange(mask.shape[-1]) + 0.5
    chance = _share(at - half, at + half, half, mask.shape[-1])
    seen = 1 - (1 - chance[:, None] * chance[None, :]) ** n
    return (seen * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))


def _share(low: np.ndarray, high: np.ndarray, half: float, side: int) -> np.ndarray:
    """The chance that a coordinate, uniform on [half, side - half], lies in [low, high]."""
    reach = side - 2 * half
    if reach == 0:  # one place is left: the middle
        return ((low <= side / 2) & (side / 2 < high)).astype(float)
    return (np.minimum(high, side - half) - np.maximum(low, half)).clip(0) / reach


LEAST, MARGIN = 0.8, 0.2  # of the test images, and above both blind windows: what counts as found
KEY = ["dataset", "direction", "name"]
SHARES = {
    "hit": "centre on object",
    "hit_random": "centre, random window",
    "hit_middle": "centre, middle window",
    "inside": "object inside",
    "inside_random": "inside, random window",
    "inside_middle": "inside, middle window",
}
FOUND = f"found: {LEAST:.0%} or more, {100 * MARGIN:.0f} points above both"


def window_hits(runs: Iterable[Run]) -> pd.DataFrame:
    """How often windows lie on the object of a test image, as shares, mean ± sd over seeds.

    Args:
        runs: the finished ones whose method has windows, on sets whose masks are known.

    Returns:
        One row for each (data set, direction, method), as text: `centre on object`, the share
        of the windows whose centre is a pixel of the true mask; `object inside`, the share of the
        mask's pixels that windows cover; beside each what a window gives at a place drawn at random
        (its exact mean over all places where it is inside the image) and at the image's middle; and
        `found`, "yes", or what is missed.

    Raises:
        ReplicateError: no such run, or runs of several budgets.
    """
    rows = [row for run in runs if _has_truth(run) for row in _measured(run)]
    if not rows:
        raise ReplicateError(
            "no finished run has windows and a test set with masks, expected one: add a method "
            "that looks through windows, and a set with true masks such as shapes_drawn"
        )
    frame = pd.DataFrame(rows)
    heading = SMOKE if one_budget(frame) == "smoke" else "method"
    groups = sorted(frame.groupby(KEY), key=lambda item: (*item[0][:2], method_order(item[0][2])))
    shown = [
        dict(zip([*KEY[:2], heading], key, strict=True)) | _texts(group) for key, group in groups
    ]
    return pd.DataFrame(shown)


def _has_truth(run: Run) -> bool:
    if run.record().get("status") != "finished" or not has_windows(run):
        return False
    return "A_mask" in packed.load(run.dataset, "test", run.config.scored_size).arrays


def _measured(run: Run) -> list[dict[str, object]]:
    """The six shares of each direction, means over the test images."""
    method = load_method(run, torch.device("cpu"))
    test = packed.load(run.dataset, "test", run.config.scored_size)
    rows = []
    for direction in DIRECTIONS:
        placed = place_windows(method, test, direction)
        mask = np.asarray(test.arrays[f"{direction[0]}_mask"])
        centre = np.full_like(placed.centres[:, :1], mask.shape[-1] / 2)
        middle = Placed(centre, placed.half)
        shares = {
            "hit": hits(placed, mask),
            "hit_random": expected_hits(placed.half, mask),
            "hit_middle": hits(middle, mask),
            "inside": inside(placed, mask),
            "inside_random": expected_inside(placed.half, mask, placed.centres.shape[1]),
            "inside_middle": inside(middle, mask),
        }
        place = (run.dataset, in_words(direction, test), method_name(run.method, run.label))
        rows.append(
            dict(zip(KEY, place, strict=True))
            | {"budget": run.budget}
            | {name: float(values.mean()) for name, values in shares.items()}
        )
    return rows


def _texts(group: pd.DataFrame) -> dict[str, str]:
    mean = group[list(SHARES)].mean()
    texts = {SHARES[name]: number(mean[name], 2) for name in SHARES}
    for name in ("hit", "inside"):
        texts[SHARES[name]] = with_spread(group[name])
    return texts | {FOUND: _verdict(mean)}


def _verdict(mean: pd.Series) -> str:
    """`yes`, or by how much which of the conditions is missed."""
    blind = max(mean["hit_random"], mean["hit_middle"])
    short = []
    if mean["hit"] < LEAST:
        short.append(f"{mean['hit']:.2f} < {LEAST}")
    if mean["hit"] - blind < MARGIN:
        short.append(f"{100 * (mean['hit'] - blind):.0f} points above blind")
    return f"no: {', '.join(short)}" if short else "yes"


def with_spread(values: pd.Series) -> str:
    """`0.85 ± 0.02 (3)`: mean, standard deviation and number of seeds; `0.85 (1 seed)` of one."""
    if len(values) == 1:
        return f"{number(values.iloc[0], 2)} (1 seed)"
    return f"{number(values.mean(), 2)} ± {number(values.std(ddof=1), 2)} ({len(values)})"


SIDE = 128  # px of a tile; smaller images are enlarged by a whole factor before lines are drawn
LINE = 2  # px
COLOUR = (255, 224, 0)  # in no set's objects or grounds


def window_outlines(runs: Iterable[Run], columns: int = 4, seed: int | None = None) -> Picture:
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
            placed = place_windows(method, test, direction, columns)
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
        readers = [r for r in peers if has_windows(r) and r.config.windows == "learned"]
        if not readers:
            continue
        whole = [run for run in peers if getattr(run.config, "windows", "") == "none"]
        method, test = _trained(readers[0])
        for direction in DIRECTIONS:
            placed = place_windows(method, test, direction, columns)
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
    chosen = [run for run in _of_seed(runs, seed, "outputs") if has_windows(run)]
    if not chosen:
        raise _none("windows", seed)
    return chosen


def _peers(run: Run) -> tuple[str, str, int]:
    return run.method, run.dataset, run.config.scored_size


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
