"""Which tensor of an official checkpoint is which of ours: maps that are data, one file a method.

`data/checkpoints/METHOD.toml` has these parts:

- `source`: the official code, at a commit; `licence`: of its weights;
- `ignored`: ends of names that need no place here, each for the reason in its comment; `optional`:
  ends of names that may be missing, and are then 0;
- `parts`: by the end of a file's name, or by its key in one file of several networks: our network
  (`G.{direction}`, `E.{source}` or `D.{target}` where the user says which direction the file
  translates) and the names of its map, or of several maps, of which the one that fits is taken;
- `alone`: the part of a file whose name tells none;
- `names.MAP`: our names by official ones, of layers (their `weight`, `bias`, ... keep their names)
  or of single tensors. `{10+2*n}` is a sum of products; `[.model]{n}` is `.model` n times; a line
  that ends with ` for i < n` stands for n lines, in which `i` is 0, 1, ...
- `counts.MAP`: what such an n is: how many layers of our network have a name of this form, in
  which `*` is a number.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from pydantic import BaseModel, ConfigDict

from replicate import documents, paths
from replicate.errors import ReplicateError, unknown

BRACES = re.compile(r"\{([^{}]+)\}")
REPEATED = re.compile(r"\[([^][]+)\]\{([^{}]+)\}")
INDEX = "i"


class Part(BaseModel):
    """One network of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    network: str
    names: tuple[str, ...]


class Checkpoints(BaseModel):
    """The file of a method; see the head of this module."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    licence: str
    parts: dict[str, Part]
    names: dict[str, dict[str, str]]
    counts: dict[str, dict[str, str]]
    ignored: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    alone: str = ""


def known() -> list[str]:
    """The methods whose official checkpoints can be read."""
    return sorted(file.stem for file in _folder().glob("*.toml"))


def load(method: str) -> Checkpoints:
    """The maps of a method.

    Raises:
        UnknownName: there are none; the methods that have some are named.
    """
    if method not in known():
        raise unknown("method with official checkpoints", method, known())
    return _load(method)


@cache
def _load(method: str) -> Checkpoints:
    content = documents.read_toml(_folder() / f"{method}.toml")
    return documents.validated(Checkpoints, content, what="key")


def _folder():
    return paths.ROOT / "data" / "checkpoints"


def expand(
    names: Mapping[str, str], counts: Mapping[str, str], ours: Iterable[str]
) -> dict[str, str]:
    """Official names of layers and tensors by ours, every formula worked out.

    Args:
        names: one of `Checkpoints.names`.
        counts: what is counted for it.
        ours: the names of our network's tensors.
    """
    layers = {name.rpartition(".")[0] for name in ours}
    values = {name: _count(pattern, layers) for name, pattern in counts.items()}
    expanded: dict[str, str] = {}
    for official, mine in names.items():
        for one, other in _lines(official, mine, values):
            if one in expanded:
                raise ReplicateError(f"{one!r} stands twice in a map of names; expected once")
            expanded[one] = other
    return expanded


def _lines(official: str, mine: str, values: Mapping[str, int]) -> Iterable[tuple[str, str]]:
    """The lines that one line of a map stands for."""
    official, _, times = official.partition(" for i < ")
    if not times:
        yield _worked_out(official, values), _worked_out(mine, values)
        return
    for i in range(_sum(times, values)):
        here = {**values, INDEX: i}
        yield _worked_out(official, here), _worked_out(mine, here)


def _worked_out(template: str, values: Mapping[str, int]) -> str:
    text = REPEATED.sub(lambda match: match[1] * _sum(match[2], values), template)
    return BRACES.sub(lambda match: str(_sum(match[1], values)), text)


def _sum(expression: str, values: Mapping[str, int]) -> int:
    """`10+n_blocks`, `2+3*i`, `n-2`: sums and differences of products of numbers and names."""
    total = 0
    for sign, product in re.findall(r"([+-]?)([^+-]+)", expression.replace(" ", "")):
        value = 1
        for factor in product.split("*"):
            if not factor.isdecimal() and factor not in values:
                raise unknown("name in a map of names", factor, values)
            value *= int(factor) if factor.isdecimal() else values[factor]
        total += -value if sign == "-" else value
    return total


def _count(pattern: str, layers: Iterable[str]) -> int:
    """How many layers have a name like `model.*.body.1`."""
    shape = re.compile(re.escape(pattern).replace(r"\*", r"\d+"))
    return sum(bool(shape.fullmatch(layer)) for layer in layers)


def target(name: str, expanded: Mapping[str, str]) -> str | None:
    """Our name of an official tensor, or None where the map has no place for it."""
    if name in expanded:
        return expanded[name]
    layer, _, tensor = name.rpartition(".")
    return f"{expanded[layer]}.{tensor}" if layer in expanded else None
