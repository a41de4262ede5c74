"""The test split through methods whose outputs, and so whose scores, are known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from replicate import evaluation
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import Outputs, in_words, score_direction, to_uint8, translate_split
from replicate.methods.base import Config, Method, Translation

SIZE = 32  # px, the least that the stand-in extractor takes


class Known(Method):
    """Gives for image i of a domain what `images` and `maps` hold at i; looks i up by content."""

    def __init__(self, source, images, maps=None, precision="fp32") -> None:
        self.source, self.images, self.maps = source, images, maps
        super().__init__(replace(Config(), precision=precision))

    def build(self, c) -> None:
        self.weight = nn.Parameter(torch.zeros(1))  # tells the device

    def translate(self, x, direction) -> Translation:
        place = {image.tobytes(): i for i, image in enumerate(self.source)}
        chosen = [place[image.tobytes()] for image in to_uint8(x)]
        image = torch.from_numpy(self.images[chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1
        if self.maps is None:
            return Translation(image)
        return Translation(image, torch.from_numpy(self.maps[chosen])[:, None].float())


def drawn(n_a: int = 8, n_b: int = 6, **changes: object) -> ImageSet:
    """Random images; the mask of A is the left half, its ideal the image with the left inverted."""
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (n, SIZE, SIZE, 3), np.uint8) for n in (n_a, n_b))
    mask = np.zeros((n_a, SIZE, SIZE), np.uint8)
    mask[:, :, : SIZE // 2] = 1
    ideal = np.where(mask[..., None], 255 - a, a)
    arrays = {"A": a, "B": b, "A_mask": mask, "A_ideal": ideal}
    names = {"A": [f"horse_{i}.jpg" for i in range(n_a)], "B": [f"{i}.png" for i in range(n_b)]}
    made = ImageSet("drawn", "test", SIZE, ("horse", "zebra"), False, arrays, names, {})
    return replace(made, **changes)


def plain(images: ImageSet) -> ImageSet:
    """The same without masks and ideals."""
    return replace(images, arrays={key: images.arrays[key] for key in "AB"})


def scores(made, images: ImageSet, maps=None, direction="AB", cell=1) -> dict:
    rows = score_direction(
        Outputs(made, maps), direction, images, images, cell, None, True, at_most=4
    )
    return {row.metric if "/" not in row.metric else row.protocol: row for row in rows}


def test_to_uint8_gives_every_level_back():
    levels = torch.arange(256, dtype=torch.float32)
    x = (levels / 127.5 - 1).reshape(1, 1, 16, 16).repeat(2, 3, 1, 1)
    made = to_uint8(x)
    assert made.shape == (2, 16, 16, 3) and made.dtype == np.uint8
    assert (made[1, ..., 2].ravel() == np.arange(256)).all()


@pytest.mark.parametrize(
    "x, level", [(-1.0, 0), (1.0, 255), (-7.0, 0), (7.0, 255), (-0.9963, 0), (-0.9959, 1)]
)
def test_to_uint8_rounds_to_the_nearest_level_and_clamps(x, level):
    # half a level above the lowest is 0.5 / 127.5 - 1 = -0.99608
    assert (to_uint8(torch.full((1, 3, 2, 2), x)) == level).all()
    assert to_uint8(torch.full((1, 3, 2, 2), x, dtype=torch.bfloat16)).dtype == np.uint8


def test_directions_are_words():
    images = drawn()
    assert (in_words("AB", images), in_words("BA", images)) == ("horse->zebra", "zebra->horse")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_split_is_translated_whole_and_in_order(precision):
    images = drawn(n_a=evaluation.BATCH + 3)
    a, mask = images.arrays["A"], images.arrays["A_mask"].astype(np.float32)
    made = translate_split(Known(a, 255 - a, mask * 0.25, precision), images, "AB")
    assert (made.images == 255 - a).all()
    assert made.attention.shape == mask.shape and (made.attention == mask * 0.25).all()
    assert translate_split(Known(a, a), images, "AB").attention is None


def test_the_identity_keeps_the_background_and_changes_nothing_else():
    images = drawn()
    made = translate_split(Known(images.arrays["A"], images.arrays["A"]), images, "AB").images
    found = scores(made, images)
    background, foreground = found["background_psnr"], found["foreground_error"]
    assert background.value == background.do_nothing == float("inf")
    assert background.note == "identical"
    left = images.arrays["A"][:, :, : SIZE // 2].astype(float)
    by_hand = np.abs(255 - 2 * left).mean() / 255
    # both are means of float64 sums over 10,000 values: only rounding may differ
    assert foreground.value == foreground.do_nothing == pytest.approx(by_hand, rel=1e-12)
    assert found["psnr"].value == found["psnr"].do_nothing < 15  # half of each image is inverted
    assert found["ssim"].value == found["ssim"].do_nothing < 1
    assert "attention_iou" not in found and "attention_mean" not in found


def test_the_ideal_translation_has_every_ideal_score():
    images = drawn()
    found = scores(images.arrays["A_ideal"], images, images.arrays["A_mask"].astype(float))
    assert found["background_psnr"].value == float("inf")
    assert found["foreground_error"].value == 0 < found["foreground_error"].do_nothing
    assert found["psnr"].value == float("inf") and found["ssim"].value == 1
    assert found["attention_iou"].value == found["attention_iou_ceiling"].value == 1
    assert found["attention_iou"].do_nothing == 0.5  # a map of ones against half the image
    assert found["attention_mean"].value == 0.5


def test_a_method_that_repaints_the_background_is_told_apart():
    images = drawn()
    wrong = np.where(images.arrays["A_mask"][..., None], images.arrays["A"], 0).astype(np.uint8)
    inverted = 1.0 - images.arrays["A_mask"]
    found = scores(wrong, images, inverted)
    assert found["background_psnr"].value < 10 and found["attention_iou"].value == 0
    assert found["foreground_error"].value == found["foreground_error"].do_nothing


def test_the_ceiling_is_that_of_the_methods_grid():
    images = drawn()
    mask = np.zeros_like(images.arrays["A_mask"])
    mask[:, :, :4] = 1  # half a column of 8 px cells: the best map takes whole cells, IoU 1/2
    arrays = images.arrays | {"A_mask": mask}
    found = scores(
        images.arrays["A"], replace(images, arrays=arrays), mask.astype(float), "AB", cell=8
    )
    assert found["attention_iou_ceiling"].value == 0.5
    assert found["attention_iou"].note == "ceiling of the map's 8 px grid: 0.5000"


@pytest.mark.parametrize("attends", [True, False])
def test_masks_without_ideals_give_what_masks_alone_can_tell(attends):
    images = drawn()
    whole, arrays = images, {k: a for k, a in images.arrays.items() if k != "A_ideal"}
    maps = images.arrays["A_mask"].astype(float) if attends else None
    found = scores(images.arrays["B"][[0] * 8], replace(images, arrays=arrays), maps)
    expected = scores(images.arrays["B"][[0] * 8], whole, maps)
    assert set(expected) - set(found) == {"psnr", "ssim", "foreground_error"}
    assert found == {name: expected[name] for name in found}


def test_without_a_truth_only_distances_are_scored():
    images = plain(drawn())
    made = Outputs(images.arrays["B"], None)
    found = score_direction(made, "BA", images, images, 1, None, True, classes=(340,), at_most=5)
    assert {row.metric for row in found} == {"kid", "fid", "class_rate", "class_probability"}
    real = [row for row in found if "efficientnet" in row.protocol]
    assert [(row.n_fake, row.n_real) for row in real] == [(5, 5)] * 4
    measured = {row.protocol: row for row in found if row.value is not None}
    others = {"kid/standin", "fid/standin"}
    assert set(measured) == others | {row.protocol for row in real}
    assert all(row.value == row.do_nothing for row in measured.values())  # B scored as itself
    assert all(row.floor is not None for row in measured.values())
    empty = [row for row in found if row.protocol not in measured]
    assert all(row.note == "not computed: --offline-metrics" for row in empty)


@pytest.mark.parametrize("direction", ["AB", "BA"])
def test_a_paired_set_is_scored_against_the_pair(direction):
    images = plain(drawn(n_a=6, n_b=6, paired=True))
    source, target = (images.arrays[letter] for letter in direction)
    found = scores(target, images, direction=direction)
    assert found["psnr"].value == float("inf") and found["ssim"].value == 1
    shifted = np.where(target < 128, target + 2, target - 2)
    found = scores(shifted, images, direction=direction)
    # every value is off by 2: PSNR = 20 log10(255 / 2), the same for each image
    assert found["psnr"].value == pytest.approx(20 * np.log10(127.5), rel=1e-12)
    difference = source.astype(float) - target.astype(float)
    by_hand = (10 * np.log10(255**2 / (difference**2).mean(axis=(1, 2, 3)))).mean()
    assert found["psnr"].do_nothing == pytest.approx(by_hand, rel=1e-12)


def test_outputs_are_png_under_the_names_of_the_inputs_and_maps_are_not_stretched(tmp_path):
    images = drawn()
    maps = np.full((8, SIZE, SIZE), 0.25, np.float32)
    maps[0, 0, 0] = 0.5
    evaluation.write_outputs(
        Outputs(images.arrays["A_ideal"], maps), images.names["A"], tmp_path / "new"
    )
    names = [f"horse_{i}.png" for i in range(8)]
    for folder in (tmp_path / "new", tmp_path / "new" / "attention"):
        assert sorted(p.name for p in folder.glob("*.*")) == names
    with Image.open(tmp_path / "new" / "horse_3.png") as image:
        assert (np.asarray(image) == images.arrays["A_ideal"][3]).all()
    with Image.open(tmp_path / "new" / "attention" / "horse_0.png") as grey:
        levels = np.asarray(grey)
    assert levels.shape == (SIZE, SIZE) and levels[0, 0] == 128 and (levels.ravel()[1:] == 64).all()


def test_two_images_whose_translations_would_be_one_file_are_refused(tmp_path):
    images = drawn(n_a=3)
    made = Outputs(images.arrays["A"], images.arrays["A_mask"].astype(float))
    text = r"^a.jpg and a.png of .* differ by their endings only.*rename one$"
    with pytest.raises(ReplicateError, match=text):
        evaluation.write_outputs(made, ["a.jpg", "b.jpg", "a.png"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_without_maps_there_is_no_folder_of_maps(tmp_path):
    images = drawn()
    evaluation.write_outputs(Outputs(images.arrays["A"], None), images.names["A"], tmp_path)
    assert not (tmp_path / "attention").exists()


class Inverting(Method):
    """Inverts; its map is 0.5 where it has one."""

    def __init__(self, attends: bool) -> None:
        self.attends = attends
        super().__init__(Config())

    def build(self, c) -> None:
        self.weight = nn.Parameter(torch.zeros(1))

    def translate(self, x, direction) -> Translation:
        return Translation(-x, x[:, :1] * 0 + 0.5 if self.attends else None)


@pytest.mark.parametrize("attends, rows", [(True, 3), (False, 2)])
@pytest.mark.parametrize("n_b", [evaluation.TILES, 3])
def test_a_sample_sheet_has_a_row_for_inputs_maps_and_translations(attends, rows, n_b):
    images = drawn(n_a=evaluation.TILES + 1, n_b=n_b)
    sheet = np.asarray(evaluation.sample_sheet(Inverting(attends), images))
    assert sheet.shape == (2 * rows * SIZE, evaluation.TILES * SIZE, 3)
    a, b = images.arrays["A"], images.arrays["B"]
    last = rows - 1
    assert (sheet[:SIZE, SIZE : 2 * SIZE] == a[1]).all()
    assert (sheet[last * SIZE : rows * SIZE, SIZE : 2 * SIZE] == 255 - a[1]).all()
    assert (sheet[rows * SIZE : (rows + 1) * SIZE, :SIZE] == b[0]).all()
    assert (sheet[rows * SIZE :, n_b * SIZE :] == 255).all()
    if attends:
        assert (sheet[SIZE : 2 * SIZE] == 128).all()  # 0.5 is mid grey, never stretched
