"""Whether a set on the disk is the one on record."""

import hashlib
import json
import sys

import pytest
from support.digits import archives
from support.pictures import paired, unpaired

from replicate import cli
from replicate.datasets import digits, passport
from replicate.datasets.digits import Archive
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError


def test_a_whole_set_is_verified(root):
    unpaired(root / "mine")
    report = json.loads(json.dumps(passport.verify("mine", progress=False)))
    assert report == {
        "name": "mine",
        "folders": {
            name: {"count": n, "expected": None}
            for name, n in zip(("trainA", "trainB", "testA", "testB"), (3, 2, 2, 2), strict=True)
        },
        "unreadable": {},
        "content": {"found": passport.content_hash(spec("mine")), "stored": None, "same": None},
        "ok": True,
    }
    text = passport.format_report(report)
    assert text.startswith("mine: verified\n") and "trainA: 3 images, no count is on rec" in text
    assert "no passport is stored yet, `replicate data passport mine` does" in text


def test_every_file_that_cannot_be_read_is_named(root):
    folder = unpaired(root / "mine")
    whole = (folder / "trainA" / "0.png").read_bytes()
    (folder / "trainA" / "0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "testB" / "1.png").write_bytes(b"nothing")
    report = passport.verify("mine", progress=False)
    assert set(report["unreadable"]) == {"trainA/0.png", "testB/1.png"} and not report["ok"]
    text = passport.format_report(report)
    assert text.startswith("mine: NOT as it should be")
    assert "testB/1.png: no image format recognised, 7 bytes" in text


def test_counts_are_held_to_the_record(root):
    paired(root / "facades")
    report = passport.verify("facades", progress=False)
    assert report["folders"]["train"] == {"count": 3, "expected": 400} and not report["ok"]
    assert "train: 3 images, expected 400" in passport.format_report(report)


def test_the_content_is_held_to_the_stored_passport(root):
    folder = unpaired(root / "mine")
    stored = passport.passport("mine", progress=False)["content"]
    report = passport.verify("mine", progress=False)
    assert report["content"]["same"] is True and report["ok"]
    assert "as in the stored passport" in passport.format_report(report)
    (folder / "trainA" / "1.png").write_bytes((folder / "trainA" / "0.png").read_bytes())
    report = passport.verify("mine", progress=False)
    assert report["content"]["same"] is False and not report["ok"]
    assert f"the stored passport has {stored}" in passport.format_report(report)


def test_digits_are_held_to_their_md5(root, monkeypatch):
    files = archives()
    name, content = next(iter(files.items()))
    listed = [Archive(name, hashlib.md5(content).hexdigest(), []), Archive("gone", "0" * 32, [])]
    monkeypatch.setattr(digits, "_all", lambda entry, *splits: listed)
    (root / "mnist2usps").mkdir(parents=True)
    (root / "mnist2usps" / name).write_bytes(content)
    assert passport.verify("mnist2usps")["unreadable"] == {"gone": "missing"}
    (root / "mnist2usps" / name).write_bytes(content[:-1])
    report = passport.verify("mnist2usps")
    assert report["unreadable"][name].startswith("md5 mismatch") and not report["ok"]


def test_what_is_not_here_or_drawn_is_told(root):
    with pytest.raises(ReplicateError, match="does not exist"):
        passport.verify("horse2zebra")
    with pytest.raises(ReplicateError, match="is synthetic, so there is no file to verify"):
        passport.verify("shapes_drawn")


def test_a_set_that_is_not_as_it_should_be_ends_with_status_1(root, monkeypatch, capsys):
    folder = unpaired(root / "mine")
    for broken in (False, True):
        if broken:
            (folder / "trainA" / "0.png").write_bytes(b"")
        monkeypatch.setattr(sys, "argv", ["replicate", "data", "verify", "mine"])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == broken
        assert ("trainA/0.png: " in capsys.readouterr().out) is broken
