"""Building blocks that more than one method uses; a network of one method lives in its file."""

import importlib
import pkgutil


def __getattr__(name: str):
    """The modules of this package, imported where they are used."""
    if name in {module.name for module in pkgutil.iter_modules(__path__)}:
        return importlib.import_module(f"replicate.networks.{name}")
    raise AttributeError(f"module 'replicate.networks' has no attribute {name!r}")
