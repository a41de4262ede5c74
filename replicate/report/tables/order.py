"""Whether a fraction of the compute keeps the order of a printed table: Kendall's tau over seeds.

Printed and measured numbers stand side by side as orders only: other size, other network.
"""

from collections.abc import Sequence
from itertools import combinations
from math import nan

import pandas as pd

from replicate import reported
from replicate.lab.run import method_name
from replicate.report.claims.rule import over_seeds
from replicate.report.tables import catalogue
from replicate.report.tables.catalogue import ABSENT, number

OTHER = "other size, other network"
PROTOCOLS = ("kid/efficientnet-lite0", "class-rate/efficientnet-lite0")
PAIR = 2  # methods, of which an order needs so many


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau (a) of two lists of numbers.

    Args:
        first, second: of the same things, in the same order; finite.

    Returns:
        Pairs that both order alike less those that they order differently, over all pairs, in [-1,
        1]; a pair that is tied in either counts as neither. NaN below two.

    Source: Kendall, Biometrika 30 (1938), 81.
    """
    pairs = list(combinations(zip(first, second, strict=True), 2))
    signs = [(a - c) * (b - d) for (a, b), (c, d) in pairs]
    return (sum(s > 0 for s in signs) - sum(s < 0 for s in signs)) / len(pairs) if pairs else nan


def order(scores: pd.DataFrame, key: str, dataset: str) -> pd.DataFrame:
    """The printed KID of every method at hand, beside what was measured here.

    Args:
        scores: of one budget, with the columns of `tables.scores`.
        key: of the paper, a name of `reported.keys()`.
        dataset: whose column is looked at.

    Returns:
        `direction, method, printed, where` and, headed by metric and protocol and marked
        `OTHER`, the means over seeds, as text; best printed number first. Where the printed variant
        was not measured, the method's default stands for it, and the row says so. No rows where no
        method of the table was measured.
    """
    rows = []
    for _, line in _printed(scores, key, dataset).iterrows():
        measured = _of(scores, dataset, line["direction"], line["name"])
        if measured["value"].notna().any():
            printed, stands = method_name(line["method"], line["variant"]), line["name"]
            method = stands if stands == printed else f"{stands}, for {printed}"
            place = {"direction": line["direction"], "method": method}
            cells = {_heading(p): _mean(measured, p) for p in PROTOCOLS}
            rows.append(place | {"printed": line["printed"], "where": line["where"]} | cells)
    columns = ["direction", "method", "printed", "where", *map(_heading, PROTOCOLS)]
    return pd.DataFrame(rows, columns=columns)


def agreement(scores: pd.DataFrame, key: str, dataset: str) -> pd.DataFrame:
    """Kendall's tau between the printed order and the measured ones, seed by seed.

    Args:
        scores, key, dataset: as of `order`.

    Returns:
        `direction, measured by, methods, seeds, tau` and `95 %`, as text: the mean over the seeds
        that all the methods have, and its interval by Student's t, cut at -1 and 1, which one seed
        does not have. 1: the order of print; 0: none of it; -1: its reverse.
    """
    rows = []
    for direction, table in _printed(scores, key, dataset).groupby("direction"):
        for protocol in PROTOCOLS:
            values = _by_seed(scores, dataset, direction, protocol, table["name"])
            if values.shape[1] < PAIR or values.empty:
                continue
            # the measured numbers turned so that lower is better, as printed
            sign = 1 if protocol.startswith("kid") else -1
            printed = table.set_index("name").loc[values.columns, "value"]
            taus = [kendall_tau(printed, sign * row) for _, row in values.iterrows()]
            mean, low, high, _, n = over_seeds(taus)
            bounds = f"{max(low, -1):.2f} to {min(high, 1):.2f}" if n > 1 else ABSENT
            about = {"direction": direction, "measured by": f"{protocol} ({OTHER})"}
            about |= {"methods": ", ".join(values.columns), "seeds": str(n)}
            rows.append(about | {"tau": number(mean, 2), "95 %": bounds})
    return pd.DataFrame(
        rows, columns=["direction", "measured by", "methods", "seeds", "tau", "95 %"]
    )


def _printed(scores: pd.DataFrame, key: str, dataset: str) -> pd.DataFrame:
    """The printed KIDs of a data set, the best first, one a method and direction.

    `name` is the METHOD[:VARIANT] of `scores` that is set beside it: the printed one or, where that
    was not measured and the only one printed of its method, the method's default.
    """
    table = reported.load(key).table
    cells = table[(table["metric"] == "kid") & (table["dataset"] == dataset)].dropna(subset="value")
    cells = cells.drop_duplicates(["direction", "method", "variant"])
    measured = set(scores.loc[scores["dataset"] == dataset, "name"])
    alone = ~cells.duplicated(["direction", "method"], keep=False)
    names = []
    for row, is_alone in zip(cells.itertuples(), alone, strict=True):
        name = method_name(row.method, row.variant)
        stands = is_alone and name not in measured and row.method in measured
        names.append(row.method if stands else name)
    return cells.assign(name=names).sort_values(["direction", "value"], kind="stable")


def _of(scores: pd.DataFrame, dataset: str, direction: str, name: str) -> pd.DataFrame:
    here = (scores["dataset"] == dataset) & (scores["direction"] == direction)
    return scores[here & (scores["name"] == name) & scores["protocol"].isin(PROTOCOLS)]


def _by_seed(
    scores: pd.DataFrame, dataset: str, direction: str, protocol: str, names: pd.Series
) -> pd.DataFrame:
    """The values of the methods that are measured, a row a seed that all of them have."""
    columns = {}
    for name in names:
        measured = _of(scores, dataset, direction, name)
        measured = measured[measured["protocol"] == protocol].dropna(subset="value")
        if len(measured):
            columns[name] = measured.set_index("seed")["value"]
    return pd.DataFrame(columns).dropna()


def _mean(measured: pd.DataFrame, protocol: str) -> str:
    values = measured.loc[measured["protocol"] == protocol, "value"].dropna()
    if values.empty:
        return ABSENT
    digits = catalogue.metric(
        measured.loc[measured["protocol"] == protocol, "metric"].iloc[0]
    ).digits
    return f"{number(values.mean(), digits)} ({len(values)})"


def _heading(protocol: str) -> str:
    """`KID ↓ (kid/efficientnet-lite0), other size, other network`."""
    metric = protocol.partition("/")[0].replace("-", "_")
    return f"{catalogue.column(metric, protocol)}, {OTHER}"
