"""Which columns of a table have no power, and where KID and FID order methods differently."""

import pandas as pd

from replicate.methods.base import DIRECTIONS
from replicate.metrics.power import LOWER, NO_POWER, PLACE, network_of, weak
from replicate.metrics.protocols import OF_RECORDS
from replicate.report.tables import catalogue


def remarks(scores: pd.DataFrame) -> list[str]:
    """Sentences below a table: places without power, and orders that differ.

    Of the stand-in, which stands in older records alone, nothing is said.

    Args:
        scores: of one budget and data set, of the methods in the table.
    """
    said = scores[~scores["protocol"].isin(OF_RECORDS)]
    present = set(said["protocol"])
    lines = [
        f"{NO_POWER}: {protocol} cannot tell doing nothing from real images, {direction}"
        for _, direction, protocol in sorted(weak(said))
        if protocol in present
    ]
    return lines + _disagreements(said)


def _disagreements(scores: pd.DataFrame) -> list[str]:
    """Where KID and FID on the same features order methods differently: the orders, or, of a set
    with more than two domains, the directions alone."""
    kinds = {protocol for protocol in scores["protocol"] if protocol.startswith("kid/")}
    found = [
        (kid, direction, orders)
        for (_, direction), block in scores.groupby(PLACE)
        for kid in sorted(kinds)
        if (orders := _orders(block, kid))
    ]
    if scores["direction"].nunique() <= len(DIRECTIONS):
        return [f"{direction}: {_differ(kid)}: {orders}" for kid, direction, orders in found]
    sentences = []
    for kid in sorted({kid for kid, *_ in found}):
        asked = scores[scores["protocol"] == kid]["direction"].nunique()
        where = [direction for of, direction, _ in found if of == kid]
        sentences.append(
            f"{_differ(kid)} in {len(where)} of {asked} directions: {', '.join(where)}"
        )
    return sentences


def _differ(kid: str) -> str:
    return f"KID and FID order methods differently ({network_of(kid)})"


def _orders(block: pd.DataFrame, kid: str) -> str:
    """The orders of methods by KID and by FID on its features; empty where they agree."""
    values = block[block["metric"].isin(LOWER)].dropna(subset="value")
    means = values.groupby(["protocol", "name"])["value"].mean()
    fid = f"fid/{network_of(kid)}"
    if not {kid, fid} <= set(means.index.get_level_values(0)):
        return ""
    both = pd.DataFrame({"kid": means[kid], "fid": means[fid]}).dropna()
    order = {name: _in_order(both[name]) for name in both}
    if order["kid"] == order["fid"]:
        return ""
    return "; ".join(f"{k.upper()} {' < '.join(names)}" for k, names in order.items())


def _in_order(values: pd.Series) -> list[str]:
    """The methods from the best, equal ones as the catalogue has them."""
    return sorted(values.index, key=lambda name: (values[name], catalogue.method_order(name)))
