"""Scores of image sets under protocols: one feature pass a set and network, every number of it."""

from collections.abc import Callable, Collection, Mapping, Sequence, Sized
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import spaced
from replicate.metrics.class_rate import finished, of_target
from replicate.metrics.estimators import ESTIMATORS, INTERVALS, Estimate
from replicate.metrics.features import Extractor, Features, extractor, features
from replicate.metrics.images import ImageSet
from replicate.metrics.kid import check_subset, default_subset
from replicate.metrics.protocols import SETS, Protocol, computable
from replicate.metrics.score import Score, joined
from replicate.metrics.weights import INCEPTION, TORCHVISION

Sides = dict[str, np.ndarray]  # features by the name of the set
MANY = 10_000  # images; the kernel of more takes minutes, and what stands beside it four of them


class Bench:
    """The features of some image sets, each computed once however many protocols ask for it.

    Args:
        sets: by name (`protocols.SETS`): "fake", "real", "source", "real_train".
        cache: folder of cached features; None computes them.
        weights: a file of Inception weights in place of the official ones.
        device: "cpu" or "cuda".
        offline: refuse networks whose weights are downloaded, even where they are there.
    """

    def __init__(
        self,
        sets: Mapping[str, ImageSet],
        cache: Path | None = None,
        weights: Path | None = None,
        device: str = "cpu",
        offline: bool = False,
    ) -> None:
        self.sets = dict(sets)
        self.cache, self.weights, self.device, self.offline = cache, weights, device, offline
        self._extractors: dict[str, Extractor] = {}
        self._features: dict[tuple[str, str], Features] = {}

    def extractor(self, protocol: Protocol) -> Extractor:
        """The network of a protocol.

        Raises:
            ReplicateError: its weights are not here, or `offline`.
        """
        name = protocol.network
        if self.offline and protocol.resize:
            raise ReplicateError("--offline-metrics")
        if name not in self._extractors:
            weights = None if protocol.features.startswith("torchvision") else self.weights
            self._extractors[name] = extractor(
                protocol.features, protocol.resize, weights, self.device
            )
        return self._extractors[name]

    def of(self, name: str, protocol: Protocol) -> np.ndarray:
        """(N, d) features of the set `name` for a protocol."""
        key, network = (name, protocol.network), self.extractor(protocol)
        if key not in self._features:
            self._features[key] = features(self.sets[name], network, self.cache, name)
        found = self._features[key]
        if protocol.output == "logits+bias":
            return found.logits + network.bias
        return getattr(found, protocol.output)

    def sides(self, protocol: Protocol) -> Sides:
        """The features of every set that is here, by name."""
        return {name: self.of(name, protocol) for name in self.sets}


def feature_protocols() -> list[Protocol]:
    """The protocols that are functions of features, in the order of the list."""
    return [protocol for protocol in computable() if protocol.features]


def default_protocols(sets: Mapping[str, ImageSet]) -> list[Protocol]:
    """The feature protocols of a run: those meant for everyone whose sets are here."""
    return [p for p in feature_protocols() if p.default and not lacking(p, sets)]


def lacking(protocol: Protocol, sets: Mapping[str, Sized]) -> list[str]:
    """The names of the sets that a protocol needs and that are not here."""
    return [name for name in protocol.needs if name not in sets]


def compare(
    bench: Bench,
    protocols: Sequence[Protocol] | None = None,
    strict: bool = False,
    classes: Collection[int] = (),
) -> list[Score]:
    """One score a protocol, with what makes it readable beside it.

    `floor` scores other real images as if they were the output: as many of `real_train` as there
    are outputs, evenly spaced, or without them one half of `real` (even places) against the other,
    which is `floor_halves`. `do_nothing` scores the source as if it were the output. `low` and
    `high` bound 95 % of bootstrap draws over images, where the estimator allows it.

    Args:
        bench: the image sets.
        protocols: of `feature_protocols()`; None: `default_protocols`.
        strict: let the first protocol that cannot be computed be an error.
        classes: of ImageNet, those of the target domain; class rates need them.

    Returns:
        The scores; value None and the reason in the note where it cannot be computed.

    Raises:
        ReplicateError: with `strict`, the reason of the first.
    """
    chosen = default_protocols(bench.sets) if protocols is None else protocols
    return [
        score
        for protocol in (of_target(p, classes) for p in chosen)
        for score in attempted(protocol, bench.sets, strict, lambda p=protocol: [_whole(p, bench)])
    ]


def _whole(protocol: Protocol, bench: Bench) -> Score:
    """`row`, and what a kind of score has besides."""
    return finished(row(protocol, bench), protocol, bench.of("fake", protocol))


def attempted(
    protocol: Protocol,
    sets: Mapping[str, Sized],
    strict: bool,
    score: Callable[[], list[Score]],
) -> list[Score]:
    """The rows that `score` makes, or one that says why there are none.

    Raises:
        ReplicateError: with `strict`, a set that the protocol needs is missing, or what `score`
            raises.
    """
    try:
        if missing := lacking(protocol, sets):
            raise ReplicateError(
                f"{protocol.id} needs {' and '.join(missing)}; add "
                f"{' '.join(SETS[name] for name in missing)}"
            )
        return score()
    except ReplicateError as error:
        if strict:
            raise
        return [_not_computed(protocol, sets, str(error))]


