"""What the listing says of each set: its state, its size, and what a user must do to have it."""

import json

import pytest
from support.pictures import paired, picture, unpaired

from replicate.datasets.listing import describe, format_listing, size_on_disk, to_do
from replicate.datasets.packed import load
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError


def listed() -> dict[str, dict]:
    return {line["name"]: line for line in describe()}


def test_the_state_and_the_size_of_every_set(root):
    unpaired(root / "mine")
    paired(root / "facades")
    (root / "horse2zebra").mkdir()  # an empty folder is no set
    found = listed()
    here = {name: line["state"] for name, line in found.items() if line["state"] != "missing"}
    assert here == {
        "horse2zebra_drawn": "synthetic",
        "shapes_drawn": "synthetic",
        "horse2zebra_herd_drawn": "synthetic",
        "shapes_captioned": "synthetic",
        "facades": "incomplete",
        "mine": "present",
    }
    assert found["mine"]["counts"] == {"trainA": 3, "trainB": 2, "testA": 2, "testB": 2}
    files = [p for p in (root / "mine").rglob("*") if p.is_file()]
    assert found["mine"]["bytes"] == sum(len(p.read_bytes()) for p in files) > 0
    assert found["cat2dog"]["bytes"] == 0 == size_on_disk(root / "nothing")
    assert json.loads(json.dumps(found)) == found


def test_every_set_that_is_not_here_says_in_one_line_what_to_do(root):
    for name, line in listed().items():
        told = line["to_do"]
        assert told and "\n" not in told and "{" not in told.replace("{train", "")
        command = "`replicate data " in told or str(root / name) in told
        assert command == (line["state"] == "missing"), name


@pytest.mark.parametrize(
    "name, text",
    [
        ("horse2zebra", "`replicate data get horse2zebra`, about 117 MB"),
        ("cat2dog", "`replicate data get cat2dog`, size not on record"),
        ("mnist2usps", "`replicate data get mnist2usps`, by torchvision"),
        ("cats_dogs", "no address is on record; with the archive at hand, `replicate data get "
                      "cats_dogs --from PATH/cats_dogs.zip`"),
        ("winter2summer", "`replicate data get summer2winter_yosemite`, about 133 MB: one folder "
                          "serves both"),
        ("horse2zebra_drawn", "nothing: it is made when it is first used"),
    ],
)  # fmt: skip
def test_what_to_do(root, name, text):
    assert to_do(spec(name), None) == text


def test_a_set_that_is_here_in_part_is_told_what_it_lacks(root):
    paired(root / "facades")
    told = listed()["facades"]["to_do"]
    assert told == (
        f"train has 3 images, expected 400; test has 3 images, expected 106: complete "
        f"{root}/facades, or move it away and get it"
    )


def test_the_text_says_what_is_not_on_record(root):
    lines = format_listing(describe()).splitlines()
    assert any(line.startswith("cat2dog ") and "counts not on record" in line for line in lines)
    assert sum(not line.startswith(" ") for line in lines) == len(describe())


def test_a_reversed_set_reads_the_other_ones_files_the_other_way(root):
    folder = unpaired(root / "vangogh2photo", (3, 2, 2, 1))
    there, back = (load(n, "train", 8) for n in ("vangogh2photo", "photo2vangogh"))
    assert there.domains == ("vangogh", "photo") and back.domains == ("photo", "vangogh")
    assert (back.arrays["A"] == there.arrays["B"]).all() and len(back.arrays["A"]) == 2
    assert (back.arrays["B"] == there.arrays["A"]).all() and len(back.arrays["B"]) == 3
    assert back.names["A"] == there.names["B"]
    found = listed()
    assert found["photo2vangogh"]["counts"] == {
        "trainA": 6287, "trainB": 400, "testA": 751, "testB": 400,
    }  # fmt: skip
    assert found["photo2vangogh"]["bytes"] == found["vangogh2photo"]["bytes"]
    picture(7).save(folder / "trainA" / "new.png")
    assert len(load("photo2vangogh", "train", 8).arrays["B"]) == 4


def test_a_missing_set_tells_what_to_do(root):
    for name, text in (
        ("photo2vangogh", rf"{root}/vangogh2photo does not exist\. Run `replicate data get vang"),
        ("rafd", r"About this set: on request only: apply at"),
        ("lion2tiger", rf"into {root}/lion2tiger/{{trainA,trainB,testA,testB}}"),
    ):
        with pytest.raises(ReplicateError, match=text):
            load(name, "train", 8)
