"""Specs, folders, decoding, packed arrays and the audit."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import paired, picture, unpaired

from replicate import images, paths
from replicate.datasets import drawn, packed
from replicate.datasets.packed import load, make
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, UnknownName
from replicate.naming import SUFFIXES


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    return tmp_path


def test_a_missing_set_names_its_folder_and_the_command(root):
    with pytest.raises(ReplicateError, match=r"horse2zebra does not exist.*data get horse2zebra`"):
        load("horse2zebra", "train", 16)
    with pytest.raises(ReplicateError, match=r"data get cats_dogs --from PATH/cats_dogs\.zip"):
        load("cats_dogs", "train", 16)


def test_an_empty_folder_tells_what_was_looked_for_found_and_meant(root):
    unpaired(root / "maps" / "maps")
    (root / "maps" / "trainA").mkdir()
    for i in range(3):
        (root / "maps" / "trainA" / f"{i}.txt").touch()
    with pytest.raises(ReplicateError) as caught:
        load("maps", "train", 16)
    maps = root / "maps"
    assert str(caught.value) == (
        f"{maps}/trainA has 0 images (looked for {', '.join(SUFFIXES)}; "
        f"found 3 .txt). Expected {maps}/{{trainA,trainB,testA,testB}}. "
        f"Did you mean {maps}/maps/?"
    )


def test_without_a_nested_folder_nothing_is_suggested(root):
    (root / "maps" / "trainA").mkdir(parents=True)
    with pytest.raises(ReplicateError, match="found nothing") as caught:
        load("maps", "train", 16)
    assert "Did you mean" not in str(caught.value)


def test_a_folder_in_no_layout_is_told_the_layouts(root):
    unpaired(root / "charts" / "inner")
    with pytest.raises(
        ReplicateError, match=r"no known layout \(found 1 folder\).*charts/inner/\?"
    ):
        load("charts", "train", 16)


def test_upper_case_endings_count_and_hidden_files_do_not(root):
    folder = unpaired(root / "mine") / "trainA"
    picture(7).save(folder / "a.JPG")
    (folder / "._a.JPG").write_bytes(b"resource fork")
    assert load("mine", "train", 16).names["A"] == ["0.png", "1.png", "2.png", "a.JPG"]


def test_an_unknown_split_or_size_is_refused(root):
    unpaired(root / "mine")
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        load("mine", "trian", 16)
    with pytest.raises(ReplicateError, match="size 0: expected 8 to 4096 px"):
        load("mine", "train", 0)


def test_a_damaged_file_is_named_with_its_size_and_the_way_out(root):
    folder = unpaired(root / "mine")
    picture(0, (120, 100)).save(root / "whole.jpg", quality=95)
    (folder / "trainB" / "x.jpg").write_bytes((root / "whole.jpg").read_bytes()[:12_000])
    with pytest.raises(images.Undecodable) as caught:
        load("mine", "train", 16, progress=False)
    assert str(caught.value) == (
        f"{folder}/trainB/x.jpg cannot be decoded (truncated at 12 kB). Replace or delete it; "
        "`replicate data audit mine` lists every such file of the set."
    )
    assert not list((root / "packed").glob("mine-train-*-*"))


def test_images_that_differ_by_their_endings_only_are_refused(root):
    """Not only when their translations are written: that would be after the training."""
    folder = unpaired(root / "mine")
    for split in ("train", "test"):
        picture(0).save(folder / f"{split}A" / "same.png")
        picture(1).save(folder / f"{split}A" / "same.jpg")
    for split in ("train", "test"):
        with pytest.raises(ReplicateError, match=rf"same.jpg and same.png of .*{split}A differ by"):
            load("mine", split, 8)


def test_packed_pixels_are_pillows_resized_ones(root):
    folder = unpaired(root / "mine")
    images = load("mine", "train", 8)
    assert {key: array.shape for key, array in images.arrays.items()} == {
        "A": (3, 8, 8, 3),
        "B": (2, 8, 8, 3),
    }
    assert isinstance(images.arrays["A"], np.memmap) and images.arrays["A"].dtype == np.uint8
    for domain in "AB":
        for i, name in enumerate(images.names[domain]):
            with Image.open(folder / f"train{domain}" / name) as opened:
                wanted = np.asarray(opened.resize((8, 8), Image.Resampling.BICUBIC))
            assert (images.arrays[domain][i] == wanted).all()


def test_a_pair_is_cut_into_its_halves(root, monkeypatch):
    paired(root / "pairs")
    images = load("pairs", "train", 8)
    assert images.paired and images.names["A"] == images.names["B"]
    assert (images.arrays["A"] == [200, 0, 0]).all()
    assert images.arrays["B"][:, 0, 0, 2].tolist() == [10, 11, 12]
    swapped = spec("pairs").model_copy(update={"left": "B"})
    monkeypatch.setattr(packed, "spec", lambda name: swapped)
    other = load("pairs", "train", 8)
    assert (other.arrays["A"] == images.arrays["B"]).all()


def test_a_pair_of_odd_width_is_refused(root):
    picture(0, (31, 16)).save(paired(root / "pairs") / "train" / "odd.png")
    with pytest.raises(ReplicateError, match=r"odd\.png.*width 31 px is odd"):
        load("pairs", "train", 8)


def test_the_passport_is_json_and_holds_the_content_hashes(root):
    unpaired(root / "mine")
    images = load("mine", "train", 8)
    content = {key: hashlib.sha256(a.tobytes()).hexdigest() for key, a in images.arrays.items()}
    assert json.loads(json.dumps(images.passport)) == {
        "name": "mine",
        "split": "train",
        "size": 8,
        "domains": ["A", "B"],
        "version": 1,
        "counts": {"A": 3, "B": 2},
        "converted": {},
        "arrays": content,
    }


def test_converted_images_are_counted_and_told_once(root, capsys):
    folder = unpaired(root / "mine") / "trainA"
    picture(1).convert("L").save(folder / "grey.png")
    picture(2).convert("RGBA").save(folder / "alpha.png")
    assert load("mine", "train", 8).passport["converted"] == {"L": 1, "RGBA": 1}
    assert "of 7 images, converted to upright 8-bit RGB: 1 L, 1 RGBA" in capsys.readouterr().out
    assert load("mine", "train", 8).passport["converted"] == {"L": 1, "RGBA": 1}
    assert capsys.readouterr().out == ""


def test_a_second_load_reads_no_image(root, monkeypatch):
    unpaired(root / "mine")
    first = load("mine", "train", 8)

    def refuse(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("replicate.datasets.packing.decode", refuse)
    monkeypatch.setattr("replicate.datasets.hashes.sha256", refuse)
    second = load("mine", "train", 8)
    assert second.passport == first.passport and (second.arrays["A"] == first.arrays["A"]).all()


@pytest.mark.parametrize("change", ["content", "removed", "added"])
def test_a_changed_folder_is_packed_anew(root, change):
    folder = unpaired(root / "mine") / "trainA"
    before = load("mine", "train", 8).passport["arrays"]
    if change == "removed":
        (folder / "1.png").unlink()
    else:
        picture(9).save(folder / ("1.png" if change == "content" else "9.png"))
    after = load("mine", "train", 8).passport["arrays"]
    assert after["A"] != before["A"] and after["B"] == before["B"]


def test_touched_files_give_the_same_packed_folder(root):
    folder = unpaired(root / "mine") / "trainA"
    load("mine", "train", 8)
    os.utime(folder / "0.png", (1, 1))
    load("mine", "train", 8)
    assert len(list((root / "packed").glob("mine-train-8-*"))) == 1


def test_a_damaged_packed_array_names_the_way_out(root):
    unpaired(root / "mine")
    load("mine", "train", 8)
    array = next((root / "packed").glob("mine-train-8-*/A.npy"))
    array.write_bytes(array.read_bytes()[:200])
    with pytest.raises(ReplicateError, match=r"A\.npy is damaged .* Delete .*-8-\w+ and run"):
        load("mine", "train", 8)


def test_too_little_disk_is_told_before_writing(root, monkeypatch):
    unpaired(root / "mine")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Disk", (), {"free": 10}))
    with pytest.raises(ReplicateError, match=r"A\.npy needs 0 MB, 0 MB are free"):
        load("mine", "train", 8)
    assert not list((root / "packed").glob("*mine-train-8*/"))


KILLED = """
import os, signal
from replicate.datasets import packed, packing
real, done = packing.decode, []
def decode(path):
    done.append(path)
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path)
packing.decode = decode
packed.load("mine", "train", 8)
"""


def python(code: str, root: Path) -> subprocess.Popen:
    environment = os.environ | {"REPLICATE_DATA": str(root)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=paths.ROOT)


def test_a_killed_build_leaves_nothing_that_is_taken_for_finished(root):
    unpaired(root / "mine")
    assert python(KILLED, root).wait(60) == -signal.SIGKILL
    folder = root / "packed"
    assert len(list(folder.glob(".building-*"))) == 1 and not list(folder.glob("mine-train-8-*"))
    assert len(load("mine", "train", 8).arrays["A"]) == 3
    assert not list(folder.glob(".building-*"))


def test_two_processes_may_build_at_once(root):
    unpaired(root / "mine", (60, 60, 1, 1))
    code = "from replicate.datasets.packed import load; load('mine', 'train', 64)"
    assert [process.wait(60) for process in [python(code, root) for _ in range(2)]] == [0, 0]
    assert len(list((root / "packed").glob("mine-train-64-*"))) == 1
    assert not list((root / "packed").glob(".building-*"))


def test_the_drawn_set_is_packed_with_its_masks_and_ideals(root):
    images = load("horse2zebra_drawn", "test", 32)
    wanted = drawn.draw("test", 32)
    assert set(images.arrays) == set(wanted)
    assert all((images.arrays[key] == wanted[key]).all() for key in wanted)
    assert images.passport["version"] == drawn.VERSION
    assert images.names["B"][5] == "zebra_0005.png" and images.domains == ("horse", "zebra")


def test_make_packs_both_splits(root):
    unpaired(root / "mine")
    made = make("mine", 8)
    assert {split: len(images.arrays["A"]) for split, images in made.items()} == {
        "train": 3,
        "test": 2,
    }
