"""The tables of a budget: all scores, the scores that matter, and the variants of one paper.

One row a method, one column a metric under one protocol.
"""

import re
import sys
from collections.abc import Collection, Sequence
from itertools import groupby, product
from math import nan

import pandas as pd

from replicate import reported
from replicate.errors import ReplicateError, unknown
from replicate.lab.run import parts_of
from replicate.methods import METHODS
from replicate.metrics.power import NO_POWER, weak
from replicate.metrics.protocols import OF_RECORDS
from replicate.report.tables import catalogue
from replicate.report.tables.catalogue import ABSENT, SHARE, number
from replicate.report.tables.frames import (
    PSEUDO,
    by_pseudo_masks,
    by_size,
    means,
    one_budget,
    with_share,
)
from replicate.report.tables.markdown import escape
from replicate.report.tables.order import OTHER, agreement, order
from replicate.report.tables.pages import Page, Table
from replicate.report.tables.power import remarks
from replicate.report.tables.show import EMPTY

FLOOR, IDLE = "real vs real", "do nothing"
SAID = (r"rank-deficient, n=\d+", rf"{PSEUDO}, made by a \w+")  # in the headings of columns
SMOKE = "method (smoke run: it executes, no result)"


def summary(
    scores: pd.DataFrame, metrics: Sequence[str] | None = None, smoke: bool = False
) -> pd.DataFrame:
    """Mean ± standard deviation over seeds (number of seeds) of every method, as text.

    Args:
        scores: of `tables.scores` or `tables.of_runs`, all of one budget.
        metrics: names of metrics ("background_psnr") or of protocols ("kid/standin"), in the order
            wanted; None: all.
        smoke: show runs of the budget "smoke", for a notebook's own display; the heading says so.

    Returns:
        One row for each (data set, direction, method); above each block `real vs real` (the floor:
        other real images scored as output) and `do nothing` (the input scored as output). A data
        set with runs of several sizes has a block for each, with the size in its name. A column
        says in its heading where the images are too few for its covariances, and where masks were
        made by a network, as does every cell that rests on such masks; `do nothing` says where a
        score has no power (see `metrics.power`; of the stand-in, which stands in older records,
        nothing is said). A cell is `-` without a score, "not computed" where no seed has a value,
        "identical" for an infinite PSNR, and ends in "(stale)" where code or images changed since
        training.

    Raises:
        ReplicateError: no rows, several budgets, smoke runs without `smoke`, two extractors in one
            column, or a metric's name that stands for several protocols.
    """
    budget = one_budget(scores)
    if budget == "smoke" and not smoke:
        raise ReplicateError(
            "smoke runs prove that the code executes; their numbers enter no table. Train with "
            "--budget laptop or paper"
        )
    sized = by_size(scores)
    cells = means(with_share(sized))
    chosen = _columns(cells, metrics)
    _check_extractors(cells)
    heading = SMOKE if budget == "smoke" else "method"
    names = {pair: catalogue.column(*pair) + _remarks(scores, pair) for pair in chosen}
    no_power = {place for place in weak(scores) if place[2] not in OF_RECORDS}
    rows = []
    for (dataset, direction), block in cells.groupby(["dataset", "direction"]):
        place = {"dataset": dataset, "direction": direction}
        marked = {p for *where, p in no_power if where == [dataset, direction]}
        rows += [place | {heading: name} | row for name, row in _rows(block, names, marked)]
    frame = pd.DataFrame(rows, columns=["dataset", "direction", heading, *names.values()])
    pseudo = by_pseudo_masks(sized)
    for pair, column in names.items():
        rests = pd.Series([(name, pair[1]) in pseudo for name in frame["dataset"]], dtype=bool)
        for i in frame.index[rests & ~frame[column].isin(EMPTY)]:
            frame.loc[i, column] += f", {PSEUDO}"
    return frame


def cell_text(cell: pd.Series) -> str:
    """`0.512 ± 0.010 (3)` of one row of `frames.means`."""
    digits = catalogue.metric(cell["metric"]).digits
    text = number(cell["value"], digits)
    if text == ABSENT:
        text = "not computed"
    elif cell["n"] == 1:
        text += " (1 seed)"
    elif cell["n"] > 1:
        text += f" ± {number(cell['sd'], digits)} ({cell['n']})"
    if cell["n"] and cell["identical"]:
        text += f", identical in {cell['identical']}"
    return text + " (stale)" * bool(cell["stale"])


def _columns(cells: pd.DataFrame, metrics: Sequence[str] | None) -> list[tuple[str, str]]:
    """The (metric, protocol) pairs to show, one a column."""
    pairs = set(zip(cells["metric"], cells["protocol"], strict=True))
    present = sorted(pairs, key=catalogue.column_order)
    if metrics is None:
        return present
    return [_find(name, present) for name in metrics]


