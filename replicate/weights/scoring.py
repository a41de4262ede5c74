"""Weights as they come, of the authors or of a run, through the protocols of every trained run.

Nothing is trained: the test split is translated at the size of the weights and scored, beside what
papers print for the method on this set, and what our own runs of it scored.
"""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from replicate import devices, evaluation, paths, reported, repro
from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab.run import method_name
from replicate.methods.base import Method
from replicate.metrics.comparisons import comparison
from replicate.report import tables
from replicate.report.tables import catalogue
from replicate.weights import published
from replicate.weights.finding import find

COLUMNS = ["direction", "metric", "protocol", "released", "printed", "ours", "floor", "do nothing"]
BUDGET = "paper"  # of our own runs that stand beside: other sizes do not compare


def lacking(name: str) -> str:
    """One line on how to have the weights of a release; empty where they are here.

    Raises:
        UnknownName: nothing has this name.
    """
    entry = published.entries().get(name)
    if entry is None:
        find(name)
        return ""
    if published.place(name).is_file():
        return ""
    said = f" ({entry.note})" if entry.note else ""
    return (
        f"{name} is not here: `replicate weights get {name}` fetches {entry.url}, or give the file "
        f"with --from{said}"
    )


def score(name: str, dataset: str = "", device: str = "cpu", offline: bool = False) -> pd.DataFrame:
    """A row for every direction and protocol, with `COLUMNS`; nothing is written but features.

    Args:
        name: a release that was fetched, or what `finding.find` takes.
        dataset: whose test split is translated; empty: the one that the weights name.
        device: of the method.
        offline: leave out scores that need downloaded weights.

    Raises:
        UnknownName, ReplicateError: the weights or the images are not here.
    """
    if reason := lacking(name):
        raise ReplicateError(reason)
    method, card = find(name).load(devices.find(device))
    dataset = dataset or card.dataset
    if not dataset:
        raise ReplicateError(f"{name} does not say what it was trained on; name a set with --data")
    rows = measure(method, card.directions, dataset, offline)
    return _beside(rows, method_name(card.method, card.variant), dataset)


def measure(
    method: Method, ways: Iterable[str], dataset: str, offline: bool = False
) -> pd.DataFrame:
    """The scores of a method as it stands: the fields of `Score` and "direction", in words.

    Args:
        ways: the directions, as "AB".
        dataset: whose test split is translated, at the size at which the method's runs are scored.
    """
    repro.prepare(0, None)
    size = method.config.scored_size
    test, train = (packed.load(dataset, split, size) for split in ("test", "train"))
    cache, rows = paths.results() / "features", []
    for way in ways:
        outputs = evaluation.translate_split(method, test, way)
        classes = spec(dataset).classes_of(test.domains["AB".index(way[1])])
        scores = evaluation.score_direction(
            outputs, way, test, train, method.attention_cell, cache, offline, classes
        )
        words = evaluation.in_words(way, test)
        rows += [asdict(score) | {"direction": words} for score in scores]
    return pd.DataFrame(rows)


def _beside(rows: pd.DataFrame, label: str, dataset: str) -> pd.DataFrame:
    """The scores with the printed cells that compare and our own means."""
    printed, ours = _printed(label, dataset), _ours(label, dataset)
    made = []
    for row in rows[rows["value"].notna()].to_dict("records"):
        key = (row["direction"], row["metric"], row["protocol"])
        digits = catalogue.metric(row["metric"]).digits
        made.append(
            {
                "direction": row["direction"],
                "metric": row["metric"],
                "protocol": row["protocol"],
                "released": catalogue.number(row["value"], digits),
                "printed": _comparable(printed, key, digits),
                "ours": ours.get(key, catalogue.ABSENT),
                "floor": _cell(row["floor"], digits),
                "do nothing": _cell(row["do_nothing"], digits),
            }
        )
    return pd.DataFrame(made, columns=COLUMNS)


def _cell(value: float | None, digits: int) -> str:
    return catalogue.ABSENT if value is None else catalogue.number(value, digits)


def _printed(label: str, dataset: str) -> pd.DataFrame:
    """What all papers print of a method on a data set."""
    papers = reported.keys()
    every = pd.concat([reported.load(key).table for key in papers], ignore_index=True)
    named = [method_name(m, v) for m, v in zip(every["method"], every["variant"], strict=True)]
    here = (pd.Series(named, index=every.index) == label) & (every["dataset"] == dataset)
    return every[here & every["value"].notna()]


def _comparable(printed: pd.DataFrame, key: tuple[str, str, str], digits: int) -> str:
    """The printed number of a score; in brackets where it has another protocol."""
    direction, metric, protocol = key
    family = printed["metric"].str.split("_").str[0] == metric  # also of a table without rows
    texts = []
    for row in printed[family & (printed["direction"] == direction)].itertuples():
        compares = row.protocol == protocol or comparison(protocol, row.protocol)
        text = f"{catalogue.number(row.value, digits)} {row.where}"
        texts.append(text if compares else f"({text}, {row.protocol})")
    return "; ".join(texts) or catalogue.ABSENT


def _ours(label: str, dataset: str) -> dict[tuple[str, str, str], str]:
    """The means over seeds of our own runs, local ones before published ones."""
    for root in (paths.results(), paths.published()):
        scores = tables.scores(root, BUDGET)
        rows = scores[(scores["name"] == label) & (scores["dataset"] == dataset)]
        rows = rows[rows["value"].notna()]
        if len(rows):
            cells = rows.groupby(["direction", "metric", "protocol"])["value"]
            return {key: f"{value:.4g} ({n})" for key, value, n in _means(cells)}
    return {}


def _means(cells) -> list[tuple]:
    return [(key, group.mean(), len(group)) for key, group in cells]
