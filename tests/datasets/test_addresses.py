"""Single files, what is on record of their size, and addresses that hold secrets."""

import hashlib
import threading
import time

import pytest
from support.archives import NAME, members, zipped

from replicate.cli.data import _get_weights
from replicate.datasets import download as downloading
from replicate.datasets.download import DownloadError, download
from replicate.datasets.fetch import get, get_file
from replicate.datasets.passport import passport
from replicate.datasets.spec import Mirror
from replicate.errors import ReplicateError, hidden
from replicate.metrics import weights

CONTENT = bytes(range(256)) * 5000  # 1.28 MB


@pytest.fixture
def known(server, monkeypatch) -> Mirror:
    """A published file of weights on the server, as the product knows it."""
    server.pages["/w.pth"] = CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    made = weights.INCEPTION._replace(url=f"{server.url}/w.pth", sha256=digest[:8])
    monkeypatch.setattr(weights, "INCEPTION", made)
    monkeypatch.setattr(weights, "WHOLE", {digest[:8]: (digest, len(CONTENT))})
    return Mirror(url=made.url, sha256=digest, bytes=len(CONTENT))


def test_the_weights_are_fetched_resumed_checked_and_not_fetched_twice(root, server, known, capsys):
    server.breaks = [200_000, 300_000]
    target = _get_weights(None)
    assert target.read_bytes() == CONTENT and weights.place(weights.INCEPTION) == target
    assert server.ranges == [None, "bytes=200000-", "bytes=500000-"]
    assert _get_weights(None) == target and len(server.ranges) == 3
    assert "is complete, nothing to do" in capsys.readouterr().out
    assert [file.name for file in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("kind", ["cut", "flipped", "longer", "same digits"])
@pytest.mark.parametrize("way", ["address", "file"])
def test_other_bytes_are_no_weights_and_what_was_there_stays(root, server, known, kind, way):
    """Also a file whose sha256 begins with the same eight digits: all 64 are compared."""
    other = {"cut": CONTENT[:-1], "longer": CONTENT + b"x"}.get(kind, b"X" + CONTENT[1:])
    if kind == "same digits":
        start = hashlib.sha256(other).hexdigest()[:8]
        known = Mirror(url=known.url, sha256=start + "0" * 56, bytes=len(other))
    server.pages["/other.pth"] = other
    (root / "weights").mkdir(parents=True)
    target, file = root / "weights" / "w.pth", root / "other.pth"
    target.write_bytes(b"before")
    file.write_bytes(other)
    source = str(file) if way == "file" else f"{server.url}/other.pth"
    with pytest.raises(ReplicateError, match=r"mismatch \(found"):
        get_file("toy-weights", target, known, source, progress=False)
    assert target.read_bytes() == b"before"
    assert list(target.parent.iterdir()) == [target]


def test_one_process_at_a_time_fetches_a_file(root, server, known, capfd):
    server.chunk, server.gate = 1000, threading.Event()
    target = root / "weights" / "w.pth"
    words = ("toy-weights", target, known, None, False)
    both = [threading.Thread(target=get_file, args=words) for _ in range(2)]
    for thread in both:
        thread.start()
    until = time.monotonic() + 10  # s; a busy machine
    while time.monotonic() < until and "waiting for it" not in capfd.readouterr().out:
        time.sleep(0.01)
    server.gate.set()
    for thread in both:
        thread.join()
    assert server.ranges == [None] and target.read_bytes() == CONTENT


@pytest.mark.parametrize("tells", [True, False])
def test_a_download_stops_at_the_size_on_record(root, entry, server, tells):
    content = server.pages["/toys.zip"] = zipped(members()) + bytes(1 << 22)
    server.tells_length, server.chunk = tells, 1000
    entry((Mirror(url=f"{server.url}/toys.zip", bytes=4000),))
    found = f"{len(content)} bytes announced" if tells else "more bytes"
    with pytest.raises(ReplicateError, match=f"{found}, expected 4000\\) at"):
        get(NAME, progress=False)
    assert server.ranges == [None]  # and it is not tried again
    assert [p for p in root.rglob("*.part*")] == []


SECRETS = [
    "https://me:pa55word@host.org/a.zip",
    "http://me@host.org:81/a.zip?token=pa55word&x=1;y=2#end",
    "see https://h.org/a?X-Amz-Signature=pa55word, or (https://pa55word:x@h.org/b)",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_of_an_address_are_hidden(text):
    shown = hidden(text)
    assert "pa55word" not in shown and "me@" not in shown and "***" in shown
    assert hidden(shown) == shown


@pytest.mark.parametrize("text", ["https://h.org/a/b.zip", "x@y.org ?a=b", "https://h.org/a?dl"])
def test_an_address_without_secrets_is_shown_whole(text):
    assert hidden(text) == text


@pytest.mark.parametrize("failure", ["404", "500", "html", "size", "sha256", "no host", "none"])
def test_no_message_and_no_record_of_a_download_holds_a_secret(
    root, entry, server, capfd, failure, monkeypatch
):
    content = zipped(members())
    pages = {"404": 404, "500": 500, "html": b"<html>"}
    path = "/toys.zip?token=pa55word"
    server.pages[path] = pages.get(failure, content)
    entry(sha256="0" * 64 if failure == "sha256" else "")
    host = "127.0.0.1:1" if failure == "no host" else server.url.removeprefix("http://")
    source = f"http://me:pa55word@{host}{path}"
    told = ""
    try:
        if failure == "size":
            download(source, root / "x.zip", True, size=10)
        else:
            get(NAME, source)
            told = str(passport(NAME))
    except ReplicateError as error:
        told = str(error)
    out = capfd.readouterr()
    assert told and "pa55word" not in told + out.out + out.err
    assert (failure == "none") == (root / NAME).is_dir()
    stored = [p.read_text() for p in root.rglob("*.json")]
    assert all("pa55word" not in text for text in stored)


@pytest.mark.parametrize("value", ["soon", "", "-1", "1e9", "²", "1.5", "Mon, 99 Foo 2020", "\x00"])
def test_a_retry_after_that_is_no_number_is_ignored(value):
    assert downloading._pause(value) is None


def test_a_retry_after_may_be_a_number_or_a_date():
    assert downloading._pause(" 12 ") == 12
    assert downloading._pause("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert issubclass(DownloadError, ReplicateError)
