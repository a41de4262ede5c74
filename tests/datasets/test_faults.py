"""Every fault of a download: a complete verified set, or a clear error and nothing half-done."""

import random
import shutil
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.archives import NAME, is_complete, left_behind, members, served, sha, tarred, zipped

from replicate.datasets import download
from replicate.datasets.fetch import get
from replicate.datasets.spec import Checksums, Mirror
from replicate.errors import ReplicateError


@pytest.mark.parametrize("seed", range(6))
def test_a_download_that_breaks_at_random_bytes_is_resumed(root, entry, server, seed):
    content = served(server, entry, zipped(members()))
    first, second = sorted(random.Random(seed).sample(range(1, len(content)), 2))
    server.breaks = [first, second - first]
    get(NAME, progress=False)
    assert server.ranges == [None, f"bytes={first}-", f"bytes={second}-"] and is_complete(root)
    assert left_behind(root / ".fetch") == []


def test_tries_that_bring_much_are_not_counted(root, entry, server, monkeypatch):
    monkeypatch.setattr(download, "LITTLE", 1000)
    content = served(server, entry, zipped(members()))
    server.break_after = len(content) // 9
    get(NAME, progress=False)
    assert len(server.ranges) == 10 > download.TRIES and is_complete(root)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(root, entry, server, status):
    served(server, entry, zipped(members()))
    server.failures = [(status, {})] * (download.TRIES - 1)
    get(NAME, progress=False)
    assert len(server.ranges) == download.TRIES and is_complete(root)


def test_a_failure_that_lasts_leads_to_the_next_mirror(root, entry, server):
    content = server.pages["/b.zip"] = zipped(members())
    server.pages["/a.zip"] = 503
    mirrors = [Mirror(url=f"{server.url}/{n}.zip", sha256=sha(content)) for n in "ab"]
    entry(tuple(mirrors))
    get(NAME, progress=False)
    assert len(server.ranges) == download.TRIES + 1 and is_complete(root)


def test_the_pauses_grow_and_a_server_may_ask_for_its_own(root, entry, server, monkeypatch):
    paused = []
    monkeypatch.setattr(time, "sleep", paused.append)
    monkeypatch.setattr(download, "PAUSE", 1.0)
    served(server, entry, zipped(members()))
    server.failures = [(503, {})] * 3
    get(NAME, progress=False)
    assert paused[:3] == [1.0, 2.0, 4.0]
    shutil.rmtree(root / NAME)
    paused.clear()
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    server.failures = [(429, {"Retry-After": "7"}), (503, {"Retry-After": soon})]
    get(NAME, progress=False)
    assert paused[0] == 7.0 and 30 < paused[1] <= 40  # a date has whole seconds, and time passes


def test_a_server_that_asks_for_a_long_pause_is_given_up(root, entry, server):
    served(server, entry, zipped(members()))
    server.failures = [(429, {"Retry-After": "3600"})]
    with pytest.raises(ReplicateError, match=r"toys\.zip: 429, asks to wait 3600 s at http"):
        get(NAME, progress=False)
    assert len(server.ranges) == 1 and left_behind(root) == []


def test_a_slow_server_is_waited_for(root, entry, server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 2.0)
    content = served(server, entry, zipped(members()))
    server.chunk, server.delay = len(content) // 40, 0.02
    get(NAME, progress=False)
    assert len(server.ranges) == 1 and is_complete(root)


