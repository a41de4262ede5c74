"""Labels of image files: a `labels.csv` in the folder of the images.

Its first column, `file`, names every image of the folder once. A class has the header
`file,label,class`: an integer from 0 and, for readers, its name. Attributes have a column each
under their names, `file,Male,Young`, of 0 and 1.
"""

import csv
from pathlib import Path

import numpy as np

from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError
from replicate.naming import check_word

NAME = "labels.csv"
CLASS = ("label", "class")  # the columns after `file`; the name may be left out


def beside(images: list[Path]) -> list[Path]:
    """The `labels.csv` of the images' folder in a list, which is empty where there is none."""
    file = images[0].parent / NAME
    return [file] if file.is_file() else []


def read(images: list[Path]) -> np.ndarray | None:
    """The labels of the images of one folder, in their order; None where it has no `labels.csv`.

    Returns:
        int64: (N,) classes >= 0, or (N, K) attributes of 0 and 1.

    Raises:
        ReplicateError: an image without a label, a label without an image, no label at all, or a
            name that pages and folders cannot hold.
    """
    if not (files := beside(images)):
        return None
    (file,) = files
    with file.open(encoding="utf-8-sig", newline="") as opened:  # spreadsheets write that mark
        header, *rows = [row for row in csv.reader(opened) if row] or [[]]
    if header[:1] != ["file"] or len(header) < 2:
        raise ReplicateError(
            f"{shown(file)} begins with {','.join(header)!r}, expected the header "
            "file,label,class or file and the names of attributes"
        )
    classes = header[1] == CLASS[0]
    texts = {row[2] for row in rows if classes and len(row) > 2} | set(header[1:])
    for text in sorted(texts - {""}):
        check_word(f"{shown(file)}: label", text)
    values = {row[0]: _values(row, header, file, classes) for row in rows}
    _check(values, [path.name for path in images], len(rows), file)
    return np.array([values[path.name] for path in images], np.int64)


def attributes(folder: Path) -> tuple[str, ...]:
    """The names of the attributes in `folder/labels.csv`, in its order; none where it has classes.

    Raises:
        ReplicateError: there is no such file.
    """
    file = folder / NAME
    if not file.is_file():
        raise ReplicateError(f"no {shown(file)}; expected the labels that the set was packed with")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        header = next(csv.reader(opened), [])
    return () if header[1:2] == [CLASS[0]] else tuple(header[1:])


def write(folder: Path, columns: tuple[str, ...], rows: dict[str, tuple]) -> None:
    """Writes `folder/labels.csv`: the `columns` after `file`, and their values for each file."""
    with (folder / NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", *columns))
        writer.writerows((name, *values) for name, values in sorted(rows.items()))


def _values(row: list[str], header: list[str], file: Path, classes: bool) -> int | list[int]:
    texts = row[1:2] if classes else row[1:]
    right = all(t.isdecimal() if classes else t in ("0", "1") for t in texts)
    if len(row) != len(header) or not right:
        wanted = "a class from 0" if classes else "0 or 1 for each attribute"
        raise ReplicateError(f"{shown(file)}: found {','.join(row)!r}, expected {wanted}")
    return int(texts[0]) if classes else [int(text) for text in texts]


def _check(values: dict, names: list[str], rows: int, file: Path) -> None:
    """Nothing, or the error that names what is labelled twice, not at all, or not there."""
    if rows != len(values):
        raise ReplicateError(
            f"{shown(file)}: {rows} rows of {len(values)} files, expected one each"
        )
    lacking = [name for name in names if name not in values]
    gone = sorted(set(values) - set(names))
    if lacking or gone:
        few = ", ".join((lacking or gone)[:3])
        what = "images have no label" if lacking else "labels have no image"
        raise ReplicateError(
            f"{shown(file)}: {len(lacking or gone)} {what} ({few}); expected one row for each of "
            f"the folder's {len(names)} images"
        )
