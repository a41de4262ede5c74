"""One thing at a time: JPEG, the number of images, the kinds of spread."""

import io

import numpy as np
import pytest
from PIL import Image

from replicate.metrics.kid import kid
from replicate.studies.effects import choices
from replicate.studies.effects.choices import compressed, distances, numbers


def photographs(n: int = 2) -> np.ndarray:
    """Smooth gradients with some grain."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, 64)[None, :, None, None] + np.zeros((n, 64, 64, 3))
    return (ramp + rng.integers(0, 50, ramp.shape)).astype(np.uint8)


def test_the_quality_is_really_applied():
    images = photographs()
    for quality in choices.QUALITIES:
        file = io.BytesIO()
        Image.fromarray(images[1]).save(file, "JPEG", quality=quality)
        np.testing.assert_array_equal(compressed(images, quality)[1], np.asarray(Image.open(file)))
    errors = [np.abs(compressed(images, q) - images.astype(float)).mean() for q in (100, 87, 50)]
    assert 0 < errors[0] < errors[1] < errors[2]


class OfPixels:
    """A study whose network is the mean colour of 2 x 2 squares."""

    def __init__(self, all) -> None:
        self.all = self.sample = all

    def images(self, protocol):
        return self.all

    def name(self, protocol):
        return protocol.id

    def features(self, images, protocol, label):
        n, side = len(images), images.shape[1] // 2
        return images.reshape(n, 2, side, 2, side, 3).mean((2, 4)).reshape(n, -1) / 255


class Few:
    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(1)
        sets = {name: rng.integers(0, 256, (n, 4, 4, 3), np.uint8) for name in "abcd"}
        self.source, self.real, self.real_train, self.source_train = sets.values()

    def rungs(self):
        return {"perfect": self.real_train, "half": self.source}


def test_the_png_row_is_the_plain_distance_and_jpeg_changes_the_outputs_only():
    study = OfPixels(Few(24))
    table = choices.jpeg(study)
    assert len(table) == 2 * (1 + len(choices.QUALITIES))
    real = study.features(study.all.real, None, "")
    fake = study.features(study.all.rungs()["perfect"], None, "")
    row = table.iloc[0]
    assert row["files"] == "PNG" and row["KID"] == kid(fake, real)[0]
    low = table[(table["files"] == 50)].iloc[0]
    given = study.features(compressed(study.all.rungs()["perfect"], 50), None, "")
    assert low["KID"] == kid(given, real)[0] != row["KID"]


def test_fid_of_equal_distributions_falls_with_n_and_kid_does_not():
    table = choices.counts(OfPixels(Few(200)))
    floor = table[(table["what"] == "real vs real") & (table["network"] == "fid/standin")]
    mean = floor.groupby("n")[["FID", "KID", "error"]].mean()
    assert list(mean.index) == numbers(200)
    assert mean["FID"].is_monotonic_decreasing
    # ten draws; 4 errors of their mean, at the smallest n where they overlap least
    assert abs(mean["KID"].iloc[0]) < 4 * mean["error"].iloc[0] / np.sqrt(choices.DRAWS)
    assert mean["error"].is_monotonic_decreasing


def test_numbers_go_from_60_to_all():
    assert numbers(500) == [60, 102, 173, 294, 500]
    assert numbers(132) == [33, 47, 66, 93, 132] and numbers(20)[0] == 5
    assert choices.counts(OfPixels(Few(10))).empty


def test_distances_by_hand():
    found = distances(np.eye(4), np.eye(4) + np.array([3.0, 0, 0, 0]))
    assert found["FID"] == pytest.approx(9)  # equal covariances, means 3 apart
    assert found["KID"] > 0 and found["error"] >= 0


def test_one_kid_has_many_spreads():
    rng = np.random.default_rng(0)
    fake, real = rng.normal(0.1, 1, (40, 6)), rng.normal(0, 1, (40, 6))
    rows = {row["what"]: row for row in choices.of_features(fake, real)}
    assert len(rows) == 6
    full = rows["standard error of the full sample"]
    assert (full["low"] + full["high"]) / 2 == pytest.approx(kid(fake, real)[0])
    widths = [rows[f"sd over 100 subsets of {n}"] for n in (5, 10, 20)]
    widths = [row["high"] - row["low"] for row in widths]
    assert widths == sorted(widths, reverse=True)  # larger subsets, smaller deviation
    assert choices.spreads(OfPixels(Few(10))).empty
