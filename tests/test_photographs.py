"""Real photographs: crops in training, whole images in tests, masks, and images left out."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.archives import NAME, members

from replicate.datasets import fetch, packed, palettes, targets
from replicate.datasets.recipes.preparing import prepare
from replicate.datasets.spec import Masks, spec
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run

PAPERS = ("cyclegan", "aggan", "attentiongan", "ugatit", "spatial_guidance", "spagan")


@pytest.mark.parametrize("method", PAPERS)
def test_photographs_train_on_crops_and_drawn_sets_as_before(method):
    photographs = make_run(method, "horse2zebra", 0, "laptop")
    c = photographs.config
    assert (c.load_size, c.crop_size, c.scored_size) == (128, 64, 128)
    assert photographs.identity()["config"]["test_size"] == 128
    drawn = make_run(method, "horse2zebra_drawn", 0, "laptop")
    assert drawn.config.scored_size == 64
    assert "test_size" not in drawn.identity()["config"]
    night = make_run(method, "horse2zebra", 0, "overnight").config
    assert night.scored_size == 128 and night.iterations > c.iterations


@pytest.mark.parametrize(
    "method, text",
    [
        ("ugatit", r"test_size=512 with crop_size=256: the full head is fully connected"),
        ("dagan", r"its windows are laid out for the crop; train and test at one size"),
        ("pix2pix", r"its U-Net halves the crop"),
    ],
)
def test_networks_for_one_size_refuse_another(method, text):
    with pytest.raises(ReplicateError, match=text):
        make_run(method, "", 0, "paper", {"test_size": 512})
    assert make_run("ugatit:light", "", 0, "paper", {"test_size": 512}).config.scored_size == 512


def test_a_test_size_is_a_multiple_of_what_generators_halve():
    with pytest.raises(ReplicateError, match="test_size=66: expected a multiple of 4 px"):
        make_run("cyclegan", "", 0, "laptop", {"test_size": 66})


def test_whole_test_images_are_translated_and_scored(tiny):
    run = ensure(make_run("cyclegan", tiny, 0, "smoke", {"crop_size": 16, "test_size": 32}))
    (file, *_) = sorted((run.folder / "outputs").rglob("*.png"))
    with Image.open(file) as opened:
        assert opened.size == (32, 32)
    assert run.record()["config"]["crop_size"] == 16


@pytest.fixture
def placed(root, entry):
    """The toys in their folders, of which one is left out; its masks are in an archive."""
    masks = Masks(archive="toys_masks.zip", sha256="", made="pseudo masks, made by a segmenter")
    entry(left_out=("trainA/1.png",), masks=masks, classes={"y": ("340",)})
    for name, content in members("").items():
        file = root / NAME / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def mask(inside: int) -> bytes:
    """A PNG of one bit, white in the left half or everywhere."""
    pixels = np.zeros((64, 64), bool)
    pixels[:, :inside] = True
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "png")
    return written.getvalue()


def test_what_the_test_split_holds_is_left_out_of_training(placed):
    train = packed.load(NAME, "train", 16)
    assert train.names == {"A": ["0.png"], "B": ["0.png", "1.png"]}
    assert len(packed.load(NAME, "test", 16).names["A"]) == 2


def test_masks_come_beside_the_set_and_are_named_for_what_they_are(placed, tmp_path, capsys):
    assert "A_mask" not in packed.load(NAME, "test", 16).arrays
    archive = tmp_path / "toys_masks.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for i, inside in enumerate((32, 64)):
            made.writestr(f"toys/testA_mask/{i}.png", mask(inside))
    fetch.get(NAME, str(archive))
    assert "pseudo masks, made by a segmenter" in capsys.readouterr().out
    test = packed.load(NAME, "test", 16)
    assert test.passport["masks"] == "pseudo masks, made by a segmenter"
    found = np.asarray(test.arrays["A_mask"])
    assert found.mean(axis=(1, 2)).tolist() == [0.5, 1.0] and "B_mask" not in test.arrays
    (placed / "masks" / NAME / "testA_mask" / "1.png").unlink()
    with pytest.raises(ReplicateError, match=r"lacks 1 of 2 masks \(1\.png"):
        packed.load(NAME, "test", 16)


def test_a_folder_of_a_set_knows_its_classes(placed):
    assert targets.classes_of_folder(placed / NAME / "testB") == (340,)
    assert targets.classes_of_folder(placed / NAME / "testA") == ()
    assert targets.classes_of_folder(placed / "elsewhere") == ()


def test_domains_and_users_name_classes():
    assert targets.classes_of_domain("zebra") == (340,)
    assert spec("cats_dogs").classes_of("cat") == tuple(range(281, 286))
    assert targets.classes_in("151-153, 340") == (151, 152, 153, 340)
    with pytest.raises(ReplicateError, match=r"did you mean 'zebra'"):
        targets.classes_of_domain("zebre")
    for text in ("1000", "a", "1-", ""):
        with pytest.raises(ReplicateError, match="--classes"):
            targets.classes_in(text)


def test_camvid_becomes_pairs_with_the_colours_of_its_palette(root, tmp_path):
    rng, place = np.random.default_rng(0), tmp_path / "camvid"
    for split in ("train", "test"):
        for folder in (split, f"{split}_labels"):
            (place / folder).mkdir(parents=True)
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(place / split / "a.jpg")
        labels = np.arange(256, dtype=np.uint8).reshape(16, 16) % 12
        Image.fromarray(labels).save(place / f"{split}_labels" / "a.png")
    prepare("camvid", tmp_path, "streets")
    with Image.open(root / "streets" / "test" / "a.png") as opened:
        pair = np.asarray(opened)
    assert (pair[:, 16:] == palettes.load("camvid").colours[labels]).all()
    (place / "test_labels" / "a.png").unlink()
    with pytest.raises(ReplicateError, match="1 of 2 label files are missing"):
        prepare("camvid", tmp_path, "others")
