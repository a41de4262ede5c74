"""The jobs that a results folder has on a Slurm cluster, found by their name, and their end."""

import getpass
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

from replicate.errors import ReplicateError

SILENCE = 30  # s after which Slurm's controller counts as down
PATIENCE = 120.0  # s until cancelled jobs have left the queue


def prefix(results: Path) -> str:
    """What the names of all jobs of a results folder begin with."""
    return f"replicate_{hashlib.sha256(str(results).encode()).hexdigest()[:8]}"


def check_paths(*places: Path) -> None:
    """Refuses a path that the script of Snakemake's Slurm plugin would take apart.

    Raises:
        ReplicateError: one holds an apostrophe, which ends the quotes that the plugin writes.
    """
    for place in places:
        if "'" in str(place):
            raise ReplicateError(
                f"{place} holds an apostrophe, which Snakemake's Slurm plugin cannot pass on; "
                "expected a path without one: move the checkout, or results with REPLICATE_RESULTS"
            )


def here() -> bool:
    """Whether this machine submits to a Slurm cluster."""
    return shutil.which("squeue") is not None and shutil.which("scancel") is not None


def own(results: Path) -> list[str]:
    """The ids of the folder's jobs that wait, run or are ending.

    Raises:
        ReplicateError: the controller does not answer.
    """
    command = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i %j"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SILENCE)
        failed = f"exit status {answer.returncode}" if answer.returncode else ""
        said = failed and (answer.stderr.strip() or failed)
    except subprocess.TimeoutExpired:
        said = f"no answer in {SILENCE} s"
    if said:
        raise ReplicateError(
            f"squeue failed: {said}. Without it the jobs of an earlier start "
            "cannot be found; wait until Slurm answers, or leave --profile slurm out"
        )
    rows = (line.split(maxsplit=1) for line in answer.stdout.splitlines())
    return [job for job, name in rows if name.startswith(prefix(results))]


def end(jobs: list[str]) -> None:
    """Asks Slurm to end jobs: SIGTERM, and SIGKILL after its `KillWait`."""
    if jobs:
        subprocess.run(["scancel", *jobs], check=True)


def cancel(results: Path, required: bool = True, patience: float = PATIENCE) -> list[str]:
    """The ids of the folder's jobs, which are cancelled and gone; their runs saved first.

    Args:
        required: whether Slurm must answer; else its silence counts as no jobs.

    Raises:
        ReplicateError: some are still there after `patience` seconds.
    """
    try:
        ids = own(results)
    except ReplicateError:
        if required:
            raise
        return []
    if not ids:
        return []
    end(ids)
    until = time.monotonic() + patience
    while left := own(results):
        if time.monotonic() > until:
            raise ReplicateError(
                f"Slurm's jobs {', '.join(left)} of {results} were cancelled and are still in the "
                "queue; wait until squeue no longer shows them, and start again"
            )
        time.sleep(1)
    return ids


def ended_by(job: str) -> str:
    """What Slurm says of how a job ended, such as TIMEOUT; empty where it has forgotten it."""
    if not here():
        return ""
    command = ["scontrol", "--oneliner", "show", "job", job]
    answer = subprocess.run(command, capture_output=True, text=True)
    words = dict(word.split("=", 1) for word in answer.stdout.split() if "=" in word)
    return words.get("JobState", "")
