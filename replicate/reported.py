"""The papers' printed tables, one number a row, and their join with measured scores.

A file in `data/reported/` has the shape of the page, with the digits as strings. What a paper
prints carries a protocol id of its own (`kid/ugatit-printed`), so that nothing joins it by chance
with a score whose protocol is known; `inferred` holds the id it is believed to be.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import nan
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from replicate import documents, paths
from replicate.errors import ReplicateError, unknown
from replicate.metrics.comparisons import comparison
from replicate.metrics.protocols import JPEG, PROTOCOLS

CELL = re.compile(r"(-?\d+(?:\.\d+)?)(?: ± (\d+(?:\.\d+)?))?", re.ASCII)
CERTAINTY = re.compile(r"(verified|reported)( \(.+\))?")
DIRECTION = re.compile(r"(\S+->\S+)?")  # empty for a set without directions
EXPLAINED = {"inferred", "evidence"}  # keys of [protocol] that are not metrics
IDENTITY = ["method", "variant", "dataset", "direction"]
SHARED = ["value", "spread", "spread_kind", "protocol"]  # columns of measured and reported scores


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PrintedTable(_Strict):
    """One `[[table]]` of a file: the page's columns, and what each of them is called here."""

    where: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    protocol: str = Field(min_length=1)
    inferred: str = ""
    certainty: str
    scale: float = Field(gt=0)  # printed = scale * value
    spread_kind: str = ""
    columns: list[str]
    datasets: list[str]
    directions: list[str]
    rows: dict[str, list[str]]
    reason: str = ""  # why cells are empty
    note: str = ""


class PaperFile(_Strict):
    """The whole of one file in `data/reported/`."""

    title: str = Field(min_length=1)
    arxiv: str = Field(min_length=1)
    checked: str
    protocol: dict[str, str]
    labels: dict[str, str]  # row name -> the label in print
    # row name -> METHOD[:VARIANT], where two labels in print are one arm here
    arms: dict[str, str] = {}
    table: list[PrintedTable] = Field(min_length=1)


@dataclass(frozen=True)
class Reported:
    """What one paper prints.

    `protocol` is what it states of its metrics (empty: nothing), what is inferred, and from what.
    `table` holds one number a row: `paper, where, metric, method, variant, label, dataset,
    direction, printed, value, spread, spread_kind, protocol, inferred, certainty, note`; `value`
    and `spread` are NaN where nothing or a dash is printed.
    """

    key: str
    title: str
    arxiv: str
    checked: str
    protocol: dict[str, str]
    table: pd.DataFrame


def keys() -> list[str]:
    """The papers whose tables are entered, sorted: the names of the files in `data/reported/`."""
    return sorted(path.stem for path in paths.reported().glob("*.toml"))


def load(key: str) -> Reported:
    """The printed tables of one paper, checked and melted to one number a row.

    Args:
        key: a name of `keys()`, such as "kim2020ugatit".

    Raises:
        UnknownName: no file has this name, or the file holds a key that is none.
        ReplicateError: a row has not one cell a column, a cell is no number or stands twice,
            digits would be lost, or a certainty is neither verified nor reported.
    """
    if key not in keys():
        raise unknown("paper", key, keys())
    path = paths.reported() / f"{key}.toml"
    paper = _parse(path)
    _check_names(paper, path.name)
    for table in paper.table:
        _check_table(table, f"{path.name}, {table.where}")
    melted = pd.DataFrame([row for table in paper.table for row in _melt(key, paper, table)])
    cell = ["where", "metric", "protocol", *IDENTITY]
    if (twice := melted.duplicated(cell)).any():
        raise ReplicateError(
            f"{path.name}: the cell {' / '.join(melted.loc[twice, cell].iloc[0])} stands twice; "
            "expected once: remove one, or correct its column's data set or direction"
        )
    about = (paper.title, paper.arxiv, paper.checked, paper.protocol)
    return Reported(key, *about, table=melted)


def _parse(path: Path) -> PaperFile:
    """The file's content, with the first thing wrong in its shape as the error."""
    return documents.validated(PaperFile, documents.read_toml(path), what="key")


