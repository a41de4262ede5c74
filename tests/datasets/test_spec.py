"""The registry file, and folders that need no entry in it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from replicate.datasets import drawn, own
from replicate.datasets.spec import RESERVED, Spec, names, spec
from replicate.errors import ReplicateError, UnknownName


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    return tmp_path


def test_every_entry_of_the_registry_file_is_well_formed(root):
    drawn = ["horse2zebra_drawn", "shapes_drawn", "horse2zebra_herd_drawn", "shapes_captioned"]
    assert names()[:6] == [*drawn, "cats_dogs", "facades"]
    assert [spec(name).name for name in names()] == names()
    assert spec("facades").paired and not spec("cats_dogs").paired


def test_the_drawn_entry_agrees_with_the_module_that_draws():
    entry = spec(drawn.NAME)
    assert entry.domains == drawn.DOMAINS
    assert entry.counts == {f"{s}{d}": n for s, n in drawn.COUNTS.items() for d in "AB"}


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"domains": ("x", "x")}, "two different names"),
        ({"layout": "pix2pix"}, "expected a domain for pix2pix"),
        ({"left": "x"}, "else nothing"),
        ({"layout": "torchvision"}, "expected two of"),
        ({"layout": "drawn", "fit": "pad"}, "fit pad: layout drawn has no image files"),
        ({"domains": ["a/b", "c"]}, "domain 'a/b': expected letters"),
        ({"counts": {"train": 3}}, "counts of"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": "0" * 64}, "need the archive's file name"),
        ({"name": "../up"}, "cannot name a data set"),
        ({"licnce": "MIT"}, "licnce"),
    ],
)
def test_a_malformed_entry_is_refused(change, complaint):
    good = {"name": "n", "layout": "cyclegan", "domains": ("x", "y"), "source": "", "licence": ""}
    assert Spec(**good).domains == ("x", "y")
    with pytest.raises(ValueError, match=complaint):
        Spec(**good | change)


def test_an_unknown_set_names_the_closest_one_and_where_own_images_go(root):
    with pytest.raises(UnknownName, match=r"did you mean 'facades'.*Own images go to .*trainA"):
        spec("facade")
    for name in ("../up", "packed", ""):
        with pytest.raises(UnknownName):
            spec(name)


def test_a_folder_in_a_known_layout_is_a_set_without_an_entry(root):
    for folder in ("mine/trainA", "pairs/train", "notes", "packed/train", ".hidden/train"):
        (root / folder).mkdir(parents=True)
    assert names()[-2:] == ["mine", "pairs"]
    assert spec("mine").domains == ("A", "B") and not spec("mine").paired
    assert spec("pairs").paired and spec("pairs").left == "A"


@pytest.mark.parametrize("name", [n for r in RESERVED for n in (r, r.upper(), r.title())])
def test_a_name_of_a_folder_of_the_data_root_names_no_set(tmp_path, monkeypatch, name):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    (tmp_path / name / "trainA").mkdir(parents=True)
    assert name not in names()
    with pytest.raises(UnknownName, match="unknown data set"):
        spec(name)
    with pytest.raises(ReplicateError, match=f"'{name}' cannot name a data set: .*weights"):
        own.check_name(name)
    with pytest.raises(ValidationError, match="cannot name a data set"):
        Spec(name=name, layout="cyclegan", domains=("a", "b"), source="", licence="")
