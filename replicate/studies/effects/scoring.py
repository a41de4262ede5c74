"""Every protocol on every rung of the ladder, and the check that nothing is missing."""

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pandas as pd

from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import ProtocolParameters
from replicate.metrics.compare import compare, feature_protocols
from replicate.metrics.protocols import INCEPTION, Protocol, find
from replicate.report.tables import catalogue
from replicate.studies.effects.ladder import RUNGS
from replicate.studies.effects.studies import STANDIN, Study

SUBSETS_OF_1000 = "kid/torch-fidelity"


def chosen(study: Study) -> list[Protocol]:
    """The protocols of features, the subsets of 1,000 made to fit the images.

    Those of other networks are left out: bfloat16 is a matter of speed, torchvision's weights are
    another download.
    """
    half = max(2, min(len(study.sample.source), len(study.sample.real)) // 2)
    fitting = {SUBSETS_OF_1000: find(f"{SUBSETS_OF_1000}@{half}")}
    protocols = [p for p in feature_protocols() if p.features in (STANDIN, INCEPTION)]
    return [fitting.get(p.id, p) for p in protocols]


def scores(study: Study) -> pd.DataFrame:
    """The scores of every rung, as their authors print them.

    Returns:
        One row a rung and protocol: the fields of `Score` and `rung`, `network`; `value, spread,
        floor, floor_halves, do_nothing, low, high` times the protocol's factor; NaN where something
        cannot be computed, and `note` says why.
    """
    protocols = chosen(study)
    rows = []
    for rung in RUNGS:
        for network in (STANDIN, INCEPTION):
            group = [p for p in protocols if p.features == network]
            made = compare(study.bench(group[0], rung), group)
            rows += [_row(study, rung, p, s) for p, s in zip(group, made, strict=True)]
    return pd.DataFrame(rows)


def _row(study: Study, rung: str, protocol: Protocol, score) -> dict:
    printed = {
        name: float("nan") if (number := getattr(score, name)) is None else protocol.printed(number)
        for name in ("value", "spread", "floor", "floor_halves", "do_nothing", "low", "high")
    }
    about = {"rung": rung, "network": study.name(protocol)}
    return asdict(score) | printed | about


def table(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a protocol: its number for every rung, with what stands after the "±" and its floor.

    Args:
        scores: of `scores`.

    Returns:
        Text: `protocol` (with the arrow of what is better), `network`, `n` (outputs against real
        images), a column a rung, `real vs real` (the floor), `±`.
    """
    rows = []
    for protocol, group in scores.groupby("protocol", sort=False):
        first = group.iloc[0]
        cells = {row.rung: _cell(row) for row in group.itertuples()}
        rows.append(
            {"protocol": f"{protocol} {arrow(protocol, first.metric)}".strip()}
            | {"network": first.network, "n": _counts(first)}
            | cells
            | {"real vs real": _number(first.floor), "±": first.spread_kind or catalogue.ABSENT}
        )
    return pd.DataFrame(rows)


def arrow(protocol: str, metric: str) -> str:
    """Which way is better; "?" where a protocol does not put methods in order."""
    if protocol in catalogue.NOT_A_RANKING:
        return "?"
    return catalogue.metric(metric).better


def reasons(scores: pd.DataFrame) -> str:
    """One line for each reason why a number is missing; "" where none is."""
    missing = scores[scores["value"].isna()]
    lines = [
        f"{', '.join(dict.fromkeys(group['protocol']))}: {note}"
        for note, group in missing.groupby("note", sort=False)
    ]
    return "\n".join(lines)


def _counts(row) -> str:
    if row.n_real is None or row.n_real != row.n_real:
        return f"{row.n_fake:.0f}"
    return f"{row.n_fake:.0f} vs {row.n_real:.0f}"


def _cell(row) -> str:
    if row.spread != row.spread:
        return _number(row.value)
    return f"{_number(row.value)} ± {row.spread:.2g}"


def _number(value: float) -> str:
    return catalogue.ABSENT if value != value else f"{value:.3g}"


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
    rows = scores.set_index(["protocol", "rung"])
    for place in [(p.id, rung) for p in protocols for rung in RUNGS]:
        if place not in rows.index:
            raise ReplicateError(f"{' / '.join(place)} has no row, expected one: score it again")
        value, note = rows.loc[place, ["value", "note"]]
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
    numbers = scores[scores["protocol"] == protocol.id].set_index("rung")["value"]
    values = [numbers[rung] for rung in ORDER]
    if sorted(values) != values:
        shown = ", ".join(f"{r} {v:.4g}" for r, v in zip(ORDER, values, strict=True))
        raise ReplicateError(f"{protocol.id}: {shown}; expected them to grow")
