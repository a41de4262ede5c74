"""What a data set is: one entry in `data/datasets.yaml`, or a user's folder in a known layout."""

import re
from functools import cache
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from replicate import documents, naming, paths
from replicate.datasets import directions, hashes, layouts
from replicate.errors import ReplicateError, UnknownName, hidden, unknown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SHA256 = r"^([0-9a-f]{64})?$"
MD5 = r"^([0-9a-f]{32})?$"
URL = r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/\S*$"
FILE = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"
CLASSES = r"^[0-9]{1,3}(-[0-9]{1,3})?$"  # of ILSVRC 2012, 0 to 999: one, or first and last
NOTE = "dataset.yaml"  # in a set's folder: the fields of `Spec` for a set without an entry
# folders of the data root that hold something else
RESERVED = (
    "checkpoints", "deviations", "masks", "originals", "packed", "palettes", "passports",
    "reported", "weights",
)  # fmt: skip


# of a set that another one reverses; the rest holds for both
OWN = ("archive", "sha256", "urls", "old_host", "originals", "access", "used_by")


def can_name(name: str) -> bool:
    """Whether a set may have this name; some disks do not tell `Packed` from `packed`."""
    return bool(NAME.fullmatch(name)) and name.lower() not in RESERVED


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Checksums(_Strict):
    """What is on record of a file's content; empty, or 0 bytes, where nothing is."""

    sha256: str = Field("", pattern=SHA256)
    md5: str = Field("", pattern=MD5)
    bytes: int = Field(0, ge=0)

    def mismatch(self, path: Path) -> str:
        """How a file differs from what is on record; empty where it does not."""
        return hashes.mismatch(path, self.sha256, self.md5, self.bytes)


class Mirror(Checksums):
    """One address of an archive; without a checksum nobody has verified one for it."""

    url: str = Field(pattern=URL)


class Original(Checksums):
    """One file that a recipe prepares the set from; without an address it is put there by hand."""

    file: str = Field(pattern=FILE)
    url: str = Field("", pattern=f"{URL}|^$")


class Masks(_Strict):
    """Masks of a set's images, in an archive of their own; `made` says by what, at every use."""

    archive: str = Field(pattern=FILE)
    sha256: str = Field(pattern=SHA256)
    made: str


