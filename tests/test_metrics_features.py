"""The cache of features: computed once per content, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest

from replicate.metrics import inception
from replicate.metrics.features import extractors, features


class Counting:
    """Mean colours, and how often they were asked for."""

    id = "counting@0"
    dim = 3

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        return images.mean((1, 2), dtype=np.float64)


def images(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)


def test_equal_content_is_computed_once(tmp_path: Path):
    extractor = Counting()
    first = features(images(), extractor, tmp_path)
    assert (features(images().copy(), extractor, tmp_path) == first).all()
    assert extractor.calls == 1
    features(images(1), extractor, tmp_path)
    assert extractor.calls == 2


def test_the_shape_belongs_to_the_content(tmp_path: Path):
    extractor = Counting()
    features(images(), extractor, tmp_path)
    features(images().reshape(3, 2, 8, 3), extractor, tmp_path)
    assert extractor.calls == 2


def test_extractors_do_not_share_features(tmp_path: Path):
    first, second = Counting(), Counting()
    second.id = "counting@1"
    features(images(), first, tmp_path)
    features(images(), second, tmp_path)
    assert second.calls == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:-1] + b"\x00\x00", lambda b: b""]
)
def test_a_damaged_file_is_computed_anew(tmp_path: Path, damage):
    extractor = Counting()
    expected = features(images(), extractor, tmp_path)
    (file,) = tmp_path.rglob("*.features")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert (features(images(), extractor, tmp_path) == expected).all()
    assert extractor.calls == 2 and file.read_bytes() == whole
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [file]  # nothing half-written


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extractor = Counting()
    features(images(), extractor)
    features(images(), extractor)
    assert extractor.calls == 2 and not list(tmp_path.iterdir())


def test_an_unusable_folder_costs_no_score(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert features(images(), Counting(), tmp_path / "file").shape == (3, 3)


def test_extractors_without_and_with_inception(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    assert [each.id.partition("@")[0] for each in extractors()] == ["standin-v1"]
    monkeypatch.setattr(inception, "available", lambda: True)
    monkeypatch.setattr(inception, "Inception", Counting)
    assert [each.id.partition("@")[0] for each in extractors()] == ["standin-v1", "counting"]
    assert len(extractors(offline=True)) == 1
