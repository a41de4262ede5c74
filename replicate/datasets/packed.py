"""Images as memory-mapped uint8 arrays: decoded and resized once, then opened in milliseconds.

A packed split is the folder `<data>/packed/<name>-<split>-<size>-<hash>/`, or one in the cache of
`paths.derived`, with one `.npy` file an
array and `passport.json`. The hash is that of the contents it was made from, so a changed image
gives a new folder; any of them may be deleted at any time.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from replicate import images, paths
from replicate.datasets import captions, folders, hashes, labels, masks, packing
from replicate.datasets.hashes import remembered
from replicate.datasets.layouts import shown
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.files import Damaged, read_json, write_sealed
from replicate.settings import SIDES


@dataclass(frozen=True)
class ImageSet:
    """One split of a data set at one size.

    Attributes:
        domains: the names of A and B.
        paired: whether A[i] and B[i] show the same thing.
        arrays: "A" and "B", uint8 (N, S, S, 3), and any further array aligned with one of them by
            its prefix: "A_ideal" (N, S, S, 3), "A_mask" (N, S, S) in {0, 1}, labels (N,) or (N, K),
            captions (N, L) as `captions.encode` makes them. Of a set of more than two domains also
            "others" and "others_label": test images of C and so on.
        names: the file names of A and of B, and of the others, in the order of the arrays.
        passport: JSON; what a result depends on: counts, modes converted, sha256 of each array.
    """

    name: str
    split: str
    size: int
    domains: tuple[str, str]
    paired: bool
    arrays: dict[str, np.ndarray]
    names: dict[str, list[str]]
    passport: dict


def load(
    name: str, split: str, size: int, progress: bool = True, resize: str = "bicubic"
) -> ImageSet:
    """One split of a data set, packed at the first call and memory-mapped from then on.

    Args:
        name: an entry of `data/datasets.yaml` or a folder of one's own (see `spec.spec`).
        split: "train" or "test".
        size: side in px; images become squares as the set's `fit` says, by default squeezed, as
            the papers' loaders do.
        progress: whether bars run while the set is packed.
        resize: the filter of image files, a key of `packing.FILTERS`; drawn sets are drawn at the
            size, and digits are always bicubic.

    Raises:
        UnknownName: no such set or split.
        ReplicateError: the images are not there, one cannot be decoded, the disk is too full.
    """
    entry = spec(name)
    folders.check_split(split)
    if size not in SIDES:
        raise ReplicateError(f"size {size}: expected {SIDES.start} to {SIDES.stop - 1} px")
    if entry.layout == "drawn":
        target = _target(entry, split, size, packing.drawn_content(name))
        fill = partial(packing.fill_drawn, entry=entry, split=split, size=size)
    else:
        files = folders.split_files(entry, split)
        digits = entry.layout == "torchvision"
        resize = "bicubic" if digits else resize
        target = _target(entry, split, size, _content(entry, split, files, progress, resize))
        shown_masks = masks.of_test(entry, files) if split == "test" and not digits else {}
        how = {"files": files, "resize": resize, "found_masks": shown_masks}
        fill = packing.fill_digits if digits else partial(packing.fill_files, **how)
        fill = partial(fill, entry=entry, split=split, size=size, show=progress)
    if not (target / "passport.json").is_file():
        packing.build(target, fill)
    return _open(target, entry, split, size)


def make(name: str, size: int, progress: bool = True) -> dict[str, ImageSet]:
    """Both splits, packed: what `load` would do at its first call, done beforehand."""
    return {split: load(name, split, size, progress) for split in ("train", "test")}


def index_file(entry: Spec, split: str) -> Path:
    """Where the checksums of a split's files are remembered."""
    return paths.derived("packed", f"{entry.name}-{split}.index.json")


def _content(entry: Spec, split: str, files: dict[str, list[Path]], show: bool, resize: str) -> str:
    """A hash of the names and contents of images, labels and captions, of which half is A, and of
    how files become arrays."""
    flat = [path for group in files.values() for path in group]
    if entry.layout != "torchvision":  # whose files hold labels, too
        for group in files.values():
            flat += [*labels.beside(group), *captions.beside(group)]
    known = hashes.content_hashes(flat, entry.folder, index_file(entry, split), show)
    if split == "test" and (mask_files := masks.of_test(entry, files)):
        every = [path for group in mask_files.values() for path in group]
        index = index_file(entry, f"{split}_mask")
        known |= hashes.content_hashes(every, masks.folder(entry), index, show)
    side = entry.left == entry.domains[0]
    # the decoder's version makes new arrays, whose hashes in the passport change with pixels alone
    how = [images.VERSION, entry.fit, *([] if resize == "bicubic" else [resize])]
    return hashlib.sha256(json.dumps([list(known.items()), side, how]).encode()).hexdigest()


def _target(entry: Spec, split: str, size: int, content: str) -> Path:
    key = hashlib.sha256(f"{packing.VERSION} {content}".encode()).hexdigest()[:16]
    name = f"{entry.name}-{split}-{size}-{key}"
    ready = paths.data() / "packed" / name  # also where it may only be read
    return ready if (ready / "passport.json").is_file() else paths.derived("packed", name)


def _open(folder: Path, entry: Spec, split: str, size: int) -> ImageSet:
    way_out = f"Delete {shown(folder)} and run again: it is rebuilt"
    stored = read_json(folder / "passport.json", way_out)
    try:
        names, digests = stored.pop("names"), dict(stored["arrays"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(folder / "passport.json", f"no {error}", way_out) from error
    arrays = verified(folder, digests, way_out)
    about = {"name": entry.name, "split": split, "size": size, "domains": list(entry.domains)}
    return ImageSet(
        entry.name, split, size, entry.domains, entry.paired, arrays, names, about | stored
    )


SEEN = "verified.json"  # in a packed folder: bytes, modification time and sha256 of each array


def verified(folder: Path, digests: dict[str, str], way_out: str) -> dict[str, np.ndarray]:
    """The memory-mapped arrays of a packed folder.

    Args:
        folder: holds `<name>.npy` files.
        digests: the sha256 of each array's content by its name.
        way_out: what the error tells to do.

    Raises:
        Damaged: an array is not there, or another than the one that was packed.
    """
    seen, now, arrays = remembered(folder / SEEN), {}, {}
    for name, digest in digests.items():
        path = folder / f"{name}.npy"
        try:
            about = path.stat()
            arrays[name] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise Damaged(path, str(error), way_out) from error
        now[name] = [about.st_size, about.st_mtime_ns, digest]
        if seen.get(name) != now[name] and (reason := _fault(arrays[name], name, digest)):
            raise Damaged(path, reason, way_out)
    if seen != now:
        with suppress(OSError):  # a full or read-only disk costs time at the next call
            write_sealed(folder / SEEN, {"files": now})
    return arrays


def _fault(array: np.ndarray, name: str, digest: str) -> str:
    kind = np.dtype(np.int64 if name.endswith("_label") else np.uint8)
    if array.dtype != kind:
        return f"of type {array.dtype}, expected {kind}"
    sha256 = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
    return "" if sha256 == digest else f"sha256 {sha256[:16]}, expected {str(digest)[:16]}"
