"""Images by name, checked to match: what trials are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from replicate.errors import ReplicateError
from replicate.images import read
from replicate.naming import check_stems, image_files, looked_for

NAMED = 3  # file names that an error lists

Images = Mapping[str, Path | np.ndarray]  # by stem; a file is decoded only if it is drawn


@dataclass(frozen=True)
class Material:
    """What trials are drawn from.

    Attributes:
        methods: by name, the translations by stem; all methods have the same stems.
        inputs: the inputs by stem, those of all translations or none at all.
        real: real images of the target domain; empty where none were given.
        target: what a translation should show ("zebra"); "" where nobody said.
        sizes: the sides of the methods' images in px, where they differ; see `brought`.
    """

    methods: dict[str, Images]
    inputs: Images
    real: Images
    target: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def brought(self, image: np.ndarray) -> np.ndarray:
        """An image as participants see it: where sizes differ, at the smallest of them.

        Args:
            image: (H, W, 3) uint8; one that is not square stays as it is.
        """
        side = min(self.sizes.values(), default=0)
        if not side or image.shape[0] != image.shape[1] or len(image) <= side:
            return image
        return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def folder_images(folder: Path) -> dict[str, Path]:
    """The image files of a folder by stem.

    Raises:
        ReplicateError: no such folder, no image in it, or two images of one stem.
    """
    files = image_files(folder) if folder.is_dir() else []
    if not files:
        raise ReplicateError(
            f"{folder} has 0 images ({looked_for(folder)}); give a folder that holds "
            "the images themselves"
        )
    check_stems(files)
    return {file.stem: file for file in files}


def pixels(image: Path | np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of a file or an array."""
    if not isinstance(image, Path):
        return np.asarray(image)
    return read(image)


def check_same(methods: dict[str, Images]) -> None:
    """Nothing, or the error that names two methods whose images do not match."""
    names = list(methods)
    for other in names[1:]:
        check_covered(names[0], methods[names[0]], methods[other], other)
        check_covered(other, methods[other], methods[names[0]], names[0])


def check_covered(name: str, images: Images, wanted: Images, of: str = "the translations") -> None:
    """Nothing, or the error that names images without a partner."""
    lacking = [stem for stem in wanted if stem not in images]
    if lacking:
        listed = ", ".join(lacking[:NAMED]) + (", ..." if len(lacking) > NAMED else "")
        raise ReplicateError(
            f"{name} lacks {len(lacking)} of the {len(wanted)} images of {of} ({listed}); images "
            "match by file name, suffix aside: rename them, or leave out what has no partner"
        )
