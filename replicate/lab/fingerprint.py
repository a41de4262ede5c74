"""The sha256 of what decides a result besides the run's identity: code and data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from replicate.datasets import packed, passport
from replicate.datasets.spec import spec
from replicate.metrics import protocols
from replicate.metrics.protocols import Protocol

if TYPE_CHECKING:  # both import torch, which a fingerprint of images does without
    from replicate.lab.definitions import Reached
    from replicate.methods.base import Method

# What trains every run, whatever its method; a method is followed from its class.
TRAINING = (
    "replicate.lab.execute.build",
    "replicate.repro.prepare",
    "replicate.datasets.batches.Batches",
    "replicate.training.Training._iterate",
    "replicate.training.Training._sample",  # which must leave no trace in the training
)
STREAM = ("replicate.lab.streams.build",)
# What gives some methods more than batches; a method is reached by it that takes what it gives.
EQUIPPING = ("replicate.lab.equipment.equip",)
MASKED = ("replicate.datasets.instances.with_instances", "replicate.masked.over")
CALLED = ("build", "setup", "begin", "step", "translate", "Config")  # of a method, by what is above
TRANSLATING = ("replicate.evaluation.translate_split", "replicate.metrics.protocols.Protocol")
OF_FEATURES = (
    "replicate.evaluation.image_sets", "replicate.metrics.compare.Bench",
    "replicate.metrics.compare.row",
)  # fmt: skip
OF_PIXELS = ("replicate.evaluation.seen", "replicate.evaluation.PIXELS")
OF_FILES = ("replicate.lossy.as_jpeg",)  # of runs; a command's files are lossy by themselves
OF_CLASSES = ("replicate.lab.classes.row",)
OF_SENTENCES = ("replicate.lab.classes.shown_row",)
# Bookkeeping, and the images, for which their passports stand.
NOT_DECIDING = (
    "replicate.errors", "replicate.paths", "replicate.progress", "replicate.registry",
    "replicate.checkpoint", "replicate.settings", "replicate.devices", "replicate.images",
    "replicate.naming", "replicate.files", "replicate.records", "replicate.datasets.packed",
    "replicate.methods.base.register", "replicate.metrics.features._read",
    "replicate.metrics.features._write", "replicate.metrics.protocols.PROTOCOLS",
    "replicate.lab.fingerprint", "replicate.lab.definitions",
)  # fmt: skip
# Beside the protocols of a run whose labels decide targets and what is real; no protocol itself
BY_LABEL = "labels"
LABELLED = (
    "replicate.relabelling.translate", "replicate.relabelling.with_real",
    "replicate.relabelling.ways",
)  # fmt: skip
# What a protocol says that decides no value: words, and how a value is printed.
SAID = {
    "id", "metric", "definition", "used_by", "certainty", "scale", "spread_kind", "default",
    "files", "caution", "reason",
}  # fmt: skip


def code_fingerprint(method: type[Method]) -> str:
    """Sixteen hexadecimal digits over the definitions that the training of a method reaches.

    They are followed by name from the method's class, from what builds a run and from the training
    loop (see `definitions`). The fields of a `Config` are not among them: a run's identity holds
    their values.
    """
    from replicate.methods.base import Method

    root = f"{method.__module__}.{method.__qualname__}"
    more = EQUIPPING if method.receive is not Method.receive else ()
    more += MASKED if method.by_instances else ()
    return _reached((root, *TRAINING, *more)).digest


def scoring_fingerprint(protocol: str) -> str:
    """The same over what makes the scores of a protocol, and over its record's settings.

    Args:
        protocol: its id, or `BY_LABEL`.

    Raises:
        UnknownName: no such protocol.
    """
    if protocol.startswith("classes/"):  # of runs alone: no command scores folders by it
        return _reached((*TRANSLATING, *OF_CLASSES)).digest
    if protocol.startswith("sentences/"):
        return _reached((*TRANSLATING, *OF_SENTENCES)).digest
    if protocol == BY_LABEL:
        return _reached(LABELLED).digest
    about = protocols.find(protocol)
    roots = OF_FEATURES if about.features else OF_PIXELS
    roots += OF_FILES if protocol.endswith(protocols.JPEG) else ()
    reached = _reached((*TRANSLATING, *roots), _keys(about))
    return hashlib.sha256(f"{_settings(about)}\0{reached.digest}".encode()).hexdigest()[:16]


def _keys(about: Protocol) -> frozenset[str]:
    """The entries of tables by which a protocol finds its network, resize and estimator."""
    return frozenset({about.id, about.features, about.resize, about.estimator, about.output})


def _settings(about: Protocol) -> str:
    decides = {key: value for key, value in asdict(about).items() if key not in SAID}
    return json.dumps(decides, sort_keys=True)


_LATEST: dict[tuple, Reached] = {}  # of the same arguments


def _reached(roots: tuple[str, ...], keys: frozenset[str] | None = None) -> Reached:
    from replicate.lab.definitions import Reached, place_of
    from replicate.methods import base

    fields_apart = (place_of(base.Config), place_of(Protocol))
    about = (roots, CALLED, NOT_DECIDING, keys, fields_apart)
    if about not in _LATEST or not _LATEST[about].is_current:
        _LATEST[about] = Reached(*about)
    return _LATEST[about]


def of_run(
    method: type[Method], dataset: str, load_size: int, crop_size: int, resize: str = "bicubic"
) -> dict[str, str]:
    """What decides a run's result besides its identity: code, training data, all images."""
    return {
        "code": code_fingerprint(method),
        "data": data_fingerprint(dataset, load_size, resize),
        "images": images_fingerprint(dataset, crop_size),
    }


def of_stream(special: bool) -> dict[str, str]:
    """The code of a run whose images come by `streams.build`; empty for any other."""
    return {"stream": _reached(STREAM).digest} if special else {}


def data_fingerprint(dataset: str, load_size: int, resize: str = "bicubic") -> str:
    """Sixteen hexadecimal digits of the passport of the training split at its training size."""
    passport = packed.load(dataset, "train", load_size, resize=resize).passport
    return hashlib.sha256(json.dumps(passport, sort_keys=True).encode()).hexdigest()[:16]


def images_fingerprint(dataset: str, crop_size: int) -> str:
    """Sixteen hexadecimal digits of the images of both splits, as their files are.

    A change that vanishes at the training size counts too, and so does one in the test split. Of a
    drawn set, which has no files, they are of the packed test split.
    """
    entry = spec(dataset)
    if entry.layout == "drawn":
        about = packed.load(dataset, "test", crop_size).passport
    else:
        about = passport.split_hashes(entry)
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
