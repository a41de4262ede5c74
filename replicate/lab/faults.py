"""The numbers of known failures: pure functions of images, attention maps and logged losses.

Images are (N, H, W, 3) uint8. What a number means, and from where on it is a fault, says
`known_faults`.
"""

import math
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.images import grey, read
from replicate.losses import AdversarialScale
from replicate.methods.base import DIRECTIONS

BESIDE = (2, 3, 4)  # lines of frequencies from the Nyquist ones
MOST = 256  # images that are compared in pairs; more would take memory and tell nothing new


def correlation(source: np.ndarray, made: np.ndarray) -> float:
    """How far translations go with their inputs: 1 where equal, -1 where inverted.

    Args:
        source: inputs.
        made: their translations, of the same shape.

    Returns:
        Pearson's correlation over the pixels of an image, each channel about its own mean, averaged
        over images; an image of one colour counts 0.
    """
    return float(np.mean([_correlation(*pair) for pair in zip(source, made, strict=True)]))


def change(source: np.ndarray, made: np.ndarray) -> float:
    """Mean absolute difference of translations and inputs, in grey levels of 255."""
    pairs = zip(source, made, strict=True)
    return float(np.mean([np.abs(y.astype(np.float64) - x).mean() for x, y in pairs]))


def checkerboard(made: np.ndarray, real: np.ndarray) -> float:
    """Amplitude at the Nyquist frequencies beyond that of real images.

    Args:
        made: translations, with sides of 16 px or more.
        real: images of the target domain.

    Returns:
        The alternation of `made`, without what the neighbouring frequencies have too, as stripes
        and noise do; over all that alternates in `real`. Both are root mean squares in grey levels;
        that of real images counts as 1 where it is less, because nobody sees so little.
    """
    return alternation(made) / max(_nyquist(real)[0] ** 0.5, 1.0)


def alternation(images: np.ndarray) -> float:
    """Root mean square of what alternates from row to row or column to column, in their unit.

    Args:
        images: (N, H, W, C) of any unit, with sides of 16 px or more.

    Returns:
        That of the Nyquist frequencies less that of their neighbours.
    """
    alternating, beside = _nyquist(images)
    return max(alternating - beside, 0.0) ** 0.5


def likeness(made: np.ndarray, real: np.ndarray) -> float:
    """Median distance between two translations over that between two real images, which is 1.

    The median, because a generator that has a few modes, or one for most inputs, gives many pairs
    that are nearly alike. Distances are root mean squares over pixels.

    Returns:
        0 where more than half of all pairs are alike; NaN with fewer than two images, or where the
        real ones are alike.
    """
    n = min(len(made), len(real), MOST)
    spread = _median_distance(real[:n])
    return _median_distance(made[:n]) / spread if spread > 0 else float("nan")


def contrast(maps: np.ndarray) -> float:
    """Standard deviation of a map over its pixels, averaged over (N, H, W) maps in [0, 1]."""
    return float(maps.std(axis=(1, 2), dtype=np.float64).mean())


def ends(maps: np.ndarray) -> float:
    """Distance of the maps' mean to 0 or 1, whichever is nearer; maps (N, H, W) in [0, 1]."""
    mean = float(maps.mean(dtype=np.float64))
    return min(mean, 1 - mean)


def _centred(image: np.ndarray) -> np.ndarray:
    image = image.astype(np.float64)
    return image - image.mean(axis=(0, 1))


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = _centred(x), _centred(y)
    scale = np.sqrt((x * x).sum() * (y * y).sum())
    return (x * y).sum() / scale if scale > 0 else 0.0


