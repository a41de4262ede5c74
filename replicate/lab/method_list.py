"""The methods as their files say, without importing these: a listing does without torch."""

import ast
import os
import sys
from contextlib import suppress
from pathlib import Path

from replicate import paths

METHODS, FOLDER = "replicate.methods.", paths.PACKAGE / "methods"
REGISTER = ("register", "base.register")


def describe() -> tuple[list[dict], list[str]]:
    """The methods, and why others in `REPLICATE_METHODS` are left out.

    Returns:
        "method", "variants" (their names), "paper" (a key of `data/reported`) and "summary", the
        first line of its file; in the order of the names.
    """
    if os.environ.get("REPLICATE_METHODS"):
        return _loaded()
    files = sorted(FOLDER.glob("*.py"))
    return [about for file in files if (about := read(file))], []


def read(file: Path) -> dict | None:
    """What `describe` says of the method in a file; None where there is none.

    `VARIANTS` may be made of constants of the file.
    """
    tree = ast.parse(file.read_bytes())
    for node in tree.body:
        paper = next(filter(None, map(_registered, getattr(node, "decorator_list", []))), None)
        if paper:
            variants = _variants(tree, node)
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            described = {"method": file.stem, "variants": variants}
            return described | {"paper": paper, "summary": summary}
    return None


def _registered(decorator: ast.expr) -> str | None:
    """The paper of `@register(paper=...)`."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) not in REGISTER:
        return None
    (paper,) = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
    return ast.literal_eval(paper)


def _variants(tree: ast.Module, node: ast.ClassDef) -> list[str]:
    """The names in `VARIANTS` of a class of a file, or of the nearest class that it comes from."""
    about = _constants(node.body, _constants(tree.body))
    if "VARIANTS" in about:
        return list(about["VARIANTS"])
    for name in map(ast.unparse, node.bases):
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef) and statement.name == name:
                return _variants(tree, statement)
            imported = (isinstance(statement, ast.ImportFrom) and statement.module) or ""
            if imported.startswith(METHODS) and name in [n.name for n in statement.names]:
                file = FOLDER / f"{imported.removeprefix(METHODS)}.py"
                other = ast.parse(file.read_bytes())
                (origin,) = [c for c in other.body if getattr(c, "name", "") == name]
                return _variants(other, origin)
    return ["paper"]


def _constants(body: list[ast.stmt], known: dict | None = None) -> dict:
    """What a body assigns to names, as far as it is made of constants alone."""
    constants = dict(known or {})
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            expression = compile(ast.Expression(statement.value), "<constant>", "eval")
            with suppress(Exception):  # made of what is imported or defined, such as a network
                constants[statement.targets[0].id] = eval(expression, dict(constants))
    return constants


def _loaded() -> tuple[list[dict], list[str]]:
    """The same of the registry, for methods from elsewhere, which may be written otherwise."""
    from replicate.methods import METHODS

    methods = [
        {
            "method": name,
            "variants": list(method.VARIANTS),
            "paper": method.paper,
            "summary": (sys.modules[method.__module__].__doc__ or "").strip().split("\n")[0],
        }
        for name, method in METHODS.items()
    ]
    return methods, list(METHODS.broken.values())
