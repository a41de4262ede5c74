"""Recipes on miniatures of the official formats: places, pixels and labels by value."""

import csv
import random
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import originals
from support.originals import MINIATURES, PARTS, PEOPLE

from replicate.datasets.packed import load
from replicate.datasets.recipes import celeba
from replicate.datasets.recipes.preparing import RECIPES, prepare
from replicate.datasets.spec import registered, spec
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run
from replicate.metrics.images import Folder
from replicate.metrics.pixels import pair_up
from replicate.naming import BY_NAME

EXPRESSIONS = (  # the labels 0 to 7
    "neutral", "happy", "angry", "contemptuous", "disgusted", "fearful", "sad", "surprised",
)  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.png"))


def labels(folder: Path) -> dict[str, list[str]]:
    with (folder / "labels.csv").open(newline="") as file:
        return {row[0]: row[1:] for row in csv.reader(file)}


@pytest.fixture
def here(tmp_path) -> Path:
    return tmp_path / "originals"


def test_cityscapes_becomes_pairs_with_label_colours_unmixed(root, here):
    entry = prepare("cityscapes", originals.cityscapes(here), "mini")
    folder = root / "mini"
    assert (entry.layout, entry.domains, entry.left) == ("pix2pix", ("photo", "label"), "photo")
    assert entry.counts == {"train": 3, "test": 2}
    with Image.open(
        here / "leftImg8bit/val/frankfurt/frankfurt_000001_000019_leftImg8bit.png"
    ) as p:
        photo = np.asarray(p.resize((256, 256), Image.Resampling.BICUBIC))
    with Image.open(folder / "test" / "0001.png") as opened:
        pair = np.asarray(opened)
    assert pair.shape == (256, 512, 3) and (pair[:, :256] == photo).all()
    stripes = (originals.ROAD, originals.CAR, originals.VOID)  # void as stored, black, not white
    rows = [stripes[(y // 8 // 3 + 1) % 3] for y in range(256)]  # 32 rows, 8 times as high
    assert (pair[:, 256:] == np.array(rows)[:, None]).all()
    packed = load("mini", "test", 256)
    assert (packed.arrays["A"][1] == photo).all()
    assert (packed.arrays["B"][1] == pair[:, 256:]).all()


def test_cityscapes_keeps_names_and_label_ids(root, here):
    prepare("cityscapes", originals.cityscapes(here), "mini")
    with (root / "mini" / "names.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "original"],
            ["train/0000.png", "aachen_000000_000019"],
            ["train/0001.png", "aachen_000001_000019"],
            ["train/0002.png", "zurich_000000_000019"],
            ["test/0000.png", "frankfurt_000000_000019"],
            ["test/0001.png", "frankfurt_000001_000019"],
        ]
    kept = root / "mini" / "labelIds"
    original = here / "gtFine/train/zurich/zurich_000000_000019_gtFine_labelIds.png"
    assert (kept / "train" / "0002.png").read_bytes() == original.read_bytes()
    sets = {"fake": Folder(root / "mini" / "test"), "real": Folder(kept / "test")}
    assert pair_up(sets, ("fake", "real"), "seg")[1] == BY_NAME  # as the segmentation scores ask


def test_cityscapes_does_without_label_ids(root, here, capsys):
    for file in originals.cityscapes(here).rglob("*_labelIds.png"):
        file.unlink()
    assert prepare("cityscapes", here, "mini").counts == {"train": 3, "test": 2}
    assert "no *_gtFine_labelIds.png, which the segm" in capsys.readouterr().out
    assert not (root / "mini" / "labelIds").exists()


def test_celeba_has_five_attributes_of_0_and_1(root, here, capsys):
    prepare("celeba", originals.celeba(here, PEOPLE, PARTS), "mini", split="official")
    folder, found = root / "mini", {}
    for name in ("trainA", "trainB", "testA", "testB", "testOthers"):
        header, *rows = labels(folder / name).items()
        assert header == ("file", ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"])
        assert [file for file, _ in rows] == names(folder / name)
        found[name] = {file: "".join(values) for file, values in rows}
    truth = ["10011", "01001", "00100", "00010"] * 3
    for rows in found.values():
        assert all(value == truth[int(file[:6]) - 1] for file, value in rows.items())
    train = found["trainA"] | found["trainB"]
    assert sorted(train) == [f"{i:06d}.png" for i in range(1, 7)] and len(found["trainA"]) == 3
    assert found["testA"] == {"000009.png": "10011"} and found["testB"] == {"000010.png": "01001"}
    assert sorted(found["testOthers"]) == ["000011.png", "000012.png"]
    assert "2 validation images left out" in capsys.readouterr().out
    images = load("mini", "train", 16)
    wanted = [list(map(int, found["trainA"][name])) for name in images.names["A"]]
    assert images.arrays["A_label"].tolist() == wanted and images.domains[0] == "black_hair"


def test_celeba_faces_are_the_centre(root, here):
    prepare("celeba", originals.celeba(here, PEOPLE, PARTS), "mini", split="official")
    with Image.open(here / "img_align_celeba" / "000009.jpg") as original:
        wanted = np.asarray(original)[20:198]  # of 218 rows
    with Image.open(root / "mini" / "testA" / "000009.png") as face:
        assert (np.asarray(face) == wanted).all()


@pytest.mark.parametrize(
    "domains, wanted",
    [
        (("black_hair", "brown_hair"), ({1, 5}, {3})),
        (("male", "female"), ({1, 4, 5}, {2, 3, 6})),
        (("young", "old"), ({1, 2, 5, 6}, {3, 4})),
        (("not_smiling", "smiling"), ({1, 2, 4, 5, 6}, {3})),
        (("male", "young"), ({4}, {2, 6})),  # who is both is in neither
    ],
)
def test_celeba_by_two_attributes(root, here, domains, wanted):
    originals.celeba(here, PEOPLE, PARTS)
    entry = prepare("celeba", here, "mini", domains=domains, split="official")
    train = [{int(n[:6]) for n in names(root / "mini" / f"train{X}")} for X in "AB"]
    assert tuple(train) == wanted and entry.domains == domains
    assert not list((root / "mini").rglob("labels.csv"))


def test_celebas_split_of_the_reference_is_pythons_shuffle(root, here, monkeypatch):
    originals.celeba(here, PEOPLE)
    with pytest.raises(ReplicateError, match=r"12 images, and the ref.*1999.*--split official"):
        prepare("celeba", here, "mini")
    monkeypatch.setattr(celeba, "TESTED", 8)
    prepare("celeba", here, "mini")
    lines = [f"{i:06d}" for i in range(1, 13)]
    random.seed(1234)  # as the reference does, on the lines of the list
    random.shuffle(lines)
    tested = [
        Path(n).stem for part in ("A", "B", "Others") for n in names(root / f"mini/test{part}")
    ]
    assert sorted(tested) == sorted(lines[:8])


def test_rafd_expressions_are_labels_and_persons_are_not_divided(root, here, capsys):
    prepare("rafd", originals.rafd(here), "mini")
    folder, people = root / "mini", defaultdict(set)
    seen = []
    for name in ("trainA", "trainB", "testA", "testB", "testOthers"):
        rows = labels(folder / name)
        assert rows.pop("file") == ["label", "class"]
        for file, (label, word) in rows.items():
            assert file.split("_")[4] == word == EXPRESSIONS[int(label)]
            people[name[:4] == "test"].add(file.split("_")[1])
            seen.append(file)
        if name.startswith("train"):  # every expression in both halves, as there are three people
            assert {word for _, word in rows.values()} == set(EXPRESSIONS)
    assert len(seen) == len(set(seen)) == 4 * 8
    assert len(people[True]) == 1 and len(people[False]) == 3 and not people[True] & people[False]
    assert f"persons to test: {min(people[True])}" in capsys.readouterr().out
    assert {n.split("_")[4] for n in names(folder / "testA")} == {"neutral"}
    assert {n.split("_")[4] for n in names(folder / "testB")} == {"happy"}
    file = names(folder / "testA")[0]
    with (
        Image.open(here / file.replace("png", "jpg")) as original,
        Image.open(folder / "testA" / file) as face,
    ):  # 34x51
        assert (np.asarray(face) == np.asarray(original)[8:42]).all()


def test_rafd_frontal_and_by_two_expressions(root, here, capsys):
    originals.rafd(here, persons=12, cameras=("045", "090"))
    entry = prepare("rafd", here, "mini", domains=("neutral", "happy"), frontal=True)
    assert entry.counts == {"trainA": 11, "trainB": 11, "testA": 1, "testB": 1}
    placed = [file for X in "AB" for file in names(root / "mini" / f"train{X}")]
    assert {file[:7] for file in placed} == {"Rafd090"}
    assert "96 images of other cameras left out" in capsys.readouterr().out


def test_cub_is_cut_by_box_with_classes_from_0(root, here):
    prepare("cub", originals.cub(here / "CUB_200_2011"), "mini")
    tested = {True: set(), False: set()}
    for name in ("trainA", "trainB", "testA", "testB"):
        rows = labels(root / "mini" / name)
        assert rows.pop("file") == ["label", "class"]
        assert [row[0] for row in sorted(rows.values())] == ["0", "1"]  # one of each class
        for file, (label, word) in rows.items():
            number = int(file[:5])
            assert int(label) == (number - 1) // 4
            assert word == ("001.Black_footed_Albatross", "002.Laysan_Albatross")[int(label)]
            tested[name.startswith("test")].add(number)
    assert tested == {True: {1, 3, 5, 7}, False: {2, 4, 6, 8}}
    (file,) = (root / "mini").glob("*/00004_bird_3.png")
    with Image.open(here / "CUB_200_2011/images/001.Black_footed_Albatross/bird_3.jpg") as original:
        wanted = np.asarray(original)[2:32, 3:43]
    with Image.open(file) as bird:
        assert (np.asarray(bird) == wanted).all()


def test_cubs_boxes_are_widened_to_whole_pixels_and_cut_at_the_edge(root, here):
    originals.cub(here)
    boxes = here / "bounding_boxes.txt"
    lines = boxes.read_text().replace("1 0.0 2.0 40.0 30.0", "1 10.5 20.5 60.0 9.2")
    boxes.write_text(lines)
    prepare("cub", here, "mini")
    with Image.open(next((root / "mini").glob("*/00001_bird_0.png"))) as bird:
        assert bird.size == (50, 10)  # 10 to 60, where the image ends; 20 to 29.7
    shutil.rmtree(root / "mini")
    boxes.write_text(lines.replace("1 10.5", "1 99.5"))
    with pytest.raises(ReplicateError, match=r"bird_0\.jpg: box \(99, 20, 160, 30\) lies outside"):
        prepare("cub", here, "mini")
    assert not (root / "mini").exists() and not list(root.glob(".building-*"))


def test_animals_are_four_domains_of_two_sets(root, here, capsys):
    entry = prepare("animals", originals.animals(here), "mini")
    assert entry.domains == ("horse", "zebra") and entry.labels == ("horse", "zebra", "cat", "dog")
    # of six, five, six and four to train with four each; of two, three, two and three to test two
    assert entry.counts == {"trainA": 8, "trainB": 8, "testA": 2, "testB": 2, "testOthers": 4}
    assert "train: 4 of each" in capsys.readouterr().out
    for name in entry.counts:
        rows = labels(root / "mini" / name)
        assert rows.pop("file") == ["label", "class"]
        for file, (label, word) in rows.items():
            assert file.startswith(f"{word}_n_") and entry.labels[int(label)] == word
    train = [n for X in "AB" for n in names(root / "mini" / f"train{X}")]
    assert len(set(train)) == 16 and sum(n.startswith("cat") for n in train) == 4
    assert {n.split("_")[0] for n in names(root / "mini" / "testOthers")} == {"cat", "dog"}
    test = load("mini", "test", 16)
    assert test.arrays["others"].shape == (4, 16, 16, 3)
    assert sorted(test.arrays["others_label"]) == [2, 2, 3, 3] and len(test.names["others"]) == 4
    file = names(root / "mini" / "testB")[0]
    original = here / "horse2zebra" / "testB" / file.removeprefix("zebra_")
    with Image.open(original) as opened, Image.open(root / "mini" / "testB" / file) as made:
        assert (np.asarray(made) == np.asarray(opened)[2:22]).all()  # 20x24, its centred square
    assert spec("mini").folders("test") == ("testA", "testB", "testOthers")


def test_animals_need_both_sets_and_leave_out_what_these_leave_out(root, here):
    originals.animals(here)
    leak = here / "horse2zebra" / registered("horse2zebra").left_out[0]
    Image.new("RGB", (20, 20)).save(leak)
    prepare("animals", here, "mini")
    assert not list((root / "mini").rglob(f"horse_{leak.stem}.png"))
    shutil.rmtree(here / "cats_dogs")
    with pytest.raises(ReplicateError, match=r"has no cats_dogs .* from cats_dogs\.zip"):
        prepare("animals", here, "other")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_agrees_with_the_registry(name):
    """Where the registry has the set, its domains are those that the recipe gives by itself."""
    if entry := registered(name):
        assert entry.domains == RECIPES[name].DOMAINS
        assert entry.labels == (RECIPES[name].LABELS if name == "animals" else ())


def test_dagan_trains_on_the_classes_of_birds(workspace, here):
    prepare("cub", MINIATURES["cub"](here), "mini")
    assert spec("mini").counts["trainA"] >= 2
    run = ensure(make_run("dagan", "mini", 0, "smoke", {"n_classes": "2"}), offline=True)
    assert run.record()["status"] == "finished"
