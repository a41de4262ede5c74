"""What a method is given beside its batches: a frozen network with published weights, a stream."""

import hashlib
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.datasets.instances import with_instances
from replicate.datasets.packed import ImageSet
from replicate.datasets.smoothing import with_smooth
from replicate.errors import ReplicateError, unknown
from replicate.methods.base import Method
from replicate.metrics import efficientnet, efficientnet_network, weights
from replicate.networks.vgg import VGG19

OTHERWISE = "or train with --set content=efficientnet-lite0, whose weights install with the package"
CAFFE = weights.Published(
    "VGG19 (Caffe)",
    ("vgg19-d01eb7cb.pth",),
    "https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
    "d01eb7cb",
    "REPLICATE_VGG19_CAFFE_WEIGHTS",
    f"and put it there, {OTHERWISE}",
)
TORCHVISION = weights.Published(
    "VGG19 (torchvision)",
    ("vgg19-dcbb9e9d.pth",),
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "dcbb9e9d",
    "REPLICATE_VGG19_WEIGHTS",
    f"and put it there, {OTHERWISE}",
)
# of the files: layers beyond conv4_4
BEYOND = ("classifier.", *(f"features.{i}." for i in range(26, 37)))
BLOCKS = 5  # of EfficientNet-Lite0, to the end of its third stage: 40 channels, stride 8


def equip(method: Method, images: ImageSet, published: bool = True) -> ImageSet:
    """Hands a method the network that it needs; the set, with the arrays that it needs.

    Args:
        method: on its device.
        images: its training images.
        published: False gives the network untrained, where only its cost matters.

    Raises:
        ReplicateError: the weights are not there, or are not the published ones.
    """
    needs = method.needs(method.config)
    if needs.frozen is not None:
        device = next(method.parameters()).device
        with torch.random.fork_rng([]):  # layers draw weights before they get theirs
            method.receive(frozen(needs.frozen, published).to(device))
    images = with_instances(images) if method.by_instances else images
    return with_smooth(images) if needs.smooth else images


def frozen(name: str, published: bool = True) -> nn.Module:
    """A network by its name: features of (N, 3, H, W) in [-1, 1]; raises what `equip` does."""
    if name not in NETWORKS:
        raise unknown("frozen network", name, NETWORKS)
    return NETWORKS[name](published).eval().requires_grad_(False)


class EarlyFeatures(nn.Module):
    """EfficientNet-Lite0 to the end of its third stage: (N, 40, H / 8, W / 8), of either sign.

    Args:
        network: the whole one.
    """

    def __init__(self, network: efficientnet_network.EfficientNetLite0) -> None:
        super().__init__()
        self.stem, self.blocks = network._conv_stem, network._blocks[:BLOCKS]

    def forward(self, x: Tensor) -> Tensor:
        x = ((x.float() + 1) * 127.5 - efficientnet.MEAN) / efficientnet.SCALE
        x = F.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x.float()


def _lite(published: bool) -> nn.Module:
    if not published:
        return EarlyFeatures(efficientnet_network.EfficientNetLite0())
    file = efficientnet.weights_file()
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != efficientnet.SHA256:
        raise _other(str(file), found, efficientnet.SHA256, "install its package again")
    return EarlyFeatures(efficientnet_network.load(file))


def _vgg(about: weights.Published, caffe: bool, published: bool) -> nn.Module:
    network = VGG19(caffe)
    if published:
        found = weights.find(about)
        if not found.official:  # a run's identity names them, so they cannot be of one's own
            raise _other(str(found.path), found.sha256, about.sha256, f"download {about.url}")
        network.load_state_dict(weights.load(found.path, network.state_dict(), BEYOND))
    return network


def _other(file: str, digest: str, wanted: str, way_out: str) -> ReplicateError:
    return ReplicateError(
        f"{file} has sha256 {digest[:8]}..., expected {wanted[:8]}...: a run's name stands for the "
        f"published weights; {way_out}"
    )


NETWORKS = {
    "vgg19-caffe": partial(_vgg, CAFFE, True),
    "vgg19-torchvision": partial(_vgg, TORCHVISION, False),
    "efficientnet-lite0": _lite,
}
