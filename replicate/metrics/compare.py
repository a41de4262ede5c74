"""FID and KID rows of one comparison, every protocol a pure function of cached features."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicate.errors import ReplicateError, unknown
from replicate.metrics import inception
from replicate.metrics.arrays import Array, uint8_images
from replicate.metrics.features import Extractor, extractors, features
from replicate.metrics.fid import fid, rank_note
from replicate.metrics.kid import default_subset, kid, kid_blocks, kid_subsets
from replicate.metrics.score import Score, joined

Features = np.ndarray
Sets = tuple[Features, Features, Features | None]  # fake, real, source
Measured = tuple[float, float | None, str]  # value, spread, note


@dataclass(frozen=True)
class Protocol:
    """What a number means: its id, and how it follows from features of fake, real and source."""

    id: str
    metric: str
    spread_kind: str
    measure: Callable[[Features, Features, Features | None], Measured]
    needs_source: bool = False


def _kid(fake: Features, real: Features, source: Features | None) -> Measured:
    return *kid(fake, real), ""


def _fid(fake: Features, real: Features, source: Features | None) -> Measured:
    note = rank_note(min(len(fake), len(real)), fake.shape[1])
    return fid(fake, real), None, note


def _subsets(fake: Features, real: Features, source: Features | None) -> Measured:
    size = default_subset(len(fake), len(real))
    return *kid_subsets(fake, real, size), f"100 subsets of {size}"


def _gm_target(fake: Features, real: Features, source: Features | None) -> Measured:
    return *kid_blocks(real, fake), ""


def _gm_mean098(fake: Features, real: Features, source: Features | None) -> Measured:
    """(0.02 target + 0.98 source) / 2, of the values and of the errors alike, as official."""
    target, target_error = kid_blocks(real, fake)
    origin, origin_error = kid_blocks(source, fake)
    value = (0.02 * target + 0.98 * origin) / 2
    if target_error is None or origin_error is None:
        return value, None, "lower is not better"
    return value, (0.02 * target_error + 0.98 * origin_error) / 2, "lower is not better"


def _kid_mean(fake: Features, real: Features, source: Features | None) -> Measured:
    """The mean of both values; of both errors too, an upper bound, as the sets share `fake`."""
    target, target_error = kid(fake, real)
    origin, origin_error = kid(fake, source)
    return (target + origin) / 2, (target_error + origin_error) / 2, "lower is not better"


def _fid_mean(fake: Features, real: Features, source: Features | None) -> Measured:
    note = rank_note(min(len(fake), len(real), len(source)), fake.shape[1])
    return (fid(fake, real) + fid(fake, source)) / 2, None, joined(note, "lower is not better")


FULL, BLOCKS = "standard error", "standard error over blocks"
PROTOCOLS = {
    "standin-v1": (
        Protocol("kid/standin", "kid", FULL, _kid),
        Protocol("fid/standin", "fid", "", _fid),
    ),
    "inception-2015-12-05": (
        Protocol("kid/inception", "kid", FULL, _kid),
        Protocol("kid/subsets", "kid", "sd over subsets", _subsets),
        Protocol("fid/inception", "fid", "", _fid),
        Protocol("kid/gm-target", "kid", BLOCKS, _gm_target),
        Protocol("fid/gm", "fid", "", _fid),
        Protocol("kid/gm-mean098", "kid", BLOCKS, _gm_mean098, needs_source=True),
        Protocol("kid/aggan-mean", "kid", FULL, _kid_mean, needs_source=True),
        Protocol("fid/aggan-mean", "fid", "", _fid_mean, needs_source=True),
    ),
}


def compare(
    fake: Array,
    real: Array,
    extractor: Extractor,
    source: Array | None = None,
    real_train: Array | None = None,
    cache: Path | None = None,
) -> list[Score]:
    """The rows of all protocols of one extractor.

    The protocols of papers (`gm`, `aggan`) are re-enacted on this extractor's features: their
    estimators and weights are exact, their resize of the images is not (see `Inception`), and
    `fid/gm` is not divided by 100. `kid/subsets` is torch-fidelity's estimator.

    Args:
        fake: (N, H, W, 3) uint8, the translations, in the order of their names.
        real: (M, h, w, 3) uint8, real images of the target domain, in the order of their names.
        extractor: the network; its name decides the protocols.
        source: (K, h, w, 3) uint8, the inputs of the translations; without them the protocols
            that need them and `do_nothing` are left out.
        real_train: other real images of the target domain, for the floor.
        cache: folder of the cached features.

    Returns:
        One score a protocol; value None and the reason in the note where it cannot be computed at
        these sizes. `floor` scores other real images as if they were the output: N of
        `real_train`, evenly spaced, or without them one half of `real` (even places) against the
        other. `do_nothing` scores the source as if it were the output.
    """
    name = extractor.id.partition("@")[0]
    if name not in PROTOCOLS:
        raise unknown("extractor", name, PROTOCOLS)
    f, r = features(fake, extractor, cache), features(real, extractor, cache)
    s = None if source is None else features(source, extractor, cache)
    if real_train is None:
        other, against = r[::2], r[1::2]
        floor_note = f"floor: halves of real, {len(other)} + {len(against)}"
    else:
        other, against = features(_spaced(real_train, len(f)), extractor, cache), r
        floor_note = f"floor: {len(other)} training images against real"
    return [
        _row(protocol, (f, r, s), (other, against, s), extractor.id, floor_note)
        for protocol in PROTOCOLS[name]
        if s is not None or not protocol.needs_source
    ]


def compare_all(
    fake: Array,
    real: Array,
    source: Array | None = None,
    real_train: Array | None = None,
    cache: Path | None = None,
    offline: bool = False,
) -> list[Score]:
    """The rows of every extractor; those of a missing Inception say "not computed".

    Args:
        fake, real, source, real_train, cache: as in `compare`.
        offline: skip Inception even where its weights are there.
    """
    present = extractors(offline)
    rows = [row for each in present for row in compare(fake, real, each, source, real_train, cache)]
    if not any(isinstance(each, inception.Inception) for each in present):
        reason = "--offline-metrics" if offline else inception.missing()
        rows += _not_computed(reason, len(real), len(fake), source is not None)
    return rows


def _row(
    protocol: Protocol, sets: Sets, floor_sets: Sets, extractor: str, floor_note: str
) -> Score:
    """One protocol's score, with its floor and the do-nothing score beside it."""
    fake, real, source = sets
    value, spread, note = _attempt(protocol, *sets)
    floor, _, problem = _attempt(protocol, *floor_sets)
    return Score(
        metric=protocol.metric,
        value=value,
        protocol=protocol.id,
        spread=spread,
        spread_kind="" if spread is None else protocol.spread_kind,
        n_real=len(real),
        n_fake=len(fake),
        extractor=extractor,
        floor=floor,
        do_nothing=None if source is None else _attempt(protocol, source, real, source)[0],
        note=joined(note, f"floor {problem}" if floor is None else floor_note),
    )


def _not_computed(reason: str, n_real: int, n_fake: int, has_source: bool) -> list[Score]:
    """The rows of Inception without values."""
    return [
        Score(
            protocol.metric,
            None,
            protocol.id,
            n_real=n_real,
            n_fake=n_fake,
            extractor=inception.Inception.id,
            note=f"not computed: {reason}",
        )
        for protocol in PROTOCOLS["inception-2015-12-05"]
        if has_source or not protocol.needs_source
    ]


def _attempt(
    protocol: Protocol, fake: Features, real: Features, source: Features | None
) -> tuple[float | None, float | None, str]:
    """What the protocol measures, or no value and the reason."""
    try:
        return protocol.measure(fake, real, source)
    except ReplicateError as error:
        return None, None, f"not computed: {error}"


def _spaced(images: Array, n: int) -> np.ndarray:
    """At most n of the images, evenly spaced."""
    images = uint8_images(images, "real_train")
    n = min(n, len(images))
    return images[np.arange(n) * len(images) // n]
