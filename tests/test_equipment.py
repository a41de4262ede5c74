"""Frozen networks: their features, their weights, and what is refused."""

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab import equipment
from replicate.lab.equipment import CAFFE, EarlyFeatures, frozen
from replicate.metrics.efficientnet_network import EfficientNetLite0
from replicate.networks.vgg import VGG19


def test_vgg19_sees_what_its_weights_were_trained_with():
    seen = []
    for caffe in (True, False):
        network = VGG19(caffe)
        network.features = torch.nn.Identity()
        seen.append(network(torch.tensor([-1.0, 0.0, 1.0])[None, :, None, None]).flatten().tolist())
    # red -1, green 0, blue 1: blue, green, red in 0 to 255 less their means; or in [0, 1]
    assert seen[0] == pytest.approx([255 - 103.939, 127.5 - 116.779, -123.68], rel=1e-6)  # float32
    assert seen[1] == [0, 0.5, 1]


def test_early_features_are_those_of_the_whole_network():
    torch.manual_seed(0)
    network, seen = EfficientNetLite0().eval(), []
    network._blocks[equipment.BLOCKS - 1].register_forward_hook(lambda *a: seen.append(a[2]))
    pixels = torch.randint(0, 256, (1, 3, 64, 64)).float()
    x = (pixels / 127.5 - 1).requires_grad_()
    with torch.no_grad():
        network((pixels - 127) / 128)
    found = EarlyFeatures(network)(x)
    assert found.shape == (1, 40, 8, 8)
    # float32: pixels went to [-1, 1] and back
    torch.testing.assert_close(found, seen[0], rtol=1e-4, atol=1e-5)
    found.sum().backward()
    assert x.grad.abs().sum() > 0


def test_the_installed_weights_are_taken():
    network = frozen("efficientnet-lite0")
    assert not any(p.requires_grad for p in network.parameters()) and not network.training
    grey = network(torch.zeros(1, 3, 64, 64))
    torch.testing.assert_close(grey, frozen("efficientnet-lite0")(torch.zeros(1, 3, 64, 64)))
    assert not torch.equal(
        grey, frozen("efficientnet-lite0", published=False)(grey.new_zeros(1, 3, 64, 64))
    )


def test_missing_and_other_weights_are_refused(workspace, monkeypatch):
    with pytest.raises(ReplicateError, match=r"VGG19 \(Caffe\) weights not found .*efficientnet"):
        frozen("vgg19-caffe")
    with pytest.raises(ReplicateError, match="unknown frozen network 'vgg16'"):
        frozen("vgg16")
    file = workspace / "mine.pth"
    torch.save(VGG19().state_dict(), file)
    monkeypatch.setenv(CAFFE.variable, str(file))
    with pytest.raises(ReplicateError, match=r"mine.pth has sha256 .* expected d01eb7cb"):
        frozen("vgg19-caffe")


def test_a_file_with_all_layers_of_vgg19_is_read(workspace, monkeypatch):
    """As torchvision's: the layers beyond are left out."""
    torch.manual_seed(0)
    network, file = VGG19(), workspace / "whole.pth"
    more = {f"features.{i}.weight": torch.zeros(1) for i in (28, 30, 32, 34)}
    state = network.state_dict() | more | {"classifier.0.weight": torch.zeros(1)}
    torch.save(state, file)
    monkeypatch.setenv(CAFFE.variable, str(file))
    digest = equipment.weights.find(CAFFE, file).sha256
    about = CAFFE._replace(sha256=digest[:8])
    read = equipment._vgg(about, caffe=True, published=True)
    assert torch.equal(read.features[0].weight, network.features[0].weight)