def _nyquist(images: np.ndarray) -> tuple[float, float]:
    """Energy on the two lines of Nyquist frequencies, and the mean of lines beside them."""
    h, w = (side // 2 * 2 for side in images.shape[1:3])
    power = sum(np.abs(np.fft.fft2(_centred(image[:h, :w]), axes=(0, 1))) ** 2 for image in images)
    power = power.mean(axis=2) / len(images) / (h * w) ** 2  # its sum is the variance
    down, across = power.sum(1), power.sum(0)
    alternating = down[h // 2] + across[w // 2] - power[h // 2, w // 2]  # stands in both lines
    beside = np.mean([down[h // 2 - k] + across[w // 2 - k] for k in BESIDE])
    return float(alternating), float(beside)


def _median_distance(images: np.ndarray) -> float:
    if len(images) < 2:
        return float("nan")
    flat = images.reshape(len(images), -1).astype(np.float32)  # 256 of 256 px are 200 MB
    flat -= flat.mean(0)
    squared = (flat**2).sum(1)
    distances = squared[:, None] + squared - 2 * (flat @ flat.T)
    pairs = distances[np.triu_indices(len(images), 1)].astype(np.float64)
    return float(np.sqrt(np.median(np.maximum(pairs, 0)) / flat.shape[1]))


TAIL = 0.1  # of the log
NAMES = re.compile(r"dis(\w*)_([AB])")  # D's loss; G's against the same D begins with adv


def won(log: pd.DataFrame, scale: AdversarialScale) -> dict[str, float]:
    """How far the discriminators of each direction have won, over the last tenth of a log.

    Args:
        log: a row for each iteration, or for each bin of them, with the losses' names as columns.
        scale: of these losses.

    Returns:
        By direction, "AB" for the discriminators of B: 0 where they cannot tell, 1 where their loss
        is 0 and the generator's as high as it gets; of the two the lesser, of several
        discriminators the one that has won most. NaN without a loss of each kind.
    """
    tail = log.tail(max(1, math.ceil(len(log) * TAIL))).mean()
    leads = {"AB": float("nan"), "BA": float("nan")}
    for name in tail.index:
        match = NAMES.fullmatch(name)
        if not match or f"adv{match[1]}_{match[2]}" not in tail.index:
            continue
        ahead = 1 - tail[name] / scale.undecided_d
        behind = tail[f"adv{match[1]}_{match[2]}"] - scale.undecided_g
        value = min(ahead, behind / (scale.won_g - scale.undecided_g))
        direction = {"A": "BA", "B": "AB"}[match[2]]
        leads[direction] = float(pd.Series([leads[direction], value]).max())  # NaN counts least
    return leads


Numbers = dict[str, float]  # by the keys of `known_faults.FAULTS`


def of_images(
    source: np.ndarray, made: np.ndarray, real: np.ndarray, maps: np.ndarray | None = None
) -> Numbers:
    """What images and attention maps tell of each fault.

    Args:
        source: (N, H, W, 3) uint8, the inputs.
        made: their translations, of the same shape.
        real: (M, H, W, 3) uint8, images of the target domain.
        maps: (N, H, W) in [0, 1], where the method has attention.
    """
    numbers = {
        "colour_inversion": correlation(source, made),
        "checkerboard": checkerboard(made, real),
        "copy": change(source, made),
        "mode_collapse": likeness(made, real),
    }
    if maps is not None:
        numbers["flat_attention"] = contrast(maps)
        numbers["full_attention"] = ends(maps)
        numbers["checkered_attention"] = alternation(maps[..., None])
    return numbers


def of_outputs(folder: Path, test: ImageSet, direction: str) -> tuple[Numbers, int] | None:
    """The numbers of a folder of translations and how many these are; None where one is missing.

    Args:
        folder: of PNG files named as the inputs, with maps in `attention` if the method has some.
        test: the test split at their size.
        direction: "AB" or "BA".
    """
    X, Y = direction
    files = [folder / f"{Path(name).stem}.png" for name in test.names[X]]
    maps = [file.parent / "attention" / file.name for file in files]
    if not all(file.is_file() for file in files):
        return None
    seen = np.stack([grey(f) for f in maps]) if all(file.is_file() for file in maps) else None
    source, real = (np.asarray(test.arrays[letter]) for letter in (X, Y))
    return of_images(source, np.stack([read(file) for file in files]), real, seen), len(files)


def of_sheet(
    sheet: Image.Image, directions: Collection[str] = DIRECTIONS
) -> dict[str, tuple[Numbers, int]]:
    """The numbers of a sheet of samples by direction, and of how many images.

    Args:
        sheet: RGB, as `evaluation.sample_sheet` makes it: for each direction a row of inputs, one
            of maps where there are maps, and one of translations. The other direction's inputs are
            the real images.
        directions: those that were translated.

    Raises:
        ReplicateError: a picture that is no such sheet.
    """
    pixels = np.asarray(sheet)
    side = pixels.shape[1] // TILES
    count = pixels.shape[0] // max(side, 1)
    if not 4 <= count <= 6 or pixels.shape[:2] != (count * side, TILES * side):
        raise ReplicateError(
            f"a picture of {pixels.shape[1]} x {pixels.shape[0]} px is no sheet of samples: "
            f"expected 4 to 6 rows of {TILES} squares"
        )
    rows = pixels.reshape(count, side, TILES, side, 3).swapaxes(1, 2)
    # with five rows one direction has maps, and maps are grey
    first = 3 if count == 6 or (count == 5 and np.ptp(rows[1], axis=-1).max() == 0) else 2
    blocks = dict(zip(DIRECTIONS, (rows[:first], rows[first:]), strict=True))
    numbers = {}
    used = {direction: _used(inputs) for direction, (inputs, *_) in blocks.items()}
    for direction, block in blocks.items():
        if direction not in directions:
            continue
        source, *maps, made = (row[: used[direction]] for row in block)
        other = direction[::-1]
        seen = maps[0][..., 0] / 255 if maps else None
        real = blocks[other][0][: used[other]]
        numbers[direction] = of_images(source, made, real, seen), len(made)
    return numbers


def _used(inputs: np.ndarray) -> int:
    """How many images a row holds; white ones fill it up."""
    return int(np.flatnonzero((inputs < 255).any((1, 2, 3))).max(initial=0)) + 1
