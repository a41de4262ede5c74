"""Unpacking: every compression, unsafe and damaged archives, killed runs."""

import io
import signal
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.archives import NAME, is_complete, members, png, tarred, zipped

from replicate import paths
from replicate.datasets import fetch
from replicate.datasets.fetch import get
from replicate.errors import ReplicateError


def left_behind(root: Path) -> list[str]:
    """Everything below the data root but the lock."""
    found = [str(p.relative_to(root)) for p in root.rglob("*") if p.suffix != ".lock"]
    return sorted(name for name in found if name != ".fetch")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_local_tar_of_any_compression(root, entry, tmp_path, mode):
    entry()
    (tmp_path / "a.bin").write_bytes(tarred(members("./deep/er/"), mode))
    get(NAME, str(tmp_path / "a.bin"))
    assert is_complete(root) and (tmp_path / "a.bin").exists()


@pytest.mark.parametrize("top", ["", "any name/", "a/b/"])
def test_the_folder_inside_is_found_whatever_its_name(root, entry, tmp_path, top):
    entry()
    forks = {"__MACOSX/toys/trainA/._0.png": b"x", "README.txt": b"x"}
    (tmp_path / "a.zip").write_bytes(zipped(members(top) | forks))
    get(NAME, (tmp_path / "a.zip").as_uri())
    assert sum(p.suffix == ".png" and "__MACOSX" not in p.parts for p in root.rglob("*")) == 8


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("toys/trainA/link.png")
    info.type, info.linkname = kind, target
    return info


def zip_with_link() -> bytes:
    info = zipfile.ZipInfo("toys/trainA/link.png")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zipped(members()))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


UNSAFE = {
    "zip, parent": lambda: zipped(members() | {"../evil.png": png()}),
    "zip, parent inside": lambda: zipped(members() | {"toys/../../evil.png": png()}),
    "zip, backslash": lambda: zipped(members() | {"..\\evil.png": png()}),
    "zip, absolute": lambda: zipped(members() | {"/tmp/evil.png": png()}),
    "zip, drive": lambda: zipped(members() | {"C:/evil.png": png()}),
    "zip, symbolic link": zip_with_link,
    "tar, parent": lambda: tarred(members() | {"../evil.png": png()}),
    "tar, absolute": lambda: tarred(members() | {"/tmp/evil.png": png()}),
    "tar, symbolic link": lambda: tarred(members(), "w:gz", link(tarfile.SYMTYPE, "../../..")),
    "tar, hard link": lambda: tarred(members(), "w:gz", link(tarfile.LNKTYPE, "/etc/passwd")),
    "tar, device": lambda: tarred(members(), "w:gz", link(tarfile.CHRTYPE, "")),
    "tar, pipe": lambda: tarred(members(), "w:gz", link(tarfile.FIFOTYPE, "")),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_an_unsafe_archive_is_refused_whole(root, entry, tmp_path, kind):
    entry()
    (tmp_path / "a").write_bytes(UNSAFE[kind]())
    with pytest.raises(ReplicateError, match="refused: its member"):
        get(NAME, str(tmp_path / "a"))
    assert left_behind(root) == [] and not list(tmp_path.rglob("evil*"))


DAMAGED = {
    "zip, cut": lambda: zipped(members())[:3000],
    "zip, bit flipped": lambda: zipped(members()).replace(png()[500:540], png()[501:541], 1),
    "tar.gz, cut": lambda: tarred(members())[:3000],
    "tar.xz, cut": lambda: tarred(members(), "w:xz")[:3000],
    "tar, cut": lambda: tarred(members(), "w")[:30_000],
    "empty": lambda: b"",
    "text": lambda: b"no archive at all",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_archive_leaves_nothing_behind(root, entry, tmp_path, kind):
    entry()
    (tmp_path / "a").write_bytes(DAMAGED[kind]())
    with pytest.raises(ReplicateError, match=r"cannot be unpacked|no zip or tar archive"):
        get(NAME, str(tmp_path / "a"))
    assert left_behind(root) == []


def test_another_layout_or_count_is_refused(root, entry, tmp_path):
    path = tmp_path / "a.zip"
    for files, complaint in (
        ({"toys/train/0.png": png()}, "trainA has 0 images"),
        ({"toys/readme.txt": b"x"}, "found 1 folder"),
        (members(), "trainA has 2 images, expected 3"),
    ):
        entry(counts={"trainA": 3})
        path.write_bytes(zipped(files))
        with pytest.raises(ReplicateError, match=f"a.zip is not toys: {complaint}"):
            get(NAME, str(path))
        assert left_behind(root) == []


def test_an_archive_larger_than_the_free_disk_is_refused(root, entry, tmp_path, monkeypatch):
    entry()
    (tmp_path / "a.zip").write_bytes(zipped(members()))
    disk = type("Disk", (), {"free": 5 * len(png())})
    monkeypatch.setattr("shutil.disk_usage", lambda path: disk)
    with pytest.raises(ReplicateError, match=r"declares more bytes than .* has free"):
        get(NAME, str(tmp_path / "a.zip"))
    assert left_behind(root) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from replicate.datasets import archives, fetch
real, done = archives._write, []
def write(*arguments):
    real(*arguments)
    done.append(1)
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
archives._write = write
fetch._local = lambda entry, source: Path(source)  # without the checksum
fetch.get("cats_dogs", sys.argv[1])
"""


def test_a_killed_run_is_cleaned_up_by_the_next(root, tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped(members()))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.zip")]
    assert subprocess.run(command, cwd=paths.ROOT, timeout=60).returncode == -signal.SIGKILL
    assert not (root / "cats_dogs").exists()
    assert len(list((root / ".fetch").glob(".unpacking-cats_dogs-*"))) == 1
    monkeypatch.setattr(fetch, "_local", lambda entry, source: Path(source))
    with pytest.raises(ReplicateError, match="is not cats_dogs"):
        get("cats_dogs", str(tmp_path / "a.zip"))
    assert left_behind(root) == []
