"""The modules of the package as their files are now: what they define, what their imports mean."""

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1]


class Place(NamedTuple):
    """Where a definition stands: module and name; or a whole module, without a name."""

    module: str
    name: str = ""


class Source:
    """A parsed module: its definitions by name, and what its imports stand for.

    Attributes:
        defined: the statements that bind each name at the top of the module.
        imported: local names and the places that they stand for.
    """

    def __init__(self, module: str, tree: ast.Module, is_package: bool) -> None:
        self.module = module
        self.defined: dict[str, list[ast.stmt]] = {}
        self.imported: dict[str, Place] = {}
        here = module if is_package else module.rpartition(".")[0]
        for statement in _top(tree.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.imported |= places(statement, here)
            else:
                for name in names_bound(statement):
                    self.defined.setdefault(name, []).append(statement)


@cache
def _parsed(module: str, content: bytes, is_package: bool) -> Source:
    return Source(module, ast.parse(content), is_package)


@cache
def _content(file: Path, changed: int, size: int) -> bytes:
    return file.read_bytes()


def source(module: str) -> Source | None:
    """The module by its dotted name; None for what is not part of `replicate`.

    The same content gives the same object, wherever it lies.
    """
    file = file_of(module)
    if file is None:
        return None
    about = file.stat()
    content = _content(file, about.st_mtime_ns, about.st_size)
    return _parsed(module, content, file.name == "__init__.py")


def file_of(module: str) -> Path | None:
    """The file of a module of the package, or of a method outside it; None for any other."""
    root, *parts = module.split(".")
    if root != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*parts)
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    loaded = getattr(sys.modules.get(module), "__file__", None)
    return Path(loaded) if loaded else None


class Modules:
    """Modules, each looked for once.

    Args:
        find: what gives a module by its dotted name.

    Attributes:
        seen: what was looked for, and what it was then.
    """

    def __init__(self, find: Callable[[str], Source | None] = source) -> None:
        self._find = find
        self.seen: dict[str, Source | None] = {}

    def source(self, module: str) -> Source | None:
        """The module as it was when it was first asked for; None for what is none of ours."""
        if module not in self.seen:
            self.seen[module] = self._find(module)
        return self.seen[module]

    def resolve(self, module: str, name: str) -> Place:
        """What a name means at the top of a module: through imports, to where it is defined."""
        here = self.source(module)
        if here is None or name in here.defined:
            return Place(module, name)
        if name in here.imported:
            return self.followed(here.imported[name])
        return self._submodule(Place(module, name))

    def followed(self, place: Place) -> Place:
        """Where what is imported from a place is defined."""
        in_module = place.name and self.source(place.module)
        return self.resolve(*place) if in_module else self._submodule(place)

    def _submodule(self, place: Place) -> Place:
        """`from package import module` names a module, not a definition."""
        dotted = f"{place.module}.{place.name}"
        return Place(dotted) if place.name and self.source(dotted) else place

    def are_those_of(self, other: "Modules") -> bool:
        """Whether all that was seen here is the same there."""
        return all(other.source(module) is found for module, found in self.seen.items())


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements at the top of a module, also inside `if` and `try`."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _top(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from _top(handler.body)
        else:
            yield statement


def places(node: ast.Import | ast.ImportFrom, package: str) -> dict[str, Place]:
    """The local names of an import in a module of `package`, and what they stand for."""
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: Place(
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            for alias in node.names
        }
    module = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        module = ".".join([*above, *filter(None, [module])])
    return {alias.asname or alias.name: Place(module, alias.name) for alias in node.names}


def targets(statement: ast.stmt) -> list[ast.expr]:
    """What an assignment assigns to."""
    return getattr(statement, "targets", None) or [statement.target]


def names_bound(statement: ast.stmt) -> list[str]:
    """The names that a statement defines or assigns; none where it is neither."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        nodes = (node for target in targets(statement) for node in ast.walk(target))
        return [node.id for node in nodes if isinstance(node, ast.Name)]
    return []
