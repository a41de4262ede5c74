"""Where the authors' weights are published: `data/weights.yaml`; fetched, checked and read in."""

import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from replicate import documents, paths
from replicate.datasets import directions, fetch
from replicate.datasets.spec import Mirror, spec
from replicate.errors import ReplicateError, unknown
from replicate.lab.run import make_run
from replicate.paths import shown
from replicate.weights import maps, official, stored
from replicate.weights.stored import SUFFIX

UNREADABLE = {"tensorflow": "a checkpoint of TensorFlow 1, which nothing here reads"}


class Entry(BaseModel):
    """One release of weights.

    Attributes:
        method: METHOD or METHOD:VARIANT; `settings` are what else differs from its defaults.
        data: the set that it was trained on; `direction` where a file translates one way.
        file: under which name it lies in the folder of data; may be an archive.
        url, bytes, sha256: where it is, and what is on record of it; 0 and "" where nothing is.
        licence, code: of the weights, and whose code made them.
        stands_behind: the table row that the authors made with it; "" where nobody says so.
        test: the test set of that row.
        note: what else to know, such as that the address is dead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    method: str
    data: str
    file: str
    url: str
    licence: str
    code: str
    direction: str = ""
    settings: dict[str, object] = {}
    format: Literal["torch", "tensorflow"] = "torch"
    bytes: int = 0
    sha256: str = ""
    stands_behind: str = ""
    test: str = ""
    note: str = ""


def entries() -> dict[str, Entry]:
    """The releases, by the names under which `replicate weights get` knows them."""
    file = paths.ROOT / "data" / "weights.yaml"
    return _read(file, file.stat().st_mtime_ns)


@cache
def _read(file: Path, mtime_ns: int) -> dict[str, Entry]:
    content = documents.read_yaml(file)
    return {
        name: documents.validated(Entry, fields, f"{name} in {content.place(name)}", "field")
        for name, fields in content.items()
    }


def folder() -> Path:
    """Where files of weights of this machine lie."""
    return paths.data() / "weights"


def place(name: str) -> Path:
    """Where the weights of a release lie once they are read in."""
    return folder() / f"{name}{SUFFIX}"


def get(name: str, source: str | None = None, progress: bool = True) -> Path:
    """The file of a release under our names, fetched and read in if it is not there yet.

    Args:
        name: one of `entries`.
        source: a file on this machine or another address; None: the entry's.

    Raises:
        UnknownName: no such release.
        ReplicateError: nothing here reads its format, it cannot be fetched, or is not what the
            entry says. Nothing is written then but what a download may go on from.
    """
    if name not in entries():
        raise unknown("release of weights", name, entries())
    entry, target = entries()[name], place(name)
    if target.is_file() and source is None:
        return target
    if reason := UNREADABLE.get(entry.format):
        raise ReplicateError(f"{name} is {reason}; {entry.note or entry.url}")
    raw = folder() / "official" / entry.file
    known = Mirror(url=entry.url, sha256=entry.sha256, bytes=entry.bytes)
    fetch.get_file(name, raw, known, source, progress)
    return read_in(name, raw)


def read_in(name: str, raw: Path) -> Path:
    """The file of a release, made of an official one or of an archive of several."""
    entry = entries()[name]
    run = make_run(entry.method, entry.data, 0, "paper", dict(entry.settings))
    domains = spec(entry.data).domains
    way = directions.in_letters(entry.direction, domains) if entry.direction else ""
    with tempfile.TemporaryDirectory() as aside:
        named = _unpacked(raw, Path(aside), maps.load(run.method).parts)
        tensors, card = official.convert(run, named, way, domains)
    return stored.write(place(name), tensors, card)


def _unpacked(raw: Path, aside: Path, parts: dict) -> list[tuple[str, Path]]:
    """The file itself, or those of an archive whose names tell a part; never by their own paths."""
    if not tarfile.is_tarfile(raw) and not zipfile.is_zipfile(raw):
        return [("", raw)]
    files: list[tuple[str, Path]] = []
    for name, content in _members(raw, tuple(parts)):
        path = aside / name
        path.write_bytes(content)
        files.append(("", path))
    if not files and zipfile.is_zipfile(raw):  # what torch saves is a zip, too
        return [("", raw)]
    if not files:
        raise ReplicateError(
            f"{shown(raw)} holds no file whose name ends with one of {', '.join(parts)}; expected "
            "the authors' archive"
        )
    return files


def _members(raw: Path, ends: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in a tar or zip whose names end so, without their folders."""

    def fits(name: str) -> bool:
        stem = Path(name).stem
        return not stem.startswith(".") and stem.endswith(ends)

    if tarfile.is_tarfile(raw):
        with tarfile.open(raw) as archive:
            for member in archive:
                if member.isfile() and fits(member.name):
                    yield Path(member.name).name, archive.extractfile(member).read()
        return
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            if not info.is_dir() and fits(info.filename):
                yield Path(info.filename).name, archive.read(info)


def describe() -> list[dict]:
    """Every release as JSON: "state" is here, to get, or unreadable; then what there is to know."""
    return [
        {
            "name": name,
            "state": "here" if place(name).is_file() else _to_do(entry),
            **entry.model_dump(exclude={"settings", "format"}),
        }
        for name, entry in entries().items()
    ]


def _to_do(entry: Entry) -> str:
    return "unreadable" if entry.format in UNREADABLE else "to get"