def _find(name: str, present: list[tuple[str, str]]) -> tuple[str, str]:
    matches = [pair for pair in present if name == pair[0]] or [p for p in present if name == p[1]]
    if not matches:
        raise unknown("metric or protocol", name, {part for pair in present for part in pair})
    if len(matches) > 1 and len(protocols := [protocol for _, protocol in matches]) > 1:
        raise ReplicateError(
            f"column {name!r} mixes protocols {' and '.join(protocols)}; expected one: name one of "
            "them, or several for a column each"
        )
    return matches[0]


def _check_extractors(cells: pd.DataFrame) -> None:
    measured = cells[cells["value"].notna()]
    for (metric, protocol), column in measured.groupby(["metric", "protocol"]):
        if len(extractors := sorted(column["extractor"].unique())) > 1:
            raise ReplicateError(
                f"column {catalogue.column(metric, protocol)} mixes the extractors "
                f"{' and '.join(extractors)}; expected one: score all runs with the same weights"
            )


def _remarks(scores: pd.DataFrame, pair: tuple[str, str]) -> str:
    """`, rank-deficient, n=132` or by what masks were made, where the notes of a column say so."""
    notes = scores.loc[scores["protocol"] == pair[1], "note"]
    matches = [sorted(set(notes.str.extract(f"({words})")[0].dropna())) for words in SAID]
    return "".join(f", {' and '.join(texts)}" for texts in matches if texts)


def _rows(
    block: pd.DataFrame, names: dict[tuple[str, str], str], no_power: Collection[str]
) -> list[tuple[str, dict[str, str]]]:
    """The named rows of one (data set, direction): the two references, then the methods.

    Args:
        no_power: protocols by which doing nothing cannot be told from real images.
    """
    beside = {FLOOR: {}, IDLE: {}}
    for pair, column_name in names.items():
        column = block[(block["metric"] == pair[0]) & (block["protocol"] == pair[1])]
        digits = catalogue.metric(pair[0]).digits
        for name, values in ((FLOOR, column["floor"]), (IDLE, column["do_nothing"])):
            beside[name][column_name] = _range(values, digits)
        if pair[1] in no_power:
            beside[IDLE][column_name] += f", {NO_POWER}"
    methods = {}
    for name in sorted(block["name"].unique(), key=catalogue.method_order):
        cells = block[block["name"] == name].set_index(["metric", "protocol"])
        methods[name] = {
            column_name: cell_text(cells.reset_index().iloc[cells.index.get_loc(pair)])
            if pair in cells.index
            else ABSENT
            for pair, column_name in names.items()
        }
    return [*beside.items(), *methods.items()]


def _range(values: pd.Series, digits: int) -> str:
    """The reference value of a column; lowest to highest where images of two sizes stand in it."""
    texts = [number(v, digits) for v in sorted(values.dropna())] or [number(nan, digits)]
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"


OLD, REAL = "kid/standin", ("kid/efficientnet-lite0", "fid/efficientnet-lite0")
METRICS = (*REAL, "class_rate", OLD, "background_psnr", SHARE, "foreground_error")
PROTOCOLS = (*REAL, "class-rate/efficientnet-lite0", OLD, "background/psnr", "attention/iou-0.5")
PROTOCOLS += ("foreground/l1",)
TIDY = ["dataset", "direction", "name", "metric", "protocol", "value", "sd", "n", "floor"]
TIDY += ["do_nothing", "stale"]


def headline(scores: pd.DataFrame) -> list[pd.DataFrame]:
    """A table for each data set, those whose truth is known first.

    Args:
        scores: of one budget; variants and runs with changed settings are left out.
    """
    return main(_whole(scores))


def main(scores: pd.DataFrame, smoke: bool = False) -> list[pd.DataFrame]:
    """The same with all variants, by the metrics that lead; arguments as of `summary`.

    A set of more than two domains has a table for each metric: a row for a method and a domain of
    its inputs, a column for each domain that they become.
    """
    tables = []
    groups = [rows for _, rows in scores.groupby("dataset")]
    for rows in sorted(groups, key=lambda rows: "background_psnr" not in set(rows["metric"])):
        present = set(rows["metric"]) | set(rows["protocol"])
        left_out = OLD if REAL[0] in present else ""  # stands where no real network looked
        present |= {SHARE} if "attention_iou" in present else set()
        chosen = [m for m in METRICS if m in present and m != left_out]
        made = summary(rows, chosen or None, smoke)
        domains = rows["direction"].str.partition("->")[0].unique()
        tables += _by_domain(made, domains) if len(domains) > 2 else [made]
    return tables


