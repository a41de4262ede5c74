"""The sha256 of what decides a result besides the run's identity: code and data."""

import ast
import hashlib
import importlib.util
import io
import json
import sys
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from replicate.datasets import packed, passport
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.methods.base import Method

LOOP = ("replicate.training", "replicate.datasets.batches")
# The identity holds the configuration itself, and deviations are prose.
NOT_DECIDING = {"DEVIATIONS", "VARIANTS", "SMOKE", "LAPTOP"}


def code_fingerprint(method: type[Method]) -> str:
    """Sixteen hexadecimal digits over the method's file, the `replicate` modules that it imports,
    the training loop and the order of the batches.

    Comments, docstrings, blank lines and deviations do not count: they retrain nothing.
    """
    return _hash(_imported({method.__module__, *LOOP}))


def scoring_fingerprint() -> str:
    """The same over the metrics and their use: where it changes, runs are scored again."""
    folder = Path(_spec("replicate.metrics").origin).parent
    modules = {f"replicate.metrics.{file.stem}" for file in folder.glob("[!_]*.py")}
    return _hash(modules | {"replicate.evaluation"})


def data_fingerprint(dataset: str, load_size: int) -> str:
    """Sixteen hexadecimal digits of the passport of the training split at its training size."""
    passport = packed.load(dataset, "train", load_size).passport
    return hashlib.sha256(json.dumps(passport, sort_keys=True).encode()).hexdigest()[:16]


def images_fingerprint(dataset: str, crop_size: int) -> str:
    """Sixteen hexadecimal digits of the images of both splits, as their files are.

    A change that vanishes at the training size counts too, and so does one in the test split. Of a
    drawn set, which has no files, they are of the packed test split.
    """
    entry = spec(dataset)
    if entry.layout == "drawn":
        about = packed.load(dataset, "test", crop_size).passport
    else:
        about = passport.split_hashes(entry)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def images_changed(record: dict) -> bool:
    """Whether image files changed since the run of a `run.json`; no where that cannot be told."""
    before = record.get("fingerprint", {}).get("images")
    try:
        if before is None or spec(record["dataset"]).layout == "drawn":
            return False
        return images_fingerprint(record["dataset"], record["config"]["crop_size"]) != before
    except ReplicateError:  # the images are not on this machine
        return False


def _hash(modules: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for module in sorted(modules):
        digest.update(f"{module}\0{_code(_file(module))}\0".encode())
    return digest.hexdigest()[:16]


def _imported(modules: set[str]) -> set[str]:
    """`modules` and the networks, losses and methods that they import."""
    found: set[str] = set()
    waiting = set(modules)
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= {m for m in _imports(_file(module)) if _decides(m)} - found
    return found


def _decides(module: str) -> bool:
    parts = module.split(".")
    deciding = parts[:2] in (["replicate", "networks"], ["replicate", "methods"])
    return (deciding and len(parts) > 2) or module == "replicate.losses"


@cache
def _imports(file: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(n for n in names if n.startswith("replicate") and _spec(n))


def _spec(module: str):
    try:
        return importlib.util.find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None


@cache
def _file(module: str) -> Path:
    loaded = sys.modules.get(module)  # methods outside the package are known only so
    return Path(loaded.__file__ if loaded else _spec(module).origin)


@cache
def _code(file: Path) -> str:
    """The source without comments, docstrings, blank lines and prose, the same on every Python."""
    source = file.read_text()
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        for first, last in _prose(node):
            lines[first - 1 : last] = [""] * (last - first + 1)
    text = "\n".join(lines) + "\n"
    columns = {
        token.start[0]: token.start[1]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    kept = [
        line[: columns.get(number)].rstrip()
        for number, line in enumerate(text.splitlines(), start=1)
    ]
    return "\n".join(line for line in kept if line)


def _prose(node: ast.AST) -> list[tuple[int, int]]:
    spans = []
    body = getattr(node, "body", None)
    if isinstance(body, list):
        for child in body:
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            targets = getattr(child, "targets", [])
            named = {t.id for t in targets if isinstance(t, ast.Name)}
            if (text and isinstance(child.value.value, str)) or named & NOT_DECIDING:
                spans.append((child.lineno, child.end_lineno))
    return spans
