"""What runs share a machine by: GPUs, processes, and the lock of a results folder.

The kernel of the system ends every lock here with its process.
"""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from filelock import Timeout

from replicate import files
from replicate.errors import ReplicateError

VISIBLE = "CUDA_VISIBLE_DEVICES"
HELD = "REPLICATE_GPU"  # in the environment of all that runs on a GPU: its UUID
LOCKS = Path("/tmp")  # one place for everybody on the machine, whatever their TMPDIR


def listed() -> list[str]:
    """The UUIDs of the GPUs that this process may use, in the order of `CUDA_VISIBLE_DEVICES`.

    Indices mean nothing outside of a process: CUDA numbers by speed, nvidia-smi by the bus. None
    where the machine has no `nvidia-smi`.
    """
    chosen = os.environ.get(VISIBLE)
    names = [name for name in (chosen or "").split(",") if name]
    if chosen == "" or (names and not any(name.isdigit() for name in names)):
        return names
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    command += ["-i", chosen] if names else []
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except FileNotFoundError:
        return []
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"no list of GPUs, so none is locked: {error}", file=sys.stderr)
        return []
    return answer.stdout.split()


@contextmanager
def one(uuids: Sequence[str], poll: float = 1.0) -> Iterator[str]:
    """The UUID of the first GPU that nobody holds; waits for one.

    A run whose job was killed lives on for a moment, so that its GPU counts as free only once no
    process is on it any more.

    Args:
        uuids: those to choose from, at least one.
        poll: seconds between two looks.
    """
    while True:
        for uuid in uuids:
            handle = _lock(uuid)
            if handle is None:
                continue
            try:
                if not _occupied(uuid):
                    yield uuid
                    return
            finally:
                os.close(handle)
        time.sleep(poll)


def _lock(uuid: str) -> int | None:
    """The open lock file, or None where somebody holds it; another user's can be locked too."""
    handle = _open(LOCKS / f"replicate-{uuid.replace('/', '-')}.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _open(path: Path) -> int:
    """The lock file, whoever made it.

    Raises:
        ReplicateError: something else has its name, or its owner lets nobody read it.
    """
    while True:
        try:
            # Without O_CREAT: Linux refuses that flag on another user's file in a sticky folder
            # (fs.protected_regular). Neither a link is followed nor a pipe waited for.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            _make(path)
            continue
        except OSError as error:
            raise _unusable(path, error.strerror) from error
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        raise _unusable(path, "it is no regular file")


def _unusable(path: Path, reason: str) -> ReplicateError:
    return ReplicateError(
        f"{path} cannot be locked ({reason}), expected a file that everybody may read: whoever "
        "owns it deletes it while no job runs on that GPU"
    )


def _make(path: Path) -> None:
    """The lock file, readable by everybody from the first moment on, whatever the umask."""
    handle, aside = tempfile.mkstemp(prefix=".replicate-", dir=path.parent)
    os.fchmod(handle, 0o644)
    os.close(handle)
    with suppress(FileExistsError):  # another process was faster
        os.link(aside, path)
    os.unlink(aside)


def _occupied(uuid: str) -> bool:
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(HELD) == uuid:
                return True
        except psutil.Error:  # gone, or another user's
            continue
    return False


OWNER = "REPLICATE_JOBS_OF"  # in the environment of all that a start set going: its results folder
PATIENCE = 120.0  # s for a step and a checkpoint after SIGTERM


def of(results: Path, word: str = "") -> list[psutil.Process]:
    """What runs on this machine for a results folder, this process apart.

    Args:
        word: one that stands in the command line.
    """
    processes = []
    for process in psutil.process_iter():
        try:
            mine = process.pid != os.getpid() and process.environ().get(OWNER) == str(results)
            if mine and (not word or word in process.cmdline()):
                processes.append(process)
        except psutil.Error:  # gone, a zombie, or another user's
            continue
    return processes


def below(pid: int | None = None) -> list[psutil.Process]:
    """All descendants of a process, of this one by default."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def send(processes: Iterable[psutil.Process], number: int) -> None:
    """A signal to each that is still there."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def end(processes: list[psutil.Process], patience: float = PATIENCE) -> None:
    """Ends processes: SIGTERM, so that trainings save; after `patience` seconds SIGKILL."""
    send(processes, signal.SIGTERM)
    _, left = psutil.wait_procs(processes, patience)
    send(left, signal.SIGKILL)
    psutil.wait_procs(left, 10)


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
