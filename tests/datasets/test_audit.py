"""The audit's findings."""

import json
from pathlib import Path

import pytest
from PIL import Image
from support.pictures import picture, unpaired

from replicate.datasets import palettes
from replicate.datasets.audit import audit, format_audit, write_table
from replicate.errors import ReplicateError


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    return tmp_path


def large(folder: Path) -> Path:
    """The four folders of `unpaired`, of 80 x 70 px: not tiny."""
    for seed, path in enumerate(unpaired(folder).rglob("*.png")):
        picture(seed, (80, 70)).save(path)
    return folder


def found(report: dict) -> dict[str, list[str]]:
    """The files of each fault."""
    names = {row["fault"]: [] for row in report["faults"]}
    for row in report["faults"]:
        names[row["fault"]].append(row["file"])
    return names


@pytest.fixture
def faulty(root) -> Path:
    """A set with a fault of each kind."""
    folder = large(root / "mine")
    picture(50, (80, 70)).convert("L").save(folder / "trainA" / "grey.png")
    picture(50, (80, 70)).convert("L").convert("RGB").save(folder / "trainB" / "grey_rgb.png")
    picture(51, (80, 63)).save(folder / "testA" / "tiny.png")
    picture(52, (80, 70)).convert("P").save(folder / "testA" / "few.png")
    picture(53, (176, 70)).save(folder / "testA" / "wide.png")  # 2.51 to 1
    picture(54, (175, 70)).save(folder / "testA" / "wide_enough.png")  # 2.5 to 1
    (folder / "testB" / "broken.jpg").write_bytes(b"nothing")
    whole = (folder / "trainB" / "1.png").read_bytes()
    (folder / "testB" / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "trainA" / "again.png").write_bytes((folder / "trainA" / "0.png").read_bytes())
    with Image.open(folder / "trainB" / "0.png") as opened:
        opened.save(folder / "testB" / "leak.bmp")  # other bytes, equal pixels
    return folder


def test_the_audit_names_every_odd_file(faulty):
    report = json.loads(json.dumps(audit("mine", progress=False)))
    assert {name: about["count"] for name, about in report["folders"].items()} == {
        "trainA": 5,
        "trainB": 3,
        "testA": 6,
        "testB": 5,
    }
    about = report["folders"]["testA"]
    assert about["modes"] == {"RGB": 5, "P": 1} and about["bytes"] == sum(
        path.stat().st_size for path in (faulty / "testA").iterdir()
    )
    assert about["height"] == [63, 70] and about["width"] == [80, 176]
    assert found(report) == {
        "corrupt": ["testB/broken.jpg"],
        "truncated": ["testB/half.png"],
        "grey": ["trainA/grey.png", "trainB/grey_rgb.png"],
        "palette": ["testA/few.png"],
        "tiny": ["testA/tiny.png"],
        "extreme aspect": ["testA/wide.png"],
        "leak": ["trainB/0.png", "testB/leak.bmp"],
        "duplicate": ["trainA/0.png", "trainA/again.png", "trainA/grey.png", "trainB/grey_rgb.png"],
    }
    assert report["leaks"] == [["trainB/0.png", "testB/leak.bmp"]]


def test_the_text_and_the_table_hold_every_fault(faulty, root):
    report = audit("mine", progress=False)
    text = format_audit(report)
    for line in (
        "  trainA: 5 images; 4 RGB, 1 L; 80 x 70 px",
        "  testA: 6 images; 5 RGB, 1 P; 80 to 176 x 63 to 70 px",
        "  tiny: shorter side below 64 px",
        "    testB/broken.jpg     no image format recognised, 7 bytes",
        "    trainB/0.png         = testB/leak.bmp",
    ):
        assert line in text.splitlines()
    table = write_table(report, root / "passports" / "audit.csv").read_text().splitlines()
    assert table[:2] == [
        "file,fault,detail",
        'testB/broken.jpg,corrupt,"no image format recognised, 7 bytes"',
    ]
    assert len(table) == 1 + len(report["faults"])


def test_the_audit_reads_the_halves_of_pairs_and_their_label_colours(root, monkeypatch):
    wall, window = (0, 0, 222), (255, 80, 0)
    (root / "palettes").mkdir()
    (root / "palettes" / "pairs.toml").write_text(
        f'domain = "B"\nside = 64\n[classes]\nwall = {list(wall)}\nwindow = {list(window)}\n'
    )
    monkeypatch.setattr(palettes, "_folder", lambda: root / "palettes")
    for i, name in enumerate(("fine", "grey", "off")):
        pair = Image.new("RGB", (140, 70), wall)
        photo = picture(i, (70, 70))
        pair.paste(photo.convert("L").convert("RGB") if name == "grey" else photo, (0, 0))
        pair.paste(window, (90, 10, 100, 30))
        if name == "off":
            pair.paste((0, 160, 0), (110, 40, 120, 50))
        for split in ("train", "test"):
            (root / "pairs" / split).mkdir(parents=True, exist_ok=True)
            pair.putpixel((0, 0), (i, 9, len(split)))  # else the splits were equal
            pair.save(root / "pairs" / split / f"{name}.png")
    pair.resize((131, 65)).save(root / "pairs" / "test" / "odd.png")
    report = audit("pairs", progress=False)
    assert report["palette"] and found(report) == {
        "odd width": ["test/odd.png"],
        "grey": ["train/grey.png", "test/grey.png"],
        "off palette": ["train/off.png", "test/odd.png", "test/off.png"],
    }
    details = {(row["file"], row["fault"]): row["detail"] for row in report["faults"]}
    assert details["test/grey.png", "grey"] == "A"
    assert "label colours checked against data/palettes/pairs.toml" in format_audit(report)
    # the inside of the patch, 8 x 8 of 70 x 70 px; (255, 80, 0) is sqrt(255^2 + 80^2) away
    assert details["train/off.png", "off palette"] == (
        "1.3 % of the pixels, most often (0, 160, 0), 267 levels from window"
    )


def test_the_audit_of_an_absent_set_and_of_the_drawn_one(root):
    with pytest.raises(ReplicateError, match="does not exist"):
        audit("facades")
    assert "nothing to audit" in format_audit(audit("horse2zebra_drawn"))


def test_the_audit_tells_counts_that_differ_from_the_record(root):
    unpaired(root / "cats_dogs")
    assert "trainA: 3 images (expected 500)" in format_audit(audit("cats_dogs", progress=False))
