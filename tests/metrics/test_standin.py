"""The stand-in extractor: pinned bytes, independence of the batch, and that it tells sets apart."""

import hashlib

import numpy as np
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.metrics.kid import kid
from replicate.metrics.standin import CHUNK, StandIn, integer_weights

SHA256 = "0b9043a83f5b6fd549fe9f99df46ee636c940e75feb3ea0243230c69933f4ddc"


def drawn(n: int, coat: str, seed: int, red: bool = False) -> np.ndarray:
    """Ellipses with a coat at random places on noisy green ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    images = np.empty((n, 64, 64, 3))
    for image in images:
        image[:] = rng.uniform(0.6, 1, 3) * (90, 160, 70) + rng.normal(0, 18, (64, 64, 1))
        if red:
            image *= (1.5, 0.7, 1)
        (cx, cy), angle = rng.uniform(20, 44, 2), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        stripes = np.where(np.sin(1.3 * u) > 0, 230, 30)[..., None] * np.ones(3)
        brown = np.ones((64, 64, 1)) * (130, 80, 40)
        paint = {"stripes": stripes, "brown": brown, "half": (stripes + brown) / 2}[coat]
        inside = (u / 18) ** 2 + (v / 10) ** 2 < 1
        image[inside] = paint[inside]
    return images.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def standin() -> StandIn:
    return StandIn()


def test_weights_are_pinned(standin):
    blob = b"".join(w.astype("<i4").tobytes() for w in integer_weights())
    digest = hashlib.sha256(blob).hexdigest()
    assert digest == SHA256
    assert standin.id == f"standin-v1@{SHA256[:8]}"


def test_filters_have_the_scale_and_the_sum_of_their_layer(standin):
    for layer, weight in enumerate(standin.weights):
        scale = 2 * np.sqrt(2 / weight[0].numel())
        # The mean over nine weights holds 1/9 of their variance; layer 1 keeps half of the mean.
        # Its 648 weights know an sd to 3 %, its 72 sums to 8 %.
        left = 8 / 9 + (1 / 36 if layer == 0 else 0)
        assert weight.std() == pytest.approx(scale * np.sqrt(left), rel=0.1)
        sums = weight.sum((2, 3))
        if layer == 0:
            assert sums.std() == pytest.approx(scale * 3 / 2, rel=0.25)
        else:
            assert sums.abs().max() < 1e-12  # integers that sum to 0, times a float64


def test_features_are_pinned(standin):
    image = (np.arange(64 * 64 * 3) * 7919 % 256).astype(np.uint8).reshape(1, 64, 64, 3)
    found = standin(image)[0]
    assert found.shape == (standin.dim,) == (406,)
    expected = [0.579609966, 0.770412075, 1.20264196, 0.56674671, 0.225927708, 0.157033819]
    assert found[[3, 6, 30, 100, 250, 405]] == pytest.approx(
        expected, rel=1e-6
    )  # nine digits printed, float64


def test_features_do_not_depend_on_the_batch_or_the_global_seed(standin):
    images = drawn(CHUNK + 3, "stripes", 0)
    torch.manual_seed(0)
    together = standin(images)
    torch.manual_seed(1)
    alone = np.concatenate([standin(images[i : i + 1]) for i in (0, CHUNK - 1, CHUNK, CHUNK + 2)])
    # float64: other batch sizes may add in another order
    np.testing.assert_allclose(
        together[[0, CHUNK - 1, CHUNK, CHUNK + 2]], alone, rtol=1e-9, atol=1e-12
    )
    assert (standin(torch.from_numpy(images)) == together).all()


def test_it_tells_coats_and_backgrounds_apart(standin):
    real = standin(drawn(60, "stripes", 1))
    floor, error = kid(standin(drawn(60, "stripes", 2)), real)
    assert abs(floor) < 4 * error
    far = {
        "brown": drawn(60, "brown", 3),
        "half": drawn(60, "half", 3),
        "repainted": drawn(60, "stripes", 3, red=True),
    }
    found = {}
    for name, images in far.items():
        found[name], error = kid(standin(images), real)
        assert found[name] > 4 * error, name
        assert found[name] > 10 * abs(floor), name
    assert found["half"] < found["brown"]  # nearer to stripes is better


def test_other_sizes_are_resized_without_aliasing(standin):
    fine = np.zeros((1, 256, 256, 3), np.uint8)
    fine[:, ::2] = 255  # stripes of 1 px: their mean is what 64 px can show
    flat = np.full((1, 64, 64, 3), 128, np.uint8)
    # Only the mirrored borders of the antialiasing filter differ from grey, and 127.5 from 128.
    assert np.abs(standin(fine) - standin(flat)).max() < 0.05
    aliased = np.zeros((1, 64, 64, 3), np.uint8)
    assert np.abs(standin(fine) - standin(aliased)).max() > 0.5
    assert standin(np.zeros((1, 32, 40, 3), np.uint8)).shape == (1, 406)
    with pytest.raises(ReplicateError, match="32 x 32 px, got 31 x 64"):
        standin(np.zeros((1, 31, 64, 3), np.uint8))
