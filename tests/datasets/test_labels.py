"""Labels beside the images of a folder: read by value, and what is refused."""

import pytest
from support.pictures import unpaired

from replicate.datasets import labels
from replicate.datasets.packed import load
from replicate.errors import ReplicateError


def test_labels_beside_images_reach_the_packed_set(root):
    folder = unpaired(root / "mine")
    before = load("mine", "train", 8)
    classes = {path.name: (i, f"class {i}") for i, path in enumerate((folder / "trainA").iterdir())}
    labels.write(folder / "trainA", labels.CLASS, classes)
    truths = {path.name: (i % 2, 1, 0) for i, path in enumerate((folder / "trainB").iterdir())}
    labels.write(folder / "trainB", ("Male", "Young", "Bald"), truths)
    images = load("mine", "train", 8)
    assert images.arrays["A_label"].tolist() == [classes[name][0] for name in images.names["A"]]
    assert images.arrays["B_label"].tolist() == [list(truths[name]) for name in images.names["B"]]
    assert images.arrays["A_label"].dtype == images.arrays["B_label"].dtype == "int64"
    assert set(before.arrays) == {"A", "B"} and (images.arrays["A"] == before.arrays["A"]).all()
    first = images.names["A"][0]
    labels.write(folder / "trainA", labels.CLASS, classes | {first: (99, "other")})
    assert load("mine", "train", 8).arrays["A_label"][0] == 99  # and not what was packed before


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", r"begins with '', expected the header file,label,class"),
        ("name,label\n", "begins with 'name,label', expected the header"),
        (
            "file,label\n0.png,1\n",
            r"29 images have no label \(.*one row for each of the folder's 30",
        ),
        ("file,label\n{all}gone.png,1\n", r"1 labels have no image \(gone\.png\)"),
        ("file,label\n{all}0.png,1\n", "31 rows of 30 files, expected one each"),
        ("file,label\n0.png,-1\n", r"found '0\.png,-1', expected a class from 0"),
        ("file,Male\n0.png,2\n", r"found '0\.png,2', expected 0 or 1 for each attribute"),
        ("file,Male,Young\n0.png,1\n", r"found '0\.png,1', expected 0 or 1"),
    ],
)
def test_labels_that_are_wrong_are_told(tmp_path, text, complaint):
    images = [tmp_path / f"{i}.png" for i in range(30)]
    rows = "".join(f"{path.name},0\n" for path in images)
    (tmp_path / "labels.csv").write_text(text.replace("{all}", rows))
    with pytest.raises(ReplicateError, match=complaint):
        labels.read(images)
