"""Seeding, threads, determinism, and the stamp that says what made a run."""

import os
import platform
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import torch
from torch.overrides import TorchFunctionMode

from replicate import paths

PACKAGES = ("torch", "torchvision", "numpy", "scikit-image", "pandas", "pillow")


def prepare(seed: int, threads: int | None) -> None:
    """Makes what follows repeatable: one seed, a fixed number of threads, deterministic kernels.

    Args:
        seed: of torch's global generator; data order and metrics have streams of their own.
        threads: of torch on the CPU, because another number gives other bytes; None leaves it.

    Raises:
        RuntimeError: later, by torch, where a CUDA operation has no deterministic kernel.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not repeatable without
    if threads is not None:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)


class _Unfilled(TorchFunctionMode):
    """Leaves random fills out: on the meta device torch imports its compiler for them (4 s)."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


@contextmanager
def shapes_only() -> Iterator[None]:
    """Inside, networks are made without memory for weights: to count them, or to load them."""
    with torch.device("meta"), _Unfilled():
        yield


def use_tf32(allowed: bool) -> None:
    """Whether GPUs from Ampere on may round the factors of float32 products to 10 bits (TF32).

    PyTorch allows it to convolutions by default; the GPUs of the papers had no such units.
    """
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def bf16_pays() -> bool:
    """Whether convolutions are faster in bfloat16 than in float32 on this CPU.

    Measured on training steps at 64 px: 3 times as fast with matrix units, 1.4 to 1.6 times with
    AVX512-BF16 of AMD, 0.7 times with that of Intel.
    """
    matrix_units = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    cpu = getattr(torch.cpu, "get_capabilities", dict)()
    amd = "AMD" in cpu.get("cpu_name", "")
    return bool(matrix_units() or (amd and cpu.get("avx512_bf16")))


def commit() -> tuple[str, bool]:
    """The checked-out commit, and whether `replicate/` or `notebooks/` differ from it.

    Returns:
        Of an installed package those that it was built from; ("unknown", True) where nobody knows.
    """
    if paths.INSTALLED:
        head, state = (paths.SHIPPED / "commit.txt").read_text("utf-8").split()
        return head, state != "clean"
    head = _git("rev-parse", "HEAD")
    if not head:
        return "unknown", True
    return head, bool(_git("status", "--porcelain", "--", "replicate", "notebooks"))


def stamp(device: torch.device) -> dict:
    """Commit, dirty flag, versions, machine and device, as JSON."""
    head, dirty = commit()
    return {
        "commit": head,
        "dirty": dirty,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "tf32": torch.backends.cudnn.allow_tf32,  # on a GPU that has it
    }


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory in MB: allocated on the GPU, or resident in this process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1e6 if platform.system() == "Darwin" else 1e3)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(paths.ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
