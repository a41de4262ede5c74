"""What a recipe decides before anything is written: what each image is made of, where it goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from replicate import images, naming
from replicate.datasets.layouts import OTHERS, shown
from replicate.datasets.own import rank
from replicate.errors import ReplicateError

HALVES = "trainA and trainB are two halves of every label, for methods that read labels: "
FEW = 3  # files that an error names


@dataclass(frozen=True, slots=True)
class Picture:
    """An image to be made.

    Attributes:
        target: its file, `train/0000.png` below the set's folder; a name alone until it is placed.
        files: what it is made of.
        label: the values of the plan's `columns`.
        box: what is cut out, px: left, top, right, bottom.
        caption: a sentence about it; of all images of a set, or of none.
    """

    target: str
    files: tuple[Path, ...]
    label: tuple[int | str, ...] = ()
    box: tuple[int, int, int, int] | None = None
    caption: str = ""


@dataclass(frozen=True)
class Plan:
    """A set to be written.

    Attributes:
        layout, domains, left: as in `Spec`.
        pictures: all images, by target.
        draw: makes one of them.
        columns: of `labels.csv`, after `file`; none where the set has no labels.
        copies: further files by their place in the set.
        tables: CSV files by their place in the set, row by row.
        labels: as in `Spec`.
        remarks: what a user is told, such as what was left out; NAME stands for the set's name.
    """

    layout: str
    domains: tuple[str, str]
    pictures: list[Picture]
    draw: Callable[[Picture], Image.Image]
    left: str | None = None
    columns: tuple[str, ...] = ()
    copies: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, list[tuple]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def halves(split: str, pictures: Sequence[Picture]) -> list[Picture]:
    """Every other image to A and to B, label by label in a random order that never changes."""
    order = sorted(pictures, key=lambda p: (p.label, rank(p.target)))
    return [replace(p, target=f"{split}{'AB'[i % 2]}/{p.target}") for i, p in enumerate(order)]


def by_domain(
    split: str, pictures: Sequence[Picture], belongs: Sequence[Callable[[Picture], bool]]
) -> tuple[list[Picture], list[Picture]]:
    """The images of A and B, placed, and those that belong to neither or to both."""
    placed, others = [], []
    for picture in pictures:
        letters = [X for X, fits in zip("AB", belongs, strict=True) if fits(picture)]
        if len(letters) == 1:
            placed.append(replace(picture, target=f"{split}{letters[0]}/{picture.target}"))
        else:
            others.append(picture)
    return placed, others


def with_labels(
    train: Sequence[Picture], test: Sequence[Picture], belongs: Sequence[Callable[[Picture], bool]]
) -> list[Picture]:
    """A set of several domains: methods read the labels, A and B are the first two of them.

    Both training folders hold images of every label, half of them each, so that a batch of both is
    a fair draw of all. The test folders hold the images of A and of B, so that the direction A to B
    means what it says; all other test images lie beside them.
    """
    placed, others = by_domain("test", test, belongs)
    beside = [replace(p, target=f"{OTHERS}/{p.target}") for p in others]
    return halves("train", train) + placed + beside


def find(folder: Path, name: str, source: str) -> Path:
    """`name` in `folder` or one folder below, where archives often put it.

    Args:
        source: where a user gets it, for the error.

    Raises:
        ReplicateError: it is nowhere there.
    """
    places = [folder / name, *sorted(folder.glob(f"*/{name}"))]
    for place in places:
        if place.exists():
            return place
    raise ReplicateError(
        f"{shown(folder)} has no {name} ({naming.contents(folder)}); expected "
        f"{shown(folder / name)}, from {source}"
    )


def lacking(what: str, gone: Sequence[object], total: int, way_out: str) -> ReplicateError:
    """The error for files that are not where a list or their partners say."""
    few = ", ".join(shown(g) if isinstance(g, Path) else str(g) for g in gone[:FEW])
    more = f" and {len(gone) - FEW} more" if len(gone) > FEW else ""
    return ReplicateError(f"{len(gone)} of {total} {what}: {few}{more}. {way_out}")


def square(image: Image.Image, side: int | None = None) -> Image.Image:
    """The centred square of at most `side` px; None: the largest."""
    width, height = image.size
    side = min(width, height, side or width)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, top, left + side, top + side))


def photo(file: Path) -> Image.Image:
    """The image as upright RGB.

    Raises:
        ReplicateError: it cannot be decoded.
    """
    return _read(lambda f: images.decode(f).image, file)


def colours(file: Path) -> Image.Image:
    """The image as RGB, colours as they are stored, even where it is transparent.

    Raises:
        ReplicateError: it cannot be decoded.
    """
    return _read(images.colours, file)


def _read(how: Callable[[Path], Image.Image], file: Path) -> Image.Image:
    """The image, or the error for a file of the originals, which no audit lists."""
    try:
        return how(file)
    except images.Undecodable as error:
        way_out = "Get this file again, and run again"
        raise images.Undecodable(file, error.reason, way_out) from error
