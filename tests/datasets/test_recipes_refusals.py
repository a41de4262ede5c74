"""Recipes on miniatures that lack something: what is told, and that nothing is left behind."""

import shutil
from pathlib import Path

import pytest
from support import originals
from support.originals import MINIATURES

from replicate.datasets.recipes.preparing import prepare
from replicate.errors import ReplicateError, UnknownName


@pytest.fixture
def here(tmp_path) -> Path:
    return tmp_path / "originals"


def options(name: str) -> dict[str, str]:
    """The split of the reference takes 1,999 faces, which no miniature has."""
    return {"split": "official"} if name == "celeba" else {}


@pytest.mark.parametrize(
    "name, gone, complaint",
    [
        ("cityscapes", "gtFine", r"has no gtFine \(.*expected .*gtFine, from gtFine_trainvaltest"),
        ("cityscapes", "leftImg8bit/val", r"2 of 2 photos are missing: .*leftImg8bit/val/frank"),
        ("cityscapes", "leftImg8bit/train/zurich", r"1 of 3 photos are missing: .*zurich_0000"),
        (
            "cityscapes",
            "gtFine/val/frankfurt/frankfurt_000001_000019_gtFine_labelIds.png",
            r"1 of 4 label files are missing: .*frankfurt_000001_000019_gtFine_labelIds\.png\. Th",
        ),
        ("celeba", "list_attr_celeba.txt", r"has no list_attr_celeba\.txt .*from CelebA's folder"),
        ("celeba", "list_eval_partition.txt", r"has no list_eval_partition\.txt"),
        ("celeba", "img_align_celeba/000003.jpg", r"1 of 12 images are missing: .*000003\.jpg"),
        ("cub", "bounding_boxes.txt", r"has no bounding_boxes\.txt .*from CUB_200_2011\.tgz"),
        ("cub", "images/002.Laysan_Albatross", r"4 of 8 images are missing: .*bird_2.* and 1 more"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(root, here, name, gone, complaint):
    folder = MINIATURES[name](here)
    path = folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ReplicateError, match=complaint):
        prepare(name, folder, "mini", **options(name))
    assert not root.exists() or not list(root.iterdir())


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "name, file, old, new, complaint",
    [
        ("celeba", "list_attr_celeba.txt", "12\n", "13\n", "12 rows after the number 13"),
        ("celeba", "list_attr_celeba.txt", " -1", "  0", "values besides -1 and 1"),
        ("celeba", "list_attr_celeba.txt", "12\n", "", "begins with 'Bald Black_Hair"),
        (
            "cub",
            "image_class_labels.txt",
            "8 2\n",
            "",
            "has 7 images, expected each of the 8 of",
        ),
        ("cub", "train_test_split.txt", "8 1", "1 1", "has 8 images, expected each of the 8 of"),
        ("cub", "train_test_split.txt", "8 1", "8 2", "1 of 8 values of train_test_split.txt are"),
        ("cub", "image_class_labels.txt", "8 2", "8 7", "1 of 2 classes are not in classes.txt: 7"),
        ("cub", "bounding_boxes.txt", "40.0", "wide", r"bounding_boxes\.txt: .*expected a number"),
    ],
)
def test_damaged_lists_are_told(root, here, name, file, old, new, complaint):
    folder = MINIATURES[name](here)
    spoil(folder / file, old, new)
    with pytest.raises(ReplicateError, match=complaint):
        prepare(name, folder, "mini", **options(name))
    assert not (root / "mini").exists()


def test_a_damaged_original_leaves_nothing(root, here):
    folder = originals.cityscapes(here)
    file = next(folder.rglob("zurich*_color.png"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ReplicateError, match=r"zurich_.*_color\.png cannot be decoded \(truncated"):
        prepare("cityscapes", folder, "mini")
    assert [path.name for path in root.iterdir()] == [".mini.lock"]


def test_photographs_of_other_names_are_refused(root, here):
    originals.rafd(here)
    (here / "IMG_1.jpg").write_bytes(b"")
    with pytest.raises(ReplicateError, match=r"1 of 33 images are not named .*IMG_1.*Rafd090_01_"):
        prepare("rafd", here, "mini")
    with pytest.raises(ReplicateError, match="nowhere holds no photographs"):
        prepare("rafd", here / "nowhere", "mini")


def test_asked_again_it_is_complete_and_another_choice_needs_another_name(root, here, capsys):
    first = prepare("rafd", originals.rafd(here), "mini")
    shutil.rmtree(here)
    assert prepare("rafd", here, "mini") == first
    assert capsys.readouterr().out.endswith(f"mini: {root}/mini is complete, nothing to do\n")
    with pytest.raises(ReplicateError, match=r"holds another choice \(RaFD, eight .*--as mini_2"):
        prepare("rafd", here, "mini", frontal=True)
    next((root / "mini" / "testA").glob("*.png")).unlink()
    with pytest.raises(ReplicateError, match="exists but is incomplete: testA has 0 images"):
        prepare("rafd", here, "mini")


def test_a_part_is_not_taken_for_the_set_of_the_registry(root, here, monkeypatch):
    whole = prepare("cityscapes", originals.cityscapes(here), "mini")
    known = whole.model_copy(update={"name": "cityscapes", "counts": {"train": 2975, "test": 500}})
    monkeypatch.setattr("replicate.datasets.recipes.preparing.registered", {
        "cityscapes": known}.get)  # fmt: skip
    with pytest.raises(ReplicateError, match=r"train has 3 images, expected 2975.*`--as citysc"):
        prepare("cityscapes", here)
    assert not (root / "cityscapes").exists()


def test_unknown_recipes_options_and_domains_get_the_closest_match(root, here):
    with pytest.raises(UnknownName, match="did you mean 'cityscapes'"):
        prepare("cityscape", here)
    with pytest.raises(UnknownName, match=r"option of the recipe cub 'frontal'; known: none"):
        prepare("cub", here, frontal=True)
    with pytest.raises(UnknownName, match="did you mean 'neutral'"):
        prepare("rafd", here, domains=("neutrl", "happy"))
    with pytest.raises(UnknownName, match="did you mean 'blond_hair'"):
        prepare(
            "celeba", MINIATURES["celeba"](here), domains=("blonde_hair", "male"), split="official"
        )
