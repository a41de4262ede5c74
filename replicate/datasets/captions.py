"""Captions: a sentence for every image of a folder, kept as the numbers of its characters.

A set of files has them in a `captions.csv` beside the images, with the header `file,caption` and
every image of the folder once. In an image set they are the arrays "A_caption" and "B_caption",
uint8 (N, LENGTH): ASCII in lower case, then zeros. A drawn set may have "A_ideal_caption" too, the
sentence of the ideal translation; it is what a method of sentences is asked for there.
"""

import csv
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError

NAME = "captions.csv"
HEADER = ["file", "caption"]
LENGTH = 200  # characters; what a sentence has beyond is left out


def encode(sentences: Iterable[str]) -> np.ndarray:
    """(N, LENGTH) uint8: the characters of each sentence, then zeros.

    Letters lose their accents and capitals, characters outside ASCII are left out, and so is what
    follows the first `LENGTH`.

    Raises:
        ReplicateError: a sentence has no character that is left.
    """
    rows = []
    for sentence in sentences:
        plain = unicodedata.normalize("NFKD", " ".join(sentence.lower().split()))
        letters = plain.encode("ascii", "ignore")[:LENGTH]
        if not letters.strip():
            raise ReplicateError(
                f"the sentence {sentence!r} has no letter of ASCII; expected some, such as "
                "'a red bird with a short beak'"
            )
        rows.append(np.frombuffer(letters.ljust(LENGTH, b"\0"), np.uint8))
    return np.stack(rows)


def decode(tokens: np.ndarray) -> list[str]:
    """The sentences of (N, L) uint8."""
    return [row.tobytes().rstrip(b"\0").decode("ascii") for row in np.asarray(tokens, np.uint8)]


def beside(images: list[Path]) -> list[Path]:
    """The `captions.csv` of the images' folder in a list, which is empty where there is none."""
    file = images[0].parent / NAME
    return [file] if file.is_file() else []


def read(images: list[Path]) -> np.ndarray | None:
    """(N, LENGTH) uint8, the captions of the images of one folder, in their order; None without.

    Raises:
        ReplicateError: an image without a caption or with two, or a caption without an image.
    """
    if not (present := beside(images)):
        return None
    (file,) = present
    with file.open(encoding="utf-8-sig", newline="") as opened:  # spreadsheets write that mark
        header, *rows = [row for row in csv.reader(opened) if row] or [[]]
    if header != HEADER or any(len(row) != 2 for row in rows):
        raise ReplicateError(
            f"{shown(file)} begins with {','.join(header)!r}; expected the header "
            f"{','.join(HEADER)} and two columns in every row, a caption with commas in quotes"
        )
    captions, names = dict(rows), [path.name for path in images]
    if len(captions) != len(rows) or captions.keys() != set(names):
        strange = sorted(captions.keys() ^ set(names)) or sorted(row[0] for row in rows)
        raise ReplicateError(
            f"{shown(file)}: {len(rows)} captions, {len(names)} images, the first that do not "
            f"match: {', '.join(strange[:3])}; expected every image of the folder once"
        )
    return encode(captions[name] for name in names)


def write(folder: Path, captions: dict[str, str]) -> None:
    """Writes `folder/captions.csv`: the caption of each file."""
    with (folder / NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(sorted(captions.items()))
