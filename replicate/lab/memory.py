"""What a training needs before its first image, counted beforehand."""

import sys
from pathlib import Path

import torch

from replicate import repro
from replicate.errors import ReplicateError
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS

BYTES = 16  # of a float32 parameter with its gradient and Adam's two moments
GIB = 2**30


def check(run: Run, device: torch.device) -> None:
    """Says what a large training takes, and refuses one that cannot begin.

    Activations come on top; nothing is said below 1 GiB.

    Raises:
        ReplicateError: less is free on the device.
    """
    parameters = _parameters(run)
    needed, free = BYTES * parameters, _free(device)
    if needed > free:
        raise ReplicateError(
            f"{run.title}: weights, gradients and Adam's moments of {parameters:,} parameters take "
            f"{needed / GIB:.1f} GiB before the first image, expected at most the "
            f"{free / GIB:.1f} GiB that are free on {device.type}; train on a machine with more"
            f"{_smaller(run, free)}"
        )
    if needed > GIB:
        print(
            f"{run.title}: {parameters:,} parameters in training take {needed / GIB:.1f} GiB with "
            "gradients and Adam's moments; activations come on top",
            file=sys.stderr,
        )


def _parameters(run: Run) -> int:
    with repro.shapes_only():
        method = METHODS[run.method](run.config)
    return sum(p.numel() for p in method.parameters() if p.requires_grad)


def _smaller(run: Run, free: float) -> str:
    """The variants that would fit, as an advice; they are other models."""
    fits = []
    for variant in METHODS[run.method].VARIANTS:
        other = make_run(f"{run.method}:{variant}", run.dataset, run.seed, run.budget)
        if (needed := BYTES * _parameters(other)) <= free:
            fits.append(f"{run.method}:{variant} ({needed / GIB:.1f} GiB)")
    return f", or another model: {', '.join(fits)}" if fits else ""


def _free(device: torch.device) -> float:
    """Bytes; infinite where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return float("inf")
