"""Downloads, archives and unpacking, against a server on this machine and archives made here."""

import hashlib
from pathlib import Path

import pytest
from support.archives import NAME, is_complete, members, png, zipped

from replicate import paths
from replicate.datasets import layouts
from replicate.datasets.fetch import get
from replicate.datasets.packed import load
from replicate.datasets.spec import Mirror
from replicate.errors import ReplicateError

SHELF = paths.ROOT.parent / "shared" / "data"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def left_behind(root: Path) -> list[str]:
    """Everything below the data root but the lock."""
    return sorted(p.name for p in root.rglob("*") if p.suffix != ".lock" and p.name != ".fetch")


def test_a_download_is_checked_unpacked_and_cleaned_up(root, entry, server):
    content = server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),))
    assert get(NAME, progress=False) == root / NAME
    assert is_complete(root) and left_behind(root / ".fetch") == []
    assert load(NAME, "train", 16, progress=False).domains == ("x", "y")


def test_a_present_set_is_left_alone(root, entry, server, capsys):
    server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip"),))
    get(NAME, progress=False)
    get(NAME, progress=False)
    assert len(server.ranges) == 1
    assert "is complete, nothing to do" in capsys.readouterr().out


def test_an_incomplete_set_is_told_and_not_touched(root, entry):
    entry(counts={"trainA": 5})
    (root / NAME / "trainA").mkdir(parents=True)
    (root / NAME / "trainA" / "mine.png").write_bytes(png())
    with pytest.raises(ReplicateError, match="trainA has 1 images, expected 5; trainB has 0"):
        get(NAME)
    assert (root / NAME / "trainA" / "mine.png").exists()


def test_all_failures_are_told_with_the_way_out(root, entry, server):
    content = server.pages["/other.zip"] = zipped(members("x/"))
    server.pages["/page.zip"], server.types["/page.zip"] = b"<html>", "text/html; charset=utf-8"
    server.pages["/text.zip"] = b"Sorry, the file has moved."
    url, wanted = server.url, "0" * 64
    mirrors = [Mirror(url=f"{url}/{name}.zip") for name in ("gone", "other", "page", "text")]
    mirrors[1] = Mirror(url=mirrors[1].url, sha256=wanted)
    entry(tuple(mirrors), sha256=wanted)
    with pytest.raises(ReplicateError) as caught:
        get(NAME, progress=False)
    assert str(caught.value) == (
        f"toys.zip: 404 at {url}/gone.zip, sha256 mismatch (found {sha(content)}, expected "
        f"{wanted}) at {url}/other.zip, an HTML page in place of the archive at {url}/page.zip, "
        f"no zip or tar archive at {url}/text.zip. Put the archive at {root}/toys.zip yourself "
        f"(sha256 {wanted}) and run again, or name it: "
        "`replicate data get toys --from PATH/toys.zip`"
    )
    assert left_behind(root) == []


def test_a_later_mirror_serves_when_the_first_is_gone(root, entry, server, capsys):
    content = server.pages["/b.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/a.zip"), Mirror(url=f"{server.url}/b.zip")))
    get(NAME, progress=False)
    assert is_complete(root)
    assert f"unverified, no checksum is on record; this file has sha256 {sha(content)}" in (
        capsys.readouterr().out
    )


def test_a_server_that_is_not_there(root, entry, server):
    entry((Mirror(url="http://127.0.0.1:9/toys.zip"),))  # port 9: nobody listens
    with pytest.raises(ReplicateError, match=r"toys\.zip: .* at http://127\.0\.0\.1:9/toys\.zip"):
        get(NAME, progress=False)


def test_a_broken_download_goes_on_where_it_stopped(root, entry, server):
    content = server.pages["/toys.zip"] = zipped(members())
    server.break_after = half = len(content) // 2 + 1
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),))
    get(NAME, progress=False)
    assert server.ranges == [None, f"bytes={half}-"] and is_complete(root)


