"""Every computable protocol by hand on twelve images or vectors, and what its printed number is."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.class_rate import of_target
from replicate.metrics.compare import measure
from replicate.metrics.folders import score_folders
from replicate.metrics.protocols import PROTOCOLS, computable, find
from replicate.metrics.segmentation import CITYSCAPES

# One feature, 0 or 1. The kernel (x y + 1)^3 is 8 between ones and 1 otherwise, so that p ones of n
# against q of m have MMD^2 = 7 (p(p-1)/n(n-1) + q(q-1)/m(m-1) - 2 p q / n m).
REAL = [1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
FAKE = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]
SOURCE = [0] * 12
TRAIN = [0, 1, 1] * 4
TARGET_KID = 7 * (72 / 132 + 2 / 132 - 36 / 144)
SOURCE_KID = 7 * 2 / 132
BLOCKS = (1.4 + 2.8) / 2  # blocks of 6: to the target 1.4 and 2.8, to the source 0 and 7/15


def frechet(p: int, n: int, q: int, m: int) -> float:
    """(difference of means)^2 + (difference of standard deviations)^2 of zeros and ones."""
    deviations = [math.sqrt(k * (size - k) / size / (size - 1)) for k, size in ((p, n), (q, m))]
    return (p / n - q / m) ** 2 + (deviations[0] - deviations[1]) ** 2


TARGET_FID, SOURCE_FID = frechet(2, 12, 9, 12), frechet(2, 12, 0, 12)
# 12 images in 10 splits: two of two images, the others of one. One image has KL 0 to its own
# marginal, two of different classes ln 2.
SCORE_OF_CLASSES = (8 * 1 + 2 * 2) / 10
# Points on a line, see `on_a_line`: 3 of 12 outputs lie near real points, 10 of 12 real points
# near outputs.
PRECISION, RECALL = 1 / 4, 1.0

# id: (value, printed); the factor 100 or 1/100 once, in the second only
FEATURES = {
    "kid/efficientnet-lite0": (TARGET_KID, TARGET_KID),
    "fid/efficientnet-lite0": (TARGET_FID, TARGET_FID),
    "precision/efficientnet-lite0": (PRECISION, PRECISION),
    "recall/efficientnet-lite0": (RECALL, RECALL),
    "class-rate/efficientnet-lite0": (3 / 12, 3 / 12),
    "class-probability/efficientnet-lite0": (3 / 12, 3 / 12),
    "kid/standin": (TARGET_KID, TARGET_KID),
    "fid/standin": (TARGET_FID, TARGET_FID),
    "kid/clean": (TARGET_KID, TARGET_KID),
    "fid/clean": (TARGET_FID, TARGET_FID),
    "kid/torch-fidelity": (7.0, 7.0),
    "fid/torch-fidelity": (TARGET_FID, TARGET_FID),
    "kid/inception": (TARGET_KID, TARGET_KID),
    "kid/subsets": (7.0, 7.0),
    "fid/inception": (TARGET_FID, TARGET_FID),
    "fid/clean-legacy": (TARGET_FID, TARGET_FID),
    "kid/gm-target": (BLOCKS, 210.0),
    "fid/gm": (TARGET_FID, TARGET_FID / 100),
    "kid/gm-mean098": ((0.02 * BLOCKS + 0.98 * 7 / 30) / 2, 50 * (0.02 * BLOCKS + 0.98 * 7 / 30)),
    "kid/aggan-mean": ((TARGET_KID + SOURCE_KID) / 2, 50 * (TARGET_KID + SOURCE_KID)),
    "fid/aggan-mean": ((TARGET_FID + SOURCE_FID) / 2, (TARGET_FID + SOURCE_FID) / 2),
    "fid/gan-compression": (frechet(2, 12, 17, 24), frechet(2, 12, 17, 24)),
    "is/torch-fidelity": (SCORE_OF_CLASSES, SCORE_OF_CLASSES),
    "is/gm": (SCORE_OF_CLASSES, SCORE_OF_CLASSES),
    "precision/clean": (PRECISION, PRECISION),
    "recall/clean": (RECALL, RECALL),
    "kid/clean-bf16": (TARGET_KID, TARGET_KID),
    "fid/clean-bf16": (TARGET_FID, TARGET_FID),
    "kid/torchvision": (TARGET_KID, TARGET_KID),
    "fid/torchvision": (TARGET_FID, TARGET_FID),
}


def column(values: list[float]) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def on_a_line() -> dict[str, np.ndarray]:
    """Real points 0 to 11. Outputs at 0, 1, 2 and nine that are far from them and one another.

    A real point's third neighbour is 2 or 3 away, so only the first three outputs are within reach.
    The third neighbour of the output at 0 is 100 away: it reaches every real point.
    """
    return {"fake": column([0, 1, 2, *(100 * k for k in range(1, 10))]), "real": column(range(12))}


def logits() -> np.ndarray:
    """Twelve images of twelve classes, and a class beyond the first 1,000 that GM cuts off."""
    found = np.zeros((12, 1008))
    found[np.arange(12), np.arange(12)] = 1000.0
    return found


def vectors(id: str) -> dict[str, np.ndarray]:
    """What the protocol is measured on."""
    if id.startswith("class"):  # twelve images of twelve classes, of which three are the target's
        return {"fake": logits()}
    if id.startswith("is/"):
        found = logits()
        found[:, 1005] = 2000.0 if id == "is/gm" else 0.0  # all images would be of this class
        return {"fake": found}
    if id.startswith(("precision", "recall")):
        return on_a_line()
    if find(id).estimator == "random subsets":  # equal within a set, so any subset gives the same
        return {"fake": column([0] * 12), "real": column([1] * 12)}
    given = {"fake": FAKE, "real": REAL, "source": SOURCE, "real_train": TRAIN}
    return {name: column(values) for name, values in given.items()}


@pytest.mark.parametrize("id", FEATURES)
def test_a_protocol_of_features_by_hand(id):
    protocol = of_target(find(f"{id}@6" if id == "kid/torch-fidelity" else id), (2, 3, 5))
    value, printed = FEATURES[id]
    found = measure(protocol, vectors(id))
    # Sums of a few hundred float64 terms of order 10.
    assert found.value == pytest.approx(value, rel=1e-12)
    assert protocol.printed(found.value) == pytest.approx(printed, rel=1e-12)


def test_the_spreads_by_hand():
    blocks = math.sqrt(0.98 / 2)  # of 1.4 and 2.8
    to_source = 7 / 30  # of 0 and 7/15
    found = {id: measure(find(id), vectors(id)).spread for id in ("kid/gm-target", "is/gm")}
    assert found["kid/gm-target"] == pytest.approx(blocks, rel=1e-12)
    assert found["is/gm"] == pytest.approx(0.4, rel=1e-12)  # eight 1 and two 2, without Bessel
    mean = measure(find("kid/gm-mean098"), vectors("kid/gm-mean098")).spread
    assert mean == pytest.approx((0.02 * blocks + 0.98 * to_source) / 2, rel=1e-12)
    subsets = measure(find("kid/torch-fidelity@6"), vectors("kid/torch-fidelity"))
    assert subsets.spread == 0 and subsets.note == "100 subsets of 6"


# Pixels


def picture(rgb: tuple[int, int, int], side: int = 8) -> np.ndarray:
    return np.full((side, side, 3), rgb, np.uint8)


def left_half(inside: int, outside: int, side: int = 8) -> np.ndarray:
    found = np.full((side, side), outside, np.uint8)
    found[:, : side // 2] = inside
    return found


def flat_ssim(a: float, b: float) -> float:
    """SSIM of two flat images: what is left of eq. 13 without variances."""
    c1 = (0.01 * 255) ** 2
    return (2 * a * b + c1) / (a * a + b * b + c1)


# id: (images of one pair by set, value); each set is twelve copies of it.
ROAD, CAR = 0, 13
MAP = left_half(inside=204, outside=102)  # 0.8 on the mask's side, 0.4 beside it
PIXELS = {
    "psnr/skimage": (
        {"fake": picture((100, 100, 100)), "real": picture((110, 110, 110))},
        20 * math.log10(25.5),
    ),
    "ssim/skimage": (
        {"fake": picture((100, 100, 100)), "real": picture((110, 110, 110))},
        flat_ssim(100, 110),
    ),
    "background/psnr": (
        {
            "fake": picture((105, 105, 105)),
            "source": picture((100, 100, 100)),
            "mask": left_half(255, 0),
        },
        20 * math.log10(51),
    ),
    "foreground/l1": (
        {
            "fake": picture((105, 105, 105)),
            "ideal": picture((156, 156, 156)),
            "mask": left_half(255, 0),
        },
        0.2,
    ),
    "attention/iou-0.5": ({"attention": MAP, "mask": left_half(255, 0)}, 1.0),
    "attention/auc": ({"attention": MAP, "mask": left_half(0, 255)}, 0.0),
    "attention/pointing": ({"attention": MAP, "mask": left_half(1, 0)}, 1.0),
    "attention/mean": ({"attention": MAP}, 0.6),
}


def write(folder: Path, image: np.ndarray, n: int = 12) -> Path:
    folder.mkdir()
    for i in range(n):
        Image.fromarray(image).save(folder / f"{i:02d}.png")
    return folder


def scored(tmp_path: Path, id: str, sets: dict[str, np.ndarray]) -> list:
    default = {"fake": picture((0, 0, 0)), "real": picture((0, 0, 0))}
    folders = {name: write(tmp_path / name, image) for name, image in (default | sets).items()}
    return score_folders(folders, [id])


@pytest.mark.parametrize("id", PIXELS)
def test_a_protocol_of_pixels_by_hand(tmp_path, id):
    sets, value = PIXELS[id]
    (row,) = scored(tmp_path, id, sets)
    assert row.value == pytest.approx(value, rel=1e-9)  # a mean of float64 over one image's pixels
    assert row.protocol == id and row.n_fake == 12 and find(id).printed(row.value) == row.value


def roads_and_cars(side: int) -> tuple[np.ndarray, np.ndarray]:
    """labelIds: the left half road, the right half car but for its lowest quarter, void."""
    (road, _), (car, _) = CITYSCAPES["road"], CITYSCAPES["car"]
    truth = left_half(road, car, side)
    truth[3 * side // 4 :, side // 2 :] = 0
    return truth, np.array([CITYSCAPES["road"][1], CITYSCAPES["car"][1]], np.uint8)


def test_segmentation_by_hand(tmp_path):
    truth, colours = roads_and_cars(256)
    made = np.empty((256, 256, 3), np.uint8)
    made[:128], made[128:] = colours[0], colours[1]  # road above, car below
    # Of 32,768 px road half are right; of 24,576 px car 8,192. Void is not counted.
    road, car = 16384 / 32768, 8192 / 24576
    iou = 16384 / (32768 + 16384), 8192 / (24576 + 16384)
    found = {row.metric: row.value for row in scored(tmp_path, "cls/photos2labels", dict(
        fake=made, real=truth))}  # fmt: skip
    # 1e-12 in the denominators of pixel counts
    assert found["pixel_accuracy"] == pytest.approx((16384 + 8192) / 57344, rel=1e-9)
    assert found["class_accuracy"] == pytest.approx((road + car) / 19, rel=1e-9)
    assert found["class_iou"] == pytest.approx(sum(iou) / 19, rel=1e-9)


def test_other_resolutions_of_label_maps_have_ids_of_their_own(tmp_path):
    truth, colours = roads_and_cars(256)
    made = np.broadcast_to(colours[0], (128, 128, 3))
    rows = scored(tmp_path, "cls/photos2labels@128", {"fake": made, "real": truth})
    # of 128 px columns half are road; a quarter of the other half is void
    assert rows[0].value == pytest.approx(64 / (64 + 48), rel=1e-9)
    assert rows[0].protocol == "cls/photos2labels@128"


def test_the_fcn_score_by_hand_and_its_gate(tmp_path):
    truth, _ = roads_and_cars(16)
    made = np.full((16, 16), ROAD, np.uint8)
    right = left_half(ROAD, CAR, 16)
    found = scored(tmp_path, "fcn/labels2photos", {"fake": made, "real": truth, "source": right})
    # 128 px road, 96 px car of which none
    assert [row.value for row in found] == pytest.approx([128 / 224, 1 / 19, 128 / 224 / 19])
    broken, cars = tmp_path / "broken", np.full((16, 16), CAR, np.uint8)
    broken.mkdir()
    with pytest.raises(ReplicateError, match=r"reaches 0\.43 pixel accuracy on real photos"):
        scored(broken, "fcn/labels2photos", {"fake": right, "real": truth, "source": cars})


def test_every_computable_protocol_has_a_fixture_here():
    by_hand = {*FEATURES, *PIXELS, "cls/photos2labels", "fcn/labels2photos"}
    assert by_hand == {protocol.id for protocol in computable()}
    scaled = {id for id, protocol in PROTOCOLS.items() if protocol.scale != 1}
    assert scaled - {"pref/fool", "pref/best-of-n", "pref/pair"} < by_hand
