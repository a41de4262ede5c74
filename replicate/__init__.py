"""Five papers on attention-guided image-to-image translation, replicated.

    import replicate

    model = replicate.load("cyclegan@horse2zebra_drawn")
    model.translate("horse.jpg")

`docs/python.md` has ten examples. Everything is imported where it is first used.

A method is one file. A run has one folder and one state. The lab trains what is missing, here or on
a cluster, by the same command. The report reads records and printed tables, never a network. A
study is what one notebook asks beyond that.

Reading order: `methods/cyclegan.py` (what a method is), `methods/aggan.py` (the first paper),
`losses.py`, `training.py` (the loop), `lab/` (what a run is), `metrics/` (what a number is),
`report/`, `studies/`. Each module imports only from the layers before it; `tests/test_layers.py`
holds the list.
"""

import importlib

PARTS = (
    "datasets", "evaluation", "images", "lab", "losses", "methods", "metrics", "networks", "report",
    "reported", "studies", "translating", "weights",
)  # fmt: skip


def __getattr__(name: str):
    """`load`, `__version__` and the parts of the package, each imported when it is asked for."""
    if name == "load":
        return importlib.import_module("replicate.translating.model").load
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("replicate-i2i")
    if name in PARTS:
        return importlib.import_module(f"replicate.{name}")
    raise AttributeError(f"module 'replicate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *PARTS, "__version__", "load"])
