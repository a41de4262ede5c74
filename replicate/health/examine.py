"""All numbers of one direction, from images or from a sheet of samples."""

from pathlib import Path

import numpy as np
from PIL import Image

from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.health import measures
from replicate.images import grey, read
from replicate.methods.base import DIRECTIONS

Numbers = dict[str, float]  # by the keys of `faults.FAULTS`


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
        "colour_inversion": measures.correlation(source, made),
        "checkerboard": measures.checkerboard(made, real),
        "copy": measures.change(source, made),
        "mode_collapse": measures.likeness(made, real),
    }
    if maps is not None:
        numbers["flat_attention"] = measures.contrast(maps)
        numbers["full_attention"] = measures.ends(maps)
        numbers["checkered_attention"] = measures.alternation(maps[..., None])
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


def of_sheet(sheet: Image.Image) -> dict[str, tuple[Numbers, int]]:
    """The numbers of a sheet of samples by direction, and of how many images.

    Args:
        sheet: RGB, as `evaluation.sample_sheet` makes it: for each direction a row of inputs, one
            of maps where there are maps, and one of translations. The other direction's inputs are
            the real images.

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
    found = {}
    used = {direction: _used(inputs) for direction, (inputs, *_) in blocks.items()}
    for direction, block in blocks.items():
        source, *maps, made = (row[: used[direction]] for row in block)
        other = direction[::-1]
        seen = maps[0][..., 0] / 255 if maps else None
        real = blocks[other][0][: used[other]]
        found[direction] = of_images(source, made, real, seen), len(made)
    return found


def _used(inputs: np.ndarray) -> int:
    """How many images a row holds; white ones fill it up."""
    return int(np.flatnonzero((inputs < 255).any((1, 2, 3))).max(initial=0)) + 1
