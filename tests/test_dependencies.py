"""What `replicate/` imports is what `pyproject.toml` declares, and what the lock file pins."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from replicate import paths

DISTRIBUTIONS = packages_distributions()  # of what is installed, by module
PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]


def normal(name: str) -> str:
    """A distribution's name as package indices compare it: `PyYAML` is `pyyaml`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(lines: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", line).group()) for line in lines}


def third_party(source: str, at_import: bool) -> set[str]:
    """The top-level modules that a source imports, its own and the standard library's apart.

    Args:
        at_import: leave out what only a call of a function imports.
    """
    names, waiting = set(), [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        if not (at_import and isinstance(node, ast.FunctionDef)):
            waiting += ast.iter_child_nodes(node)
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"replicate"}


def undeclared(source: str) -> set[str]:
    """Modules that need a dependency which is not declared; a lazy import may need an extra."""
    needed = declared(PROJECT["dependencies"])
    extra = needed | declared(PROJECT["optional-dependencies"]["test"])

    def lacking(modules: set[str], names: set[str]) -> set[str]:
        return {m for m in modules if not {normal(d) for d in DISTRIBUTIONS.get(m, [])} & names}

    return lacking(third_party(source, True), needed) | lacking(third_party(source, False), extra)


def test_every_import_of_the_package_is_declared():
    files = [*(paths.ROOT / "replicate").rglob("*.py")]
    hits = {str(f.relative_to(paths.ROOT)): undeclared(f.read_text("utf-8")) for f in files}
    assert {name: found for name, found in hits.items() if found} == {}


def test_an_import_that_is_not_declared_is_found():
    assert undeclared("import os, numpy.linalg\nfrom replicate import paths") == set()
    assert undeclared("import unheard_of.x") == {"unheard_of"}
    assert undeclared("if True:\n  import torchmetrics") == {"torchmetrics"}  # tests alone need it
    assert undeclared("def f():\n  import torchmetrics") == set()
    assert undeclared("def f():\n  import pip") == {"pip"}  # installed, and in no list


def test_every_declared_dependency_is_pinned():
    lock = (paths.ROOT / "requirements.lock").read_text()
    pinned = {normal(name) for name in re.findall(r"^([\w.-]+)==", lock, re.M)}
    assert declared(PROJECT["dependencies"]) - pinned == set()
