"""Which columns of a table have no power, and where KID and FID order methods differently."""

import pandas as pd

from replicate.metrics.power import LOWER, NO_POWER, PLACE, network_of, weak
from replicate.metrics.protocols import OF_RECORDS
from replicate.report.tables import catalogue


def remarks(scores: pd.DataFrame) -> list[str]:
    """Sentences below a table: places without power, and orders that differ.

    Of the stand-in, which stands in older records alone, nothing is said.

    Args:
        scores: of one budget, of the methods in the table.
    """
    said = scores[~scores["protocol"].isin(OF_RECORDS)]
    present = set(said["protocol"])
    lines = [
        f"{NO_POWER}: {protocol} cannot tell doing nothing from real images, {direction}"
        for _, direction, protocol in sorted(weak(said))
        if protocol in present
    ]
    for (_, direction), block in said.groupby(PLACE):
        lines += [f"{direction}: {text}" for text in _disagreements(block)]
    return lines


def _disagreements(block: pd.DataFrame) -> list[str]:
    """What differs between the orders by KID and by FID on the same features."""
    values = block[block["metric"].isin(LOWER)].dropna(subset="value")
    means = values.groupby(["protocol", "name"])["value"].mean()
    sentences = []
    for kid in sorted({p for p, _ in means.index if p.startswith("kid/")}):
        fid = f"fid/{network_of(kid)}"
        if fid not in means.index.get_level_values(0):
            continue
        both = pd.DataFrame({"kid": means[kid], "fid": means[fid]}).dropna()
        order = {name: _in_order(both[name]) for name in both}
        if order["kid"] != order["fid"]:
            orders = "; ".join(f"{k.upper()} {' < '.join(names)}" for k, names in order.items())
            sentences.append(f"KID and FID order methods differently ({network_of(kid)}): {orders}")
    return sentences


def _in_order(values: pd.Series) -> list[str]:
    """The methods from the best, equal ones as the catalogue has them."""
    return sorted(values.index, key=lambda name: (values[name], catalogue.method_order(name)))
