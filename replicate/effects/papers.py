"""Which printed number may stand beside which measured one."""

import pandas as pd

from replicate import reported
from replicate.metrics.comparisons import COMPARISONS, partners
from replicate.metrics.protocols import find


def comparisons() -> pd.DataFrame:
    """Every pair of protocols that compare, as far as they do; all others do not.

    Returns:
        Text: `protocol, compares with, in, because, certainty`, and `computed here`: "both", the
        one that is, or "neither".
    """
    rows = []
    for entry in COMPARISONS:
        computed = [id for id in (entry.first, entry.second) if find(id).estimator]
        here = {0: "neither", 1: computed[0] if computed else "", 2: "both"}[len(computed)]
        rows.append(
            {"protocol": entry.first, "compares with": entry.second, "in": entry.what}
            | {"because": entry.why, "certainty": entry.certainty, "computed here": here}
        )
    return pd.DataFrame(rows)


def printed(paper: str, dataset: str) -> pd.DataFrame:
    """What a paper prints of a data set's distances, and which protocols may stand beside it.

    Args:
        paper: a name of `reported.keys()`.
        dataset: as the paper's file calls it.

    Returns:
        Text: `where, method, direction, printed, as` (the protocol of the printed number), `beside
        it` (those that compare).
    """
    table = reported.load(paper).table
    here = (table["dataset"] == dataset) & table["metric"].isin(["kid", "fid"])
    own = table[here & table["value"].notna()]
    rows = [
        {"where": row.where, "method": row.label, "direction": row.direction}
        | {"printed": row.printed, "as": row.protocol, "beside it": beside(row.protocol)}
        for row in own.itertuples()
    ]
    columns = ["where", "method", "direction", "printed", "as", "beside it"]
    return pd.DataFrame(rows, columns=columns)


def beside(protocol: str) -> str:
    """The protocols computed here that compare with one, or that none does."""
    computed = [id for id in partners(protocol) if find(id).estimator]
    return ", ".join(computed) or "nothing that is computed here"
