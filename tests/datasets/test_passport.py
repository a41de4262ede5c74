"""The passport of a set: what it holds, when it changes, and that runs follow it."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.archives import NAME, members, zipped
from support.pictures import picture, unpaired

from replicate import paths
from replicate.datasets import audit, packed, passport
from replicate.datasets.fetch import get
from replicate.datasets.passport import content_hash, format_passport, note_archive, stored_passport
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import Run, ensure, execute, make_run
from replicate.lab import state as states
from replicate.lab.fingerprint import data_fingerprint
from replicate.lab.run import COLUMNS
from replicate.lab.state import describe
from replicate.report.tables import scores


def made(name: str) -> dict:
    return passport.passport(name, progress=False)


def test_the_passport_says_what_the_set_is(root):
    unpaired(root / "mine")
    picture(9, (90, 70)).convert("L").save(root / "mine" / "trainA" / "grey.png")
    found = made("mine")
    assert json.loads(json.dumps(found)) == found == stored_passport(spec("mine"))
    about = found["folders"]["trainA"]
    files = list((root / "mine" / "trainA").iterdir())
    assert about["count"] == 4 and about["bytes"] == sum(f.stat().st_size for f in files)
    assert about["modes"] == {"RGB": 3, "L": 1} and about["width"] == [12, 90]
    assert found["faults"] == {"grey": 1, "tiny": 9}
    assert (found["source"], found["domains"]) == ("own folder", ["A", "B"])
    assert found["unpacked_from"] is None
    text = format_passport(found)
    assert f"mine: 10 images, content {found['content']}" in text and "1 grey, 9 tiny" in text


def test_the_content_hash_is_that_of_names_and_bytes_in_the_order_of_names(root):
    folder = unpaired(root / "mine")
    (folder / "labels.csv").write_text("0.png,1\n")
    (folder / ".DS_Store").write_text("not counted")
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*.*") if p.name != ".DS_Store"
    )
    pairs = [[n, hashlib.sha256((folder / n).read_bytes()).hexdigest()] for n in names]
    expected = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()
    assert len(pairs) == 10 and content_hash(spec("mine")) == expected
    (root / "elsewhere" / "a").mkdir(parents=True)
    shutil.copytree(folder, root / "other")  # another name and place, other times
    assert content_hash(spec("other")) == expected


def changes() -> dict:
    def pixel(folder: Path) -> None:
        with Image.open(folder / "testB" / "1.png") as image:
            image.putpixel((0, 0), (1, 2, 3))
            image.save(folder / "testB" / "1.png")

    return {
        "a pixel": (pixel, {"test"}),
        "a name": (lambda f: (f / "trainA" / "0.png").rename(f / "trainA" / "z.png"), {"train"}),
        "a file less": (lambda f: (f / "trainB" / "0.png").unlink(), {"train"}),
        "a file more": (lambda f: picture(77).save(f / "testA" / "z.png"), {"test"}),
        "another folder": (
            lambda f: (f / "trainA" / "0.png").rename(f / "testA" / "z.png"), {"train", "test"}
        ),
        "a list of labels": (lambda f: (f / "labels.csv").write_text("x"), set()),
    }  # fmt: skip


@pytest.mark.parametrize("change, splits", changes().values(), ids=changes())
def test_what_changes_the_passport(root, change, splits):
    folder = unpaired(root / "mine")
    before = made("mine")
    change(folder)
    after = made("mine")
    assert after["content"] != before["content"] and stored_passport(spec("mine")) == after
    assert {key for key in before["splits"] if before["splits"][key] != after["splits"][key]} == (
        splits
    )


def test_it_is_made_once_and_read_only_where_a_file_changed(root, monkeypatch):
    folder = unpaired(root / "mine")
    looks, reads = [], []
    look, read = audit.audit, passport.hashes.sha256
    monkeypatch.setattr(audit, "audit", lambda *asked: looks.append(asked) or look(*asked))
    monkeypatch.setattr(passport.hashes, "sha256", lambda path: reads.append(path) or read(path))
    first = made("mine")
    assert (len(looks), len(reads)) == (1, 9)
    file = root / "passports" / "mine" / "passport.json"
    state = file.stat().st_mtime_ns
    assert made("mine") == first and (len(looks), len(reads)) == (1, 9)
    assert file.stat().st_mtime_ns == state
    os.utime(folder / "trainA" / "0.png")  # read again, and found to be the same
    assert made("mine") == first and (len(looks), len(reads)) == (1, 10)
    picture(5).save(folder / "trainA" / "0.png")
    assert made("mine") != first and (len(looks), len(reads)) == (2, 11)
    packed.load("mine", "train", 16, progress=False)
    assert len(reads) == 11  # packing remembers the same checksums


def test_a_changed_entry_is_told_without_another_look(root, entry, monkeypatch):
    unpaired(root / NAME)
    entry(licence="none stated")
    first = made(NAME)
    monkeypatch.setattr(audit, "audit", None)
    entry(licence="research only")
    assert made(NAME) == first | {"licence": "research only"}


def test_the_archive_is_remembered_and_whether_the_set_is_still_as_unpacked(root, entry, tmp_path):
    content = zipped(members())
    (tmp_path / "toys.zip").write_bytes(content)
    known = entry(sha256=hashlib.sha256(content).hexdigest())
    get(NAME, str(tmp_path / "toys.zip"), progress=False)
    wanted = {"file": "toys.zip", "bytes": len(content), "sha256": known.sha256}
    assert made(NAME)["unpacked_from"] == wanted | {"unchanged": True}
    assert made(NAME)["faults"] == {"grey": 8, "leak": 8}  # one noise, eight times
    (root / NAME / "trainA" / "0.png").unlink()
    found = made(NAME)
    assert found["unpacked_from"] == wanted | {"unchanged": False}
    assert "changed since" in format_passport(found)
    note_archive(known, tmp_path / "toys.zip")
    assert made(NAME)["unpacked_from"]["unchanged"]


def test_a_full_disk_costs_the_note_and_not_the_set(root, entry, tmp_path, monkeypatch, capsys):
    def full(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "toys.zip").write_bytes(zipped(members()))
    entry()
    monkeypatch.setattr(passport.files, "write_sealed", full)
    folder = get(NAME, str(tmp_path / "toys.zip"), progress=False)
    assert len(list(folder.rglob("*.png"))) == 8
    assert "its passport will not name toys.zip ([Errno 28] No space" in capsys.readouterr().out


def test_a_set_that_is_not_here_has_no_passport(root):
    assert stored_passport(spec("facades")) is None
    for asked in (made, lambda name: content_hash(spec(name))):
        with pytest.raises(ReplicateError, match="facades does not exist"):
            asked("facades")
    with pytest.raises(UnknownName, match="did you mean 'facades'"):
        made("facade")


def test_a_drawn_set_is_hashed_as_arrays(root, monkeypatch):
    def load(name: str, split: str, size: int) -> packed.ImageSet:
        arrays = {key: np.zeros((3, size, size, 3), np.uint8) for key in ("A", "A_ideal", "B")}
        about = {"arrays": {key: f"{split}{key}" for key in arrays}}
        return packed.ImageSet(name, split, size, ("horse", "zebra"), False, arrays, {}, about)

    monkeypatch.setattr(packed, "load", load)
    found = made("horse2zebra_drawn")
    assert found["content"] == content_hash(spec("horse2zebra_drawn"))
    about = {"count": 3, "modes": {"RGB": 3}, "width": [64, 64], "height": [64, 64]}
    assert found["folders"] == dict.fromkeys(("trainA", "trainB", "testA", "testB"), about)
    other = passport.passport("horse2zebra_drawn", (64, 32))
    assert other["splits"]["train"] == found["splits"]["train"]
    assert other["splits"]["test"] != found["splits"]["test"]
    assert other["folders"]["testA"]["width"] == [32, 32]


# Runs follow the passport

SCORE = "cyclegan,paper,tiny,A->B,fid,1,0,,fid/standin,8,8,0,smoke,test,standin,0,0,4"


@pytest.fixture
def run(tiny, monkeypatch) -> Run:
    """A finished run on `tiny`; its scores take longest and say nothing here."""
    monkeypatch.setattr(execute, "_score", lambda *asked: None)
    return ensure(make_run("cyclegan", tiny, 0, "smoke"))


def state(run: Run) -> tuple[str, str]:
    """By the run itself, and as `replicate status` tells it; tables and status agree."""
    told = describe(run.folder)["word"]
    (run.folder / "scores.csv").write_text(f"{','.join(COLUMNS)}\n{SCORE}\n")
    assert scores(paths.results())["stale"].tolist() == [told == "stale"]
    return states.of(run).word, told


def test_a_changed_image_makes_runs_stale_whatever_is_packed(run, workspace):
    before = run.record()["passport"]
    assert before == made("tiny") == stored_passport(spec("tiny"))
    assert state(run)[0] != "stale"
    arrays = sorted((workspace / "data" / "packed").glob("tiny-*/*.npy"))
    for file in ("trainB/3.png", "testA/0.png"):
        path = workspace / "data" / "tiny" / file
        kept = path.read_bytes()
        with Image.open(path) as image:
            image.putpixel((5, 5), (1, 2, 3))
            image.save(path)
        assert len(arrays) == 4 and all(array.is_file() for array in arrays)  # of the old image
        assert state(run) == ("stale", "stale")
        assert made("tiny")["content"] != before["content"]
        with pytest.raises(ReplicateError, match=r"its images changed .* put the old images back"):
            ensure(run)
        path.write_bytes(kept)
        assert state(run)[0] != "stale"


def test_a_change_that_no_pixel_shows_counts_too(run, workspace):
    path = workspace / "data" / "tiny" / "trainA" / "0.png"
    before = data_fingerprint("tiny", run.config.load_size)
    with Image.open(path) as image:
        image.save(path, compress_level=1)
    assert data_fingerprint("tiny", run.config.load_size) == before  # the same arrays
    assert state(run) == ("stale", "stale")
    shutil.rmtree(workspace / "data" / "tiny")
    assert describe(run.folder)["stale"] == []  # nothing to compare with


def test_a_record_without_a_passport_is_an_old_one_and_not_stale(run, workspace):
    record = run.record()
    del record["passport"], record["fingerprint"]["images"]
    (run.folder / "run.json").write_text(json.dumps(record))
    assert state(run)[0] != "stale"
    picture(7, (32, 32)).save(workspace / "data" / "tiny" / "testA" / "0.png")
    assert state(run)[0] != "stale"  # it knows nothing of the images
