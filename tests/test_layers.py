"""Who imports whom: each layer only what lies below it, and every file within its length."""

import ast
import json
from pathlib import Path

import pytest

from replicate import paths

PACKAGE = paths.ROOT / "replicate"
LAYERS = (
    {"errors", "files", "paths", "progress", "records", "registry", "repro"},
    {"networks", "losses", "metrics", "datasets", "reported"},
    {"methods"},
    {"checkpoint", "training", "evaluation", "health"},
    {"experiment"},
    {"tables", "plots", "claims", "effects", "labelled", "preference"},
    {"publishing", "diagnosis", "jobs", "mailing"},
    {"cli"},
)
SIBLINGS = LAYERS[1]  # these never import one another
NARROW = {"methods": {"errors", "registry", "networks", "losses"}}  # no data, no metric, no path
LONGEST = 300  # lines


def part(module: str) -> str:
    """`metrics` of `replicate.metrics.kid`."""
    return module.split(".")[1]


def imported(source: str) -> set[str]:
    """The modules that a source names in its imports, wherever they stand."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; write replicate...."
            inner = node.module == "replicate"  # `from replicate import paths` names a part
            names |= {f"replicate.{a.name}" for a in node.names} if inner else {node.module}
    return names


def allowed(name: str) -> set[str]:
    """The parts of `replicate` that the part `name` may import."""
    layer = next((i for i, names in enumerate(LAYERS) if name in names), None)
    assert layer is not None, f"replicate/{name} has no layer; give it one in this file"
    below = set().union(*LAYERS[:layer])
    return NARROW.get(name, below | ({name} if name in SIBLINGS else LAYERS[layer])) | {name}


def violations(file: Path, source: str) -> list[str]:
    """What a file of the package imports from above or beside it."""
    name = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if name == "__init__":
        return sorted(m for m in imported(source) if m.startswith("replicate"))
    inner = {m for m in imported(source) if m.startswith("replicate.")}
    return sorted(m for m in inner if part(m) not in allowed(name))


FILES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted(paths.notebooks().glob("*.ipynb"))


def test_every_layer_imports_only_from_below():
    found = {str(f.relative_to(PACKAGE)): violations(f, f.read_text()) for f in FILES}
    assert {file: modules for file, modules in found.items() if modules} == {}


@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        ("losses.py", "from replicate.networks import blocks", ["replicate.networks"]),
        ("metrics/kid.py", "import replicate.datasets.packed", ["replicate.datasets.packed"]),
        ("metrics/kid.py", "from replicate.metrics.score import Score", []),
        ("methods/new.py", "from replicate import paths", ["replicate.paths"]),
        ("methods/new.py", "from replicate.methods import base", []),
        ("training.py", "def f():\n    from replicate import experiment", ["replicate.experiment"]),
        ("training.py", "from replicate import checkpoint, progress\nimport torch", []),
        ("__init__.py", "from replicate.paths import ROOT", ["replicate.paths"]),
    ],
)
def test_the_walk_finds_violations(file, source, found):
    assert violations(PACKAGE / file, source) == found


def test_relative_imports_and_parts_without_a_layer_are_refused():
    with pytest.raises(AssertionError, match="relative import"):
        violations(PACKAGE / "losses.py", "from .networks import blocks")
    with pytest.raises(AssertionError, match="replicate/helpers has no layer"):
        violations(PACKAGE / "helpers.py", "from replicate import losses")


def code(notebook: dict) -> str:
    """The Python of a notebook, without the lines of magic."""
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    lines = "\n".join(cells).splitlines()
    return "\n".join("" if line.startswith(("%", "!")) else line for line in lines)


def foreign(notebook: dict) -> set[str]:
    """What a notebook imports besides `replicate`."""
    roots = {module.split(".")[0] for module in imported(code(notebook))}
    return roots - {"replicate"}


def test_notebooks_import_replicate_and_nothing_else():
    found = {file.name: foreign(json.loads(file.read_text())) for file in NOTEBOOKS}
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_the_walk_finds_what_a_notebook_imports():
    cell = {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch, replicate\n"]}
    assert foreign({"cells": [cell, {"cell_type": "markdown", "source": ["import this"]}]}) == {
        "torch"
    }


def test_no_file_is_too_long():
    files = FILES + sorted((paths.ROOT / "tests").rglob("*.py"))
    lengths = {str(f.relative_to(paths.ROOT)): len(f.read_text().splitlines()) for f in files}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_the_lowest_layer_imports_no_heavy_library():
    heavy = {"torch", "torchvision", "numpy", "pandas", "skimage"}
    light = [f for f in FILES if f.stem in {"errors", "paths", "registry"} and f.parent == PACKAGE]
    assert len(light) == 3
    assert not heavy & {m.split(".")[0] for f in light for m in imported(f.read_text())}
