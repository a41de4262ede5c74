"""CamVid into pairs: photo left and label colours right, 512x256.

The archive holds street scenes of 256 px and their labels as class indices, squashed from 480 x 360
as pix2pix squashes Cityscapes. Pairs are PNG, since JPEG would mix the colours of classes. The
colours are those of `data/palettes/camvid.toml`, in the order of the indices.
"""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from replicate import images
from replicate.datasets import palettes
from replicate.datasets.recipes.planning import Picture, Plan, find, lacking, photo
from replicate.errors import ReplicateError

OPTIONS = ()
DOMAINS = ("photo", "label")
ARCHIVE = "camvid_256.zip"
SPLITS = ("train", "test")


def source() -> str:
    """What the set is, in words."""
    return "CamVid street scenes of 256 px and their class indices in colours, as pairs"


def plan(folder: Path) -> Plan:
    """Pairs of both splits, in the order of their names.

    Args:
        folder: holds `camvid/{train,test}/*.jpg` and `camvid/{train,test}_labels/*.png`.

    Raises:
        ReplicateError: a folder is missing, or a photo has no labels.
    """
    root, pictures, gone = find(folder, "camvid", ARCHIVE), [], []
    for split in SPLITS:
        for file in sorted((root / split).glob("*.jpg")):
            labels = root / f"{split}_labels" / f"{file.stem}.png"
            pictures.append(Picture(f"{split}/{file.stem}.png", (file, labels)))
            gone += [] if labels.is_file() else [labels]
    if gone:
        way_out = f"They come with {ARCHIVE}: unpack it there, and run again"
        raise lacking("label files are missing", gone, len(pictures), way_out)
    return Plan("pix2pix", DOMAINS, pictures, _pair, "photo")


@cache
def _colours() -> np.ndarray:
    return palettes.load("camvid").colours


def _pair(picture: Picture) -> Image.Image:
    file, labels = picture.files
    left = np.asarray(photo(file))
    indices = images.labels(labels)
    if indices.ndim != 2 or indices.max() >= len(_colours()) or indices.shape != left.shape[:2]:
        raise ReplicateError(
            f"{labels}: {indices.shape} with values up to {indices.max()}; expected class indices "
            f"below {len(_colours())} of an image of {left.shape[:2]}. Get {ARCHIVE} again"
        )
    return Image.fromarray(np.concatenate([left, _colours()[indices]], axis=1))
