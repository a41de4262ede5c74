"""How a folder comes to be: written beside its place, then moved there whole."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def place(target: Path, write: Callable[[Path], None]) -> None:
    """The folder `target`, written now or by the process that is writing it already.

    Killed at any moment it leaves no folder under the final name; what it left under a temporary
    one is removed by the next call for the same folder.

    Args:
        target: the final folder; where it exists, nothing is done.
        write: fills the folder it is given.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".building-{target.name}-"
    with FileLock(target.parent / f".{target.name}.lock"):
        if target.is_dir():
            return
        for left in target.parent.glob(f"{prefix}*"):
            shutil.rmtree(left)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix))
        try:
            folder = temporary / "all"  # one level down, because mkdtemp's own folder is private
            folder.mkdir()
            write(folder)
            os.replace(folder, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
