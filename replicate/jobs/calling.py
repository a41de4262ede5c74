"""Snakemake's command line, and what becomes of signals while it works."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from replicate import paths
from replicate.documents import read_yaml
from replicate.errors import ReplicateError, unknown
from replicate.experiment.budget_grid import Page
from replicate.experiment.workflow import snakemake
from replicate.jobs import gpus, processes, slurm


def find_profile(name: str) -> Path:
    """The folder of a profile.

    Raises:
        UnknownName: it is neither in `profiles/` nor the path of one.
    """
    own = paths.ROOT / "profiles"
    for folder in (own / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    raise unknown("profile", name, [folder.name for folder in own.iterdir()])


def executor(profile: Path) -> str:
    """Which of Snakemake's executors a profile takes."""
    return read_yaml(profile / "config.yaml").get("executor", "local")


def limits(
    pages: Sequence[Page], profile: Path, at_once: int = 0, wanted: int | None = None
) -> list[str]:
    """Snakemake's arguments for how much runs at a time.

    Args:
        at_once: jobs; 0: as the profile says.
        wanted: GPUs; None: on one machine all that it has, if any run is on device cuda.

    Raises:
        ReplicateError: this machine has fewer GPUs, or a device is a GPU by its number.
    """
    if numbered := [p.params.device for p in pages if ":" in p.params.device]:
        raise ReplicateError(
            f"device={numbered[0]!r}: every run of a grid gets a GPU of its own; expected 'cuda', "
            "and CUDA_VISIBLE_DEVICES for a choice among them"
        )
    on_slurm = executor(profile) == "slurm"
    words = ["--jobs" if on_slurm else "--cores", str(at_once)] if at_once else []
    if on_slurm:
        words += ["--slurm-jobname-prefix", slurm.prefix(paths.results())]
        return words + (["--resources", f"gpu={wanted}"] if wanted else [])
    cuda = any(page.params.device == "cuda" for page in pages)
    if wanted == 0 or (wanted is None and not cuda):
        return words
    here = len(gpus.listed())
    if here < (wanted or 1):
        raise ReplicateError(
            f"{wanted or 'at least 1'} GPU asked for, but nvidia-smi lists {here}; start where "
            "they are, or with `device: cpu` in the parameter files"
        )
    return [*words, "--resources", f"gpu={wanted or here}"]


def command(graph: Path, profile: Path, more: Sequence[str]) -> list[str]:
    """The Snakemake call; its own bookkeeping lies beside the results that it is about."""
    return snakemake("Snakefile", paths.results(), ["--profile", str(profile), *more], graph=graph)


def call(command: Sequence[str], results: Path, on_slurm: bool) -> int:
    """Snakemake's exit status. A signal that ends this process ends the jobs, their runs saved."""
    child = subprocess.Popen(command, env=os.environ | {processes.OWNER: str(results)})

    def pass_on(number: int, frame: object) -> None:
        child.send_signal(signal.SIGTERM)  # it starts no more and waits for those at work ...
        if on_slurm:
            slurm.end(slurm.own(results))
        processes.send(processes.of(results, "replicate.jobs.work"), signal.SIGTERM)  # ... to save

    # Ctrl-C reaches Snakemake and its jobs by itself; this process must not end before them.
    handlers = {
        signal.SIGINT: lambda number, frame: None,
        signal.SIGTERM: pass_on,
        signal.SIGHUP: pass_on,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
