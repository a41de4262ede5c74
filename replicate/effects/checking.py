"""The last cell of the notebook: nothing is missing, and what must hold holds."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from replicate.effects.ladder import RUNGS
from replicate.effects.scoring import chosen
from replicate.effects.studies import STANDIN, Study
from replicate.errors import ReplicateError
from replicate.experiment.parameters import ProtocolParameters
from replicate.metrics.protocols import Protocol

ORDER = ("perfect", "half", "do nothing")
# float32 features of a 94-layer network, added up in another order by every library
PARITY = 1e-3


def check(
    params: ProtocolParameters,
    study: Study,
    scores: pd.DataFrame,
    choices: Iterable[pd.DataFrame],
    parity: pd.DataFrame,
) -> str:
    """One line that counts what was checked; an error where anything is wrong.

    Args:
        params: what was asked for; the smoke run may lack numbers, with the reason beside them.
        study: the images; only where true translations are known must the rungs be in order.
        scores: of `effects.scores`.
        choices: tables of `choices`, with columns FID and KID.
        parity: of `effects.parity`.

    Raises:
        ReplicateError: a number is missing or not finite, a library differs by more than 1e-3, or a
            distance to the target does not put the rungs in order.
    """
    protocols = chosen(study)
    _check_complete(scores, protocols, params.budget == "smoke")
    for table in choices:
        if not np.isfinite(table[["FID", "KID"]].to_numpy()).all():
            raise ReplicateError(f"a FID or KID is not finite, expected all:\n{table}")
    _check_parity(parity)
    ordered = [p for p in protocols if _must_order(p, params, study)]
    for protocol in ordered:
        _check_order(protocol, scores)
    return (
        f"{scores['value'].notna().sum()} of {len(scores)} scores at budget {params.budget}, "
        f"{parity['difference'].notna().sum()} numbers of other libraries within {PARITY:g}, "
        f"{', '.join(ORDER)} in order under {len(ordered)} protocols"
    )


def _check_complete(scores: pd.DataFrame, protocols: list[Protocol], lenient: bool) -> None:
    found = scores.set_index(["protocol", "rung"])
    for place in [(p.id, rung) for p in protocols for rung in RUNGS]:
        if place not in found.index:
            raise ReplicateError(f"{' / '.join(place)} has no row, expected one: score it again")
        value, note = found.loc[place, ["value", "note"]]
        explained = lenient and "not computed" in note
        if not np.isfinite(value) and not explained:
            raise ReplicateError(f"{' / '.join(place)} is {value}, expected a number: {note}")


def _check_parity(parity: pd.DataFrame) -> None:
    for row in parity[parity["difference"] > PARITY].itertuples():
        raise ReplicateError(
            f"{row.metric} of {row.reference} is {row.theirs:.6g}, ours {row.ours:.6g}: off by "
            f"{row.difference:.1e}, expected at most {PARITY:g}; compare versions and weights"
        )


def _must_order(protocol: Protocol, params: ProtocolParameters, study: Study) -> bool:
    """Whether a protocol is a distance to the target on enough images to tell the rungs apart."""
    distance = protocol.metric in ("kid", "fid") and protocol.sides == (("real", 1.0),)
    enough = protocol.features == STANDIN or params.budget == "laptop"
    return distance and enough and study.all.ideal


def _check_order(protocol: Protocol, scores: pd.DataFrame) -> None:
    own = scores[scores["protocol"] == protocol.id].set_index("rung")["value"]
    values = [own[rung] for rung in ORDER]
    if sorted(values) != values:
        shown = ", ".join(f"{r} {v:.4g}" for r, v in zip(ORDER, values, strict=True))
        raise ReplicateError(f"{protocol.id}: {shown}; expected them to grow")
