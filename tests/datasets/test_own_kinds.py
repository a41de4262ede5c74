"""Sets of a user's own images in other kinds: pairs, subfolders, other shapes, other formats."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import picture, unpaired

from replicate.datasets.audit import audit, format_audit
from replicate.datasets.own import new
from replicate.datasets.packed import load
from replicate.datasets.passport import format_passport, passport
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.report import plots


@pytest.fixture
def pairs(tmp_path) -> tuple[Path, Path]:
    """Ten pairs of 12 x 10 px; of A a larger number is a brighter picture, B is its negative."""
    made = tmp_path / "photos" / "sketch", tmp_path / "photos" / "photo"
    for folder in made:
        folder.mkdir(parents=True)
    for i in range(10):
        pixels = np.asarray(picture(i))
        Image.fromarray(pixels).save(made[0] / f"{i}.png")
        Image.fromarray(255 - pixels).save(made[1] / f"000{i}.bmp")
    return made


# Pairs


def test_two_folders_of_equal_names_become_a_paired_set(root, pairs, capsys):
    entry = new("mine", pairs, test=0.2, paired=True)
    assert entry.paired and entry.left == "sketch" and entry.domains == ("sketch", "photo")
    assert entry.counts == {"train": 8, "test": 2}
    said = capsys.readouterr().out
    assert "10 pairs, paired by words and numbers" in said and "0.png with 0000.bmp" in said
    for split in ("train", "test"):
        images = load("mine", split, 16)
        a, b = (images.arrays[X].astype(int) for X in "AB")
        assert np.abs(a + b - 255).max() <= 1  # both are rounded when they are resized
    for file in (root / "mine" / "train").iterdir():
        stored = np.asarray(Image.open(file))
        assert (stored[:, :12] == np.asarray(Image.open(pairs[0] / file.name))).all()
    assert new("mine", pairs, test=0.2, paired=True) == entry
    assert "nothing to do" in capsys.readouterr().out
    picture(77).save(pairs[0] / "3.png")
    with pytest.raises(ReplicateError, match="exists and is not this set"):
        new("mine", pairs, test=0.2, paired=True)


def test_what_is_no_pair_is_named_and_nothing_is_left(root, pairs):
    (pairs[1] / "0007.bmp").rename(pairs[1] / "0011.bmp")
    with pytest.raises(ReplicateError, match=r"1 of \S+sketch have no partner \(7\.png\); 1 of"):
        new("mine", pairs, paired=True)
    (pairs[1] / "0011.bmp").rename(pairs[1] / "0007.bmp")
    picture(1, (12, 12)).save(pairs[1] / "0002.bmp")
    with pytest.raises(ReplicateError, match=r"1 of 10 pairs differ .*2\.png is 12x10, 0002\.bmp"):
        new("mine", pairs, paired=True)
    (pairs[1] / "0002.bmp").unlink()
    with pytest.raises(ReplicateError, match=r"10 in \S+sketch, 9 in \S+photo; .*\(2\.png\)"):
        new("mine", pairs, paired=True)
    (pairs[0] / "2.png").write_bytes(b"")
    (pairs[1] / "0002.bmp").write_bytes(b"")
    with pytest.raises(ReplicateError, match="2 files cannot be decoded"):
        new("mine", pairs, paired=True)
    with pytest.raises(ReplicateError, match="expected no links"):
        new("mine", pairs, paired=True, link=True)
    assert not root.exists() or not list(root.iterdir())


# What is left out


def test_every_format_is_taken_and_what_is_left_out_is_named(root, tmp_path, capsys):
    mixed, other = tmp_path / "mixed", tmp_path / "other"
    for folder in (mixed / "more", other):
        folder.mkdir(parents=True)
    for i, ending in enumerate(("png", "gif", "jfif", "ppm", "TIFF", "webp")):
        picture(i).save(mixed / f"{i}.{ending}", format={"jfif": "JPEG"}.get(ending))
        picture(10 + i).save(other / f"{i}.png")
    picture(20).save(mixed / "more" / "0.png")
    (mixed / "raw.heic").touch()
    assert sum(new("mine", (mixed, other)).counts.values()) == 12
    said = capsys.readouterr().out.splitlines()
    assert said[1] == (
        f"left out of {mixed}: 1 folder (more/ with 1 image), 1 .heic (raw.heic); --subfolders "
        "takes the images of folders, too"
    )
    assert sum(new("all", (mixed, other), subfolders=True).counts.values()) == 13
    assert list((root / "all").glob("*A/more_0.png"))
    assert f"left out of {mixed}: 1 .heic (raw.heic)\n" in capsys.readouterr().out
    picture(21).save(mixed / "more_0.bmp")
    with pytest.raises(ReplicateError, match=r"more_0\.png and more_0\.bmp of .* differ by their"):
        new("again", (mixed, other), subfolders=True)


def test_a_set_put_together_by_hand_is_checked_as_one_that_was_made(root):
    unpaired(root / "hand")
    picture(50).save(root / "hand" / "testA" / "0.jpg")
    (root / "hand" / "testA" / "notes.txt").touch()
    with pytest.raises(ReplicateError, match=r"0\.jpg and 0\.png of \S+testA differ by their end"):
        load("hand", "test", 16)
    report = audit("hand", progress=False)
    assert {"file": "testA/0.png", "fault": "same stem", "detail": "as testA/0.jpg"} in (
        report["faults"]
    )
    assert report["folders"]["testA"]["left_out"] == "1 .txt (notes.txt)"
    assert "    left out: 1 .txt (notes.txt)" in format_audit(report)


def test_the_audit_counts_what_decoding_changes(root):
    folder = unpaired(root / "hand") / "trainA"
    picture(60).convert("CMYK").save(folder / "ink.jpg")
    picture(61).save(folder / "moving.gif", save_all=True, append_images=[picture(62)])
    clear = picture(63).convert("RGBA")
    clear.putalpha(128)
    clear.save(folder / "clear.png")
    found = {row["file"]: (row["fault"], row["detail"]) for row in
             audit("hand", progress=False)["faults"]
             if row["fault"] in ("ink", "frames", "transparent")}  # fmt: skip
    assert found == {
        "trainA/ink.jpg": ("ink", "mode CMYK"),
        "trainA/moving.gif": ("frames", "first of 2"),
        "trainA/clear.png": ("transparent", "mode RGBA"),
    }
    assert {"ink", "frames", "transparent"} <= set(passport("hand", progress=False)["faults"])


# Shapes


@pytest.fixture
def wide(tmp_path) -> tuple[Path, Path]:
    """Pictures of 60 x 20 px: red, green, blue from left to right."""
    made = tmp_path / "photos" / "a", tmp_path / "photos" / "b"
    for k, folder in enumerate(made):
        folder.mkdir(parents=True)
        for i in range(3):
            pixels = np.repeat(np.eye(3, dtype=np.uint8) * (200 + 10 * i + 5 * k), 20, axis=0)
            Image.fromarray(np.tile(pixels, (20, 1, 1))).save(folder / f"{i}.png")
    return made


def colours(name: str) -> list[list[int]]:
    """Which channels are bright at the left, in the middle and at the right, and at the top."""
    image = load(name, "train", 20, progress=False).arrays["A"][0]
    return [(image[y, x] > 128).astype(int).tolist() for y, x in ((10, 0), (10, 10), (10, 19),
            (0, 10))]  # fmt: skip


def test_fit_says_how_images_become_squares(root, wide, capsys):
    red, green, blue, white = [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]
    wanted = {
        "squash": [red, green, blue, green],
        "crop": [green, green, green, green],
        "pad": [red, green, blue, white],
    }
    for fit, found in wanted.items():
        entry = new(fit, wide, fit=fit)
        assert entry.fit == spec(fit).fit == fit and colours(fit) == found
        note = (root / fit / "dataset.yaml").read_text()
        assert (f"fit: {fit}\n" in note) == (fit != "squash")
        made = passport(fit, progress=False)
        assert made["fit"] == fit
        assert ("squares by" in format_passport(made)) == (fit != "squash")
    assert load("crop", "train", 20).passport["fit"] == "crop"
    assert "fit" not in load("squash", "train", 20).passport  # as before there was a choice
    plots.contact_sheet("pad")
    with pytest.raises(ReplicateError, match=r"unknown fit 'stretch'.*known: crop, pad, squash"):
        new("other", wide, fit="stretch")


def test_another_fit_of_the_same_files_is_packed_anew(root, wide):
    new("mine", wide, fit="crop")
    before = colours("mine")
    note = root / "mine" / "dataset.yaml"
    note.write_text(note.read_text().replace("fit: crop", "fit: squash"))
    assert colours("mine") != before
    shutil.rmtree(root / "packed")
    assert colours("mine")[0] == [1, 0, 0]


# Names


@pytest.mark.parametrize("domain", ["a/b", "<img onerror=x>", "a\\x1b[31mb", "AB", "attention"])
def test_a_domain_that_folders_or_pages_cannot_hold_is_refused_when_the_set_is_read(root, domain):
    unpaired(root / "hand")
    note = root / "hand" / "dataset.yaml"
    note.write_text(f'layout: cyclegan\ndomains: ["{domain}", zebra]\nsource: ""\nlicence: ""\n')
    with pytest.raises(ReplicateError, match=r"dataset\.yaml: domain .*expected letter"):
        spec("hand")


def test_domains_whose_directions_are_spelt_alike_are_refused(root):
    unpaired(root / "hand")
    note = root / "hand" / "dataset.yaml"
    for words in ('"Horse", "horse"', '"a", "a2a"'):
        note.write_text(f'layout: cyclegan\ndomains: [{words}]\nsource: ""\nlicence: ""\n')
        with pytest.raises(ReplicateError, match="two directions are spelt alike"):
            spec("hand")


@pytest.mark.parametrize("header", ["label,class\n0.png,0,<b>\n1.png,1,y", "a/b\n0.png,0\n1.png,1"])
def test_labels_that_pages_cannot_hold_are_refused_when_the_set_is_read(root, header):
    unpaired(root / "hand", (2, 2, 2, 2))
    (root / "hand" / "trainA" / "labels.csv").write_text(f"file,{header}\n")
    with pytest.raises(ReplicateError, match=r"labels\.csv: label '(<b>|a/b)': expected letters"):
        load("hand", "train", 16)
