"""Scores of translations by the classes of their pixels, between their floor and their ceiling."""

from collections.abc import Iterable

import pandas as pd

from replicate.errors import ReplicateError
from replicate.experiment import state
from replicate.experiment.run import Run, method_name
from replicate.labelled.scoring import Measured, labelled, of_run, references, settings_of
from replicate.labelled.segmenter import Settings
from replicate.tables.catalogue import method_order, number
from replicate.tables.summary import SMOKE

SCORES = {
    "pixel_accuracy": "pixel accuracy ↑",
    "class_accuracy": "class accuracy ↑",
    "class_iou": "class IoU ↑",
}
DIGITS = 3


def segmentation(runs: Iterable[Run]) -> pd.DataFrame:
    """Pixel accuracy, class accuracy and class IoU of translations, as text.

    Args:
        runs: those that are scored and whose data set has a palette (`labelled.palette.known()`)
            are shown, all of one budget. The first call trains the segmentation network, a few
            minutes at 64 px; it is kept below the results folder.

    Returns:
        One row for each (data set, direction, method), mean ± standard deviation over seeds
        (number of seeds); above each block the floor, the most frequent class everywhere, and the
        ceiling, real images in the place of translations. Photographs are segmented by the network,
        labels read by the nearest mode. No rows where no run is of a labelled set.

    Raises:
        ReplicateError: runs of several budgets.

    Source: pix2pix section 4 and tables 1 to 3, with another segmentation network and other data.
    """
    chosen = labelled(runs)
    budgets = sorted({run.budget for run in chosen})
    if len(budgets) > 1:
        raise ReplicateError(
            f"budgets {' and '.join(budgets)} in one table; expected one: their numbers do not "
            "compare. Give the runs of one budget"
        )
    heading = SMOKE if budgets == ["smoke"] else "method"
    rows = []
    for settings in dict.fromkeys(map(settings_of, chosen)):
        peers = [run for run in chosen if settings_of(run) == settings]
        rows += _block(settings, peers, heading)
    return pd.DataFrame(rows, columns=["dataset", "direction", heading, *SCORES.values()])


def _block(settings: Settings, runs: list[Run], heading: str) -> list[dict[str, str]]:
    """The rows of one data set and side."""
    rows, found = [], [of_run(run, settings) for run in runs]
    beside = references(settings)
    for words in found[0]:
        place = {"dataset": settings.dataset, "direction": words}
        for name, score in beside[words.partition("->")[2]].items():
            rows.append(place | {heading: name} | _texts([score]))
        methods: dict[str, list[Measured]] = {}
        for run, scores in zip(runs, found, strict=True):
            methods.setdefault(_name(run), []).append(scores[words])
        for name in sorted(methods, key=method_order):
            rows.append(place | {heading: name} | _texts(methods[name], seeds=True))
    return rows


def _name(run: Run) -> str:
    return method_name(run.method, run.label) + " (stale)" * bool(state.of(run).stale)


def _texts(values: list[Measured], seeds: bool = False) -> dict[str, str]:
    """`0.512 ± 0.010 (3)` of each score."""
    frame = pd.DataFrame([value[: len(SCORES)] for value in values], columns=list(SCORES))
    texts = {}
    for name, heading in SCORES.items():
        text = number(frame[name].mean(), DIGITS)
        if seeds and len(frame) > 1:
            text += f" ± {number(frame[name].std(ddof=1), DIGITS)} ({len(frame)})"
        texts[heading] = text + " (1 seed)" * (seeds and len(frame) == 1)
    return texts
