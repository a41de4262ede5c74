"""The libraries beside us, and that a planted difference is found."""

import numpy as np
import pandas as pd
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import REFERENCES
from replicate.studies.effects import libraries, scoring
from replicate.studies.effects.libraries import Reference, compared, full

rng = np.random.default_rng(0)
FEATURES = tuple(rng.normal(shift, 1, (30, 8)).astype(np.float32) for shift in (0.4, 0))
IMAGES = tuple(rng.integers(0, 256, (30, 16, 16, 3), np.uint8) // part for part in (2, 1))


def means(x: torch.Tensor) -> torch.Tensor:
    """(N, 12): the mean colours of the quarters of images (N, 3, 299, 299) in [0, 255]."""
    return torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1) / 255


class Network:
    """What clean-fid is given in place of Inception."""

    network = staticmethod(means)


def test_torchmetrics_agrees_from_features():
    pytest.importorskip("torchmetrics")
    theirs = libraries.torchmetrics(IMAGES, FEATURES, Network())
    for row in compared(theirs, full(FEATURES)):
        assert row["difference"] < 1e-6  # float64 on both sides


def test_clean_fid_agrees_from_images():
    pytest.importorskip("cleanfid")
    from replicate.metrics.resize import clean

    theirs = libraries.clean_fid(IMAGES, FEATURES, Network())
    ours = [means(torch.from_numpy(np.stack([clean(i) for i in each]))).numpy() for each in IMAGES]
    for row in compared(theirs, full(tuple(ours))):
        assert row["difference"] < 1e-4  # clean-fid multiplies float32 features in float32


class Study:
    """Features of the images are their means."""

    class sample:
        real = IMAGES[1]

        @staticmethod
        def rungs():
            return {libraries.RUNG: IMAGES[0]}

    def features(self, images, protocol, label):
        return images.reshape(len(images), -1, 3).mean(1) / 255

    def extractor(self, protocol):
        return None


def table(monkeypatch, scale: float, package: str = "torchmetrics") -> pd.DataFrame:
    """The parity table of a reference that gives our numbers times `scale`."""

    def theirs(images, features, network):
        return {name: scale * value for name, value in full(features).items()}

    made = Reference("fid/clean", "images", theirs, full)
    monkeypatch.setattr(libraries, "REFERENCES", {package: made})
    return libraries.parity(Study(), [package])


def test_a_planted_difference_is_found(monkeypatch):
    pytest.importorskip("torchmetrics")
    good = table(monkeypatch, 1.0)
    assert list(good["metric"]) == ["FID", "KID"] and (good["difference"] == 0).all()
    scoring._check_parity(good)
    bad = table(monkeypatch, 1.01)
    assert bad["difference"].to_list() == pytest.approx([1 - 1 / 1.01] * 2)
    with pytest.raises(ReplicateError, match=r"FID of torchmetrics .*, ours .*: off by 9.9e-03"):
        scoring._check_parity(bad)


def test_every_library_that_may_be_asked_for_is_known():
    assert tuple(libraries.REFERENCES) == REFERENCES


def test_a_library_that_is_not_here_has_a_row_of_its_own(monkeypatch):
    found = table(monkeypatch, 1.0, "no-such-library")
    assert found["note"].to_list() == ["not installed"] and found["theirs"].isna().all()
    scoring._check_parity(found)
