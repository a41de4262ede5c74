"""One start at a time in a results folder; the lock of a dead one is gone with its process."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from replicate import files
from replicate.errors import ReplicateError


@contextmanager
def locked(results: Path) -> Iterator[None]:
    """Keeps other starts out of a results folder, and says whose lock was taken over.

    Raises:
        ReplicateError: a start is at work in it: its process, host and beginning.
    """
    folder = results / ".runs"
    owner = folder / "owner.json"
    try:
        with files.locked(folder / "lock", timeout=0):
            if held := files.read_owner(owner):
                print(f"the start of {_shown(held)} is gone; going on where it was", flush=True)
            about = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
            try:
                files.write_json(owner, about)
                yield
            finally:
                owner.unlink(missing_ok=True)
    except Timeout:
        raise ReplicateError(
            f"{results} is in use by another start: {_shown(files.read_owner(owner))}. Wait for "
            "it, end it (kill PID: its runs are saved), or choose another folder with "
            "REPLICATE_RESULTS"
        ) from None


def _shown(held: dict) -> str:
    pid, host, since = (held.get(key, "?") for key in ("pid", "host", "since"))
    return f"pid {pid} on host {host}, since {since}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
