"""CUB-200-2011: birds cut out by their bounding boxes, with their classes, in the official split.

With `text_c10` beside its lists, ten sentences about every bird by people, each has the first of
them as its caption.

Assumed: the paper that uses the set (DA-GAN) names birds, but no sizes and no domains within reach.
Here A and B are two halves of the birds of each split, every class in both where it has two.
"""

import math
from pathlib import Path

import pandas as pd
from PIL import Image

from replicate.datasets.labels import CLASS
from replicate.datasets.layouts import shown
from replicate.datasets.recipes.planning import HALVES, Picture, Plan, find, halves, lacking, photo
from replicate.errors import ReplicateError

OPTIONS = ()
DOMAINS = ("bird", "other_bird")
AGAIN = "Get CUB_200_2011.tgz again, and unpack it"
# of reedscot/cvpr2016: text_c10/<class>/<image>.txt, a sentence a line
SENTENCES = "text_c10"
LISTS = {  # the columns of each, after the number of the image
    "images.txt": ("file",),
    "image_class_labels.txt": ("number",),
    "train_test_split.txt": ("training",),
    "bounding_boxes.txt": ("x", "y", "width", "height"),
}


def source() -> str:
    """What the set is, in words."""
    return "CUB-200-2011, cut by bounding box, official split, two halves of the birds"


def plan(folder: Path) -> Plan:
    """All birds with their class as label, 0 for the first, and their captions where they are.

    Args:
        folder: `CUB_200_2011`, or what holds it.

    Raises:
        ReplicateError: a list is missing or damaged, lists disagree, or an image is missing.
    """
    root = find(folder, "images.txt", "CUB_200_2011.tgz").parent
    classes = _list(root, "classes.txt", ("name",))["name"]
    table = _images(root)
    if strange := sorted(set(table["number"]) - set(classes.index)):
        raise lacking("classes are not in classes.txt", strange, len(classes), AGAIN)
    files = [root / "images" / file for file in table["file"]]
    if gone := [file for file in files if not file.is_file()]:
        raise lacking("images are missing", gone, len(files), AGAIN)
    groups: dict[int, list[Picture]] = {0: [], 1: []}
    for file, row in zip(files, table.itertuples(), strict=True):
        label = (row.number - 1, classes[row.number])
        target = f"{row.Index:05d}_{file.stem}.png"  # stems alone might be those of two classes
        picture = Picture(target, (file,), label, _box(row), _caption(root, row.file))
        groups[row.training].append(picture)
    pictures = halves("train", groups[1]) + halves("test", groups[0])
    hint = f"{HALVES}`replicate train METHOD --data NAME --set n_classes={len(classes)}`"
    return Plan("cyclegan", DOMAINS, pictures, _bird, columns=CLASS, remarks=(hint,))


def _caption(root: Path, image: str) -> str:
    """The first sentence about an image; empty where the set comes without sentences."""
    if not (folder := root / SENTENCES).is_dir():
        return ""
    file = (folder / image).with_suffix(".txt")
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else []
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise ReplicateError(
            f"{shown(file)} is missing or empty; expected ten sentences. Complete the folder, or "
            f"move {shown(folder)} away for a set without captions"
        )
    return sentences[0]


def _images(root: Path) -> pd.DataFrame:
    """All that the lists say of each image, by its number."""
    lists = {name: _list(root, name, columns) for name, columns in LISTS.items()}
    images = lists["images.txt"]
    for name, table in lists.items():
        if table.index.has_duplicates or set(table.index) != set(images.index):
            raise ReplicateError(
                f"{shown(root / name)} has {len(table)} images, expected each of the {len(images)} "
                f"of images.txt once. {AGAIN}"
            )
    table = pd.concat(lists.values(), axis=1)
    if strange := sorted(set(table["training"]) - {0, 1}):
        raise lacking("values of train_test_split.txt are not 0 or 1", strange, len(table), AGAIN)
    return table


def _list(root: Path, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """One of the lists, by the number of the image or class."""
    file = find(root, name, "CUB_200_2011.tgz")
    types = {"file": str, "name": str, "number": int, "training": int}
    kinds = {column: types.get(column, float) for column in columns}
    try:
        return pd.read_csv(
            file, sep=r"\s+", names=["id", *columns], index_col="id", dtype={"id": int} | kinds
        )
    except ValueError as error:
        raise ReplicateError(
            f"{shown(file)}: {error}; expected a number and {', '.join(columns)} in every row"
        ) from error


def _box(row: tuple) -> tuple[int, int, int, int]:
    """The whole pixels that the box touches."""
    right, bottom = math.ceil(row.x + row.width), math.ceil(row.y + row.height)
    return math.floor(row.x), math.floor(row.y), right, bottom


def _bird(picture: Picture) -> Image.Image:
    image = photo(picture.files[0])
    left, top, right, bottom = picture.box
    box = max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ReplicateError(
            f"{shown(picture.files[0])}: box {picture.box} lies outside its {image.width} x "
            f"{image.height} px; expected part of the image. Get bounding_boxes.txt again"
        )
    return image.crop(box)