def measure(protocol: Protocol, sides: Mapping[str, np.ndarray]) -> Estimate:
    """What a protocol says of features: the weighted sum over its sides.

    Args:
        protocol: one of `feature_protocols()`.
        sides: (N, d) features by the name of the set; "fake" and the protocol's sides.

    Returns:
        The value without the protocol's scale; the spreads are summed with the same weights, which
        bounds the spread of the sum from above, as the sides share `fake`.
    """
    fake = sides["fake"]
    if not protocol.sides:
        return _estimate(protocol, fake, None)
    parts = [
        (weight, _estimate(protocol, fake, _side(sides, name))) for name, weight in protocol.sides
    ]
    value = sum(weight * part.value for weight, part in parts)
    known = all(part.spread is not None for _, part in parts)
    spread = sum(weight * part.spread for weight, part in parts) if known else None
    return Estimate(value, spread, joined(*dict.fromkeys(part.note for _, part in parts)))


def _estimate(protocol: Protocol, fake: np.ndarray, other: np.ndarray | None) -> Estimate:
    if other is not None:
        _check_subset(protocol, len(fake), len(other))
    return ESTIMATORS[protocol.estimator](fake, other, **protocol.settings)


def _check_subset(protocol: Protocol, n_fake: int, n_real: int) -> None:
    """Nothing, or the error that names the protocol with subsets that fit these sets."""
    size = protocol.settings.get("subset_size")
    if size is None:
        return
    try:
        check_subset(n_fake, n_real, size)
    except ReplicateError as error:
        name = f"{protocol.id.partition('@')[0]}@{default_subset(n_fake, n_real)}"
        raise ReplicateError(f"{error} As a protocol: {name}") from error


def _not_computed(protocol: Protocol, sets: Mapping[str, Sized], reason: str) -> Score:
    """The row of a protocol without a value."""
    counts = {f"n_{name}": len(sets[name]) for name in ("real", "fake") if name in sets}
    return Score(
        protocol.metric,
        None,
        protocol.id,
        extractor=_usual_id(protocol),
        note=f"not computed: {reason}",
        **counts,
    )


def row(protocol: Protocol, bench: Bench) -> Score:
    """The score of one protocol, with what makes it readable beside it.

    Raises:
        ReplicateError: it cannot be computed.
    """
    # Before any image is read, which takes minutes.
    _check_subset(protocol, len(bench.sets["fake"]), len(bench.sets.get("real", ())))
    sides = bench.sides(protocol)
    value, spread, note = measure(protocol, sides)
    network = bench.extractor(protocol)
    score = Score(
        metric=protocol.metric,
        value=value,
        protocol=protocol.id,
        spread=spread,
        spread_kind="" if spread is None else protocol.spread_kind,
        n_real=len(sides["real"]) if "real" in sides else None,
        n_fake=len(sides["fake"]),
        extractor=network.id,
    )
    context, said = _context(protocol, sides)
    return replace(
        score, **context, note=joined(note, protocol.caution, said, _unofficial(network))
    )


def _context(protocol: Protocol, sides: Sides) -> tuple[dict[str, float | None], str]:
    """What stands beside a number: floors, do-nothing, the interval; and a word on them."""
    if protocol.estimator in INTERVALS and max(map(len, sides.values())) > MANY:
        return {}, f"over {MANY:,} images: floors, do-nothing and interval are left out"
    low, high = _interval(protocol, sides)
    idle = _value(protocol, sides | {"fake": sides["source"]}) if "source" in sides else None
    context = {"do_nothing": idle, "low": low, "high": high}
    if "real" not in sides:
        return context, ""
    floors, said = _floors(protocol, sides)
    return context | floors, said


def _floors(protocol: Protocol, sides: Sides) -> tuple[dict[str, float | None], str]:
    """The scores of other real images as output, and which ones those of the floor were."""
    if not protocol.sides:
        floor, said = _floor(
            protocol, sides | {"fake": sides["real"]}, "the real images' own score"
        )
        return {"floor": floor}, said
    halves = sides | {"fake": sides["real"][::2], "real": sides["real"][1::2]}
    name = f"halves of real, {len(halves['fake'])} + {len(halves['real'])}"
    of_halves, said = _floor(protocol, halves, name)
    found = {"floor": of_halves, "floor_halves": of_halves}
    is_target = any("real_train" in name for name, _ in protocol.sides)
    if "real_train" in sides and not is_target:
        other = spaced(sides["real_train"], len(sides["fake"]))
        name = f"{len(other)} training images against real"
        found["floor"], said = _floor(protocol, sides | {"fake": other}, name)
    return found, said


def _floor(protocol: Protocol, sides: Sides, name: str) -> tuple[float | None, str]:
    """The value of a protocol, and the name of what it is of; or None and the reason."""
    try:
        return measure(protocol, sides).value, f"floor: {name}"
    except ReplicateError as error:
        return None, f"floor not computed: {str(error).replace('; ', ', ')}"


def _value(protocol: Protocol, sides: Sides) -> float | None:
    """The value of a protocol, None where it cannot be computed."""
    try:
        return measure(protocol, sides).value
    except ReplicateError:
        return None


def _interval(protocol: Protocol, sides: Sides) -> tuple[float | None, float | None]:
    """The bootstrap interval, absent where the estimator or so few images do not allow one."""
    bootstrap = INTERVALS.get(protocol.estimator)
    if bootstrap is None or len(protocol.sides) != 1:
        return None, None
    try:
        return bootstrap(sides["fake"], _side(sides, protocol.sides[0][0]))
    except ReplicateError:
        return None, None


def _side(sides: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    parts = [sides[part] for part in name.split("+")]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _usual_id(protocol: Protocol) -> str:
    """The id of the network with its published weights; "" for a protocol without weights."""
    if not protocol.resize:
        return ""
    usual = TORCHVISION if protocol.features.startswith("torchvision") else INCEPTION
    return f"{protocol.network}@{usual.sha256}"


def _unofficial(network: Extractor) -> str:
    """What to say where the weights are not the published ones."""
    if getattr(network, "official", True):
        return ""
    return f"UNOFFICIAL WEIGHTS ({network.id}): compares with nothing that others publish"
