"""CelebA by attribute: two domains, or the labelled set of several that StarGAN's heirs train on.

Faces are the centred 178 px square, as AttentionGAN-v1-multi cuts them
(data_loader.py:39-55 @45da496), saved as PNG.
"""

import random
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image

from replicate.datasets.layouts import shown
from replicate.datasets.recipes.planning import (
    HALVES,
    Picture,
    Plan,
    by_domain,
    find,
    lacking,
    photo,
    square,
    with_labels,
)
from replicate.errors import ReplicateError, unknown

OPTIONS = ("domains", "split")
LABELS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
DOMAINS = ("black_hair", "blond_hair")
OPPOSITES = {"female": "Male", "old": "Young"}  # words for what an attribute of -1 says
SIDE = 178  # px
TESTED, SEED = 1999, 1234  # of the reference's split
SPLITS = ("reference", "official")
HINT = (
    f"{HALVES}`replicate train METHOD:celeba --data NAME` with a method that has this variant "
    "(`replicate methods`)"
)
IMAGES, ATTRIBUTES = "img_align_celeba", "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"


def source(domains: tuple[str, str] | None = None, split: str = "reference") -> str:
    """What the set is, in words."""
    what = " against ".join(domains) if domains else f"labels {', '.join(LABELS)}"
    return f"CelebA aligned, {SIDE} px centre, {what}; split: {split}"


def plan(folder: Path, domains: tuple[str, str] | None = None, split: str = "reference") -> Plan:
    """Two domains by attribute, or all images with five labels.

    Args:
        folder: holds `img_align_celeba/`, `list_attr_celeba.txt` and, for the official split,
            `list_eval_partition.txt`.
        domains: two attributes in small letters, `not_` before one for its opposite (also `female`
            and `old`); who has both or neither is left out. None: all, with labels.
        split: "reference": test are the first 1,999 after Python's shuffle with seed 1234, as in
            StarGAN; "official": CelebA's partition, whose validation images are left out.

    Raises:
        ReplicateError: a file is missing or not in the official format; an image is missing.
        UnknownName: no such attribute or split.
    """
    if split not in SPLITS:
        raise unknown("split of celeba", split, SPLITS)
    table = _attributes(find(folder, ATTRIBUTES, "CelebA's folder Anno"))
    belongs = [partial(_has, table, *_meant(word, table)) for word in domains or DOMAINS]
    images = _images(folder, table)
    tested, left_out = _tested(folder, list(table.index), split)
    groups: dict[bool, list[Picture]] = {True: [], False: []}
    for name, *values in table[list(LABELS)].itertuples():
        label = () if domains else tuple(int(value > 0) for value in values)
        if name in tested:
            picture = Picture(f"{Path(name).stem}.png", (images / name,), label)
            groups[tested[name]].append(picture)
    remarks = [f"{left_out} validation images left out"] if left_out else []
    if not domains:
        pictures = with_labels(groups[False], groups[True], belongs)
        return Plan("cyclegan", DOMAINS, pictures, _face, None, LABELS, remarks=(*remarks, HINT))
    pictures = []
    for part, group in (("train", groups[False]), ("test", groups[True])):
        placed, others = by_domain(part, group, belongs)
        pictures += placed
        remarks.append(f"{part}: {len(others)} images have both or neither, left out")
    return Plan("cyclegan", domains, pictures, _face, remarks=tuple(remarks))


def _images(folder: Path, table: pd.DataFrame) -> Path:
    """The folder of the images, which holds every one of the list."""
    images = find(folder, IMAGES, "CelebA's img_align_celeba.zip")
    if (images / IMAGES).is_dir():  # unpacked into a folder of its own name
        images = images / IMAGES
    there = {file.name for file in images.iterdir()}
    if gone := [images / name for name in table.index if name not in there]:
        way_out = f"Complete {shown(images)}, or take their rows out of {ATTRIBUTES}"
        raise lacking("images are missing", gone, len(table), way_out)
    return images


def _attributes(file: Path) -> pd.DataFrame:
    """-1 and 1 by file name and attribute, in the order of the file."""
    with file.open(encoding="utf-8") as opened:
        count, header = opened.readline().strip(), opened.readline().split()
    wanted = "expected CelebA's format: the number of images, the attributes, then a row an image"
    if not count.isdecimal() or not set(LABELS) <= set(header):
        raise ReplicateError(f"{shown(file)} begins with {count!r} and {header[:2]}; {wanted}")
    try:
        table = pd.read_csv(file, sep=r"\s+", skiprows=2, names=["file", *header], index_col="file")
    except ValueError as error:
        raise ReplicateError(f"{shown(file)}: {error}; {wanted}") from error
    right = table.isin((-1, 1)).all(axis=None) and not table.index.has_duplicates
    if len(table) != int(count) or not right:
        raise ReplicateError(
            f"{shown(file)}: {len(table)} rows after the number {count}, or an image twice, or "
            f"values besides -1 and 1; {wanted}. Get it again"
        )
    return table


def _meant(word: str, table: pd.DataFrame) -> tuple[str, int]:
    """The attribute and value that a domain's name means."""
    known = {name.lower(): (name, 1) for name in table.columns}
    known |= {f"not_{name.lower()}": (name, -1) for name in table.columns}
    known |= {other: (name, -1) for other, name in OPPOSITES.items()}
    if word not in known:
        raise unknown("domain of celeba", word, known)
    return known[word]


def _has(table: pd.DataFrame, attribute: str, value: int, picture: Picture) -> bool:
    return table.at[picture.files[0].name, attribute] == value


def _tested(folder: Path, names: list[str], split: str) -> tuple[dict[str, bool], int]:
    """Whether each image is for testing, and how many are for neither."""
    if split == "reference":
        order = list(names)
        random.Random(SEED).shuffle(order)
        if len(order) <= TESTED:
            raise ReplicateError(
                f"{len(order)} images, and the reference's split takes the first {TESTED} to test: "
                "nothing is left to train with. Take all of CelebA, or `--split official`"
            )
        return {name: i < TESTED for i, name in enumerate(order)}, 0
    file = find(folder, PARTITION, "CelebA's folder Eval")
    parts = pd.read_csv(file, sep=r"\s+", names=["file", "part"], index_col="file")["part"]
    if not parts.isin((0, 1, 2)).all() or parts.index.has_duplicates:
        raise ReplicateError(
            f"{shown(file)}: an image twice, or values besides 0 (train), 1 (validation) and 2 "
            "(test); expected CelebA's format: an image and its part in every row. Get it again"
        )
    if gone := [name for name in names if name not in parts.index]:
        raise lacking(f"images are not in {shown(file)}", gone, len(names), "Get it again")
    tested = {name: parts[name] == 2 for name in names if parts[name] != 1}
    return tested, len(names) - len(tested)


def _face(picture: Picture) -> Image.Image:
    return square(photo(picture.files[0]), SIDE)