def test_what_arrived_is_kept_for_the_next_run(root, entry, server):
    content = server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),))
    server.break_after = 1000
    with pytest.raises(ReplicateError, match="4000 bytes kept for the next run"):
        get(NAME, progress=False)
    assert not (root / NAME).exists()
    server.break_after = None
    get(NAME, progress=False)
    assert server.ranges[-1] == "bytes=4000-" and is_complete(root)


def test_a_server_that_cannot_resume_sends_all_again(root, entry, server):
    content = server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),))
    server.break_after = 1000
    with pytest.raises(ReplicateError):
        get(NAME, progress=False)
    server.break_after, server.can_resume = None, False
    get(NAME, progress=False)
    assert is_complete(root)


@pytest.mark.parametrize("extra", [b"", b"older and longer"])
def test_a_part_that_is_whole_already_or_too_long(root, entry, server, extra):
    content = server.pages["/toys.zip"] = zipped(members())
    url = f"{server.url}/toys.zip"
    entry((Mirror(url=url, sha256=sha(content)),))
    part = root / ".fetch" / f"toys.zip.{sha(url.encode())[:8]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content + extra)
    get(NAME, progress=False)
    assert len(server.ranges) == (2 if extra else 1) and is_complete(root)


def test_the_bytes_are_kept_as_they_were_sent(root, entry, server):
    # some servers label a .tar.gz as gzip-encoded, which must not make the client unpack it
    content = server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),))
    server.types["/toys.zip"] = "application/gzip\r\nContent-Encoding: gzip"
    get(NAME, progress=False)
    assert is_complete(root)


def test_an_address_given_by_the_user(root, entry, server):
    content = server.pages["/mine.zip"] = zipped(members())
    entry(sha256="1" * 64)
    with pytest.raises(ReplicateError, match=f"found {sha(content)}, expected {'1' * 64}"):
        get(NAME, f"{server.url}/mine.zip", progress=False)
    entry(sha256=sha(content))
    get(NAME, f"{server.url}/mine.zip", progress=False)
    assert is_complete(root)


def test_an_archive_put_into_the_data_root_is_taken_and_kept(root, entry):
    content = zipped(members())
    entry((Mirror(url="http://127.0.0.1:9/never-asked.zip"),), sha256=sha(content))
    root.mkdir()
    (root / "toys.zip").write_bytes(content)
    get(NAME)
    assert is_complete(root) and (root / "toys.zip").exists()


def test_a_local_archive_is_checked_too(root, entry, tmp_path):
    content = zipped(members())
    (tmp_path / "a.zip").write_bytes(content)
    entry(sha256="1" * 64)
    with pytest.raises(ReplicateError, match=f"found {sha(content)}, expected {'1' * 64}"):
        get(NAME, str(tmp_path / "a.zip"))
    with pytest.raises(ReplicateError, match=r"none\.zip is no file"):
        get(NAME, str(tmp_path / "none.zip"))
    entry(layout="drawn", archive="", sha256="")
    with pytest.raises(ReplicateError, match="data make toys --size 64"):
        get(NAME)
    assert left_behind(root) == []


@pytest.mark.parametrize(
    "name, archive", [("cats_dogs", "cats_dogs.zip"), ("facades", "facades.tar.gz")]
)
def test_the_real_photographs(root, server, name, archive):
    if not (SHELF / archive).is_file():
        pytest.skip(f"{archive} is not on the shelf beside this checkout")
    server.pages[f"/{archive}"] = (SHELF / archive).read_bytes()
    server.break_after = 20_000_000
    get(name, f"{server.url}/{archive}", progress=False)
    assert layouts.nested(root).name == name
    assert len(server.ranges) == 2
    counts = {"cats_dogs": {"A": 100, "B": 100}, "facades": {"A": 106, "B": 106}}
    assert load(name, "test", 16, progress=False).passport["counts"] == counts[name]
