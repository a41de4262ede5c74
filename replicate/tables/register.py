"""The register of deviations: every point of every method on one page, with what switches it."""

import sys

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from replicate import documents, paths
from replicate.methods import METHODS
from replicate.methods.base import Deviation
from replicate.tables.catalogue import ABSENT, method_order
from replicate.tables.pages import Page, Table

COLUMNS = ["id", "paper", "official code", "here, and why", "switch", "variants"]
ABOUT = (
    "Where a paper, its official code and this project differ, or the first two do not say enough; "
    "and every setting that switches a method. `switch` is the field of the method's `Config` "
    "(`--set FIELD=VALUE`), `variants` are the named ones that change it. The notebook of a paper "
    "shows the entries of its own methods."
)
RULE = (
    "A switch is a setting of a method's own that a named variant changes, or that is no number; a "
    "test fails where one has no entry. Numbers that no variant changes are hyperparameters of the "
    "paper: each names its source in the method's `Config`."
)


class Switch(BaseModel):
    """A switch that is no deviation: an option of the paper itself, or a control."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    paper: str = Field(min_length=1)
    official: str = Field(min_length=1)
    choice: str = Field(min_length=1)
    switch: str = Field(min_length=1)


def register() -> pd.DataFrame:
    """Every entry of every method of this package, as text; one row an entry.

    Returns:
        `id` ("<method>/<what>"), `paper`, `official code`, `here, and why`, `switch` and `variants`
        ("-" where there is none), method by method in the order of tables.
    """
    rows = [
        [*entry[:4], entry.switch or ABSENT, _variants(method, entry.switch) or ABSENT]
        for method in methods()
        for entry in entries(method)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def register_page() -> Page:
    """The register with a heading for each method."""
    frame = register()
    owner = frame["id"].str.partition("/")[0]
    parts: list[str | Table] = [ABOUT, RULE]
    for method in owner.unique():
        parts += [f"## {method}", Table("", frame[owner == method], markup=COLUMNS)]
    return Page("Deviations and switches of every method", parts, frame)


def methods() -> list[str]:
    """The methods of this package, in the order of tables; a user's own are not among them."""
    own = [m for m in METHODS if METHODS[m].__module__.startswith("replicate.methods.")]
    return sorted(own, key=method_order)


def entries(method: str) -> list[Deviation]:
    """What is said of a method: its `DEVIATIONS`, then its entries in data/deviations.toml."""
    file = paths.ROOT / "data" / "deviations.toml"
    own = [
        documents.validated(Switch, each, f"{file.name}, switch {each.get('id')!r}", "key")
        for each in documents.read_toml(file, "switch")["switch"]
    ]
    beside = [
        Deviation(s.id, s.paper, s.official, s.choice, s.switch)
        for s in own
        if s.id.partition("/")[0] == method
    ]
    return [*getattr(sys.modules[METHODS[method].__module__], "DEVIATIONS", ()), *beside]


def _variants(method: str, switch: str) -> str:
    """The named variants that change a field."""
    changes = METHODS[method].VARIANTS
    return ", ".join(f"`{name}`" for name in changes if switch and switch in changes[name])
