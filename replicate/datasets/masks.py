"""Masks that came with a set's images, or later: one PNG an image, white where the object is.

They lie in `<data>/masks/<set>/<folder>_mask/`, beside the set and not in it, so that neither its
content nor its passport changes with them. Only those of the test split are read: they score.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from replicate import files, naming, paths
from replicate.datasets import hashes
from replicate.datasets.archives import unpack
from replicate.datasets.layouts import shown
from replicate.datasets.spec import Spec
from replicate.errors import ReplicateError
from replicate.images import grey

HALF = 128  # of 256 levels: what is resized is the object where it is brighter


def folder(entry: Spec) -> Path:
    """Where the masks of a set lie."""
    return paths.data() / "masks" / (entry.reverses or entry.name)


def of_test(entry: Spec, images: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The masks of the test split by array, such as "A_mask", in the order of the images.

    A domain without a folder of masks is left out.

    Args:
        images: the files by folder, A's first.

    Raises:
        ReplicateError: a folder lacks the mask of an image.
    """
    by_array = {}
    for key, (name, group) in zip("AB", images.items(), strict=False):
        place = folder(entry) / f"{name}_mask"
        if entry.masks is None or not place.is_dir():
            continue
        masks = [place / f"{image.stem}.png" for image in group]
        if missing := [mask for mask in masks if not mask.is_file()]:
            raise ReplicateError(
                f"{shown(place)} lacks {len(missing)} of {len(masks)} masks ({missing[0].name}, "
                "...); expected one for every image. Complete it, or delete the folder"
            )
        by_array[f"{key}_mask"] = masks
    return by_array


def read(masks: list[Path], side: int) -> np.ndarray:
    """(N, side, side) uint8 in {0, 1}: squeezed as their images are, 1 where the object is."""
    whole = (Image.fromarray(np.rint(255 * grey(mask)).astype(np.uint8)) for mask in masks)
    squeezed = (mask.resize((side, side), Image.Resampling.BICUBIC) for mask in whole)
    return np.stack([np.asarray(image) >= HALF for image in squeezed]).astype(np.uint8)


def is_archive_of(entry: Spec, path: Path) -> bool:
    """Whether a file has the name of the set's archive of masks."""
    return entry.masks is not None and path.name == entry.masks.archive


def get(entry: Spec, archive: Path) -> Path:
    """The folder of the masks, unpacked from the archive if it is not there.

    Raises:
        ReplicateError: the archive is another one than on record, or holds no masks.
    """
    target = folder(entry)
    if target.is_dir():
        print(f"{entry.name}: {shown(target)} is there, nothing to do")
        return target
    if reason := hashes.mismatch(archive, entry.masks.sha256):
        raise ReplicateError(f"{shown(archive)}: {reason}. Get it again")
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.building(target, ".unpacking-") as made:
        unpack(archive, made)
        inside = sorted(place.parent for place in made.rglob("test*_mask") if place.is_dir())
        if not inside:
            raise ReplicateError(
                f"{shown(archive)} holds no masks ({naming.contents(made)}); expected folders such "
                "as testA_mask"
            )
        os.replace(inside[0], target)
    print(f"{entry.name}: {entry.masks.made}, unpacked to {shown(target)}")
    return target
