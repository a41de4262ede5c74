"""The Inception network of FID: graph of 2015-12-05, 2048 pooled features.

The architecture is torchvision's Inception v3 with the pooling of the 2015 graph: average pools
leave the padding out of the mean, and the last block pools by maximum. The weights are the graph's,
converted to torchvision's names by mseitzer/pytorch-fid. Nothing is downloaded here.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from replicate import paths
from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, uint8_images

FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
SHA256_START = "6726825d"
SIZE = 299
CHUNK = 16


class Inception:
    """The extractor `inception-2015-12-05`: uint8 images in, (N, 2048) float64 features out.

    It runs in float32 on the CPU, so that a checkpoint has one score on every machine.

    Raises:
        ReplicateError: the weights are missing or their sha256 is another.
    """

    id = f"inception-2015-12-05@{SHA256_START}"
    dim = 2048

    def __init__(self) -> None:
        path = weights_path()
        if not available():
            raise ReplicateError(missing())
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(SHA256_START):
            raise ReplicateError(
                f"{path} has sha256 {digest[:8]}..., expected {SHA256_START}...: a broken or other "
                "file; delete it and run 'replicate data get inception-weights'"
            )
        # Three seconds of imports, which only those pay who have the weights.
        from replicate.metrics.inception_network import network

        self.net = network(torch.load(path, map_location="cpu", weights_only=True))

    @torch.inference_mode()
    def __call__(self, images: Array) -> np.ndarray:
        """Features of every image.

        Args:
            images: (N, H, W, 3) uint8 of any size; resized to 299 x 299 in float by bilinear
                interpolation without antialiasing, as pytorch-fid does. torch-fidelity, clean-fid
                and the official code of U-GAT-IT each resize in another way.

        Returns:
            (N, 2048) float64, >= 0.
        """
        images = uint8_images(images)
        chunks = [images[i : i + CHUNK] for i in range(0, len(images), CHUNK)]
        return np.concatenate([self.net(prepare(c)).numpy() for c in chunks]).astype(np.float64)


def weights_path() -> Path:
    """Where the weights are looked for."""
    return paths.data() / "weights" / FILE


def available() -> bool:
    """Whether the file of the weights is there; its sha256 is checked when it is loaded."""
    return weights_path().is_file()


def missing() -> str:
    """What to do when the weights are not there."""
    return (
        f"Inception weights not found at {weights_path()}; download {URL} (sha256 "
        f"{SHA256_START}...) with 'replicate data get inception-weights', or pass "
        "--offline-metrics to skip FID/KID with Inception."
    )


def prepare(images: np.ndarray) -> Tensor:
    """(N, 3, 299, 299) float32 in [-1, 1] from (N, H, W, 3) uint8."""
    x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    return 2 * F.interpolate(x, (SIZE, SIZE), mode="bilinear", align_corners=False) - 1


def install(source: str | None, download: Callable[[str, Path], Path]) -> Path:
    """The place of the weights, after a file or a download of the right sha256 was put there.

    Args:
        source: a file on this machine or an address; None takes `URL`.
        download: saves an address as a file (`datasets.download.download` with its bar).

    Raises:
        ReplicateError: the file is not the one that FID is defined with.
    """
    target = weights_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    arrived = target.with_suffix(".arrived")
    if source and not source.startswith(("http://", "https://")):
        shutil.copyfile(source, arrived)
    else:
        download(source or URL, arrived)
    found = hashlib.sha256(arrived.read_bytes()).hexdigest()
    if not found.startswith(SHA256_START):
        arrived.unlink()
        raise ReplicateError(
            f"{source or URL}: sha256 {found[:8]}..., expected {SHA256_START}...; this is not the "
            f"FID Inception network. Get {URL} and pass it with --from"
        )
    os.replace(arrived, target)
    return target
