"""Files of weights into the folder where names are looked for: official ones, or our own."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from replicate import files, paths
from replicate.datasets import directions
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.weights import building, official, published, stored
from replicate.weights.stored import SUFFIX

NAME = re.compile(r"\w[\w.@+=-]*")


def take(file: Path, name: str = "") -> Path:
    """The copy of a file that `exporting` wrote, once it is known to be whole and of its card.

    Raises:
        ReplicateError: it is none, damaged, or not the weights of its card; nothing is written.
    """
    tensors, card = stored.read(file)
    building.build(card, tensors, torch.device("cpu"))
    target = _target(name or file.stem)
    if target.resolve() != file.resolve():
        paths.made(target.parent)
        with files.replacing(target) as copy, file.open("rb") as source:
            shutil.copyfileobj(source, copy)
    return target


def read_in(
    label: str,
    words: Sequence[str],
    name: str = "",
    data: str = "",
    direction: str = "",
    settings: Mapping[str, object] | None = None,
) -> Path:
    """The file made of official checkpoints.

    Args:
        label: METHOD or METHOD:VARIANT.
        words: the files, each FILE or PART=FILE.
        name: what the weights are called; empty: LABEL@DATA-official, or LABEL@FILE.
        data: the set that they were trained on; empty: the domains are A and B.
        direction: in words, or "AB", of a file with one generator.
        settings: what differs from the variant's own.

    Raises:
        UnknownName, ReplicateError: as of `official.convert`, or no such name; nothing is written.
    """
    run = make_run(label, data, 0, "paper", dict(settings or {}))
    domains = tuple(spec(data).domains) if data else ("A", "B")
    way = directions.in_letters(direction, domains) if direction else ""
    tensors, card = official.convert(run, [_named(word) for word in words], way, domains)
    called = f"{label}@{data}-official" if data else f"{label}@{_named(words[0])[1].stem}"
    return stored.write(_target(name or called), tensors, card)


def _named(word: str) -> tuple[str, Path]:
    """The part, or "", and the file; a file may have an equals sign in its name."""
    part, equals, file = word.partition("=")
    if not equals or Path(word).expanduser().exists():
        return "", Path(word).expanduser()
    return part, Path(file).expanduser()


def _target(name: str) -> Path:
    name = name.replace(":", ".")  # which some disks do not have in names
    if not NAME.fullmatch(name):
        raise ReplicateError(
            f"weights cannot be called {name!r}; expected letters, digits and _ . - @ + = alone, "
            "beginning with a letter or digit: give a --name"
        )
    return published.folder() / f"{name}{SUFFIX}"
