"""torchvision's own Inception v3, trained on ImageNet: not the network of FID."""

from functools import cached_property
from pathlib import Path

from torch import nn

from replicate.metrics import weights as files
from replicate.metrics.inception import Inception


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
