"""EfficientNet-Lite0: logits of another implementation, and what it calls photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.photographs import photographs
from torch import nn

from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.metrics import efficientnet
from replicate.metrics.class_rate import answers, probabilities
from replicate.metrics.efficientnet import SIDE, EfficientNet

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "efficientnet_lite0.json").read_text())


def pictured() -> np.ndarray:
    """The image by formula of which the golden file has the logits, (224, 224, 3) uint8."""
    y, x, c = np.meshgrid(*map(np.arange, (SIDE, SIDE, 3)), indexing="ij")
    return ((x * (3 + c) + y * (5 - c) + x * y // (7 + c)) % 256).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> EfficientNet:
    return EfficientNet()


def test_logits_and_features_are_those_of_the_port(network):
    found = network([pictured()])
    # of order 1; float32 sums in another order, with norms folded in, differ by up to 1e-5
    assert found.logits[0] == pytest.approx(GOLDEN["logits"], abs=1e-4)
    assert found.pool[0, ::10] == pytest.approx(GOLDEN["every tenth feature"], abs=1e-4)


def test_it_has_as_many_parameters_as_the_file(network):
    layers = [layer for layer in network._network.modules() if isinstance(layer, nn.Conv2d)]
    folded = sum(layer.bias.numel() for layer in layers)  # scales of norms, now in the kernels
    assert sum(p.numel() for p in network._network.parameters()) + folded == 4_652_008


def test_an_image_has_the_same_features_whatever_stands_beside_it(network):
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), np.uint8)
    # float32 sums of other block sizes
    assert network(images).pool[2:] == pytest.approx(network(images[2:]).pool, abs=1e-4)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    with pytest.raises(ReplicateError, match=r"no-such-package is not installed.*make setup"):
        EfficientNet()


@pytest.mark.parametrize(
    ("name", "letter", "least"), [("horse2zebra", "B", 0.8), ("cats_dogs", "B", 0.8)]
)
def test_it_names_what_photographs_show(network, name, letter, least):
    domain = spec(name).domains["AB".index(letter)]
    classes, images = spec(name).classes_of(domain), photographs(name, f"test{letter}", every=10)
    logits = network(images).logits
    # of all images it names 95 % of zebras and 98 % of dogs; 2 or 3 of these few may be missed
    assert answers(logits, classes).mean() >= least
    assert probabilities(logits, classes).mean() >= 0.6


def test_horses_are_no_zebras(network):
    logits = network(photographs("horse2zebra", "testA", every=12)).logits
    assert not answers(logits, (340,)).any()
