"""Measured numbers beside a paper's, how many have one, and local ones beside published."""

import pandas as pd

from replicate import reported
from replicate.lab.run import method_name
from replicate.metrics.comparisons import check_comparable
from replicate.report.tables import catalogue
from replicate.report.tables.catalogue import ABSENT, number
from replicate.report.tables.frames import CELL, means, one_budget, with_share
from replicate.report.tables.summary import cell_text

COLUMNS = ["dataset", "direction", "method", "metric", "measured", "paper", "difference / sd"]
COLUMNS += ["compares", "where", "note"]
NOT_COMPARABLE = "not comparable"
BESIDE = ["dataset", "direction", "method", "metric", "local", "published", "difference", "note"]


def compare(scores: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Measured beside printed numbers at budget paper; below it the two stand apart.

    Args:
        scores: of one budget; only metrics that the paper prints are shown.
        table: a paper's, as in `reported.load(key).table`.

    Returns:
        `dataset, direction, method, metric, measured, paper, difference / sd, compares, where,
        note`, as text. At budget paper `compares` is "=" (same protocol, verified number) or "~"
        (protocol inferred), and the difference is measured minus printed in standard deviations
        over seeds. At other budgets the printed numbers follow the measured ones as rows of their
        own for the methods measured, marked "not comparable", without a difference.
    """
    budget = one_budget(scores)
    families = {name.partition("/")[0] for name in table["metric"]}
    measured = _in_order(means(scores[scores["metric"].isin(families)]))
    if budget == "paper":
        joined = reported.join(measured, table)
        return pd.DataFrame([_joined_row(row) for _, row in joined.iterrows()], columns=COLUMNS)
    measured = measured[measured["n"] > 0]  # the summary says what was not computed
    rows = [_place(row) | {"measured": cell_text(row)} for _, row in measured.iterrows()]
    rows = [
        dict.fromkeys(COLUMNS, ABSENT) | row for row in rows + _apart(table, set(measured["name"]))
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.rename(columns={"measured": f"measured ({budget})"})


def beside(local: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Each local number with the published one of the same cell, as text.

    Args:
        local: scores of one budget.
        published: scores of the published records; other budgets in it are left out.

    Returns:
        `dataset, direction, method, metric, local, published, difference, note`; the difference is
        local minus published mean, absent where one is missing or the extractors differ. The note
        says where the precision differs.
    """
    budget = one_budget(local)
    published = published[published["budget"] == budget]
    ours = _in_order(means(with_share(local)))
    theirs = means(with_share(published)).set_index(CELL, drop=False)
    rows = []
    for _, row in ours.iterrows():
        key = tuple(row[CELL])
        other = theirs.loc[key] if key in theirs.index else None
        rows.append(_place(row) | {"local": cell_text(row)} | _published(row, other))
    return pd.DataFrame(rows, columns=BESIDE)


def _in_order(cells: pd.DataFrame) -> pd.DataFrame:
    """Sorted by data set, direction, metric and method."""
    keys = [
        (
            row.dataset,
            row.direction,
            catalogue.column_order((row.metric, row.protocol)),
            catalogue.method_order(row.name),
        )
        for row in cells.itertuples()
    ]
    return cells.iloc[sorted(range(len(keys)), key=keys.__getitem__)]


def _place(row: pd.Series) -> dict[str, str]:
    return {
        "dataset": row["dataset"],
        "direction": row["direction"],
        "method": method_name(row["method"], row["variant"]),
        "metric": catalogue.column(row["metric"], row["protocol"]),
    }


def _joined_row(row: pd.Series) -> dict[str, str]:
    """One row of `reported.join` as text; a difference only where the two compare."""
    difference = ABSENT
    if row["comparable"] and row["sd"] > 0:
        difference = f"{(row['value'] - row['reported_value']) / row['sd']:+.1f}"
    return _place(row) | {
        "measured": cell_text(row),
        "paper": _printed(row, "reported_value", "reported_spread"),
        "difference / sd": difference,
        "compares": row["comparable"] or (NOT_COMPARABLE if row["printed"] else ABSENT),
        "where": row["where"] or ABSENT,
        "note": "; ".join(part for part in (_why(row), row["note"]) if part) or ABSENT,
    }


def _why(row: pd.Series) -> str:
    """Why a number under another protocol id may stand beside the measured one."""
    if row["comparable"] != "~":
        return ""
    entry = check_comparable(row["protocol"], row["reported_protocol"])
    return f"{entry.why} ({entry.certainty})"


def _printed(row: pd.Series, value: str, spread: str) -> str:
    """A printed number as text, or the reason why none is entered."""
    if pd.isna(row[value]):
        return row["note"] or ABSENT
    digits = catalogue.metric(row["metric"].partition("/")[0]).digits
    text = number(row[value], digits)
    return text if pd.isna(row[spread]) else f"{text} ± {number(row[spread], digits)}"


def _apart(table: pd.DataFrame, names: set[str]) -> list[dict[str, str]]:
    """What the paper prints for these methods, cell by cell."""
    mask = [
        method_name(method, variant) in names
        for method, variant in zip(table["method"], table["variant"], strict=True)
    ]
    return [
        _place(row)
        | {
            "paper": _printed(row, "value", "spread"),
            "compares": NOT_COMPARABLE,
            "where": row["where"],
        }
        for _, row in table[mask].iterrows()
    ]


def _published(row: pd.Series, other: pd.Series | None) -> dict[str, str]:
    if other is None:
        return {"published": ABSENT, "difference": ABSENT, "note": "not published"}
    notes = []
    if row["precision"] != other["precision"]:
        notes.append(f"{row['precision']} here, {other['precision']} published")
    same = row["extractor"] == other["extractor"]
    if not same:
        notes.append(f"{row['extractor']} here, {other['extractor']} published")
    difference = float(row["value"]) - float(other["value"])
    known = same and abs(difference) < float("inf")
    digits = catalogue.metric(row["metric"]).digits
    return {
        "published": cell_text(other),
        "difference": number(difference, digits) if known else ABSENT,
        "note": "; ".join(notes) or ABSENT,
    }


def printed(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a paper: its printed cells, how many have a measured counterpart, and which compare.

    Args:
        scores: of one budget.

    Returns:
        `paper, printed cells` (entered digit by digit), `of methods measured here, comparable` and
        `why not`, as text.
    """
    budget = one_budget(scores)
    measured = set(scores.loc[scores["value"].notna(), "name"])
    rows, papers = [], reported.keys()
    for key in papers:
        table = reported.load(key).table
        entered = table[table["value"].notna()]
        named = [method_name(r.method, r.variant) in measured for r in entered.itertuples()]
        joined = len(_joined(scores, key)) if budget == "paper" else 0
        rows.append(
            {
                "paper": key,
                "printed cells": str(len(entered)),
                "of methods measured here": str(sum(named)),
                "comparable": str(joined),
                "why not": _why_not(budget, len(entered), joined),
            }
        )
    return pd.DataFrame(rows)


def joined(scores: pd.DataFrame) -> pd.DataFrame:
    """Every measured number that compares with a printed one, beside it; none below budget paper.

    Returns:
        The columns of `tables.compare` behind `paper`.
    """
    if one_budget(scores) != "paper":
        return pd.DataFrame(columns=["paper", "method", "measured", "printed"])
    papers = reported.keys()
    frames = [_joined(scores, key).assign(paper=key) for key in papers]
    frame = pd.concat(frames, ignore_index=True)
    return frame[["paper", *frame.columns.drop("paper")]]


def _joined(scores: pd.DataFrame, key: str) -> pd.DataFrame:
    frame = compare(scores, reported.load(key).table)
    return frame[~frame["compares"].isin([NOT_COMPARABLE, ABSENT])]


def _why_not(budget: str, entered: int, joined: int) -> str:
    if not entered:
        return "we could not access its tables"
    if budget != "paper":
        return f"budget {budget}: other images, sizes and schedules than the paper's"
    return ABSENT if joined else "no cell with the same data set, direction, metric and protocol"
