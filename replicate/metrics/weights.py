"""Published weights of feature networks: where they are found, and what is checked before use."""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from replicate import paths
from replicate.errors import ReplicateError

if TYPE_CHECKING:  # what only looks for a file does without torch
    from torch import Tensor

COUNTER = "num_batches_tracked"  # of no use after training; some files have it, some do not
SHOWN = 3  # names in an error


class Published(NamedTuple):
    """A file of weights as its publisher names it; `sha256` is the start of its sha256."""

    what: str
    names: tuple[str, ...]
    url: str
    sha256: str
    variable: str
    way_out: str


INCEPTION = Published(
    "Inception",
    # The same bytes under the names of pytorch-fid and of torch-fidelity.
    (
        "pt_inception-2015-12-05-6726825d.pth",
        "weights-inception-2015-12-05-6726825d.pth",
    ),
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    "6726825d",
    "REPLICATE_INCEPTION_WEIGHTS",
    "with 'replicate data get inception-weights', or pass --offline-metrics to skip FID/KID with "
    "Inception.",
)
TORCHVISION = Published(
    "torchvision Inception",
    ("inception_v3_google-0cc3c7bd.pth",),
    "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
    "0cc3c7bd",
    "REPLICATE_TORCHVISION_INCEPTION_WEIGHTS",
    "and put it there, or give its path with --weights",
)


# What is known of a published file beyond the eight digits in its name: sha256 and bytes.
WHOLE = {
    "6726825d": ("6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2", 95_628_359),
}


class Found(NamedTuple):
    """A file of weights on this machine; `official` if it is byte for byte the published one."""

    path: Path
    sha256: str
    official: bool


def place(published: Published) -> Path:
    """Where the weights are looked for: the file that the environment variable names, or the one
    in the folder of data."""
    chosen = os.environ.get(published.variable)
    if chosen:
        return Path(chosen).expanduser()
    candidates = [paths.data() / "weights" / name for name in published.names]
    return next((path for path in candidates if path.is_file()), candidates[0])


def is_here(published: Published) -> bool:
    """Whether there is a file of the weights; its sha256 is checked when it is loaded."""
    return place(published).is_file()


def missing(published: Published) -> str:
    """What to do when the weights are not there."""
    named = f" (named by {published.variable})" if os.environ.get(published.variable) else ""
    return (
        f"{published.what} weights not found at {place(published)}{named}; download "
        f"{published.url} (sha256 {published.sha256}...) {published.way_out}"
    )


def find(published: Published, path: Path | str | None = None) -> Found:
    """The file of the weights, with its sha256.

    Args:
        published: the file that is meant.
        path: another file to take, of any values; the environment variable does the same.

    Raises:
        ReplicateError: there is no such file, or the one in the folder of data, which nobody
            chose, is not the published one.
    """
    chosen = Path(path) if path is not None else place(published)
    if not chosen.is_file():
        if path is None:
            raise ReplicateError(missing(published))
        raise ReplicateError(
            f"{published.what} weights not found at {chosen}; give the path of a file, or download "
            f"{published.url} (sha256 {published.sha256}...)"
        )
    status = chosen.stat()
    digest = _sha256(chosen, status.st_size, status.st_mtime_ns)
    official = digest.startswith(published.sha256)
    if not official and path is None and not os.environ.get(published.variable):
        raise ReplicateError(
            f"{chosen} has sha256 {digest[:8]}..., expected {published.sha256}...: "
            f"{_kind(chosen) or 'a broken or other file'}; delete it and download {published.url} "
            f"{published.way_out}"
        )
    return Found(chosen, digest, official)


@lru_cache(maxsize=16)
def _sha256(path: Path, size: int, modified: int) -> str:
    """The sha256 of a file; size and time of change stand for its content in this process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(path: Path, expected: dict[str, Tensor], unused: str) -> dict[str, Tensor]:
    """The state dict in a file, float32, with the names and shapes of the network.

    Args:
        path: a file of `torch.save`; it is read with `weights_only=True`, so it runs no code.
        expected: the network's state dict; its tensors may be on "meta". Batch counters may be
            missing in the file, or be there without need.
        unused: entries of the file whose names start so are left out.

    Raises:
        ReplicateError: another kind of file, or missing or unexpected names, or other shapes.
    """
    import torch
    from torch import Tensor

    kind = _kind(path)
    if kind:
        raise ReplicateError(f"{path} is {kind}, expected a state dict saved by torch.save")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises anything
        # The first sentence: torch goes on with advice to load without `weights_only`.
        reason = str(error).split("\n")[0].partition(". ")[0] or type(error).__name__
        raise ReplicateError(
            f"{path} ({path.stat().st_size} bytes) cannot be read as a state dict: {reason}; "
            "expected a file saved by torch.save; download it anew"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ReplicateError(
            f"{path} holds {_described(state)}, expected a state dict: tensors by name; save the "
            "network's state_dict() alone"
        )
    state = {name: value for name, value in state.items() if not name.startswith(unused)}
    _check(path, state, expected)
    counters = {name: torch.tensor(0) for name in expected if name.endswith(COUNTER)}
    return counters | {name: state[name].float() for name in expected if not name.endswith(COUNTER)}


def _check(path: Path, state: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Nothing, or the error that names the entries that are not as the network needs them."""
    given = {name: tuple(v.shape) for name, v in state.items() if not name.endswith(COUNTER)}
    wanted = {name: tuple(v.shape) for name, v in expected.items() if not name.endswith(COUNTER)}
    lacking = [name for name in wanted if name not in given]
    surplus = [name for name in given if name not in wanted]
    other = [name for name in wanted if name in given and given[name] != wanted[name]]
    problems = [
        lacking and f"{len(lacking)} missing ({_some(lacking)})",
        surplus and f"{len(surplus)} unexpected ({_some(surplus)})",
        other and f"{other[0]} has shape {given[other[0]]}, expected {wanted[other[0]]}",
    ]
    if any(problems):
        raise ReplicateError(
            f"{path}: not the weights of this network: {', '.join(p for p in problems if p)}; "
            f"expected the {len(wanted)} entries of the published file"
        )


def kind_of(path: Path) -> str:
    """What a file is, if it is no state dict but often taken for one; else empty."""
    return _kind(path)


def described(value: object) -> str:
    """What an object is that should have been tensors by name, in words."""
    return _described(value)


def _kind(path: Path) -> str:
    """What a file is, if it is one of those that are often mistaken for a state dict."""
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML page, not the file itself"
    # A damaged archive is for `load` to name.
    broken = suppress(zipfile.BadZipFile, NotImplementedError, ValueError)
    with broken, zipfile.ZipFile(path) as archive:
        if any(name.endswith("/constants.pkl") for name in archive.namelist()):
            return "a TorchScript archive"
    return ""


def _described(value: object) -> str:
    if not isinstance(value, dict):
        return f"a {type(value).__name__}"
    return f"a dict of {', '.join(sorted({type(v).__name__ for v in value.values()}))}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