class Spec(_Strict):
    """One data set. `domains` names A and B in this order; `left` is the domain of the left half.

    The layout `torchvision` is two of `layouts.DIGITS`, whose files and md5 torchvision knows.
    `archive` is the file name under which an archive may be put into the data root by hand and
    `sha256` the checksum of such a file; `counts` are images per folder, those of a set without
    folders under the names of the layout `cyclegan`. What is not on record is empty.

    `old_host` is what is on record of the same archive at an address that is dead: a download that
    equals it is verified, one that differs is only told so. `originals` are the files of a set that
    `replicate data prepare` makes; such a set has no archive of its own. `access` says in one line
    what a user must do where `replicate data get` alone is not enough; `{place}` in it stands for
    the folders that the images go to, `{originals}` for the folder of the originals. `used_by`
    names the tables by paper, a key of `data/reported` or of a method. A set that `reverses`
    another has that one's files, with A and B exchanged. `fit` says how its images become squares.
    `classes` are those of ImageNet (ILSVRC 2012, in the order of their WordNet ids) that show the
    object of a domain: "340", or "151-268" for all from the first to the last. `labels` are the
    domains of a set of more than two, in the order of the classes in its `labels.csv`: A and B are
    the first two, the training folders are halves of all, `testOthers` holds the test images of the
    others. `photographs` are
    trained at budget laptop as each method's `PHOTOGRAPHS` says. `left_out` are training images
    that the test split holds, too: no training and no floor sees them. `masks` are a companion.
    """

    name: str
    layout: Literal["drawn", "cyclegan", "pix2pix", "torchvision"]
    domains: tuple[str, str]
    left: str | None = None
    source: str
    licence: str
    archive: str = Field("", pattern=r"^[A-Za-z0-9_.-]*$")
    sha256: str = Field("", pattern=SHA256)
    urls: tuple[Mirror, ...] = ()
    counts: dict[str, int] = {}
    old_host: Checksums | None = None
    originals: tuple[Original, ...] = ()
    image_size: str = ""
    access: str = ""
    used_by: dict[str, tuple[str, ...]] = {}
    faults: tuple[str, ...] = ()
    reverses: str = ""
    fit: layouts.Fit = "squash"
    photographs: bool = False
    left_out: tuple[str, ...] = ()
    masks: Masks | None = None
    classes: dict[str, tuple[Annotated[str, Field(pattern=CLASSES)], ...]] = {}
    labels: tuple[str, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether A[i] and B[i] show the same thing."""
        return self.layout == "pix2pix"

    @property
    def every_domain(self) -> tuple[str, ...]:
        """The names of A and B, and of C and so on where there are more."""
        return self.labels or self.domains

    @property
    def folder(self) -> Path:
        """Where the raw images lie."""
        return paths.data() / (self.reverses or self.name)

    @property
    def originals_folder(self) -> Path:
        """Where the files lie that the set is prepared from."""
        return paths.data() / "originals" / self.name

    def folders(self, split: str) -> tuple[str, ...]:
        """The folders of image files of one split, A's first; none where there are no such files.

        A paired set has one folder, because a file holds both domains; a set with `labels` has a
        third one of test images.
        """
        names = layouts.FOLDERS.get(self.layout, {}).get(split, ())
        others = (layouts.OTHERS,) if self.labels and split == "test" else ()
        return (names[::-1] if self.reverses else names) + others

    def classes_of(self, domain: str) -> tuple[int, ...]:
        """The ImageNet classes that show a domain's object; none where none are on record."""
        classes: list[int] = []
        for text in self.classes.get(domain, ()):
            first, _, last = text.partition("-")
            classes += range(int(first), int(last or first) + 1)
        return tuple(classes)

    def how(self) -> str:
        """`access` with the places on this machine; empty where `replicate data get` is enough."""
        if not self.access:
            return ""
        place = layouts.expected(self.layout, self.folder)
        originals = layouts.shown(self.originals_folder)
        return self.access.replace("{place}", place).replace("{originals}", originals)

    def _check_labels(self) -> None:
        """Refuses labels that are not the domains of a set of more than two."""
        count = len(self.labels)
        if self.labels[:2] != self.domains or not 3 <= count <= len(ascii_uppercase):
            raise ValueError(
                f"labels {self.labels}: expected 3 to {len(ascii_uppercase)} domains, the first "
                f"two of them {self.domains}"
            )
        if len(set(self.labels)) != count or self.layout != "cyclegan" or self.reverses:
            raise ValueError(
                f"labels {self.labels}: expected different names, in layout cyclegan, of a set "
                "that reverses no other"
            )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not can_name(self.name):
            raise ValueError(f"{self.name!r} cannot name a data set")
        if len(set(self.domains)) != 2:
            raise ValueError(f"domains {self.domains}: expected two different names")
        if self.labels:
            self._check_labels()
        for domain in self.every_domain:
            naming.check_word("domain", domain)
        letters = ascii_uppercase[: len(self.every_domain)]
        if len(directions.spellings(self.every_domain)) < len(directions.spellings(letters)):
            raise ValueError(f"domains {self.every_domain}: two directions are spelt alike")
        if self.layout == "torchvision" and not set(self.domains) <= set(layouts.DIGITS):
            raise ValueError(f"domains {self.domains}: expected two of {layouts.DIGITS}")
        if (self.left in self.domains) != self.paired:
            raise ValueError(f"left: {self.left}: expected a domain for pix2pix, else nothing")
        splits = layouts.FOLDERS["pix2pix" if self.paired else "cyclegan"]
        known = [name for names in splits.values() for name in names]
        known += [layouts.OTHERS] if self.labels else []
        if wrong := sorted(set(self.counts) - set(known)):
            raise ValueError(f"counts of {wrong}: expected some of {known}")
        if (self.urls or self.sha256) and not self.archive:
            raise ValueError("urls and sha256 need the archive's file name")
        if self.fit != "squash" and self.layout not in layouts.FOLDERS:
            raise ValueError(f"fit {self.fit}: layout {self.layout} has no image files to fit")
        if other := sorted(set(self.classes) - set(self.every_domain)):
            raise ValueError(f"classes of {other}: expected some of {self.every_domain}")
        if self.originals and self.archive:
            raise ValueError("a set is either unpacked from an archive or prepared from originals")
        return self


def names() -> list[str]:
    """The data sets that can be asked for: the entries, then the user's own folders."""
    entries = list(_entries())
    root = paths.data()
    folders = sorted(d.name for d in root.iterdir() if d.is_dir()) if root.is_dir() else []
    return entries + [d for d in folders if d not in entries and _is_own(root / d)]


def spec(name: str) -> Spec:
    """What the data set `name` is.

    Args:
        name: an entry of `data/datasets.yaml`, or a folder of the data root in a known layout, with
            an entry of its own in its `dataset.yaml`, or else domains called "A" and "B" (in
            `pix2pix`, A is the left half).

    Raises:
        UnknownName: neither; the text tells where own images go.
        ReplicateError: the folder is in no known layout, or the entry is malformed.
    """
    entries = _entries()
    if name in entries:
        return entries[name]
    folder = paths.data() / name
    if not can_name(name) or not folder.is_dir():
        place = layouts.expected("cyclegan", paths.data() / "NAME")
        raise UnknownName(f"{_unknown(name, entries)}. Own images go to {place}")
    layout = layouts.layout_of(folder)
    if layout is None:
        raise ReplicateError(
            f"{layouts.shown(folder)} is in no known layout ({naming.contents(folder)}). Expected "
            f"{layouts.expected('cyclegan', folder)} or {layouts.expected('pix2pix', folder)}."
            f"{layouts.hint(folder)}"
        )
    if (folder / NOTE).is_file():
        return _noted(name, folder / NOTE, layout)
    left = "A" if layout == "pix2pix" else None
    return Spec(
        name=name, layout=layout, domains=("A", "B"), left=left, source="own folder", licence=""
    )


def registered(name: str) -> Spec | None:
    """The entry of `data/datasets.yaml`, if there is one."""
    return _entries().get(name)


def _noted(name: str, file: Path, layout: str) -> Spec:
    way_out = "Correct it, or delete it: the domains are then called A and B"
    try:
        fields = documents.read_yaml(file)
        fields["name"] = name
        entry = documents.validated(Spec, fields, what="field")
    except ReplicateError as error:
        raise ReplicateError(hidden(f"{error}. {way_out}")) from None
    if entry.layout != layout:
        text = f"layout {entry.layout}, expected {layout}, that of the folder"
        raise ReplicateError(f"{layouts.shown(file)}: {text}. {way_out}")
    return entry


def _unknown(name: str, entries: dict[str, Spec]) -> str:
    """What is said of a name that no set has; a set with that direction is its closest match."""
    text = str(unknown("data set", name, names()))
    spelling = name.lower()
    same = [entry for entry in entries.values() if spelling in directions.spellings(entry.domains)]
    if not same or spelling.upper() in directions.LETTERS:
        return text
    # the plain set, not one that reverses it or is drawn after it; of several, the file's first
    closest = min(same, key=lambda entry: (bool(entry.reverses), entry.layout == "drawn"))
    way = directions.in_words(directions.in_letters(spelling, closest.domains), closest.domains)
    meant = f"did you mean {closest.name!r}? Its direction {way} is trained with it"
    return f"unknown data set {name!r} ({meant}); {text.partition('; ')[2]}"


def _is_own(folder: Path) -> bool:
    return can_name(folder.name) and layouts.layout_of(folder) is not None


def _entries() -> dict[str, Spec]:
    file = paths.ROOT / "data" / "datasets.yaml"
    return _read(file, file.stat().st_mtime_ns)


@cache
def _read(file: Path, mtime_ns: int) -> dict[str, Spec]:
    """The entries of the registry file, read again only when it has changed."""
    entries = documents.read_yaml(file)
    return {name: _entry(name, fields, entries) for name, fields in entries.items()}


def _entry(name: str, fields: dict, entries: documents.Document) -> Spec:
    """One entry; a reversed one takes what it does not say itself from the set that it reverses."""
    place = f"{name} in {entries.place(name)}"
    if not isinstance(fields, dict):
        raise ReplicateError(f"{place}: {fields!r}; expected the fields of a data set")
    if other := fields.get("reverses"):
        if other not in entries:
            raise unknown(f"data set that {name} reverses", other, entries)
        base = {key: value for key, value in entries[other].items() if key not in OWN}
        fields = {**base, "domains": entries[other]["domains"][::-1], **fields}
    return documents.validated(Spec, {"name": name, **fields}, place, "field")
