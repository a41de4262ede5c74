"""Checksums of files, remembered by (path, bytes, modification time)."""

import hashlib
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.files import read_json, sha256, write_sealed
from replicate.parallel import in_order
from replicate.progress import bar


def mismatch(path: Path, sha256_: str = "", md5: str = "", size: int = 0) -> str:
    """How the file differs from what is on record of it: `sha256 mismatch (found ..., expected
    ...)`; empty where it does not, or where nothing is on record."""
    if size and (length := path.stat().st_size) != size:
        return f"size mismatch (found {length} bytes, expected {size})"
    if sha256_ and (digest := sha256(path)) != sha256_:
        return f"sha256 mismatch (found {digest}, expected {sha256_})"
    if md5 and (digest := _md5(path)) != md5:
        return f"md5 mismatch (found {digest}, expected {md5})"
    return ""


def content_hashes(files: list[Path], root: Path, index: Path, show: bool) -> dict[str, str]:
    """The sha256 of each file by its path relative to `root`, in the order of `files`.

    Args:
        index: a JSON file that remembers them, so that only new and changed files are read. Whoever
            writes it last is right, so it needs no lock; deleting it costs time only.
        show: whether a bar runs while files are read.
    """
    known = remembered(index)
    now = {}
    for path in files:
        state = path.stat()
        now[path.relative_to(root).as_posix()] = [state.st_size, state.st_mtime_ns]
    fresh = {
        key: path
        for key, path in zip(now, files, strict=True)
        if known.get(key, [])[:2] != now[key]
    }
    if fresh:
        with bar(len(fresh), f"reading {root.name}", "file", show) as progress:
            for key, digest in zip(fresh, in_order(sha256, fresh.values()), strict=True):
                known[key] = [*now[key], digest]
                progress.update()
    if fresh or set(known) != set(now):
        write_sealed(index, {"files": {key: known[key] for key in now}})
    return {key: known[key][2] for key in now}


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def remembered(index: Path) -> dict[str, list]:
    """What an index holds; nothing where it is gone, damaged or of an older form."""
    try:
        known = read_json(index, "").get("files")
    except ReplicateError:
        return {}
    return known if isinstance(known, dict) else {}
