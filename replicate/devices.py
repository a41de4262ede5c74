"""Which devices there are: one answer for training, scores, notebooks, plans and preflights."""

import platform
import re
from functools import cache
from pathlib import Path

import torch

from replicate.errors import ReplicateError, unknown

NUMBERED = re.compile(r"cuda:(0|[1-9]\d?)")


def known() -> list[str]:
    """The kinds of devices there are anywhere, and this machine's GPUs by their numbers."""
    return ["cpu", "cuda", *(f"cuda:{i}" for i in range(_gpus())), "mps"]


def here() -> list[str]:
    """The devices of this machine."""
    cuda = ["cuda", *(f"cuda:{i}" for i in range(_gpus()))] if _gpus() else []
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def check(name: str) -> str:
    """`name`, if it is one of a device, which another machine may have.

    Raises:
        UnknownName: it is none; the closest match is named.
    """
    if name not in known() and not NUMBERED.fullmatch(name):
        raise unknown("device", name, known())
    return name


def find(name: str) -> torch.device:
    """The device of this machine that is called `name`.

    Raises:
        ReplicateError: there is no such device, here or anywhere.
    """
    if check(name) not in here():
        raise ReplicateError(
            f"device={name!r} is not on this machine; PyTorch finds {', '.join(here())}"
        )
    return torch.device(name)


def model(device: torch.device) -> str:
    """What kind of device it is: the name of a GPU, else that of this machine's processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model na"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def described() -> str:
    """`cuda:0 NVIDIA H200`: what this machine has besides its CPU, or `none`."""
    gpus = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(_gpus())]
    return ", ".join([*gpus, *({"mps"} & set(here()))]) or "none"


def _gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
