"""YAML and TOML files, read and checked: what is wrong is one line with the file and the line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from replicate import paths, settings
from replicate.errors import ReplicateError, UnknownName, unknown

_NO_KEY = ("extra_forbidden", "invalid_key")
Model = TypeVar("Model", bound=BaseModel)


class Document(dict):
    """The content of a file, which knows where in the file its entries stand."""

    def __init__(self, content: Mapping, path: Path, root: yaml.Node | None = None) -> None:
        super().__init__(content)
        self.path, self._root = path, root

    def place(self, *keys: object) -> str:
        """`notebooks/params/smoke/02_aggan.yaml, line 3`; the file alone where that is TOML."""
        node, line = self._root, None
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            at = [pair for pair in pairs if pair[0].value == str(key)]
            if at:
                node, line = at[-1][1], at[-1][0].start_mark.line
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                node = node.value[key]
                line = node.start_mark.line
            else:
                break
        return _place(self.path, line)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's own loader takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for i, (key, _) in enumerate(node.value):
            if key.value in names[:i]:
                problem = f"the key {key.value!r} stands twice; expected once"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Document:
    """The mapping that a YAML file holds.

    Raises:
        ReplicateError: it cannot be read, is no UTF-8 text, no YAML, empty, or something else than
            a mapping; a key stands twice.
    """
    text = _text(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        content = None if root is None else loader.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = _place(path, mark and mark.line)
        raise ReplicateError(f"{place}: {said}; expected YAML, lines of `key: value`") from None
    if content is None:
        raise ReplicateError(f"{_place(path)} is empty; expected lines of `key: value`")
    if not isinstance(content, dict):
        place = _place(path, root.start_mark.line)
        what = {list: "a list", str: "a text"}.get(type(content), f"{content!r}")
        raise ReplicateError(f"{place}: found {what}; expected lines of `key: value`")
    return Document(content, path, root)


def read_toml(path: Path, *tables: str) -> Document:
    """The tables that a TOML file holds.

    Args:
        tables: names of the arrays of tables that the file is made of, with at least one entry
            each; none: it may hold anything.

    Raises:
        ReplicateError: it cannot be read, is no UTF-8 text, no TOML, empty, or lacks something.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said, _, at = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", at)
        last = text.rstrip().count("\n")
        place = _place(path, int(line[1]) - 1 if line else last)
        raise ReplicateError(f"{place}: {said[0].lower()}{said[1:]}; expected TOML") from None
    if not content:
        raise ReplicateError(f"{_place(path)} is empty; expected TOML")
    for name in content if tables else ():
        if name not in tables:
            raise UnknownName(f"{_place(path)}: {unknown('table', name, tables)}")
    for name in tables:
        entries = content.get(name)
        if not (
            isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)
        ):
            raise ReplicateError(f"{_place(path)}: no [[{name}]]; expected at least one")
    return Document(content, path)


def validated(
    model: type[Model], content: Mapping, place: str = "", what: str = "parameter"
) -> Model:
    """The content as a model, or its first fault in the project's words.

    Args:
        place: where the content stands, for the error; empty: what a `Document` knows of it.
        what: a key is called, in the error for an unknown one.

    Raises:
        UnknownName: a key that the model does not have; the closest one is named.
        ReplicateError: a key that is missing, or a wrong value.
    """
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        # an unknown key first: with it the key that it misspells is missing as well
        first = min(error.errors(), key=lambda fault: fault["type"] not in _NO_KEY)
    where = place or (content.place(*first["loc"]) if isinstance(content, Document) else "")
    before = f"{where}: " if where else ""
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ReplicateError):
        raise type(cause)(f"{before}{cause}")
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] in _NO_KEY:
        known = _fields(model, first["loc"][:-1])
        raise UnknownName(f"{before}{unknown(what, first['loc'][-1], known)}")
    if first["type"] == "missing":
        raise ReplicateError(f"{before}{what} {field!r} is missing; give it a value")
    if not first["loc"]:
        raise ReplicateError(f"{before}{first['msg'].removeprefix('Value error, ')}")
    wanted = settings.words(model.model_fields[str(first["loc"][0])].annotation)
    said = first["msg"].removeprefix("Value error, ").lower()
    raise ReplicateError(f"{before}{field}={first['input']!r}: expected {wanted} ({said})")


def _fields(model: type[BaseModel], keys: tuple) -> list[str]:
    """The keys that the model at `keys` below this one may have."""
    for key in keys:
        if isinstance(key, str):
            hint = model.model_fields[key].annotation
            parts = [part for part in (hint, *get_args(hint)) if isinstance(part, type)]
            model = next((part for part in parts if issubclass(part, BaseModel)), model)
    return list(model.model_fields)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise ReplicateError(f"{_place(path)} is a folder; expected a file") from None
    except OSError as error:
        raise ReplicateError(f"{_place(path)} cannot be read: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n")
        raise ReplicateError(f"{_place(path, line)}: expected text in UTF-8") from None


def _place(path: Path, line: int | None = None) -> str:
    """`data/claims.toml, line 3`; lines count from 0 here."""
    return paths.shown(path) + ("" if line is None else f", line {line + 1}")
