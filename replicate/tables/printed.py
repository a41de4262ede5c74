"""How much of what the papers print stands beside a measured number, and what comes of it."""

import pandas as pd

from replicate import reported
from replicate.experiment.run import method_name
from replicate.tables.catalogue import ABSENT
from replicate.tables.compare import NOT_COMPARABLE, compare
from replicate.tables.frames import one_budget


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
    found = pd.concat(frames, ignore_index=True)
    return found[["paper", *found.columns.drop("paper")]]


def _joined(scores: pd.DataFrame, key: str) -> pd.DataFrame:
    found = compare(scores, reported.load(key).table)
    return found[~found["compares"].isin([NOT_COMPARABLE, ABSENT])]


def _why_not(budget: str, entered: int, joined: int) -> str:
    if not entered:
        return "its tables are in no reachable source"
    if budget != "paper":
        return f"budget {budget}: other images, sizes and schedules than the paper's"
    return ABSENT if joined else "no cell with the same data set, direction, metric and protocol"
