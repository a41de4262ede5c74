"""The definitions that a piece of code reaches by name, as text: what a fingerprint hashes.

A definition is a function, a class or a constant of a module of `replicate`. Of a class, only the
members count that reached code names, or that Python and torch call by themselves. The text is that
of the syntax tree: comments, docstrings, annotations, line breaks and the words of errors are not
in it, nor where a definition stands or under which name it was imported. So adding what nothing
uses, or moving a file, changes no text; changing what is used changes the text of all who reach it.
"""

import ast
import builtins
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache

import torch

from replicate.lab.modules import Modules, Place, names_bound, places, targets

# What torch calls without naming it in our code.
HOOKS = {
    name
    for kind in (torch.nn.Module, torch.optim.Optimizer, torch.autograd.Function)
    for name in dir(kind)
}
SILENT = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
NAMED = (ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
UNSAID = {  # fields of the syntax tree that decide nothing, or differ between Pythons
    "annotation", "returns", "type_comment", "type_params", "kind", "ctx", "simple", "is_async",
}  # fmt: skip


def place_of(thing: type) -> Place:
    """Where a class stands."""
    return Place(thing.__module__, thing.__qualname__)


class Reached:
    """Everything that some definitions reach, found once and hashed.

    Args:
        roots: objects by dotted name: `replicate.losses.l1_loss`, or a member,
            `replicate.training.Training._iterate`.
        named: members of classes that count although no reached code names them.
        without: dotted names of modules, definitions or members that are not followed.
        keys: where given, tables (constant dictionaries with text keys) count only with the
            entries of these keys.
        fields_apart: classes of which annotated fields do not count, because their values are
            part of what is hashed beside the code.
    """

    def __init__(
        self,
        roots: Iterable[str],
        named: Collection[str] = (),
        without: Collection[str] = (),
        keys: Collection[str] | None = None,
        fields_apart: Collection[Place] = (),
    ) -> None:
        self._without, self._keys, self._apart = tuple(without), keys, set(fields_apart)
        self._modules = Modules()
        self._named: set[str] = set(named)
        self._texts: dict[tuple[str, ...], str] = {}
        self._classes: dict[Place, ast.ClassDef] = {}
        self._forced: set[tuple[Place, str]] = set()
        self._waiting: list[Place] = []
        for root in roots:
            self._start(root)
        self._follow()

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits."""
        text = "\0".join(sorted(self._texts.values()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def names(self) -> list[str]:
        """`module.Class.member` of all that counts, for a reader who asks why a run is stale."""
        return sorted(".".join(part for part in key if part) for key in self._texts)

    @property
    def is_current(self) -> bool:
        """Whether no module that was looked at has changed since."""
        return self._modules.are_those_of(Modules())

    def _start(self, root: str) -> None:
        module, _, name = root.rpartition(".")
        if self._modules.source(module) is None:  # a member of a class
            module, _, owner = module.rpartition(".")
            place = self._modules.resolve(module, owner)
            self._forced.add((place, name))
        else:
            place = self._modules.resolve(module, name)
        if not self._statements(place):
            raise LookupError(f"no definition {root!r} to start a fingerprint from")
        self._waiting.append(place)

    def _statements(self, place: Place) -> list[ast.stmt]:
        here = self._modules.source(place.module)
        return here.defined.get(place.name, []) if here else []

    def _follow(self) -> None:
        while self._waiting or self._members():
            while self._waiting:
                self._take(self._waiting.pop())

    def _take(self, place: Place) -> None:
        if (place.module, place.name) in self._texts or self._is_cut(*place):
            return
        statements = self._statements(place)
        if len(statements) == 1 and isinstance(statements[0], ast.ClassDef):
            self._classes[place] = statements[0]
            self._write(place, *_header(statements[0]))
        elif statements:
            self._write(place, *map(self._chosen, statements))

    def _members(self) -> bool:
        """Takes in the members that count by now; whether any was new."""
        before = len(self._texts)
        for place, node in self._classes.items():
            for name, member in self._counting(place, node):
                key = (*place, name)
                if key not in self._texts and not self._is_cut(*key):
                    self._write(key, member)
        return len(self._texts) > before

    def _counting(self, place: Place, node: ast.ClassDef) -> Iterator[tuple[str, ast.stmt]]:
        fields = _fields_of(node) if not self._is_apart(place) else []
        last = max((i for i, m in enumerate(fields) if m.target.id in self._named), default=-1)
        # earlier fields count too, and their order: values may be given by place
        yield from ((f"{i} {m.target.id}", m) for i, m in enumerate(fields[: last + 1]))
        for names, member in _members_of(node):
            if not names or any(self._is_used(place, name) for name in names):
                yield ",".join(names), member

    def _is_used(self, place: Place, name: str) -> bool:
        special = name.startswith("__") and name.endswith("__")
        return special or name in HOOKS or name in self._named or (place, name) in self._forced

    def _is_apart(self, place: Place) -> bool:
        if place in self._apart:
            return True
        bases = self._classes[place].bases if place in self._classes else []
        texts = (self._text(place.module, base) for base in bases)
        return any(self._is_apart(p) for text in texts for p in text.places)

    def _is_cut(self, *parts: str) -> bool:
        dotted = ".".join(parts)
        return any(dotted == cut or dotted.startswith(f"{cut}.") for cut in self._without)

    def _chosen(self, statement: ast.stmt) -> ast.stmt:
        """The statement; of a table, only the entries that are asked for."""
        value = getattr(statement, "value", None)
        if self._keys is None or not isinstance(value, ast.Dict):
            return statement
        keys = [getattr(key, "value", None) for key in value.keys]
        if not keys or not all(isinstance(key, str) for key in keys):
            return statement
        pairs = zip(value.keys, value.values, strict=True)
        entries = [pair for key, pair in zip(keys, pairs, strict=True) if key in self._keys]
        table = ast.Dict([key for key, _ in entries], [value for _, value in entries])
        return ast.Assign(targets(statement), table)

    def _write(self, key: tuple[str, ...], *nodes: ast.AST) -> None:
        texts = [self._text(key[0], node) for node in nodes]
        self._texts[key] = " ".join([*key[1:], *(text.whole for text in texts)])
        for text in texts:
            self._named |= text.named
            self._waiting += [p for p in text.places if p.name]

    def _text(self, module: str, node: ast.AST) -> "_Text":
        text = _TEXTS.get((module, node))
        if text is None or not text.modules.are_those_of(self._modules):
            text = _TEXTS[module, node] = _Text(module, node, Modules(self._modules.source))
        return text


_TEXTS: dict[tuple[str, ast.AST], "_Text"] = {}  # the newest of each tree


class _Text:
    """A syntax tree of a module as text, and the places and members that it names.

    Attributes:
        modules: those that decided what its names stand for.
    """

    def __init__(self, module: str, node: ast.AST, modules: Modules) -> None:
        self.module = module
        self.modules = modules
        self.places: set[Place] = set()
        self.named: set[str] = set()
        self._scopes: list[dict[str, Place | None]] = []  # None: a local variable
        self.whole = self.of(node)

    def of(self, node: object) -> str:
        if isinstance(node, list):
            return "[" + ",".join(self.of(item) for item in node if not _is_silent(item)) + "]"
        if not isinstance(node, ast.AST):
            return repr(node)
        if isinstance(node, ast.Raise):  # what an error says decides no number
            return "raise"
        if isinstance(node, ast.Name):
            return self._place(self._resolved(node.id), node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, (*FUNCTIONS, *COMPREHENSIONS)):
            return self._scoped(node)
        self._note(node)
        return self._fields(node)

    def _fields(self, node: ast.AST) -> str:
        values = ((f, getattr(node, f, None)) for f in node._fields if f not in UNSAID)
        said = [f"{f}={self.of(value)}" for f, value in values if value is not None and value != []]
        return f"{type(node).__name__}({','.join(said)})"

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.keyword) and node.arg:
            self.named.add(node.arg)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
            self.named |= {a.value for a in node.args[1:2] if isinstance(a, ast.Constant)}

    def _scoped(self, node: ast.AST) -> str:
        outside = ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            outside = self.of(node.decorator_list)
        self._scopes.append(self._bound(node))
        try:
            if not outside:
                return self._fields(node)
            body = self.of(node.body)
            return f"def {node.name}({self._fields(node.args)}){outside}{body}"
        finally:
            self._scopes.pop()

    def _bound(self, node: ast.AST) -> dict[str, Place | None]:
        """The names that a function or a comprehension binds itself."""
        bound: dict[str, Place | None] = {}
        if isinstance(node, FUNCTIONS):
            a = node.args
            arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
            bound |= {argument.arg: None for argument in arguments if argument is not None}
        outer: set[str] = set()
        here = self.module.rpartition(".")[0]
        for inner in _within(node):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                bound[inner.id] = None
            elif isinstance(inner, NAMED) and inner.name:
                bound[inner.name] = None
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                bound |= places(inner, here)
            elif isinstance(inner, ast.Global):
                outer |= set(inner.names)
        return {name: place for name, place in bound.items() if name not in outer}

    def _resolved(self, name: str) -> Place | None:
        for scope in reversed(self._scopes):
            if name in scope:
                place = scope[name]
                return None if place is None else self.modules.followed(place)
        here = self.modules.source(self.module)
        if name in here.defined or name in here.imported:
            return self.modules.resolve(self.module, name)
        if not hasattr(builtins, name):
            self.named.add(name)  # of the class that this stands in
        return None

    def _attribute(self, node: ast.Attribute) -> str:
        place = self._module_attribute(node)
        if place is not None:
            return self._place(place, node.attr)
        self.named.add(node.attr)
        return f"{self.of(node.value)}.{node.attr}"

    def _module_attribute(self, node: ast.expr) -> Place | None:
        """What `module.name` stands for; None where the left side is no module of the package."""
        if isinstance(node, ast.Name):
            place = self._resolved(node.id)
            is_module = place and not place.name and self.modules.source(place.module)
            return place if is_module else None
        if not isinstance(node, ast.Attribute):
            return None
        owner = self._module_attribute(node.value)
        is_module = owner and not owner.name
        return self.modules.resolve(owner.module, node.attr) if is_module else None

    def _place(self, place: Place | None, name: str) -> str:
        if place is None:
            return name
        if self.modules.source(place.module) is None:  # another package: its dotted name
            return ".".join(part for part in place if part)
        self.places.add(place)
        return place.name or place.module.rpartition(".")[2]


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of one scope: those of functions and comprehensions inside are left out."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)):
            yield from _within(child)


def _header(node: ast.ClassDef) -> list[ast.AST]:
    return [*node.bases, *node.keywords, *node.decorator_list]


@cache
def _fields_of(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [member for member in node.body if _is_field(member)]


@cache
def _members_of(node: ast.ClassDef) -> list[tuple[list[str], ast.stmt]]:
    """What a class has besides fields and docstrings, and the names that each binds."""
    members = [m for m in node.body if not _is_field(m) and not _is_silent(m)]
    return [(names_bound(member), member) for member in members]


def _is_field(member: ast.stmt) -> bool:
    """Whether it declares a field of a dataclass or of a named tuple."""
    return isinstance(member, ast.AnnAssign) and "ClassVar" not in ast.dump(member.annotation)


def _is_docstring(node: object) -> bool:
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_silent(node: object) -> bool:
    return isinstance(node, SILENT) or _is_docstring(node)
