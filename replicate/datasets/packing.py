"""How a packed split is built: its arrays written row by row and synced, its folder moved whole."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from replicate import paths
from replicate.datasets.layouts import shown
from replicate.datasets.placing import place
from replicate.errors import ReplicateError
from replicate.files import write_sealed


class ArrayWriter:
    """An `.npy` file written row by row, whose content is on the disk when the `with` block ends.

    Not a memory map: a page of one that finds no disk block kills the process, where a plain
    write raises.

    Args:
        path: of the file to be.
        shape: of the whole array.
        dtype: of its elements.

    Raises:
        ReplicateError: the array is larger than the free disk.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        need, free = int(np.prod(shape)) * dtype.itemsize, shutil.disk_usage(path.parent).free
        if need > free:
            raise ReplicateError(
                f"{path.name} needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free at "
                f"{shown(paths.data())}. Free some, or move the data with REPLICATE_DATA"
            )
        self._path, self._shape, self._dtype = path, shape, dtype
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def append(self, rows: np.ndarray) -> None:
        """Adds one row, or several."""
        content = np.ascontiguousarray(rows, self._dtype).tobytes()
        self._file.write(content)
        self._digest.update(content)

    @property
    def sha256(self) -> str:
        """Of what was appended, without the file's header."""
        return self._digest.hexdigest()


def build(target: Path, fill: Callable[[Path], dict]) -> None:
    """The packed folder `target`, built now or by the process that is building it already.

    Args:
        target: the final folder.
        fill: writes the arrays into the folder it is given and returns the passport.
    """
    place(target, lambda folder: write_sealed(folder / "passport.json", fill(folder)))
