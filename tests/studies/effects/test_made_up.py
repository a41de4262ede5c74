"""Made-up weights: the same on every machine, in the official format, of sane sizes."""

import hashlib

import numpy as np
import pytest
import torch

from replicate.metrics.inception import Inception
from replicate.studies.effects import ladder

# The values, not the file: torch may write another one tomorrow.
SHA256 = "0ad0081a6d69d1ed88790c2475560c1789908fa73846eff3d190977a71d83de8"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLICATE_DATA", str(tmp_path_factory.mktemp("data")))
        yield ladder.made_up_weights()


def test_the_values_are_frozen(weights):
    state = torch.load(weights, weights_only=True)
    content = hashlib.sha256()
    for name, value in state.items():
        content.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        content.update(value.numpy().astype("<f4"))
    assert content.hexdigest() == SHA256


def test_the_file_is_made_once_and_whole(weights):
    before = weights.stat().st_mtime_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLICATE_DATA", str(weights.parents[1]))
        assert ladder.made_up_weights() == weights
    assert weights.stat().st_mtime_ns == before
    assert [file.name for file in weights.parent.iterdir()] == [weights.name]


def test_filters_sum_to_zero():
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, (8, 4, 3, 3), np.int16)
    # float32 of sums of 9 and of 36 values of order 1
    stem = ladder._filters(whole, "Conv2d_1a_3x3.conv.weight")
    assert stem.sum((2, 3)).abs().max() < 1e-5
    other = ladder._filters(whole, "Mixed_5b.branch1x1.conv.weight")
    assert other.sum((1, 2, 3)).abs().max() < 1e-5
    assert other.sum((2, 3)).abs().max() > 1e-2  # the twin: only the whole filter sums to zero


def test_the_network_takes_them_and_calls_them_unofficial(weights):
    network = Inception("clean", weights)
    assert not network.official
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    images = np.concatenate([noise, noise // 4 + 96])
    pool, logits = network(images)
    assert np.isfinite(logits).all()
    # The official network's pooled features are about 0.4 on average; a factor 10 either way.
    assert 0.04 < pool.mean() < 4
    assert np.abs(pool[0] - pool[2]).mean() > 0.05 * pool.mean()  # it sees a change of contrast