def _check_names(paper: PaperFile, file: str) -> None:
    """Every row has a label in print, every metric a word on its protocol, and nothing else."""
    rows = {name for table in paper.table for name in table.rows}
    for name in sorted(set(paper.arms) - rows):
        raise unknown(f"row in [arms] of {file}", name, rows)
    named = {
        "row": (rows, set(paper.labels)),
        "metric": ({table.metric for table in paper.table}, set(paper.protocol) - EXPLAINED),
    }
    homes = {"row": "[labels]", "metric": "[protocol]"}
    for what, (used, listed) in named.items():
        for name in sorted(listed - used):
            raise unknown(f"{what} in {homes[what]} of {file}", name, used)
        for name in sorted(used - listed):
            raise ReplicateError(f"{file}: {what} {name!r} is not in {homes[what]}: add it there")


def _check_table(table: PrintedTable, place: str) -> None:
    """Lengths agree, and what the cells hold agrees with certainty, spread kind and reason."""
    width = len(table.columns)
    lists = {"datasets": table.datasets, "directions": table.directions, **table.rows}
    for name, cells in lists.items():
        if len(cells) != width:
            raise ReplicateError(
                f"{place}: {name!r} has {len(cells)} entries; expected {width}, one a column"
            )
    for direction in table.directions:
        if not DIRECTION.fullmatch(direction):
            raise ReplicateError(f"{place}: direction {direction!r}; expected 'horse->zebra'")
    printed = [cell for cells in table.rows.values() for cell in cells]
    numbers = [_number(cell, table.scale, place) for cell in printed]
    _check_stated(table.certainty, "certainty", any(v == v for v, _ in numbers), place)
    _check_stated(table.spread_kind, "spread_kind", any(s == s for _, s in numbers), place)
    _check_stated(table.reason, "reason", "" in printed, place)
    if table.certainty and not CERTAINTY.fullmatch(table.certainty):
        raise ReplicateError(
            f"{place}: certainty {table.certainty!r}; expected 'verified' or 'reported', with its "
            "source in brackets: a number that is only recalled or uncertain is left out"
        )


def _check_stated(text: str, name: str, needed: bool, place: str) -> None:
    """A field is filled where cells call for it, and empty where none does."""
    if bool(text) != needed:
        value, expected = repr(text), "a text" if needed else "none, as no cell calls for it"
        raise ReplicateError(f"{place}: {name} is {value}; expected {expected}")


def _number(printed: str, scale: float, place: str) -> tuple[float, float]:
    """Value and spread of a cell; NaN where the cell is empty, a dash, or has no spread."""
    if printed in ("", "-"):
        return nan, nan
    match = CELL.fullmatch(printed)
    if not match:
        raise ReplicateError(
            f"{place}: cell {printed!r}; expected '7.06', '7.06 ± 0.8', '-' for a dash in print, "
            "or '' with a reason"
        )
    value, spread = (_scaled(digits, scale, place) if digits else nan for digits in match.groups())
    return value, spread


def _scaled(digits: str, scale: float, place: str) -> float:
    """What the digits stand for; refuses digits that do not come back from it."""
    value = float(Decimal(digits) / Decimal(str(scale)))
    decimals = len(digits.partition(".")[2])
    if (back := f"{value * scale:.{decimals}f}") != digits:
        raise ReplicateError(f"{place}: printed {digits!r} comes back as {back!r}; expected itself")
    return value


def _melt(key: str, paper: PaperFile, table: PrintedTable) -> list[dict[str, str | float]]:
    """The cells of a table in reading order."""
    melted = []
    for name, cells in table.rows.items():
        method, _, variant = paper.arms.get(name, name).partition(":")
        for printed, dataset, direction in zip(
            cells, table.datasets, table.directions, strict=True
        ):
            value, spread = _number(printed, table.scale, table.where)
            melted.append(
                {
                    "paper": key,
                    "where": table.where,
                    "metric": table.metric,
                    "method": method,
                    "variant": variant or "paper",
                    "label": paper.labels[name],
                    "dataset": dataset,
                    "direction": direction,
                    "printed": printed,
                    "value": value,
                    "spread": spread,
                    "spread_kind": table.spread_kind if spread == spread else "",
                    "protocol": table.protocol,
                    "inferred": table.inferred,
                    "certainty": table.certainty,
                    "note": table.note if printed else table.reason,
                }
            )
    return melted


