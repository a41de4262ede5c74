"""The audit's findings and the listing of the sets."""

import json
from pathlib import Path

import pytest
from PIL import Image
from support.pictures import paired, picture, unpaired

from replicate.datasets.audit import audit, describe, format_audit
from replicate.errors import ReplicateError


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    return tmp_path


def test_the_audit_names_every_odd_file(root):
    folder = unpaired(root / "mine")
    for name in ("trainA", "trainB", "testA", "testB"):
        for path in (folder / name).iterdir():
            with Image.open(path) as opened:
                large = opened.resize((80, 70))
            large.save(path)
    picture(50, (80, 70)).convert("L").save(folder / "trainA" / "grey.png")
    picture(50, (80, 70)).convert("L").convert("RGB").save(folder / "trainB" / "grey_rgb.png")
    picture(51, (80, 63)).save(folder / "testA" / "tiny.png")
    (folder / "testB" / "broken.jpg").write_bytes(b"nothing")
    (folder / "trainA" / "again.png").write_bytes((folder / "trainA" / "0.png").read_bytes())
    with Image.open(folder / "trainB" / "0.png") as opened:
        opened.save(folder / "testB" / "leak.bmp")  # other bytes, equal pixels
    report = json.loads(json.dumps(audit("mine", progress=False)))
    found = report["folders"]
    assert {name: found[name]["count"] for name in found} == {
        "trainA": 5,
        "trainB": 3,
        "testA": 3,
        "testB": 4,
    }
    assert found["trainA"]["modes"] == {"RGB": 4, "L": 1}
    assert found["testA"]["height"] == [63, 70] and found["testA"]["width"] == [80, 80]
    assert found["trainA"]["grey"] == ["trainA/grey.png"]
    assert found["trainB"]["grey"] == ["trainB/grey_rgb.png"]
    assert found["testA"]["tiny"] == ["testA/tiny.png"]
    assert list(found["testB"]["unreadable"]) == ["testB/broken.jpg"]
    assert sorted(report["duplicates"]) == [
        ["trainA/0.png", "trainA/again.png"],
        ["trainA/grey.png", "trainB/grey_rgb.png"],
    ]
    assert report["leaks"] == [["trainB/0.png", "testB/leak.bmp"]]
    text = format_audit(report)
    for line in (
        "  trainA: 5 images; 4 RGB, 1 L",
        "    1 tiny (shorter side below 64 px):",
        "      testB/broken.jpg (no image format recognised, 7 bytes)",
        "      trainB/0.png = testB/leak.bmp",
    ):
        assert line in text.splitlines()


def test_the_audit_of_an_absent_set_and_of_the_drawn_one(root):
    with pytest.raises(ReplicateError, match="does not exist"):
        audit("facades")
    assert "nothing to audit" in format_audit(audit("horse2zebra_drawn"))


def test_the_audit_tells_counts_that_differ_from_the_record(root):
    unpaired(root / "cats_dogs")
    assert "trainA: 3 images (expected 500)" in format_audit(audit("cats_dogs", progress=False))


def test_the_listing_tells_the_state_of_every_set(root):
    unpaired(root / "mine")
    paired(root / "facades")
    listed = {line["name"]: line for line in describe()}
    assert {name: line["state"] for name, line in listed.items()} == {
        "horse2zebra_drawn": "drawn",
        "shapes_drawn": "drawn",
        "cats_dogs": "missing",
        "facades": "incomplete",
        "horse2zebra": "missing",
        "mnist2svhn": "missing",
        "mnist2usps": "missing",
        "mine": "present",
    }
    assert listed["mine"]["counts"] == {"trainA": 3, "trainB": 2, "testA": 2, "testB": 2}
    assert json.loads(json.dumps(listed)) == listed
