"""The registers: every deviation of every method, and every table and figure of the sources."""

import sys
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from replicate import documents, paths, reported
from replicate.errors import ReplicateError, unknown
from replicate.methods import METHODS
from replicate.methods.base import Deviation
from replicate.report.tables.catalogue import ABSENT, method_order
from replicate.report.tables.pages import Page, Table

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


class Entry(BaseModel):
    """A difference between a paper, its official code and this project, or a switch of either."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    paper: str = Field(min_length=1)
    official: str = Field(min_length=1)
    choice: str = Field(min_length=1)
    switch: str = ""


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
    names = [m for m in METHODS if METHODS[m].__module__.startswith("replicate.methods.")]
    return sorted(names, key=method_order)


def entries(method: str) -> list[Deviation]:
    """What is said of a method in data/deviations/<method>.toml.

    A method of a user's own, outside the package, says it in `DEVIATIONS` in its file.
    """
    file = paths.deviations(method)
    if not file.exists():
        return list(getattr(sys.modules[METHODS[method].__module__], "DEVIATIONS", ()))
    checked = [
        documents.validated(Entry, entry, f"{file.name}, deviation {entry.get('id')!r}", "key")
        for entry in documents.read_toml(file, "deviation")["deviation"]
    ]
    return [Deviation(e.id, e.paper, e.official, e.choice, e.switch) for e in checked]


def _variants(method: str, switch: str) -> str:
    """The named variants that change a field."""
    changes = METHODS[method].VARIANTS
    return ", ".join(f"`{name}`" for name in changes if switch and switch in changes[name])


STATUSES = {
    "measured": "the comparison is measured here, on the data and at the budget that the reason "
    "names",
    "reported only": "the printed digits are entered; not measured as printed",
    "needs people": "votes of people; the page that asks them can be made",
    "needs restricted data": "images that their owners give out on application",
    "not run": "implemented; its runs were not made",
    "not implemented": "the reason says why",
    "no result": "nothing to measure: the sketch of a network, examples from other papers",
}
KINDS = ("table", "figure", "drawing")
EXHIBIT_COLUMNS = ["source", "name", "kind", "shows", "status", "reason", "here"]
UP = "../../.."  # from results/published/tables to the checkout
Text = Field(min_length=1)


class Source(BaseModel):
    """A document, and how many tables and figures it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Text
    title: str = Text
    paper: str
    tables: int
    figures: int


class Exhibit(BaseModel):
    """A table or figure of a source; `here` are files of this project."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    name: str = Text
    kind: Literal["table", "figure", "drawing"]
    shows: str = Text
    status: str
    reason: str = Text
    here: list[str]


def exhibits(file: Path | None = None) -> tuple[list[Source], list[Exhibit]]:
    """The sources and their tables and figures, checked.

    Args:
        file: None: data/coverage.toml.

    Raises:
        UnknownName: a status, paper or source that does not exist.
        ReplicateError: a key is missing or none, a name stands twice, or a source does not have as
            many tables and figures as it says.
    """
    file = file or paths.ROOT / "data" / "coverage.toml"
    read = documents.read_toml(file, "source", "exhibit")
    sources = [
        documents.validated(Source, entry, f"{file.name}, source {entry.get('id')!r}", "key")
        for entry in read["source"]
    ]
    listed = [
        documents.validated(Exhibit, entry, f"{file.name}, exhibit {entry.get('name')!r}", "key")
        for entry in read["exhibit"]
    ]
    papers = reported.keys()
    for source in sources:
        if source.paper not in papers:
            raise unknown("paper", source.paper, papers)
        _check_count(file, source, [exhibit for exhibit in listed if exhibit.source == source.id])
    for exhibit in listed:
        if exhibit.status not in STATUSES:
            raise unknown("status", exhibit.status, STATUSES)
        if exhibit.source not in (known := [source.id for source in sources]):
            raise unknown("source", exhibit.source, known)
    return sources, listed


def exhibits_page() -> Page:
    """The page of all sources; its links hold in results/published/tables."""
    sources, listed = exhibits()
    frame = pd.DataFrame([exhibit.model_dump() for exhibit in listed], columns=EXHIBIT_COLUMNS)
    frame["here"] = [", ".join(exhibit.here) for exhibit in listed]
    parts: list[str | Table] = [
        "Every table and figure of the five source documents, in their order, and what became of "
        "it here. A drawing is a figure without a result, such as the sketch of a network.",
        *[f"**{status}**: {meaning}." for status, meaning in STATUSES.items()],
        Table("Tables and figures by status", exhibit_counts()),
    ]
    for source in sources:
        group = [exhibit for exhibit in listed if exhibit.source == source.id]
        rows = [[e.name, e.shows, f"**{e.status}**", e.reason, _links(e.here)] for e in group]
        parts.append(f"## Source document {_number(source.id)}: {source.title} (`{source.paper}`)")
        table = pd.DataFrame(rows, columns=["name", *EXHIBIT_COLUMNS[3:]])
        parts.append(Table("", table, markup=table.columns))
    return Page("What the sources show, and what became of it here", parts, frame)


def exhibit_counts() -> pd.DataFrame:
    """A row a source and one for all: how many tables, figures, drawings, and of each status."""
    sources, listed = exhibits()
    rows = []
    for name in [*(source.id for source in sources), "all"]:
        group = [exhibit for exhibit in listed if name in (exhibit.source, "all")]
        row = {f"{kind}s": sum(exhibit.kind == kind for exhibit in group) for kind in KINDS}
        row |= {status: sum(exhibit.status == status for exhibit in group) for status in STATUSES}
        rows.append({"source document": _number(name)} | row)
    return pd.DataFrame(rows)


def unmeasured() -> pd.DataFrame:
    """What is not measured and why: `status, reason` and `which`, tables before drawings."""
    groups: dict[tuple[str, str], list[str]] = {}
    listed = [exhibit for exhibit in exhibits()[1] if exhibit.status != "measured"]
    for exhibit in sorted(
        listed, key=lambda e: (KINDS.index(e.kind), list(STATUSES).index(e.status))
    ):
        place = f"document {_number(exhibit.source)}: {exhibit.name}"
        groups.setdefault((exhibit.status, exhibit.reason), []).append(place)
    rows = [[*key, "; ".join(names)] for key, names in groups.items()]
    return pd.DataFrame(rows, columns=["status", "reason", "which"])


def _number(source: str) -> str:
    """What a source document is called in words: "3" for "003"."""
    return source.lstrip("0") or "0" if source.isdigit() else source


def _check_count(file: Path, source: Source, listed: list[Exhibit]) -> None:
    tables = sum(exhibit.kind == "table" for exhibit in listed)
    count = (tables, len(listed) - tables)
    if count != (expected := (source.tables, source.figures)):
        raise ReplicateError(
            f"{file.name}: source {source.id} has {count} tables and figures, expected {expected}; "
            "add what is missing, or correct the count"
        )
    if len({exhibit.name for exhibit in listed}) < len(listed):
        raise ReplicateError(
            f"{file.name}: source {source.id} has a name twice; expected each once"
        )


def _links(files: list[str]) -> str:
    """`[name](path), ...`"""
    return ", ".join(f"[{Path(file).name}]({UP}/{file})" for file in files) or ABSENT
