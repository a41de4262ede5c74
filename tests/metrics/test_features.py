"""Features of image sets: streamed in batches, computed once per content, whole or not at all."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from support.inception import weights_file

from replicate.errors import ReplicateError, UnknownName
from replicate.metrics.features import Features, extractor, features
from replicate.metrics.images import Stack


class Counting:
    """Mean colours, the mean as a logit, and how many images came in each call."""

    id = "counting@0"
    dim = 3

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, images: list[np.ndarray]) -> Features:
        self.calls.append(len(images))
        pool = np.stack([image.mean((0, 1)) for image in images]).astype(np.float32)
        return Features(pool, pool.mean(axis=1, keepdims=True))


class Bare(Counting):
    """The same without logits, in float64, as the stand-in answers."""

    def __call__(self, images: list[np.ndarray]) -> np.ndarray:
        return super().__call__(images).pool.astype(np.float64)


class Lazy(Stack):
    """An array whose images may be counted and digested, and how many of them were read."""

    read = 0

    def __iter__(self):
        for image in super().__iter__():
            self.read += 1
            yield image


def images(seed: int = 0, n: int = 5) -> Lazy:
    return Lazy(np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8))


def same(a: Features, b: Features) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_batches_are_read_one_after_the_other():
    counting, given = Counting(), images()
    found = features(given, counting, batch=2)
    assert counting.calls == [2, 2, 1]
    assert found.pool.dtype == np.float32 and found.pool.shape == (5, 3)
    np.testing.assert_allclose(found.pool, given.array.mean((1, 2)), rtol=1e-6)  # float32
    assert same(found, features(given, Counting(), batch=64))


def test_no_more_than_a_batch_is_read_ahead():
    given, read = images(), []

    class Watching(Counting):
        def __call__(self, chunk):
            read.append(given.read)
            return super().__call__(chunk)

    features(given, Watching(), batch=2)
    assert read == [2, 4, 5]


def test_features_without_logits(tmp_path):
    found = features(images(), Bare(), tmp_path)
    assert found.logits is None and found.pool.dtype == np.float64
    assert features(images(), Bare(), tmp_path).logits is None


def test_equal_content_is_computed_once_and_not_even_read(tmp_path: Path):
    counting = Counting()
    first = features(images(), counting, tmp_path)
    again = images()
    assert same(features(again, counting, tmp_path), first)
    assert len(counting.calls) == 1 and again.read == 0
    features(images(1), counting, tmp_path)
    assert len(counting.calls) == 2


def test_extractors_do_not_share_features(tmp_path: Path):
    first, second = Counting(), Counting()
    second.id = "counting@1"
    features(images(), first, tmp_path)
    features(images(), second, tmp_path)
    assert second.calls == [5]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:-1] + b"\x00\x00", lambda b: b""]
)
def test_a_damaged_file_is_computed_anew(tmp_path: Path, damage):
    counting = Counting()
    expected = features(images(), counting, tmp_path)
    (file,) = tmp_path.rglob("*.features")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert same(features(images(), counting, tmp_path), expected)
    assert len(counting.calls) == 2 and file.read_bytes() == whole
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [file]  # nothing half-written


def test_a_file_of_the_version_before_is_computed_anew(tmp_path: Path):
    features(images(), Counting(), tmp_path)
    (file,) = tmp_path.rglob("*.features")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((5, 3)))
    file.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    assert features(images(), Counting(), tmp_path).pool.all()


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counting = Counting()
    features(images(), counting)
    features(images(), counting)
    assert len(counting.calls) == 2 and not list(tmp_path.iterdir())


def test_an_unusable_folder_costs_no_score(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert features(images(), Counting(), tmp_path / "file").pool.shape == (5, 3)


def test_progress_is_shown_from_the_second_batch_on(capsys):
    features(images(), Counting(), label="real", batch=5)
    assert capsys.readouterr() == ("", "")
    features(images(), Counting(), label="real", batch=2)
    out, err = capsys.readouterr()
    assert out == "" and "real 100% 3/3" in err


def test_extractors_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    fid, vision = weights_file(tmp_path), weights_file(tmp_path, 1000)
    ids = [
        extractor("standin-v1").id,
        extractor("inception-2015-12-05", weights=fid).id,
        extractor("inception-2015-12-05-bf16", "clean", fid).id,
        extractor("torchvision-inception-v3", weights=vision).id,
    ]
    assert [each.partition("@")[0] for each in ids] == [
        "standin-v1",
        "inception-2015-12-05-tf1",
        "inception-2015-12-05-clean-bf16",
        "torchvision-inception-v3-clean",
    ]
    assert ids[1].partition("@")[2] == ids[2].partition("@")[2] != ids[3].partition("@")[2]
    with pytest.raises(UnknownName, match="did you mean 'standin-v1'"):
        extractor("standin-v2")
    with pytest.raises(ReplicateError, match="torchvision Inception weights not found"):
        extractor("torchvision-inception-v3")
