"""Segmentation scores of folders of label maps, and the check that withholds a broken scorer's."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from replicate.metrics.images import Folder
from replicate.metrics.pairs import pair_up, read
from replicate.metrics.protocols import Protocol
from replicate.metrics.score import Score, joined
from replicate.metrics.segmentation import SegmentationScores, scorer_gate, segmentation_scores

# The sets that hold label maps, by estimator; any other set of these protocols holds photographs.
LABELS = {"cls/photos2labels": ("real",), "fcn/labels2photos": ("fake", "real", "source")}
METRICS = ("pixel_accuracy", "class_accuracy", "class_iou")


def label_scores(protocol: Protocol, sets: Mapping[str, Folder]) -> list[Score]:
    """Pixel accuracy, class accuracy and class IoU of a folder.

    Args:
        protocol: one whose estimator is a key of `SEGMENTATION`.
        sets: folders by name; "real" holds the labelIds.

    Raises:
        ReplicateError: files that do not pair or hold no labels, or a scorer that fails on real
            photographs, whose scores are withheld.
    """
    found, note = SEGMENTATION[protocol.estimator](protocol, sets)
    return [
        Score(
            metric,
            getattr(found, metric),
            protocol.id,
            n_real=found.images,
            n_fake=found.images,
            note=joined(note, protocol.caution),
        )
        for metric in METRICS
    ]


def _nearest_colour(
    protocol: Protocol, sets: Mapping[str, Folder]
) -> tuple[SegmentationScores, str]:
    return _scored(sets, ("fake", "real"), "fake", protocol)


def _fcn(protocol: Protocol, sets: Mapping[str, Folder]) -> tuple[SegmentationScores, str]:
    """The scores of predictions from made photos, after those from real ones have passed."""
    real, _ = _scored(sets, ("source", "real"), "labels", protocol)
    scorer_gate(real.pixel_accuracy)
    found, note = _scored(sets, ("fake", "real"), "labels", protocol)
    return found, joined(note, f"the scorer reaches {real.pixel_accuracy:.2f} on real photos")


def _scored(
    sets: Mapping[str, Folder], names: tuple[str, str], kind: str, protocol: Protocol
) -> tuple[SegmentationScores, str]:
    files, rule = pair_up(sets, names, protocol.id)
    found = segmentation_scores(
        _each(kind, [first for first, _ in files]),
        _each("labels", [second for _, second in files]),
        resolution=None if kind == "labels" else protocol.settings["resolution"],
        names=[str(first) for first, _ in files],
    )
    return found, rule


def _each(kind: str, files: list[Path]) -> Iterator[np.ndarray]:
    return (read(kind, file) for file in files)


SEGMENTATION: dict[str, Callable[..., tuple[SegmentationScores, str]]] = {
    "cls/photos2labels": _nearest_colour,
    "fcn/labels2photos": _fcn,
}
