"""Scores of pixels, folder against folder, one image of each in memory at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics import attention, image
from replicate.metrics.attention_ranking import attention_auc, pointing_game
from replicate.metrics.bootstrap import mean_interval
from replicate.metrics.images import Folder
from replicate.metrics.pairs import loaded
from replicate.metrics.protocols import Protocol
from replicate.metrics.score import Score, joined, mean_score

# How the score of one image follows from one image of each of the protocol's sets, in their order.
ONE_IMAGE: dict[str, Callable[..., np.ndarray]] = {
    "psnr/skimage": image.psnr,
    "ssim/skimage": image.ssim,
    "background/psnr": attention.background_psnr,
    "foreground/l1": attention.foreground_error,
    "attention/iou-0.5": attention.attention_iou,
    "attention/auc": attention_auc,
    "attention/pointing": pointing_game,
    "attention/mean": lambda maps: maps.mean(axis=(1, 2)),
}


def mean_over_images(protocol: Protocol, sets: Mapping[str, Folder]) -> Score:
    """The mean of a per-image score over folders.

    Args:
        protocol: one whose estimator is a key of `ONE_IMAGE`.
        sets: folders by name; those that the protocol needs, and "source" for `do_nothing`.

    Returns:
        The mean with its bootstrap interval; the note says how the images were paired.

    Raises:
        ReplicateError: files that do not pair, differ in size, or cannot be scored, by name.
    """
    values, rule = _values(protocol, protocol.needs, sets)
    row = mean_score(protocol.metric, protocol.id, values)
    finite = values[np.isfinite(values)]
    low, high = mean_interval(finite) if len(finite) > 1 else (None, None)
    note = joined(row.note, rule if len(protocol.needs) > 1 else "", protocol.caution)
    return replace(row, low=low, high=high, do_nothing=_do_nothing(protocol, sets), note=note)


def _values(
    protocol: Protocol, names: tuple[str, ...], sets: Mapping[str, Folder]
) -> tuple[np.ndarray, str]:
    groups, rule = loaded(sets, names, protocol.id)
    found = []
    for files, images in groups:
        try:
            found.append(ONE_IMAGE[protocol.estimator](*(one[None] for one in images))[0])
        except ReplicateError as error:
            raise ReplicateError(f"{protocol.id}, {files[0]}: {error}") from error
    return np.array(found, dtype=np.float64), rule


def _do_nothing(protocol: Protocol, sets: Mapping[str, Folder]) -> float | None:
    """The score of the source as output, where the sources pair with what else is needed."""
    if "source" not in sets or "fake" not in protocol.needs:
        return None
    names = tuple("source" if name == "fake" else name for name in protocol.needs)
    try:
        values, _ = _values(protocol, names, sets)
    except ReplicateError:
        return None
    return mean_score(protocol.metric, protocol.id, values).value
