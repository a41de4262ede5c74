"""The Inception extractors: FID's graph of 2015-12-05 and torchvision's, trained on ImageNet.

FID's has 2048 pooled features and 1008 logits. The networks themselves stand in
`inception_network`, which is imported when one computes.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from replicate.errors import ReplicateError, unknown
from replicate.metrics import weights as files
from replicate.metrics.images import image_list
from replicate.metrics.resize import resize as named_resize

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Larger batches are no faster on a CPU, and from 16 on its kernels add in another order. Up to 8,
# an image had the same features to the bit whatever stood beside it (AVX-512, 1 and 2 threads).
CPU_CHUNK = 8
GPU_CHUNK = 64


class Features(NamedTuple):
    """What a network makes of N images; `logits` is None for a network without a classifier."""

    pool: np.ndarray
    logits: np.ndarray | None


class Inception:
    """The extractor `inception-2015-12-05`: (N, 2048) pooled features, (N, 1008) logits.

    Building it finds the file of the weights and takes its sha256; the network is made at the
    first call. `id` names network, resize, precision and weights, `official` says whether the
    weights are those that FID is defined with.

    In bf16 the convolutions compute in bfloat16, the mean over the image and the classifier in
    float32. With made-up weights that moved the features by 0.6 % of their length and the FID of
    two sets of 12 photographs by 2.4 %, so such scores have an id of their own and belong in no
    column with those of fp32. It pays on GPUs and on CPUs that are made for bfloat16.

    Args:
        resize: `tf1`, `clean`, `torch` or `gm`; see `resize`.
        weights: a file of any values; None takes `REPLICATE_INCEPTION_WEIGHTS`, or the published
            file in the folder of data.
        precision: "fp32" or "bf16".
        device: "cpu", or "cuda", which computes in float32 too and never in TF32.

    Raises:
        ReplicateError: the weights are missing, or are not the published ones though nobody chose
            others, or there is no such device; at the first call, the file does not hold weights
            of this network.
    """

    name = "inception-2015-12-05"
    published = files.INCEPTION
    dim = 2048

    def __init__(
        self,
        resize: str = "tf1",
        weights: Path | str | None = None,
        precision: str = "fp32",
        device: str = "cpu",
    ) -> None:
        if precision not in PRECISIONS:
            raise unknown("precision", precision, PRECISIONS)
        self.resize = named_resize(resize)
        self.scale = self.resize.scale
        self.precision = precision
        self.device = torch.device(device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise ReplicateError(f"device {device!r}: torch sees no CUDA device; use 'cpu'")
        self.file, self.sha256, self.official = files.find(self.published, weights)
        marks = [self.name, resize] + ([] if precision == "fp32" else [precision])
        self.id = f"{'-'.join(marks)}@{self.sha256[:8]}"

    def __call__(self, images: Sequence[np.ndarray]) -> Features:
        """Features of every image, whatever the number and order of the images.

        Args:
            images: N times (H, W, 3) uint8, sizes may differ; or one (N, H, W, 3) array.

        Returns:
            float32 features >= 0, and logits without the bias of the last layer, as
            torch-fidelity's Inception score takes them; `bias` is what they lack.
        """
        images = image_list(images)
        size = CPU_CHUNK if self.device.type == "cpu" else GPU_CHUNK
        parts = [self._features(images[i : i + size]) for i in range(0, len(images), size)]
        pools, logits = zip(*parts, strict=True)
        return Features(np.concatenate(pools), np.concatenate(logits))

    def network(self, x: Tensor) -> Tensor:
        """The pooled features of images that are resized already, as clean-fid asks for them.

        Args:
            x: (N, 3, 299, 299) float in [0, 255].

        Returns:
            (N, 2048) float32, >= 0.
        """
        return self._run(x)[0]

    @cached_property
    def bias(self) -> np.ndarray:
        """(1008,) float32: added to the logits, it makes those of torch-fidelity's `logits`."""
        return self._net.classifier.bias.cpu().numpy()

    def _features(self, images: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        x = torch.from_numpy(np.stack([self.resize.apply(image) for image in images]))
        pool, logits = self._run(x)
        return pool.cpu().numpy(), logits.cpu().numpy()

    @torch.inference_mode()
    def _run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.to(self.device, torch.float32) * self.scale - 1
        x = x.to(PRECISIONS[self.precision], memory_format=torch.channels_last)
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            return self._net(x)

    @cached_property
    def _net(self) -> nn.Module:
        # Five seconds of torchvision's imports, which only those pay who compute.
        from replicate.metrics.inception_network import fid_network

        return self._placed(fid_network(self.file))

    def _placed(self, net: nn.Module) -> nn.Module:
        net.body.to(PRECISIONS[self.precision], memory_format=torch.channels_last)
        return net.to(self.device)


def weights_path() -> Path:
    """Where the weights are looked for."""
    return files.place(files.INCEPTION)


def available() -> bool:
    """Whether the file of the weights is there; its sha256 is checked when it is loaded."""
    return files.is_here(files.INCEPTION)


def missing() -> str:
    """What to do when the weights are not there."""
    return files.missing(files.INCEPTION)


class TorchvisionInception(Inception):
    """The extractor `torchvision-inception-v3`: (N, 2048) pooled features, (N, 1000) logits.

    The whole image at 299 px is looked at, where torchvision's recipe for classification crops the
    middle out of 342 px. Pixels are scaled to [-1, 1], what `transform_input` makes of images
    normalised as ImageNet's. The logits have their bias.

    Args:
        resize: `clean`, antialiased bicubic as classifiers are fed; or another name of `resize`.
        weights: a file of any values; None takes `REPLICATE_TORCHVISION_INCEPTION_WEIGHTS`, or the
            published file in the folder of data.
        precision, device: as of `Inception`.

    Source: torchvision models/inception.py, `Inception_V3_Weights.IMAGENET1K_V1`.
    """

    name = "torchvision-inception-v3"
    published = files.TORCHVISION

    def __init__(
        self,
        resize: str = "clean",
        weights: Path | str | None = None,
        precision: str = "fp32",
        device: str = "cpu",
    ) -> None:
        super().__init__(resize, weights, precision, device)
        self.scale = 2 / 255

    @cached_property
    def _net(self) -> nn.Module:
        from replicate.metrics.inception_network import torchvision_network

        return self._placed(torchvision_network(self.file))
