"""What a number means: a protocol is a named, versioned record, and its id travels with the number.

The records are in `protocol_list`, what may be compared in spite of different ids in `comparisons`.
"""

import re
from dataclasses import asdict, dataclass, field, replace

from replicate.errors import ReplicateError, unknown

SETS = {
    "fake": "FAKE",
    "real": "REAL",
    "source": "--source DIR",
    "real_train": "--real-train DIR",
    "mask": "--mask DIR",
    "ideal": "--ideal DIR",
    "attention": "--attention DIR",
}
JPEG = "+jpeg"
NEGATIVE = (  # without "; ", at which notes are split
    "unbiased KID may be negative near zero, where the sets differ by less than chance: the floor, "
    "of real images alone, shows how far chance goes, and a value far below it tells of a fault"
)
SIZED = re.compile(r"(?P<id>[^@+]+)@(?P<size>\d+)", re.ASCII)
SIZES = ("subset_size", "resolution")  # settings that "@N" behind an id changes


@dataclass(frozen=True)
class Protocol:
    """One way to make a number of image sets.

    Attributes:
        id: its name; equal ids mean comparable numbers.
        metric: "kid", "fid", "psnr", ...: what the table's column is called.
        definition: one sentence for a reader.
        used_by: who prints such numbers.
        certainty: "verified", "reported", "uncertain", or "definition" where it is this project's.
        version: raised whenever the same images would get another number.
        features: name of the feature network; "" for scores of pixels.
        output: what of the network: "pool" (pooled features), "logits" or "logits+bias".
        resize: a name of `resize.RESIZES`; "" where the network or the metric does without.
        estimator: a name of `estimators.ESTIMATORS`, `pixel_scores.ONE_IMAGE` or
            `label_folders.SEGMENTATION`; "" where the number is reported only.
        settings: arguments of the estimator: subsets, blocks, splits.
        sides: the sets that `fake` is compared with, and the weight of each in the sum.
        scale: printed = scale * value; values are stored without it.
        spread_kind: what the number after "±" is.
        needs: the sets without which it cannot be computed.
        default: whether it is computed when nobody asks for protocols by name.
        files: what the images are read from.
        caution: what a reader must know beside every such number.
        reason: why nothing here computes it; "" where something does.
    """

    id: str
    metric: str
    definition: str
    used_by: str
    certainty: str
    version: int = 1
    features: str = ""
    output: str = "pool"
    resize: str = ""
    estimator: str = ""
    settings: dict[str, int] = field(default_factory=dict)
    sides: tuple[tuple[str, float], ...] = (("real", 1.0),)
    scale: float = 1.0
    spread_kind: str = ""
    needs: tuple[str, ...] = ("fake", "real")
    default: bool = False
    files: str = "PNG at the method's own size"
    caution: str = ""
    reason: str = ""

    @property
    def network(self) -> str:
        """Network, resize and precision as in an extractor's id; "" without a network."""
        name, low, _ = self.features.partition("-bf16")
        return f"{name}-{self.resize}{low}" if self.resize else self.features

    def printed(self, value: float) -> float:
        """The number as its authors print it: the one place where the factor is applied."""
        return self.scale * value

    def record(self) -> dict:
        """The protocol as JSON."""
        return asdict(self) | {"computed": not self.reason}


def find(name: str) -> Protocol:
    """The protocol of an id.

    Args:
        name: an id of `PROTOCOLS`; "ID@60" for another subset size or resolution than the one in
            the record, "ID+jpeg" for lossy files. Both are part of the id, as they change the
            number.

    Raises:
        UnknownName: no such protocol; the closest is named.
        ReplicateError: "@" behind a protocol that has no such size.
    """
    from replicate.metrics.protocol_list import PROTOCOLS

    plain = name.removesuffix(JPEG)
    sized = SIZED.fullmatch(plain)
    wanted = sized["id"] if sized else plain
    if wanted not in PROTOCOLS:
        raise unknown("protocol", wanted, PROTOCOLS)
    protocol = PROTOCOLS[wanted]
    if sized:
        protocol = _with_size(protocol, int(sized["size"]))
    return lossy(protocol) if name.endswith(JPEG) else protocol


def remark(protocol: Protocol) -> str:
    """What a reader must know of every number of a kind, by its metric; empty where nothing is."""
    return NEGATIVE if protocol.metric == "kid" else ""


def lossy(protocol: Protocol) -> Protocol:
    """The same protocol on lossy files: other images, so another id."""
    return replace(protocol, id=protocol.id + JPEG, files="lossy (JPEG or WebP)")


def computable() -> list[Protocol]:
    """The protocols that `replicate score` computes, in the order of the list."""
    from replicate.metrics.protocol_list import PROTOCOLS

    return [protocol for protocol in PROTOCOLS.values() if protocol.estimator]


def _with_size(protocol: Protocol, size: int) -> Protocol:
    name = next((name for name in SIZES if name in protocol.settings), None)
    if name is None:
        raise ReplicateError(
            f"{protocol.id}@{size}: {protocol.id} has neither a subset size nor a resolution; ask "
            f"for it without '@{size}'"
        )
    if size == protocol.settings[name]:
        return protocol
    settings = protocol.settings | {name: size}
    return replace(protocol, id=f"{protocol.id}@{size}", settings=settings)
