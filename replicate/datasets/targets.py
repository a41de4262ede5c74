"""Which ImageNet classes show what a folder of images holds."""

from pathlib import Path

from replicate.datasets import spec
from replicate.datasets.layouts import SPLITS
from replicate.errors import ReplicateError, unknown

CLASSES = 1000  # of ILSVRC 2012


def classes_of_domain(name: str) -> tuple[int, ...]:
    """The classes of a domain, by its name in `data/datasets.yaml`.

    Raises:
        UnknownName: no set has classes for a domain of that name.
    """
    known = _domains()
    if name not in known:
        raise unknown("domain with ImageNet classes", name, known)
    return known[name]


def classes_in(text: str) -> tuple[int, ...]:
    """The classes that a user names: `340`, `281-285` or `151,153-160`.

    Raises:
        ReplicateError: anything else, or a class that does not exist.
    """
    classes: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or not (last.isdecimal() if dash else not last):
            raise ReplicateError(f"--classes {text!r}: expected numbers, such as 340 or 151-268")
        classes += range(int(first), int(last or first) + 1)
    if not classes or max(classes) >= CLASSES:
        raise ReplicateError(
            f"--classes {text!r}: expected classes of ImageNet, 0 to {CLASSES - 1}, such as 340"
        )
    return tuple(classes)


def classes_of_folder(folder: Path) -> tuple[int, ...]:
    """The classes of a data set's folder, or of one that has the name of a domain (or its plural);
    none of any other folder."""
    folder = Path(folder).resolve()
    for entry in map(spec.spec, spec.names()):
        if entry.paired or folder.parent != entry.folder.resolve():
            continue
        for split in SPLITS:
            places = dict(zip(entry.folders(split), entry.domains, strict=False))
            if folder.name in places:
                return entry.classes_of(places[folder.name])
    word = folder.name.lower()
    known = _domains()
    return known.get(word) or known.get(word.removesuffix("s")) or ()


def _domains() -> dict[str, tuple[int, ...]]:
    """The classes of every domain that has some, by its name."""
    entries = [spec.spec(name) for name in spec.names() if spec.registered(name)]
    return {domain: e.classes_of(domain) for e in entries for domain in e.classes}
