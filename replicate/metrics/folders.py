"""Scores of folders of images: the whole of `replicate score FAKE REAL`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from replicate import devices, paths
from replicate.errors import ReplicateError
from replicate.images import CHANGES
from replicate.metrics.compare import Bench, attempted, compare, lacking
from replicate.metrics.images import Folder
from replicate.metrics.label_folders import LABELS, SEGMENTATION, label_scores
from replicate.metrics.pairs import pair_up
from replicate.metrics.pixel_scores import ONE_IMAGE, mean_over_images
from replicate.metrics.protocols import JPEG, Protocol, computable, find, lossy, remark
from replicate.metrics.score import Score, joined
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
    rows = [row for p in asked for row in _rows(p, bench, sets, strict=ids is not None)]
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
    return [p for p in computable() if p.default and not lacking(p, sets) and _is_possible(p, sets)]


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
    protocol: Protocol, bench: Bench, sets: Mapping[str, Folder], strict: bool
) -> list[Score]:
    if protocol.features:
        return compare(bench, [protocol], strict)
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