def _by_domain(table: pd.DataFrame, domains: Sequence[str]) -> list[pd.DataFrame]:
    """A `summary` of one set, score by score; `real vs real` scores targets, whatever the input."""
    dataset, way, method, *scores = table.columns
    ends = table[way].str.split("->", expand=True).set_axis(["input", "to"], axis=1)
    ends["input"] = ends["input"].where(table[method] != FLOOR, "any")
    places = pd.concat([table, ends], axis=1).drop_duplicates([method, "input", "to"])
    names = [name for name in places[method].unique() if name != FLOOR]
    lines = [(FLOOR, "any"), *product(names, domains)]
    tables = []
    for score in scores:
        wide = places.set_index([method, "input", "to"])[score].unstack("to")
        wide = wide.reindex(index=lines, columns=domains).fillna("").add_prefix("to ")
        wide = wide.reset_index()
        wide.insert(0, "score", score)
        wide.insert(0, dataset, table[dataset].iloc[0])
        tables.append(wide)
    return tables


def headline_page(scores: pd.DataFrame, budget: str) -> Page:
    """The page of all data sets; its data are the means that the tables show."""
    marked = "" if budget == "paper" else ", not comparable with the papers' numbers"
    parts: list[str | Table] = [
        "Each method as its paper has it: mean ± standard deviation over seeds (number of seeds). "
        "`real vs real` is the floor, other real images scored as output; `do nothing` scores the "
        "input as output. Variants, controls and further scores stand on the page of each data set."
    ]
    whole = _whole(scores)
    for dataset, tables in groupby(headline(scores), key=lambda table: table["dataset"].iloc[0]):
        parts += [f"## {escape(dataset)}"]
        parts += [Table("", table.drop(columns="dataset")) for table in tables]
        parts += [f"{escape(text)}." for text in remarks(whole[whole["dataset"] == dataset])]
        parts += _printed_orders(whole, dataset)
    cells = means(with_share(whole[whole["protocol"].isin(PROTOCOLS)]))
    data = cells[TIDY].sort_values(TIDY[:5], kind="stable")
    return Page(f"All methods, budget {budget}{marked}", parts, data)


def _printed_orders(scores: pd.DataFrame, dataset: str) -> list[Table]:
    """Of each paper that prints a KID of methods at hand: its order beside that measured here."""
    parts, papers = [], reported.keys()
    for key in papers:
        if len(beside := order(scores, key, dataset)):
            parts.append(Table(f"Printed in {key}, and measured here ({OTHER})", beside))
        if len(taus := agreement(scores, key, dataset)):
            parts.append(Table("Kendall's tau of the two orders, over seeds", taus))
    return parts


def _whole(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[~scores["name"].str.contains("[:+]")]


CHANGES = "what it is"


def ablation(
    scores: pd.DataFrame, paper: str, metrics: Sequence[str] | None = None, smoke: bool = False
) -> pd.DataFrame:
    """The `summary` of a paper's own methods, with what each variant changes.

    Args:
        scores: of `tables.scores` or `tables.of_runs`, all of one budget.
        paper: a key of `reported.keys()`; the methods registered for it are shown.
        metrics: as in `summary`.
        smoke: as in `summary`.

    Returns:
        The columns of `summary` and, after the method, `what it is`: the title of its file for a
        method, the changed settings for a variant.

    Raises:
        ReplicateError: none of the scores is of a method of the paper, or what `summary` raises.
    """
    methods = [name for name in METHODS if METHODS[name].paper == paper]
    chosen = scores[scores["method"].isin(methods)]
    if chosen.empty:
        raise ReplicateError(
            f"no scores of a method of {paper}; expected some of {', '.join(methods) or 'none'}: "
            "add one to `methods`"
        )
    frame = summary(chosen, metrics, smoke)
    frame.insert(3, CHANGES, [_about(name) for name in frame.iloc[:, 2]])
    return frame


def _about(name: str) -> str:
    """`norm=in` of `ugatit:in`; the title of its file for a method; nothing for a reference row."""
    if re.split("[:+]", name)[0] not in METHODS:
        return ""
    method, variant, overrides = parts_of(name)
    changes = METHODS[method].VARIANTS[variant] | overrides
    texts = [f"{key}={value}" for key, value in changes.items()]
    return ", ".join(texts) or _title(method)


def _title(method: str) -> str:
    """`AttentionGAN, scheme II`: the card's first words."""
    return sys.modules[METHODS[method].__module__].__doc__.partition(":")[0]
