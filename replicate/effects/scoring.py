"""Every protocol on every rung of the ladder."""

from dataclasses import asdict

import pandas as pd

from replicate.effects.ladder import RUNGS
from replicate.effects.studies import STANDIN, Study
from replicate.metrics.compare import compare, feature_protocols
from replicate.metrics.protocol_list import INCEPTION
from replicate.metrics.protocols import Protocol, find
from replicate.tables import catalogue

SUBSETS_OF_1000 = "kid/torch-fidelity"


def chosen(study: Study) -> list[Protocol]:
    """The protocols of features, the subsets of 1,000 made to fit the images.

    Those of other networks are left out: bfloat16 is a matter of speed, torchvision's weights are
    another download.
    """
    half = max(2, min(len(study.sample.source), len(study.sample.real)) // 2)
    fitting = {SUBSETS_OF_1000: find(f"{SUBSETS_OF_1000}@{half}")}
    own = [p for p in feature_protocols() if p.features in (STANDIN, INCEPTION)]
    return [fitting.get(p.id, p) for p in own]


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
            own = [p for p in protocols if p.features == network]
            made = compare(study.bench(own[0], rung), own)
            rows += [_row(study, rung, p, s) for p, s in zip(own, made, strict=True)]
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
    for protocol, own in scores.groupby("protocol", sort=False):
        first = own.iloc[0]
        cells = {row.rung: _cell(row) for row in own.itertuples()}
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
        f"{', '.join(dict.fromkeys(own['protocol']))}: {note}"
        for note, own in missing.groupby("note", sort=False)
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
