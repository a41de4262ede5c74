"""The files that a recipe prepares a set from: fetched, checked and unpacked where they lie."""

import hashlib
import shutil

import pytest
from support.archives import NAME, png, tarred, zipped

from replicate.datasets import fetch
from replicate.datasets.fetch import get
from replicate.datasets.spec import Original
from replicate.errors import ReplicateError

TABLE = b"2\nSmiling Male\n000001.jpg -1 1\n"
FACES = zipped({"faces/000001.jpg": png(), "faces/000002.jpg": png()})


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def folder(root, entry, server):
    """Where the originals of `toys` go: a zip and a table, each with its md5 and an address."""
    server.pages |= {"/faces.zip": FACES, "/table.txt": TABLE}
    server.types["/table.txt"] = "text/plain"
    files = {"faces.zip": FACES, "table.txt": TABLE}
    entry(
        archive="",
        access="put the files into {originals}",
        originals=tuple(
            Original(file=name, url=f"{server.url}/{name}", md5=md5(content))
            for name, content in files.items()
        ),
    )
    return root / "originals" / NAME


def names(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


WHOLE = [".faces.zip.unpacked", "faces.zip", "faces/000001.jpg", "faces/000002.jpg", "table.txt"]


def test_they_are_fetched_once_checked_and_unpacked(folder, server, capsys):
    assert get(NAME, progress=False) == folder and names(folder) == WHOLE
    told = f"next, `replicate data prepare toys {folder}`"
    assert told in capsys.readouterr().out
    get(NAME, progress=False)
    assert len(server.ranges) == 2 and told in capsys.readouterr().out


def test_files_put_there_by_hand_serve_as_well(folder, server):
    folder.mkdir(parents=True)
    (folder / "faces.zip").write_bytes(FACES)
    (folder / "table.txt").write_bytes(TABLE)
    get(NAME, progress=False)
    assert names(folder) == WHOLE and not server.ranges


@pytest.mark.parametrize("place", ["beside", "data root"])
def test_files_at_hand_are_copied_all_of_them(folder, server, tmp_path, place):
    here = folder.parents[1] if place == "data root" else tmp_path / "elsewhere"
    here.mkdir(parents=True, exist_ok=True)
    (here / "faces.zip").write_bytes(FACES)
    (here / "table.txt").write_bytes(TABLE)
    get(NAME, None if place == "data root" else str(here / "faces.zip"), progress=False)
    assert names(folder) == WHOLE and not server.ranges
    assert (here / "table.txt").read_bytes() == TABLE


def test_a_file_that_is_not_the_one_on_record_is_named_and_kept(folder):
    folder.mkdir(parents=True)
    (folder / "table.txt").write_bytes(b"other")
    with pytest.raises(ReplicateError) as caught:
        get(NAME, progress=False)
    assert str(caught.value) == (
        f"toys: {folder}/table.txt: md5 mismatch (found {md5(b'other')}, expected {md5(TABLE)}), "
        f"get it again. About this set: put the files into {folder}"
    )
    assert (folder / "table.txt").read_bytes() == b"other"


def test_a_page_in_place_of_a_file_leaves_nothing(folder, server):
    server.pages["/faces.zip"] = b"<html>quota exceeded</html>"
    server.types["/faces.zip"] = "text/html"
    with pytest.raises(ReplicateError, match=r"faces\.zip: an HTML page in place of the archive"):
        get(NAME, progress=False)
    assert names(folder) == ["table.txt"]


def test_an_archive_that_cannot_be_unpacked_leaves_nothing_half_done(folder, entry, server):
    content = tarred({"faces/1.jpg": png(), "../evil.jpg": png()})
    server.pages["/faces.tgz"] = content
    original = Original(file="faces.tgz", url=f"{server.url}/faces.tgz", md5=md5(content))
    entry(archive="", access="by hand", originals=(original,))
    with pytest.raises(ReplicateError, match="refused: its member"):
        get(NAME, progress=False)
    assert names(folder) == ["faces.tgz"]


def test_what_a_killed_process_unpacked_is_unpacked_anew(folder):
    get(NAME, progress=False)
    (folder / ".faces.zip.unpacked").unlink()
    (folder / "faces" / "000002.jpg").unlink()
    (folder / ".unpacking-faces.zip-dead").mkdir()
    get(NAME, progress=False)
    assert names(folder) == WHOLE and not list(folder.glob(".unpacking*"))


def test_a_full_disk_is_told(folder, monkeypatch):
    disk = type("Disk", (), {"free": 100})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    with pytest.raises(ReplicateError, match=r"faces\.zip: no room on the disk"):
        get(NAME, progress=False)
    assert not fetch._done(folder / "faces.zip").exists()
