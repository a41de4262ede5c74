"""What a data set is: one entry in `data/datasets.yaml`, or a user's folder in a known layout."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from replicate import paths
from replicate.datasets import layouts
from replicate.errors import ReplicateError, UnknownName, unknown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SHA256 = r"^([0-9a-f]{64})?$"
NOTE = "dataset.yaml"  # in a set's folder: the fields of `Spec` for a set without an entry
RESERVED = (
    "packed",
    "palettes",
    "passports",
    "reported",
)  # folders of other things in the data root


class Mirror(BaseModel):
    """One address of an archive; an empty `sha256` means that nobody has verified one for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = Field(pattern=r"^https?://")
    sha256: str = Field("", pattern=SHA256)


class Spec(BaseModel):
    """One data set. `domains` names A and B in this order; `left` is the domain of the left half.

    The layout `torchvision` is two of `layouts.DIGITS`, whose files and md5 torchvision knows.
    `archive` is the file name under which an archive may be put into the data root by hand and
    `sha256` the checksum of such a file; `counts` are images per folder, those of a set without
    folders under the names of the layout `cyclegan`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
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

    @property
    def paired(self) -> bool:
        """Whether A[i] and B[i] show the same thing."""
        return self.layout == "pix2pix"

    @property
    def folder(self) -> Path:
        """Where the raw images lie."""
        return paths.data() / self.name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ValueError(f"{self.name!r} cannot name a data set")
        if len(set(self.domains)) != 2:
            raise ValueError(f"domains {self.domains}: expected two different names")
        if self.layout == "torchvision" and not set(self.domains) <= set(layouts.DIGITS):
            raise ValueError(f"domains {self.domains}: expected two of {layouts.DIGITS}")
        if (self.left in self.domains) != self.paired:
            raise ValueError(f"left: {self.left}: expected a domain for pix2pix, else nothing")
        splits = layouts.FOLDERS["pix2pix" if self.paired else "cyclegan"]
        known = [name for names in splits.values() for name in names]
        if wrong := sorted(set(self.counts) - set(known)):
            raise ValueError(f"counts of {wrong}: expected some of {known}")
        if (self.urls or self.sha256) and not self.archive:
            raise ValueError("urls and sha256 need the archive's file name")
        return self


def names() -> list[str]:
    """The data sets that can be asked for: the entries, then the user's own folders."""
    entries = list(_entries())
    root = paths.data()
    found = sorted(d.name for d in root.iterdir() if d.is_dir()) if root.is_dir() else []
    return entries + [d for d in found if d not in entries and _is_own(root / d)]


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
    if not NAME.fullmatch(name) or name in RESERVED or not folder.is_dir():
        place = layouts.expected("cyclegan", paths.data() / "NAME")
        raise UnknownName(f"{unknown('data set', name, names())}. Own images go to {place}")
    layout = layouts.layout_of(folder)
    if layout is None:
        raise ReplicateError(
            f"{layouts.shown(folder)} is in no known layout ({layouts.contents(folder)}). Expected "
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
        fields = yaml.safe_load(file.read_text(encoding="utf-8"))
        entry = Spec(**{**fields, "name": name})
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise ReplicateError(f"{layouts.shown(file)}: {error}. {way_out}") from error
    if entry.layout != layout:
        text = f"layout {entry.layout}, expected {layout}, that of the folder"
        raise ReplicateError(f"{layouts.shown(file)}: {text}. {way_out}")
    return entry


def _is_own(folder: Path) -> bool:
    fits = NAME.fullmatch(folder.name) and folder.name not in RESERVED
    return bool(fits) and layouts.layout_of(folder) is not None


def _entries() -> dict[str, Spec]:
    file = paths.ROOT / "data" / "datasets.yaml"
    return _read(file, file.stat().st_mtime_ns)


@cache
def _read(file: Path, mtime_ns: int) -> dict[str, Spec]:
    """The entries of the registry file, read again only when it has changed."""
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    try:
        return {name: Spec(name=name, **fields) for name, fields in entries.items()}
    except ValidationError as error:
        raise ReplicateError(f"{layouts.shown(file)}: {error}") from error
