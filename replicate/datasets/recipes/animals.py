"""Four domains of photographs: horses and zebras of CycleGAN's set, cats and dogs of Asirra's.

The labels are horse 0, zebra 1, cat 2 and dog 3; the first two are A and B. As many of each to
train and to test as the smallest domain has, so that no label is more frequent than another: the
first ones in a random order that never changes. Images are the largest centred square.
"""

from functools import cache
from pathlib import Path

from PIL import Image

from replicate.datasets.labels import CLASS
from replicate.datasets.own import rank
from replicate.datasets.recipes.planning import (
    HALVES,
    Picture,
    Plan,
    find,
    lacking,
    photo,
    square,
    with_labels,
)
from replicate.datasets.spec import registered
from replicate.naming import image_files

OPTIONS = ()
LABELS = ("horse", "zebra", "cat", "dog")
DOMAINS = LABELS[:2]
FROM = {"horse": ("horse2zebra", "A"), "zebra": ("horse2zebra", "B")}  # set and domain
FROM |= {"cat": ("cats_dogs", "A"), "dog": ("cats_dogs", "B")}
SIDE = 128  # px, at most
HINT = f"{HALVES}`replicate train METHOD --data NAME`; labels are {', '.join(LABELS)}"


def source() -> str:
    """What the set is, in words."""
    return "horses and zebras of horse2zebra, cats and dogs of cats_dogs; as many of each"


def plan(folder: Path) -> Plan:
    """All four domains with their labels.

    Args:
        folder: holds `horse2zebra` and `cats_dogs`, unpacked, or folders that hold these.

    Raises:
        ReplicateError: one of the sets is not there, or lacks images of a domain.
    """
    parts = {split: _pictures(folder, split) for split in ("train", "test")}
    remarks = [f"{split}: {len(part) // len(LABELS)} of each" for split, part in parts.items()]
    belongs = [lambda picture, word=word: picture.label[1] == word for word in DOMAINS]
    pictures = with_labels(parts["train"], parts["test"], belongs)
    return Plan(
        "cyclegan", DOMAINS, pictures, _animal, None, CLASS, labels=LABELS,
        remarks=(*remarks, HINT),
    )  # fmt: skip


def _pictures(folder: Path, split: str) -> list[Picture]:
    """The images of one split, equally many of each label."""
    by_word = {word: _files(folder, split, *FROM[word]) for word in LABELS}
    least = min(map(len, by_word.values()))
    pictures = []
    for k, (word, files) in enumerate(by_word.items()):
        chosen = sorted(files, key=lambda file: rank(file.stem))[:least]
        pictures += [Picture(f"{word}_{file.stem}.png", (file,), (k, word)) for file in chosen]
    return pictures


def _files(folder: Path, split: str, name: str, letter: str) -> list[Path]:
    """The images of a domain of one of the two sets, without those that it leaves out itself."""
    place = find(folder, name, f"{name}.zip") / f"{split}{letter}"
    files = image_files(place) if place.is_dir() else []
    if not files:
        way_out = f"Unpack {name}.zip there, whole, and run again"
        raise lacking("folders have no images", [place], 1, way_out)
    return [file for file in files if f"{split}{letter}/{file.name}" not in _left_out(name)]


@cache
def _left_out(name: str) -> tuple[str, ...]:
    entry = registered(name)
    return entry.left_out if entry else ()


def _animal(picture: Picture) -> Image.Image:
    image = square(photo(picture.files[0]))
    small = image.width <= SIDE
    return image if small else image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
