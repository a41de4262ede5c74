"""No code that only tests call: whatever `replicate/` defines is named somewhere else outside them.

By name alone, so what shares its name with something else is not found.
"""

import ast
import io
import json
import re
import tokenize
from collections import Counter
from pathlib import Path

from replicate import paths

ROOT = paths.ROOT
KEPT = {
    "model_config": "pydantic reads it",
    "_repr_png_": "notebooks call it",
    "_repr_html_": "notebooks call it",
    "_ipython_display_": "notebooks call it",
    "multimodal": "says that `translate` takes a seed and a target; galleries are to read it",
    "reset_parameters": "torch calls it when a layer is made",
    "slug": "a field that `deviations` fills by its place",
    "boxes": "a field that trained code fills by its place",
    "shares_within": "measures the palettes of data/palettes, as `colour_modes` finds them",
}


def names_in(source: str) -> Counter[str]:
    """How often each name stands in the code of a file; in f-strings too, not in other text."""
    found = Counter(
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NAME
    )
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):  # one token until Python 3.12
            found.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            found.update(n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update([node.value])  # getattr(x, "name")
    return found


def exported(source: str) -> Counter[str]:
    """Names that a package passes on: `__all__`, and the imports of an `__init__`."""
    tree = ast.parse(source)
    found = Counter(
        alias.name for n in tree.body if isinstance(n, ast.ImportFrom) for alias in n.names
    )
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found.update(ast.literal_eval(node.value) if isinstance(node.value, ast.List) else [])
    return found


def defined(source: str) -> list[str]:
    """What a module and its classes define, without what a decorator registers."""
    names, waiting = [], [ast.parse(source)]
    while waiting:
        for node in waiting.pop().body:
            if isinstance(node, ast.ClassDef):
                waiting.append(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                plain = {"property", "cache", "cached_property", "contextmanager", "staticmethod"}
                marks = {ast.unparse(d).split("(")[0].split(".")[-1] for d in node.decorator_list}
                names += [node.name] if marks <= plain | {"dataclass", "no_grad"} else []
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names += [t.id for t in targets if isinstance(t, ast.Name)]
    return [name for name in names if not name.startswith("__")]


def unused(package: dict[Path, str], others: str) -> set[str]:
    """The names that stand nowhere but where they are defined and passed on."""
    uses, passed = Counter(re.findall(r"\w+", others)), Counter()
    for file, source in package.items():
        uses += names_in(source)
        if file.name == "__init__.py" or "__all__" in source:
            passed += exported(source)
    definitions = Counter(name for source in package.values() for name in defined(source))
    return {n for n, times in definitions.items() if uses[n] - passed[n] <= times}


def test_nothing_is_defined_that_only_tests_use():
    package = {f: f.read_text("utf-8") for f in (ROOT / "replicate").rglob("*.py")}
    files = [ROOT / name for name in ("Snakefile", "Makefile", "pyproject.toml")]
    for place in ("replicate/**/*.smk", "benchmarks/*.py", "data/**/*.toml"):
        files += ROOT.glob(place)
    others = [file.read_text("utf-8") for file in files]
    for file in paths.notebooks().glob("*.ipynb"):
        cells = json.loads(file.read_text("utf-8"))["cells"]
        others += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert unused(package, "\n".join(others)) - set(KEPT) == set()


def test_what_is_not_used_is_found():
    source = 'def f():\n  """f, X"""\n  return g()\ndef g(): return f"{X}"\nX = 1  # f\n'
    source += "@register('m')\nclass M:\n  @property\n  def p(self): ...\n"
    assert unused({Path("a.py"): source}, "") == {"f", "p"}
    assert unused({Path("a.py"): source}, "a.f(x.p)") == set()
    passing = {Path("a.py"): source, Path("__init__.py"): "from a import f\n"}
    assert unused(passing, "") == {"f", "p"}
