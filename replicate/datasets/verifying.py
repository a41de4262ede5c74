"""Packed arrays as they were written: each is read once for every size and time that it has."""

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from replicate.datasets.hashes import remembered
from replicate.files import Damaged, write_sealed

SEEN = "verified.json"  # in a packed folder: bytes, modification time and sha256 of each array


def arrays(folder: Path, digests: dict[str, str], way_out: str) -> dict[str, np.ndarray]:
    """The memory-mapped arrays of a packed folder.

    Args:
        folder: holds `<name>.npy` files.
        digests: the sha256 of each array's content by its name.
        way_out: what the error tells to do.

    Raises:
        Damaged: an array is not there, or another than the one that was packed.
    """
    seen, now, found = remembered(folder / SEEN), {}, {}
    for name, digest in digests.items():
        path = folder / f"{name}.npy"
        try:
            about = path.stat()
            found[name] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise Damaged(path, str(error), way_out) from error
        now[name] = [about.st_size, about.st_mtime_ns, digest]
        if seen.get(name) != now[name] and (reason := _fault(found[name], name, digest)):
            raise Damaged(path, reason, way_out)
    if seen != now:
        with suppress(OSError):  # a full or read-only disk costs time at the next call
            write_sealed(folder / SEEN, {"files": now})
    return found


def _fault(array: np.ndarray, name: str, digest: str) -> str:
    kind = np.dtype(np.int64 if name.endswith("_label") else np.uint8)
    if array.dtype != kind:
        return f"of type {array.dtype}, expected {kind}"
    found = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
    return "" if found == digest else f"sha256 {found[:16]}, expected {str(digest)[:16]}"
