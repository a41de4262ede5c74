"""The error texts that users of `replicate score` were promised, made by the real code."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics import compare
from replicate.metrics.comparisons import check_comparable
from replicate.metrics.fid import fid
from replicate.metrics.folders import score_folders
from replicate.metrics.standin import StandIn


def folder_of(path: Path, names: list[str]) -> Path:
    path.mkdir(parents=True)
    rng = np.random.default_rng(len(names))
    for name in names:
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(path / name)
    return path


def score(workspace: Path, fake: list[str], real: list[str], *ids: str) -> None:
    folders = {"fake": fake, "real": real}
    score_folders({k: folder_of(workspace / k, v) for k, v in folders.items()}, ids)


TEN = [f"{i}.png" for i in range(10)]


def lossy_outputs(workspace: Path, monkeypatch) -> None:
    score(workspace, ["x.jpg", *TEN], TEN, "fid/standin")


def subset_protocol_larger_than_a_set(workspace: Path, monkeypatch) -> None:
    monkeypatch.setattr(compare, "extractor", lambda *_: StandIn())
    score(workspace, TEN, TEN[:8], "kid/torch-fidelity")


def weights_missing_for_a_protocol(workspace: Path, monkeypatch) -> None:
    score(workspace, TEN, TEN, "fid/clean")


def two_protocols_in_one_column(workspace: Path, monkeypatch) -> None:
    check_comparable("kid/torch-fidelity", "kid/ugatit-printed")


def features_with_nan(workspace: Path, monkeypatch) -> None:
    fid(np.full((3, 2), np.nan), np.zeros((3, 2)))


def one_image(workspace: Path, monkeypatch) -> None:
    score(workspace, TEN[:1], TEN, "fid/standin")


def unequal_counts(workspace: Path, monkeypatch) -> None:
    score(workspace, TEN[:7], TEN, "psnr/skimage")


def corrupt_image(workspace: Path, monkeypatch) -> None:
    broken = folder_of(workspace / "fake", TEN) / "3.png"
    broken.write_bytes(broken.read_bytes()[:100])
    score_folders({"fake": workspace / "fake", "real": workspace / "fake"}, ["fid/standin"])


# Ids are those of the requirements; the words are this project's.
PROMISES: dict[str, tuple[Callable, str]] = {
    "R-A2": (
        lossy_outputs,
        r"fake/ holds 1 lossy file \(x\.jpg\); metrics on JPEG differ from PNG\. Re-export as PNG, "
        r"or set protocol fid/standin\+jpeg \(--jpeg does so for all\)",
    ),
    "R-A2 NaN": (
        features_with_nan,
        r"features of image 0 are not finite \(3 of 3 images\); check the images and the extractor",
    ),
    "R-A3": (one_image, r"FID needs at least 2 images a set, got 1 and 10; score more"),
    "R-A3b protocol": (
        subset_protocol_larger_than_a_set,
        r"KID subset 1000 > smallest set \(real: 8\)\. Use subset <= 8; default here is "
        r"min\(n\)/2 = 4\. As a protocol: kid/torch-fidelity@4",
    ),
    "R-A4 protocol": (
        weights_missing_for_a_protocol,
        r"Inception weights not found at \S+\.pth; download https://\S+ \(sha256 6726825d\.\.\.\) "
        r"with 'replicate data get inception-weights', or pass --offline-metrics to skip FID/KID "
        r"with Inception\.",
    ),
    "pairs": (
        unequal_counts,
        r"psnr/skimage compares image by image: 7 in \S+/fake, 10 in \S+/real; expected one "
        r"partner for every image, under the same name or the same words and numbers\. "
        r"3 of \S+/real have no partner \(7\.png, 8\.png, 9\.png\)\. Give folders that hold the "
        r"same images, or rename them",
    ),
    "corrupt": (corrupt_image, r"\S+/fake/3\.png cannot be decoded \(.*\)\. Replace or delete it"),
    "R-A1": (
        two_protocols_in_one_column,
        r"kid/torch-fidelity \(KID over .*\) and kid/ugatit-printed \(KID .*\) do not compare: "
        r"kid/torch-fidelity compares with kid/gm-target; kid/ugatit-printed compares with "
        r"kid/gm-mean098, kid/ag-table4",
    ),
}


@pytest.mark.parametrize("trigger, text", PROMISES.values(), ids=PROMISES)
def test_the_text_is_the_promised_one(workspace, monkeypatch, trigger, text):
    with pytest.raises(ReplicateError) as caught:
        trigger(workspace, monkeypatch)
    assert re.fullmatch(text, str(caught.value)), str(caught.value)  # one line: no . matches \n
