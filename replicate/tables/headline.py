"""The scores that matter, each method as its paper has it: a table a data set, and their page."""

import pandas as pd

from replicate.tables.catalogue import SHARE
from replicate.tables.frames import means, with_share
from replicate.tables.markdown import escape
from replicate.tables.pages import Page, Table
from replicate.tables.summary import summary

METRICS = ("kid/standin", "background_psnr", SHARE, "foreground_error")
PROTOCOLS = ("kid/standin", "background/psnr", "attention/iou-0.5", "foreground/l1")
TIDY = ["dataset", "direction", "name", "metric", "protocol", "value", "sd", "n", "floor"]
TIDY += ["do_nothing", "stale"]


def headline(scores: pd.DataFrame) -> list[pd.DataFrame]:
    """A table for each data set, those whose truth is known first.

    Args:
        scores: of one budget; variants and runs with changed settings are left out.
    """
    tables = []
    groups = [own for _, own in _whole(scores).groupby("dataset")]
    for own in sorted(groups, key=lambda own: "background_psnr" not in set(own["metric"])):
        present = set(own["metric"]) | set(own["protocol"])
        chosen = [m for m in METRICS if m in present or (m == SHARE and "attention_iou" in present)]
        tables.append(summary(own, chosen or None))
    return tables


def headline_page(scores: pd.DataFrame, budget: str) -> Page:
    """The page of all data sets; its data are the means that the tables show."""
    marked = "" if budget == "paper" else ", not comparable with the papers' numbers"
    parts: list[str | Table] = [
        "Each method as its paper has it: mean ± standard deviation over seeds (number of seeds). "
        "`real vs real` is the floor, other real images scored as output; `do nothing` scores the "
        "input as output. Variants, controls and further scores stand on the page of each data set."
    ]
    for table in headline(scores):
        parts += [
            f"## {escape(table['dataset'].iloc[0])}",
            Table("", table.drop(columns="dataset")),
        ]
    own = _whole(scores)
    cells = means(with_share(own[own["protocol"].isin(PROTOCOLS)]))
    data = cells[TIDY].sort_values(TIDY[:5], kind="stable")
    return Page(f"All methods, budget {budget}{marked}", parts, data)


def _whole(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[~scores["name"].str.contains("[:+]")]
