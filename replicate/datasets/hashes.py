"""Checksums of files, remembered by (path, bytes, modification time)."""

import hashlib
import json
import os
import threading
from pathlib import Path

from replicate.datasets.progress import bar
from replicate.parallel import in_order


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    return _digest(path, "sha256")


def mismatch(path: Path, sha256_: str = "", md5: str = "", size: int = 0) -> str:
    """How the file differs from what is on record of it: `sha256 mismatch (found ..., expected
    ...)`; empty where it does not, or where nothing is on record."""
    if size and (found := path.stat().st_size) != size:
        return f"size mismatch (found {found} bytes, expected {size})"
    if sha256_ and (found := sha256(path)) != sha256_:
        return f"sha256 mismatch (found {found}, expected {sha256_})"
    if md5 and (found := _digest(path, "md5")) != md5:
        return f"md5 mismatch (found {found}, expected {md5})"
    return ""


def content_hashes(files: list[Path], root: Path, index: Path, show: bool) -> dict[str, str]:
    """The sha256 of each file by its path relative to `root`, in the order of `files`.

    Args:
        index: a JSON file that remembers them, so that only new and changed files are read. Whoever
            writes it last is right, so it needs no lock; deleting it costs time only.
        show: whether a bar runs while files are read.
    """
    known = _remembered(index)
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
            for key, found in zip(fresh, in_order(sha256, fresh.values()), strict=True):
                known[key] = [*now[key], found]
                progress.update()
    if fresh or set(known) != set(now):
        write_json(index, {key: known[key] for key in now})
    return {key: known[key][2] for key in now}


def write_json(path: Path, content: object) -> None:
    """Writes `content` so that `path` is at any moment absent, old or new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _remembered(index: Path) -> dict[str, list]:
    try:
        return json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
