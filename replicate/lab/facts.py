"""What today's code says of runs, kept beside them: who only asks again need not import torch.

It holds for the code that said it, of the same Python and the same torch.
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from replicate import files, paths
from replicate.errors import ReplicateError


class Facts:
    """Facts by key, as JSON in `cache/code.json` below a results folder."""

    def __init__(self, results: Path) -> None:
        self._file = results / "cache" / "code.json"
        self._code = _digest()
        self._held: dict[str, object] = {}
        self._grown = False
        try:
            content = files.read_json(self._file, "Delete it") if self._file.is_file() else {}
        except ReplicateError:  # it is damaged; the facts are found anew
            return
        if content.get("code") == self._code:
            self._held = content["facts"]

    def get(self, key: tuple, find: Callable[[], object]) -> object:
        """The fact of a key; where it is not known, what `find` says.

        Args:
            key: all but the code that decides it; texts, numbers, None.
            find: gives the fact as JSON has it.
        """
        name = json.dumps(key)
        if name not in self._held:
            self._held[name] = find()
            self._grown = True
        return self._held[name]

    def keep(self) -> None:
        """Writes what was found out, if anything was; a listing does not fail where it cannot."""
        if self._grown:
            with suppress(ReplicateError, OSError):
                paths.made(self._file.parent)
                files.write_sealed(self._file, {"code": self._code, "facts": self._held})


def _digest() -> str:
    """Over all Python files of the package and of methods outside it, Python and torch."""
    folders = [paths.PACKAGE, *map(Path, _outside())]
    digest = hashlib.sha256(f"{platform.python_version()} {version('torch')}".encode())
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"\0{file}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _outside() -> list[str]:
    return [f for f in os.environ.get("REPLICATE_METHODS", "").split(os.pathsep) if f]
