"""In which order each protocol puts the rungs."""

import pandas as pd

from replicate.effects.ladder import RUNGS
from replicate.effects.scoring import arrow

BEST, UNFINISHED = "perfect", ["half", "do nothing"]


def ranked(scores: pd.DataFrame) -> pd.DataFrame:
    """Where each protocol puts each rung, between the one it likes best and the one it likes least.

    Args:
        scores: of `effects.scores`; protocols without a value for each rung are left out.

    Returns:
        A row a protocol, in the order given, a column a rung; 0 is the best of the five and 1 the
        worst in the unit of the protocol, whichever way is better. The arrow of a protocol that
        is no ranking is taken as "↓", as its authors read it.
    """
    table = scores.pivot(index="protocol", columns="rung", values="value")[list(RUNGS)]
    first = scores.drop_duplicates("protocol").set_index("protocol")
    table = table.reindex(first.index).dropna()
    rising = [arrow(protocol, first.loc[protocol, "metric"]) == "↑" for protocol in table.index]
    table[rising] *= -1
    low, width = table.min(axis=1), table.max(axis=1) - table.min(axis=1)
    return table.sub(low, axis=0).div(width.where(width > 0), axis=0).fillna(0)


def misled(places: pd.DataFrame) -> list[str]:
    """The protocols that put an unfinished translation before `perfect`, or level with it."""
    return list(places.index[places[UNFINISHED].min(axis=1) <= places[BEST]])
