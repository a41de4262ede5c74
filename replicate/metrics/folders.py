"""Scores of folders of images: the whole of `replicate score FAKE REAL`.

Segmentation scores of folders of label maps are withheld where their scorer is broken.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicate import devices, paths
from replicate.errors import ReplicateError
from replicate.images import CHANGES
from replicate.metrics.compare import Bench, attempted, compare, lacking
from replicate.metrics.images import Folder
from replicate.metrics.pixels import ONE_IMAGE, mean_over_images, pair_up, read
from replicate.metrics.power import with_power
from replicate.metrics.protocols import JPEG, OF_RECORDS, Protocol, computable, find, lossy, remark
from replicate.metrics.score import Score, joined
from replicate.metrics.segmentation import SegmentationScores, scorer_gate, segmentation_scores
from replicate.naming import few

FEATURES = ("fake", "real", "source", "real_train")  # sets that feature networks look at


def score_folders(
    folders: Mapping[str, Path | str],
    ids: Sequence[str] | None = None,
    everything: bool = False,
    jpeg: bool = False,
    weights: Path | None = None,
    device: str = "cpu",
    offline: bool = False,
    subfolders: bool = False,
    classes: Collection[int] = (),
) -> list[Score]:
    """Scores of folders under protocols.

    Args:
        folders: by name (`protocols.SETS`); "fake" and "real" at least.
        ids: protocols to compute; each must be possible, or it is an error. None: the default ones
            of those whose folders are given, or with `everything` all.
        everything: all protocols, those that lack a folder, too, with the reason.
        jpeg: the outputs are lossy: compute the protocols under their ids for lossy files.
        weights: a file of Inception weights in place of the official ones.
        device: one of `devices.known()`, for feature networks.
        offline: skip networks whose weights are downloaded.
        subfolders: whether images below subfolders belong to their folders.
        classes: of ImageNet, those of the target domain, for class rates.

    Returns:
        One score a protocol (three for a segmentation); value None and the reason in the note where
        it cannot be computed.

    Raises:
        ReplicateError: a folder without images, lossy files among the outputs without `jpeg`, or a
            protocol of `ids` that cannot be computed.
    """
    if weights is not None and not Path(weights).is_file():
        raise ReplicateError(f"--weights {weights}: no such file; give one in the official format")
    devices.find(device)
    chosen = {name: folder for name, folder in folders.items() if folder is not None}
    sets = {name: Folder(folder, subfolders) for name, folder in chosen.items()}
    asked = _asked(ids, everything, sets)
    asked = [lossy(p) if jpeg and not p.id.endswith(JPEG) else p for p in asked]
    for name, folder in sets.items():
        folder.holds_labels = _are_labels(name, asked)
    _check_lossy(sets["fake"], asked)
    features = {name: sets[name] for name in FEATURES if name in sets}
    bench = Bench(features, paths.derived("features"), weights, device, offline)
    said = joined(*(_folder_note(name, sets[name]) for name in sets), _sizes_note(sets))
    strict = ids is not None
    rows = [row for p in asked for row in _rows(p, bench, sets, strict, classes)]
    rows = with_power(rows)
    return [replace(row, note=joined(row.note, _remark(row), said)) for row in rows]


def _remark(row: Score) -> str:
    return "" if row.value is None else remark(find(row.protocol))


def _asked(ids: Sequence[str] | None, everything: bool, sets: Mapping) -> list[Protocol]:
    if ids is not None:
        chosen = [find(id) for id in dict.fromkeys(ids)]
        for protocol in chosen:
            _check_computed(protocol)
        return chosen
    if everything:
        return computable()
    usual = [p for p in computable() if p.default and p.id not in OF_RECORDS]
    return [p for p in usual if not lacking(p, sets) and _is_possible(p, sets)]


def _is_possible(protocol: Protocol, sets: Mapping[str, Folder]) -> bool:
    """Whether folders that nobody said are aligned look so: by their names, and of one size."""
    if protocol.estimator not in ONE_IMAGE or protocol.needs != ("fake", "real"):
        return True
    try:
        pair_up(sets, protocol.needs, protocol.id)
    except ReplicateError:
        return False
    first, second = (sets[name].survey.sizes for name in protocol.needs)
    return first == second


def _are_labels(name: str, asked: list[Protocol]) -> bool:
    """Whether every protocol that needs a set reads label maps from it."""
    users = [protocol for protocol in asked if name in protocol.needs]
    return bool(users) and all(name in LABELS.get(p.estimator, ()) for p in users)


def _check_computed(protocol: Protocol) -> None:
    if not protocol.estimator:
        raise ReplicateError(
            f"{protocol.id} is not computed here: {protocol.reason}. `replicate protocols` says "
            "what may be compared with it"
        )


def _rows(
    protocol: Protocol,
    bench: Bench,
    sets: Mapping[str, Folder],
    strict: bool,
    classes: Collection[int],
) -> list[Score]:
    if protocol.features:
        return compare(bench, [protocol], strict, classes)
    if protocol.estimator in SEGMENTATION:
        return attempted(protocol, sets, strict, lambda: label_scores(protocol, sets))
    return attempted(protocol, sets, strict, lambda: [mean_over_images(protocol, sets)])


def _check_lossy(fake: Folder, asked: list[Protocol]) -> None:
    """Ids for lossy files go with lossy outputs, and no others do."""
    for protocol in asked:
        if fake.survey.lossy and not protocol.id.endswith(JPEG):
            raise ReplicateError(
                f"{_holds(fake)}; metrics on JPEG differ from PNG. Re-export as PNG, or set "
                f"protocol {lossy(protocol).id} (--jpeg does so for all)"
            )
        if not fake.survey.lossy and protocol.id.endswith(JPEG):
            raise ReplicateError(
                f"{protocol.id} is for lossy outputs, {fake.path} holds none; ask for "
                f"{protocol.id.removesuffix(JPEG)}"
            )


def _folder_note(name: str, folder: Folder) -> str:
    """What to say of a folder: lossy files in a set that is used as it was published, what decoding
    changed, and what in it is no image."""
    is_lossy = name != "fake" and folder.survey.lossy
    changed = ", ".join(
        f"{folder.survey.changes[key]} {meaning}"
        for key, meaning in CHANGES.items()
        if folder.survey.changes[key]
    )
    return joined(
        f"LOSSY: {name}: {_holds(folder)}, used as they are" if is_lossy else "",
        f"DECODED: {name}: {changed}, of {len(folder)} images" if changed else "",
        f"LEFT OUT of {name}: {folder.left_out}" if folder.left_out else "",
    )


def _holds(folder: Folder) -> str:
    """`fake/ holds 1 lossy file (x.jpg)`."""
    names = folder.survey.lossy
    kind = "file" if len(names) == 1 else "files"
    return f"{folder.path.resolve().name}/ holds {len(names)} lossy {kind} ({few(names, 2)})"


def _sizes_note(sets: Mapping[str, Folder]) -> str:
    """What to say where fake and real images differ in size, which a resize hides."""
    found = {size for name in ("fake", "real") for size in sets[name].survey.sizes}
    if len(found) < 2:
        return ""
    small, large = min(found), max(found)
    return f"sizes differ: {small[0]}x{small[1]} to {large[0]}x{large[1]} px, {len(found)} sizes"


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
