"""How a folder comes to be: written beside its place, then moved there whole."""

import os
from collections.abc import Callable
from pathlib import Path

import yaml

from replicate import documents, files
from replicate.datasets.layouts import shown
from replicate.datasets.spec import NOTE, Spec
from replicate.errors import ReplicateError


def place(target: Path, write: Callable[[Path], None]) -> bool:
    """Whether this call made the folder `target`; else another process did meanwhile.

    Killed at any moment it leaves no folder under the final name; what it left under a temporary
    one is removed by the next call for the same folder.

    Args:
        target: the final folder; where it exists and holds something, nothing is done.
        write: fills the folder it is given.

    Raises:
        ReplicateError: the disk is full or read-only.
    """
    with files.locked(target.parent / f".{target.name}.lock"):
        if holds_something(target):
            return False
        try:
            with files.building(target) as folder:
                write(folder)
                os.replace(folder, target)
        except OSError as error:
            raise ReplicateError(
                f"{shown(target)} cannot be written ({error.strerror or error}); nothing of it is "
                "kept. Free some disk, or move the data with REPLICATE_DATA, and run again"
            ) from error
    return True


def holds_something(folder: Path) -> bool:
    """Whether there is such a folder and it is not empty."""
    return folder.is_dir() and any(folder.iterdir())


def describe(folder: Path, entry: Spec, made_by: str) -> None:
    """Writes the set's own entry beside its images, which `spec` reads where the registry has none.

    Args:
        folder: of the set.
        entry: what it is; its name is that of the folder, so it is not written.
        made_by: the command that made it, for readers.
    """
    fields = entry.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
    (folder / NOTE).write_text(f"# made by `{made_by}`\n{text}", encoding="utf-8")


def noted(folder: Path) -> dict:
    """The fields that `describe` wrote; none where it did not.

    Raises:
        ReplicateError: somebody spoilt them.
    """
    file = folder / NOTE
    try:
        return dict(documents.read_yaml(file)) if file.is_file() else {}
    except ReplicateError as error:
        raise ReplicateError(f"{error}. Move {shown(folder)} away") from None