def test_a_server_that_stalls_is_asked_again(root, entry, server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    content = served(server, entry, zipped(members()))
    server.chunk, server.stall = len(content) // 2, 3.0
    get(NAME, progress=False)
    assert server.ranges[1] == f"bytes={server.chunk}-" and is_complete(root)


def test_a_file_that_changed_in_between_is_fetched_anew(root, entry, server):
    old, new = (zipped(members() | {"toys/note.txt": text}) for text in (b"old", b"new"))
    server.headers["/toys.zip"] = {"ETag": '"old"'}
    served(server, entry, old)
    server.break_after = 1000
    with pytest.raises(ReplicateError, match="4000 bytes kept"):
        get(NAME, progress=False)
    server.break_after = None
    served(server, entry, new)
    server.headers["/toys.zip"] = {"ETag": '"new"'}
    get(NAME, progress=False)
    assert (root / NAME / "note.txt").read_bytes() == b"new"
    assert server.ranges[-1] == "bytes=4000-"  # one request: the condition made it a whole one


@pytest.mark.parametrize("longer", [0, 5])
def test_a_changed_file_without_a_tag_is_noticed_by_length_or_checksum(root, entry, server, longer):
    content = zipped(members())
    served(server, entry, bytes(len(content)))
    server.break_after = 1000
    with pytest.raises(ReplicateError, match="4000 bytes kept"):
        get(NAME, progress=False)
    server.break_after = None
    served(server, entry, zipped(members() | {"toys/n": bytes(longer)}) if longer else content)
    get(NAME, progress=False)
    assert (root / NAME / "trainA" / "0.png").is_file()
    assert server.ranges[-2:] == ["bytes=4000-", None]


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "w")])
@pytest.mark.parametrize("checked", [True, False])
def test_an_early_end_without_a_length_is_no_set(root, entry, server, pack, checked):
    content = pack(members())
    server.pages["/toys.zip"], server.tells_length = content, False
    # a plain tar is cut between two files, so that all that is missing is a file and its end
    plain = content.startswith(b"toys/")
    server.break_after = content.rindex(b"toys/") if plain else len(content) * 2 // 3
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content) if checked else ""),))
    with pytest.raises(ReplicateError, match=r"sha256 mismatch|no zip or tar|cannot be unpacked"):
        get(NAME, progress=False)
    assert left_behind(root) == []


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/zip"])
def test_a_page_with_status_200_is_no_archive(root, entry, server, kind):
    page = b"\n<!DOCTYPE html><html><body>Google Drive can't scan this file</body></html>"
    server.pages["/toys.zip"], server.types["/toys.zip"] = page, kind
    entry((Mirror(url=f"{server.url}/toys.zip"),), access="take it from {place}'s neighbour")
    with pytest.raises(ReplicateError) as caught:
        get(NAME, progress=False)
    assert "toys.zip: an HTML page in place of the archive at http" in str(caught.value)
    assert str(caught.value).endswith(f"take it from {root}/toys/{{trainA,trainB,testA,testB}}'s "
                                      "neighbour")  # fmt: skip
    assert left_behind(root) == []


@pytest.mark.parametrize("same", [True, False])
def test_a_checksum_of_an_older_host_tells_and_refuses_nothing(root, entry, server, capsys, same):
    content = server.pages["/toys.zip"] = zipped(members())
    old = sha(content) if same else "1" * 64
    entry((Mirror(url=f"{server.url}/toys.zip"),), old_host=Checksums(sha256=old))
    get(NAME, progress=False)
    told = capsys.readouterr().out
    assert is_complete(root) and ("zip: verified" in told) == same
    assert (f"is another ({old})" in told) != same


@pytest.mark.parametrize("record", [{"md5": "2" * 32}, {"bytes": 17}])
def test_a_wrong_md5_or_size_is_refused(root, entry, server, record):
    server.pages["/toys.zip"] = zipped(members())
    entry((Mirror(url=f"{server.url}/toys.zip", **record),))
    with pytest.raises(
        ReplicateError, match=r"(md5|size) mismatch \(found .*, expected (2{32}|17)"
    ):
        get(NAME, progress=False)
    assert left_behind(root) == []


def test_a_restricted_set_tells_what_to_do(root):
    for name, text in (("rafd", "on request only"), ("lion2tiger", "never released")):
        with pytest.raises(
            ReplicateError, match=f"{name} cannot be fetched by this command: {text}"
        ):
            get(name)
    with pytest.raises(ReplicateError) as caught:
        get("cityscapes")
    assert f"{root}/originals/cityscapes/gtFine_trainvaltest.zip does not exist" in str(
        caught.value
    )
    assert "register at" in str(caught.value)
