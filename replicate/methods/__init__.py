"""All methods by name: every file of this folder, and of the folders in `REPLICATE_METHODS`."""

import importlib
import importlib.util
import os
import pkgutil
import sys
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.methods.base import METHODS


def _load_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    for folder in filter(None, os.environ.get("REPLICATE_METHODS", "").split(os.pathsep)):
        if not Path(folder).is_dir():
            raise ReplicateError(
                f"REPLICATE_METHODS: {folder} is no folder; expected one of method files, or "
                f"several with {os.pathsep!r} between them"
            )
        for file in sorted(Path(folder).glob("[!_]*.py")):
            try:
                load_file(file)
            except (Exception, SystemExit) as error:  # of the user's code: it stops who needs it
                kind = "" if isinstance(error, ReplicateError) else f"{type(error).__name__}: "
                said = kind + " ".join(str(error).split())
                METHODS.broken[file.stem] = f"method {file.stem!r} cannot be loaded: {file}: {said}"


def load_file(file: Path) -> None:
    """Imports a method file that lives outside the package, under the name of the file.

    Raises:
        ReplicateError: another file of this name is loaded already.
    """
    name = f"{__name__}.{file.stem}"
    if name in sys.modules:
        loaded = Path(sys.modules[name].__file__)
        if loaded.resolve() != file.resolve():
            raise ReplicateError(
                f"{file} has the name of the loaded {loaded}; a method is named after its file, "
                "so rename the file"
            )
        return
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # else the next call would take half a module for a loaded one
        raise


_load_all()

__all__ = ["METHODS", "load_file"]
