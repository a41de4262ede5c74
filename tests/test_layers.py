"""Who imports whom: each layer only what lies below it, and every file within its length."""

import ast
import json
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from replicate import paths
from replicate.datasets.layouts import FOLDERS
from replicate.methods import METHODS

PACKAGE = paths.ROOT / "replicate"
LAYERS = (
    {
        "devices",
        "documents",
        "errors",
        "files",
        "images",
        "naming",
        "parallel",
        "paths",
        "progress",
        "records",
        "registry",
        "repro",
        "settings",
    },
    {"networks", "losses", "metrics", "datasets"},
    {"methods", "reported"},
    {"checkpoint", "training", "evaluation", "lossy", "masked", "relabelling", "sentences"},
    {"lab"},
    {"report", "preference", "weights", "translating"},
    {"studies"},
    {"cli"},
)
SIBLINGS = LAYERS[1]  # these never import one another
NARROW = {
    # no data, no metric, no path
    "methods": {"errors", "registry", "settings", "networks", "losses"},
}
# The report reads records and printed tables, never a network: what trains, loads or runs one.
NEVER = {"report": {"replicate.networks", "replicate.training", "replicate.lab.execute"}}

LONGEST = 450  # lines


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
    never = {
        m for m in inner for root in NEVER.get(name, ()) if m == root or m.startswith(f"{root}.")
    }
    return sorted({m for m in inner if part(m) not in allowed(name)} | never)


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
        ("training.py", "def f():\n    from replicate import lab", ["replicate.lab"]),
        ("training.py", "from replicate import checkpoint, progress\nimport torch", []),
        (
            "report/new.py",
            "from replicate.lab.execute import load_method",
            ["replicate.lab.execute"],
        ),
        ("report/new.py", "from replicate.lab.run import Run", []),
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


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import one another, directly or over others, as they are loaded."""
    sorter = TopologicalSorter(imports)
    try:
        sorter.prepare()
    except CycleError as error:
        return error.args[1]
    return []


def at_the_top(file: Path) -> set[str]:
    """The files of the package that a file of it imports as it is loaded."""
    tree = ast.parse(file.read_text())
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("replicate"):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    modules = {str(f.relative_to(PACKAGE.parent).with_suffix("")).replace("/", ".") for f in FILES}
    return names & modules


def test_no_modules_import_one_another():
    imports = {
        str(f.relative_to(PACKAGE.parent).with_suffix("")).replace("/", "."): at_the_top(f)
        for f in FILES
    }
    assert circles(imports) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def code(notebook: dict) -> str:
    """The Python of a notebook, without the lines of magic."""
    chosen = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    chosen = [c for c in chosen if "bootstrap" not in c.get("metadata", {}).get("tags", [])]
    cells = ["".join(c["source"]) for c in chosen]
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


NAMED = sorted(METHODS)
COLUMNS = {"unit"}  # of tables, which have the name of a method
WORD = re.compile(rf"(?<![\w/-])({'|'.join(NAMED)})(?![\w/-])")


def methods_named(file: Path, source: str) -> list[str]:
    """The methods that a file outside `methods/` names in its code; prose does not count.

    Two layouts of folders have the names of the methods that brought them: as words of a text they
    are those, and alone only outside `datasets/`, where they name a method. A column of claims is
    called `unit`; alone it is that.
    """
    tree = ast.parse(source)
    blocks = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", 0), list)]
    prose = {id(body[0].value) for body in blocks if body and isinstance(body[0], ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]
    in_datasets = file.relative_to(PACKAGE).parts[0] == "datasets"
    found = []
    for text in texts:
        for name in WORD.findall(text):
            is_layout = name in FOLDERS and (in_datasets or text.partition(":")[0] != name)
            found += [] if is_layout or text in COLUMNS else [name]
    modules = {f"replicate.methods.{name}" for name in NAMED}
    return found + sorted(modules & imported(source))


def test_no_module_outside_methods_names_a_method():
    others = [f for f in FILES if f.relative_to(PACKAGE).parts[0] != "methods"]
    found = {str(f.relative_to(PACKAGE)): methods_named(f, f.read_text()) for f in others}
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        ("report/new.py", "BASELINE = 'cyclegan'", ["cyclegan"]),
        ("report/new.py", "x = f'replicate train {n} ugatit:in'", ["ugatit"]),
        ("report/new.py", "from replicate.methods.dagan import DAGAN", ["replicate.methods.dagan"]),
        ("report/new.py", '"""As in aggan."""\nx = "kid/aggan-mean"  # ugatit', []),
        ("datasets/new.py", "layout = 'pix2pix'", []),
        ("claims/new.py", "row['unit'] = 'train unit'", ["unit"]),
        ("datasets/new.py", "hint = 'train aggan'", ["aggan"]),
    ],
)
def test_names_of_methods_are_found(file, source, found):
    assert methods_named(PACKAGE / file, source) == found
