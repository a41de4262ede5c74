"""Miniatures of official releases: their folders, file names and lists, with made-up images."""

from pathlib import Path

import numpy as np
from PIL import Image
from support.pictures import picture

EXPRESSIONS = (
    "angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised",
)  # fmt: skip
# of CelebA's 40 attributes, in the order of its list
ATTRIBUTES = ("Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Smiling", "Young")
ROAD, CAR, VOID = (128, 64, 128), (0, 0, 142), (0, 0, 0)  # colours of Cityscapes
IDS = {ROAD: 7, CAR: 26, VOID: 0}  # their labelIds
# hair, gender and age of twelve made-up people; None: an attribute that the list calls -1
PEOPLE = [
    {"Black_Hair": 1, "Male": 1, "Young": 1},
    {"Blond_Hair": 1, "Young": 1},
    {"Brown_Hair": 1, "Smiling": 1},
    {"Bald": 1, "Male": 1},
] * 3
PARTS = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2]
CITIES = {"train": {"aachen": 2, "zurich": 1}, "val": {"frankfurt": 2}}


def cityscapes(root: Path) -> Path:
    """Three photos of 64x32 px to train with, two of val; labels are stripes, void transparent."""
    for split, cities in CITIES.items():
        for city, count in cities.items():
            for i in range(count):
                stem = f"{city}_{i:06d}_000019"
                shot = root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png"
                fine = root / "gtFine" / split / city
                for folder in (shot.parent, fine):
                    folder.mkdir(parents=True, exist_ok=True)
                picture(i, (64, 32)).save(shot)
                rows = [(ROAD, CAR, VOID)[(y // 3 + i) % 3] for y in range(32)]
                pixels = np.array([[*c, 0 if c == VOID else 255] for c in rows], np.uint8)
                wide = np.repeat(pixels[:, None], 64, axis=1)
                Image.fromarray(wide).save(fine / f"{stem}_gtFine_color.png")
                ids = np.repeat(np.array([[IDS[c]] for c in rows], np.uint8), 64, axis=1)
                Image.fromarray(ids).save(fine / f"{stem}_gtFine_labelIds.png")
    return root


def celeba(root: Path, rows: list[dict[str, int]], parts: list[int] | None = None) -> Path:
    """178x218 faces, one a row of 1 for attributes that it has; all others are -1."""
    (root / "img_align_celeba").mkdir(parents=True)
    lines = [f"{len(rows)}\n", " ".join(ATTRIBUTES) + " \n"]
    for i, row in enumerate(rows, start=1):
        picture(i, (178, 218)).save(root / "img_align_celeba" / f"{i:06d}.jpg")
        values = "".join(f" {row.get(name, -1):2d}" for name in ATTRIBUTES)
        lines.append(f"{i:06d}.jpg {values}\n")
    (root / "list_attr_celeba.txt").write_text("".join(lines))
    if parts is not None:
        pairs = [f"{i:06d}.jpg {part}\n" for i, part in enumerate(parts, start=1)]
        (root / "list_eval_partition.txt").write_text("".join(pairs))
    return root


def rafd(root: Path, persons: int = 4, cameras: tuple[str, ...] = ("090",)) -> Path:
    """Every person with every expression, 34x51 px, two thirds as wide as high as the originals."""
    root.mkdir(parents=True)
    for person in range(1, persons + 1):
        kind = ("Caucasian_female", "Moroccan_male")[person % 2]
        for camera in cameras:
            for k, expression in enumerate(EXPRESSIONS):
                name = f"Rafd{camera}_{person:02d}_{kind}_{expression}_frontal.jpg"
                picture(10 * person + k, (34, 51)).save(root / name)
    return root


def cub(root: Path) -> Path:
    """Two classes of four birds, two of each to train with, in boxes of 40x30 px."""
    classes = ("001.Black_footed_Albatross", "002.Laysan_Albatross")
    lists: dict[str, list[str]] = {name: [] for name in (
        "images", "image_class_labels", "train_test_split", "bounding_boxes")}  # fmt: skip
    number = 0
    for k, kind in enumerate(classes, start=1):
        (root / "images" / kind).mkdir(parents=True)
        for i in range(4):
            number += 1
            file = f"{kind}/bird_{i}.jpg"
            picture(number, (60, 50)).save(root / "images" / file, quality=95)
            lists["images"].append(f"{number} {file}")
            lists["image_class_labels"].append(f"{number} {k}")
            lists["train_test_split"].append(f"{number} {i % 2}")
            lists["bounding_boxes"].append(f"{number} {i}.0 2.0 40.0 30.0")
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    names = [f"{k} {kind}" for k, kind in enumerate(classes, start=1)]
    (root / "classes.txt").write_text("\n".join(names) + "\n")
    return root


def animals(root: Path) -> Path:
    """Both sets unpacked: four to six images of 20x24 px a folder to train with, two to test."""
    for k, name in enumerate(("horse2zebra", "cats_dogs")):
        for j, (folder, count) in enumerate(
            {"trainA": 6, "trainB": 5, "testA": 2, "testB": 3}.items()
        ):
            place = root / name / folder
            place.mkdir(parents=True)
            for i in range(count - k * (folder == "trainB")):  # of dogs one less
                picture(100 * k + 10 * j + i, (20, 24)).save(place / f"n_{j}{i}.png")
    return root


MINIATURES = {
    "cityscapes": cityscapes,
    "celeba": lambda root: celeba(root, PEOPLE, PARTS),
    "rafd": rafd,
    "cub": cub,
    "animals": animals,
}
