"""A user's own two folders: the split, what is refused, what is written."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from support.pictures import picture

from replicate.datasets import own
from replicate.datasets.audit import audit
from replicate.datasets.own import new
from replicate.datasets.packed import load
from replicate.datasets.spec import names, spec
from replicate.errors import ReplicateError


@pytest.fixture
def given(tmp_path) -> tuple[Path, Path]:
    """Twenty images of horses, ten of zebras."""
    made = tmp_path / "photos" / "horse", tmp_path / "photos" / "zebra"
    for k, (folder, n) in enumerate(zip(made, (20, 10), strict=True)):
        folder.mkdir(parents=True)
        for i in range(n):
            picture(100 * k + i).save(folder / f"{i}.png")
    return made


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_every_image_goes_once_into_the_layout_with_an_entry_beside_it(root, given, capsys):
    entry = new("mine", given, test=0.2)
    assert entry.counts == {"trainA": 16, "trainB": 8, "testA": 4, "testB": 2}
    assert entry.domains == ("horse", "zebra") and entry.source == "own folders"
    assert spec("mine") == entry and "mine" in names()
    kept = files(root / "mine")
    note = kept.pop("dataset.yaml").decode()
    assert note.startswith("# made by `replicate data new mine ... --test 0.2 --seed 0`\nlayout:")
    for letter, folder in zip("AB", given, strict=True):
        placed = {Path(k).name: v for k, v in kept.items() if k.split("/")[0][-1] == letter}
        assert placed == files(folder)
    assert load("mine", "test", 8).domains == ("horse", "zebra")
    assert "copied to" in capsys.readouterr().out
    assert new("mine", given, test=0.2) == entry and "nothing to do" in capsys.readouterr().out


def test_the_split_follows_the_seed_and_the_pixels_not_the_names(root, given):
    first = new("one", given)
    for i, path in enumerate(sorted(given[0].iterdir())):
        path.rename(given[0] / f"x{19 - i:02d}.png")
    renamed = new("two", given)
    pixels = {name: {p.read_bytes() for p in (root / name / "testA").iterdir()} for name in
              ("one", "two")}  # fmt: skip
    assert pixels["one"] == pixels["two"] and first.counts == renamed.counts
    others = {frozenset(files(new(f"s{s}", given, seed=s).folder / "testA")) for s in range(5)}
    assert len(others) > 1


def test_duplicates_are_never_on_both_sides(root, given):
    for i in range(6):
        picture(i).save(given[0] / f"again{i}.bmp")  # other bytes, equal pixels
        shutil.copy(given[0] / f"{i}.png", given[1] / f"horse{i}.png")
    for seed in range(5):
        new(f"mine{seed}", given, test=0.3, seed=seed)
        report = audit(f"mine{seed}", progress=False)
        assert report["leaks"] == [] and len(report["duplicates"]) == 6


def test_the_split_by_hand(monkeypatch):
    """The order is c, a, b; of A's four images two are wanted, of B's two one."""
    monkeypatch.setattr(own, "rank", lambda what, seed: "cab".index(what))
    chosen = own.for_testing({"A": ["a", "a", "b", "c"], "B": ["b", "c"]}, 0.5, 0)
    # c takes one of A and all of B's room; two of a no longer fit, nor does b, because of B
    assert chosen == {"A": [False, False, False, True], "B": [False, True]}
    monkeypatch.setattr(own, "rank", lambda what, seed: "abc".index(what))
    chosen = own.for_testing({"A": ["a", "a", "a", "b", "b", "b"]}, 0.1, 0)
    assert Counter(chosen["A"]) == {True: 3, False: 3}  # three at least, since one is not to be had
    assert not any(own.for_testing({"A": ["a", "a"]}, 0.5, 0)["A"])


def test_files_that_cannot_be_decoded_are_all_named_and_nothing_is_left(root, given):
    (given[0] / "bad.jpg").write_bytes(b"nothing")
    (given[1] / "half.png").write_bytes((given[1] / "0.png").read_bytes()[:100])
    with pytest.raises(ReplicateError) as caught:
        new("mine", given)
    text = str(caught.value)
    assert text.startswith(f"2 files cannot be decoded: {given[0]}/bad.jpg (no image format")
    assert f"{given[1]}/half.png (" in text and text.endswith("delete them, and run again")
    assert not root.exists() or not list(root.iterdir())


def test_links_point_to_the_files(root, given):
    new("mine", given, link=True)
    linked = next((root / "mine" / "trainA").iterdir())
    assert linked.is_symlink() and linked.resolve().parent == given[0].resolve()


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"name": "facades"}, r"facades is a set of data/datasets\.yaml; expected a name of its"),
        ({"name": "packed"}, "'packed' cannot name a data set: expected letters"),
        ({"name": "../up"}, "cannot name a data set"),
        ({"test": 1.0}, "test 1: expected a share between 0 and 1"),
        ({"domains": ("horse", "horse")}, "expected two different names"),
        ({"domains": ("a/b", "zebra")}, r"domain 'a/b': expected letters, digits"),
    ],
)
def test_what_cannot_be_is_refused(root, given, change, complaint):
    with pytest.raises(ReplicateError, match=complaint):
        new(**{"name": "mine", "folders_ab": given} | change)
    assert not root.exists() or not list(root.iterdir())


def test_folders_that_do_not_do_are_refused(root, given, tmp_path):
    with pytest.raises(
        ReplicateError, match=r"photos has 0 images .*found 2 folder\), expected at"
    ):
        new("mine", (given[0], tmp_path / "photos"))
    with pytest.raises(ReplicateError, match=r"nowhere has 0 images .*no such folder"):
        new("mine", (given[0], tmp_path / "nowhere"))
    with pytest.raises(ReplicateError, match="given twice"):
        new("mine", (given[0], given[0]))
    picture(1).save(given[1] / "0.bmp")
    with pytest.raises(ReplicateError, match=r"0\.bmp and 0\.png of .*zebra differ by their endi"):
        new("mine", given)
    same = tmp_path / "same"
    same.mkdir()
    for i in range(3):
        picture(7).save(same / f"{i}.png")
    with pytest.raises(ReplicateError, match="same has 3 images, too few of them different"):
        new("mine", (given[0], same))


def test_another_set_of_that_name_stays_as_it_is(root, given):
    new("mine", given)
    before = files(root / "mine")
    for change in ({"seed": 1}, {"domains": ("x", "y")}):
        with pytest.raises(ReplicateError, match="exists and is not this set"):
            new("mine", given, **change)
    assert files(root / "mine") == before


def test_a_set_that_another_process_made_meanwhile_is_looked_at(root, given, monkeypatch):
    (root / "mine").mkdir(parents=True)  # empty, so it counts as none
    assert new("mine", given).counts["testA"] == 2
    monkeypatch.setattr(own, "holds_something", lambda folder: False)  # as before its rename
    assert new("mine", given).counts["testA"] == 2
    with pytest.raises(ReplicateError, match="exists and is not this set"):
        new("mine", given, seed=1)


def test_a_full_disk_leaves_nothing(root, given, monkeypatch):
    real, done = shutil.copyfile, []

    def full(source, target):
        done.append(source)
        if len(done) == 9:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(ReplicateError, match=r"mine cannot be written .*No space left.*nothing of"):
        new("mine", given)
    assert [path.name for path in root.iterdir()] == [".mine.lock"]


def test_a_note_that_is_wrong_is_told(root, given):
    note = new("mine", given).folder / "dataset.yaml"
    paired = "layout: pix2pix\nleft: x\ndomains: [x, y]\nsource: ''\nlicence: ''\n"
    for wrong in (paired, "- 1", "a: [", f"{note.read_text()}colour: red\n"):
        note.write_text(wrong)
        with pytest.raises(ReplicateError, match=r"dataset\.yaml.*: .*Correct it, or delete it"):
            spec("mine")
    note.unlink()
    assert spec("mine").domains == ("A", "B")
