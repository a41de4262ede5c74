"""Whether pictures drawn from sentences show what these name: shape, coat and place."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from replicate import sentences
from replicate.datasets import captions, packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.lab import shown
from replicate.lab.classes import outputs, shown_parts
from replicate.lab.run import Run, method_name
from replicate.methods.base import DIRECTIONS
from replicate.report.tables.catalogue import method_order, number
from replicate.report.tables.summary import SMOKE
from replicate.studies.class_coverage import by_labelled_set
from replicate.studies.windows import with_spread

ALL = "all three"
REAL = "real images of the target, their own sentences"
INPUT = "the inputs"


def inapplicable(runs: Iterable[Run]) -> str:
    """That no run is on sentences, and which ones are, in words; "" where one is."""
    if any(run.dataset in shown.SETS for run in runs):
        return ""
    return "No run here draws from sentences: `notebooks/params/laptop/01_dagan.yaml` has some."


def named_and_shown(runs: Iterable[Run]) -> pd.DataFrame:
    """The share of translations that show each part of their sentences, and all parts.

    Args:
        runs: the finished ones on sets of `shown.SETS`, of methods of sentences or of images.

    Returns:
        For each (data set, direction), as text: real images of the target with their own
        sentences, the most that a method can reach; the inputs, which wear the other coat; and a
        row a method, mean ± sd over seeds. The columns are `shape` (as the set's classifier sees
        it), `coat`, `place` and `all three`, which decides the claim.

    Raises:
        ReplicateError: no such run, or runs of several budgets.
    """
    chosen = [run for run in runs if run.dataset in shown.SETS and _is_finished(run)]
    if not chosen:
        raise ReplicateError(
            "no finished run is on a set whose sentences are understood, expected one: add "
            f"{' or '.join(shown.SETS)} to `datasets`"
        )
    smoke, groups = by_labelled_set(chosen)
    rows = []
    for dataset, size, peers in groups:
        test = packed.load(dataset, "test", size)
        for direction in DIRECTIONS:
            place = {"dataset": dataset, "direction": in_words(direction, test)}
            named = _rows(peers, test, direction)
            rows += [place | {SMOKE if smoke else "method": name} | row for name, row in named]
    return pd.DataFrame(rows)


def _is_finished(run: Run) -> bool:
    return run.record().get("status") == "finished" and (run.folder / "outputs").is_dir()


def _rows(runs: list[Run], test: ImageSet, direction: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The named rows of one direction: references, then the methods in their order."""
    X, Y = direction
    prompts = captions.decode(sentences.prompts(test, X))
    real = captions.decode(np.asarray(test.arrays[f"{Y}_caption"]))
    for name, letter, texts in ((REAL, Y, real), (INPUT, X, prompts)):
        row = _shares(shown_parts(test, Y, np.asarray(test.arrays[letter]), texts))
        yield name, {key: number(value, 2) for key, value in row.items()}
    methods = {method_name(run.method, run.label) for run in runs}
    for name in sorted(methods, key=method_order):
        peers = [run for run in runs if method_name(run.method, run.label) == name]
        made = [outputs(run.folder, test, direction) for run in peers]
        seeds = pd.DataFrame([_shares(shown_parts(test, Y, one, prompts)) for one in made])
        yield name, {key: with_spread(seeds[key]) for key in seeds}


def _shares(parts: dict[str, np.ndarray]) -> dict[str, float]:
    return {part: float(parts[part].mean()) for part in shown.PARTS} | {ALL: shown.all_shown(parts)}