def join(measured: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """Measured scores, each with the paper's number beside it and whether the two compare.

    Args:
        measured: rows of `scores.csv`; a metric's family is its name before any "/".
        reported: the `table` of one paper; a number printed in two of its tables counts once.

    Returns:
        The measured rows in their order, with `paper, where, label, printed, reported_value,
        reported_spread, reported_spread_kind, reported_protocol, inferred, certainty, note` and
        `comparable`: "=" for the same protocol and a verified number, "~" where the protocol is
        only inferred to be the same, "" otherwise and at every budget but "paper".

    Raises:
        ReplicateError: a column is missing, `reported` holds several papers, or it holds two
            different numbers for one cell.
    """
    needed = [*IDENTITY, "metric", "value", "protocol", "budget"]
    if missing := [name for name in needed if name not in measured]:
        raise ReplicateError(f"measured scores lack {missing}; expected the columns of scores.csv")
    on = [*IDENTITY, "family"]
    left = measured.assign(family=_family(measured))
    renamed = {name: f"reported_{name}" for name in SHARED}
    right = _once(reported).drop(columns="metric").rename(columns=renamed)
    joined = left.merge(right, on=on, how="left", validate="m:1").drop(columns="family")
    texts = [name for name in right if name not in on and right[name].dtype.kind != "f"]
    joined[texts] = joined[texts].fillna("")
    return _judge(joined)


def _family(scores: pd.DataFrame) -> pd.Series:
    """The metric's name without a protocol: "kid" of "kid" and of "kid/gm-target"."""
    return scores["metric"].map(lambda name: name.partition("/")[0])


def _once(reported: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: equal numbers from two tables become one that names both tables."""
    if len(papers := sorted(reported["paper"].unique())) > 1:
        raise ReplicateError(f"tables of {len(papers)} papers {papers}; expected one: join each")
    on = [*IDENTITY, "family"]
    cells = reported.assign(family=_family(reported))
    different = cells.groupby(on)[["printed", "protocol"]].nunique().max(axis=1) > 1
    if different.any():
        raise ReplicateError(
            f"two numbers for {' / '.join(different[different].index[0])}; expected one: select by "
            "`where` or `protocol` before the join"
        )
    where = cells.groupby(on)["where"].agg(lambda tables: "; ".join(dict.fromkeys(tables)))
    first = cells.drop_duplicates(on).drop(columns="where")
    return first.merge(where.reset_index(), on=on, validate="1:1")


def _lossy_compares(joined: pd.DataFrame) -> pd.Series:
    """Whether the printed number may rest on JPEG files, as scores under an id of lossy files.

    A printed id that `metrics.protocols` does not list is a paper's own, so nothing compares.
    """
    pairs = zip(joined["inferred"], joined["reported_protocol"], strict=True)
    known = [
        bool(ours) and printed in PROTOCOLS and comparison(ours + JPEG, printed) is not None
        for ours, printed in pairs
    ]
    return pd.Series(known, joined.index, dtype=bool)


def _judge(joined: pd.DataFrame) -> pd.DataFrame:
    """The joined rows with `comparable`, and the budget in the note where it forbids to compare."""
    paper = joined["budget"] == "paper"
    both = paper & joined["value"].notna() & joined["reported_value"].notna()
    same = joined["protocol"] == joined["reported_protocol"]
    verified = joined["certainty"].astype(str).str.startswith("verified")
    joined["comparable"] = ""
    inferred = (joined["protocol"] == joined["inferred"]) & (joined["inferred"] != "")
    inferred |= (joined["protocol"] == joined["inferred"] + JPEG) & _lossy_compares(joined)
    joined.loc[both & inferred, "comparable"] = "~"
    joined.loc[both & same & verified, "comparable"] = "="
    budget = joined.loc[~paper, "budget"] + " budget; " + joined.loc[~paper, "note"]
    joined.loc[~paper, "note"] = budget.str.removesuffix("; ")
    return joined
