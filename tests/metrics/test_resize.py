"""The resizes: hand-computed samples, and the libraries they are named after."""

import cleanfid.resize
import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x as torch_fidelity_resize,
)

from replicate.errors import UnknownName
from replicate.metrics.resize import RESIZES, SIZE, resize

PHOTOGRAPHS = {
    "larger": skimage.data.coffee(),  # 400 x 600
    "smaller": skimage.data.chelsea()[40:217, 60:193],
    "narrow": skimage.data.astronaut()[:450, 100:171],
    "pixel": skimage.data.astronaut()[:1, :1],
}
each_photograph = pytest.mark.parametrize("image", PHOTOGRAPHS.values(), ids=PHOTOGRAPHS)


def torch_fidelity(image: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    return torch_fidelity_resize(x, (SIZE, SIZE), align_corners=False)[0].numpy()


def clean_fid(image: np.ndarray) -> np.ndarray:
    return cleanfid.resize.build_resizer("clean")(image).transpose(2, 0, 1)


def pytorch_fid(image: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255
    x = torch.nn.functional.interpolate(x, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return x[0].numpy() * 255


def imresize(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), 2)).transpose(2, 0, 1)


@each_photograph
@pytest.mark.parametrize(
    ("name", "reference", "tolerance"),
    [
        ("tf1", torch_fidelity, 0),
        ("clean", clean_fid, 0),
        ("torch", pytorch_fid, 1e-4),  # they divide by 255 before, we after
        ("gm", imresize, 0),
    ],
)
def test_a_resize_is_that_of_its_library(image, name, reference, tolerance):
    found = resize(name).apply(image)
    assert found.shape == (3, SIZE, SIZE) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 255
    np.testing.assert_allclose(found, reference(image), rtol=0, atol=tolerance)


def test_the_resizes_differ_on_a_photograph():
    found = [each.apply(PHOTOGRAPHS["larger"]) for each in RESIZES.values()]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.abs(one - other).max() > 10  # grey levels


def test_tf1_samples_from_the_corner():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    found = resize("tf1").apply(ramp)[0, 0]
    # Sample i is at i * 256 / 299, where the ramp has that very value, up to the last pixel.
    # float32 of values up to 255: half a unit in the last place is 8e-6.
    np.testing.assert_allclose(found, np.minimum(np.arange(SIZE) * 256 / 299, 255), atol=2e-5)
    centred = resize("torch").apply(ramp)[0, 0]
    assert abs(centred[150] - (150.5 * 256 / 299 - 0.5)) < 2e-5
    assert abs(centred[150] - found[150]) > 0.05


@pytest.mark.parametrize("name", RESIZES)
def test_an_image_of_299_px_is_unchanged(name):
    image = skimage.data.astronaut()[:SIZE, :SIZE]
    assert (resize(name).apply(image) == image.transpose(2, 0, 1)).all()


def test_pixels_are_scaled_as_the_library_does():
    x = np.arange(256, dtype=np.float32)
    for name, reference in {"tf1": (x - 128) / 128, "gm": x / 255 * 2 - 1}.items():
        np.testing.assert_allclose(x * resize(name).scale - 1, reference, atol=1e-6)
    assert [each.scale for each in RESIZES.values()] == [1 / 128, 1 / 128, 2 / 255, 2 / 255]


def test_an_unknown_resize_is_named():
    with pytest.raises(UnknownName, match=r"did you mean 'clean'\?.*known: clean, gm, tf1, torch"):
        resize("claen")
