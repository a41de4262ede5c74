"""The processes that belong to a results folder, found by their environment, and their end."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

OWNER = "REPLICATE_JOBS_OF"  # in the environment of all that a start set going: its results folder
PATIENCE = 120.0  # s for a step and a checkpoint after SIGTERM


def of(results: Path, word: str = "") -> list[psutil.Process]:
    """What runs on this machine for a results folder, this process apart.

    Args:
        word: one that stands in the command line.
    """
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.pid != os.getpid() and process.environ().get(OWNER) == str(results)
            if mine and (not word or word in process.cmdline()):
                found.append(process)
        except psutil.Error:  # gone, a zombie, or another user's
            continue
    return found


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
