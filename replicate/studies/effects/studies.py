"""What the notebook works with: the images, the networks, and features computed once."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from replicate import devices, paths
from replicate.lab.notebook_parameters import ProtocolParameters
from replicate.metrics import inception
from replicate.metrics.compare import Bench
from replicate.metrics.features import Extractor, extractor, features
from replicate.metrics.images import Stack
from replicate.metrics.inception import Inception
from replicate.metrics.protocols import Protocol
from replicate.studies.effects.ladder import Ladder, ladder, made_up_weights

STANDIN = "standin-v1"
OFFICIAL = "official"
SHOWS = "shows what a choice does, compares with nothing that others print"


@dataclass(frozen=True)
class Study:
    """One direction of a data set, looked at by two networks.

    Attributes:
        all: the ladder of all images, which the stand-in sees.
        sample: the ladder of those that go through Inception, which is slow.
        weights: a file of made-up weights; None where Inception finds its own.
        kind: of weights: "official", "made-up", or "unofficial" where someone chose a file.
        device: of Inception.
    """

    all: Ladder
    sample: Ladder
    weights: Path | None
    kind: str
    device: str
    _extractors: dict[str, Extractor] = field(default_factory=dict, repr=False)

    def name(self, protocol: Protocol) -> str:
        """What tables and plots call the network of a protocol."""
        if protocol.features == STANDIN:
            return "stand-in"
        return f"Inception, {self.kind} weights"

    @property
    def note(self) -> str:
        """What every table and plot with Inception must say; "" with the official weights."""
        if self.kind == OFFICIAL:
            return ""
        return f"{self.kind} weights: {SHOWS}"

    def images(self, protocol: Protocol) -> Ladder:
        """The ladder that the network of a protocol looks at."""
        return self.all if protocol.features == STANDIN else self.sample

    def bench(self, protocol: Protocol, rung: str) -> Bench:
        """The image sets of one rung, on networks that all benches share."""
        return _Shared(self, self.images(protocol).sets(rung))

    def extractor(self, protocol: Protocol) -> Extractor:
        """The network of a protocol."""
        if protocol.network not in self._extractors:
            self._extractors[protocol.network] = extractor(
                protocol.features, protocol.resize, self.weights, self.device
            )
        return self._extractors[protocol.network]

    def features(self, images: np.ndarray, protocol: Protocol, label: str) -> np.ndarray:
        """(N, d) pooled features of images (N, H, W, 3) uint8 for a protocol."""
        return features(Stack(images), self.extractor(protocol), _cache(), label).pool

    def __repr__(self) -> str:
        counts = [
            f"{network}: {len(images.source)} inputs, {len(images.real)} test and "
            f"{len(images.real_train)} training images of the target"
            for network, images in (("stand-in", self.all), ("Inception", self.sample))
        ]
        weights = f"Inception: {self.note or 'official weights'}"
        return "\n".join([self.all.title, *counts, weights])


def study(params: ProtocolParameters) -> Study:
    """The images and networks that the parameters ask for; makes weights where none are here."""
    devices.find(params.device)
    whole = ladder(params)
    every = whole.spaced(params.standin_images, params.standin_images)
    # Inception is slow: it sees as many training images as test images, also where it sees all.
    sample = whole.spaced(params.images, params.images or max(len(whole.source), len(whole.real)))
    if not inception.available():
        return Study(every, sample, made_up_weights(), "made-up", params.device)
    kind = OFFICIAL if Inception().official else "unofficial"
    return Study(every, sample, None, kind, params.device)


class _Shared(Bench):
    """A bench on the networks of a study."""

    def __init__(self, study: Study, sets: dict[str, Stack]) -> None:
        super().__init__(sets, _cache(), study.weights, study.device)
        self.extractor = study.extractor


def _cache() -> Path:
    return paths.derived("features")
