"""The Inception network against pytorch-fid's with random weights, and its file of weights."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch
from torch import Tensor, nn
from torchvision.models import Inception3

from replicate.errors import ReplicateError
from replicate.metrics import inception
from replicate.metrics.inception import Inception, prepare
from replicate.metrics.inception_network import network


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Random parameters under torchvision's names, scaled so that activations neither die nor
    explode, with batch statistics that are not the identity."""
    with torch.device("meta"):
        shapes = Inception3(1008, aux_logits=False, init_weights=False).state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, value in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1)
        elif name.endswith("running_var") or name.endswith("bn.weight"):
            state[name] = 0.5 + torch.rand(value.shape, generator=generator)
        else:
            fan_in = value[0].numel() if value.ndim > 1 else 100
            draw = torch.rand(value.shape, generator=generator) * 2 - 1
            state[name] = draw * (6 / fan_in) ** 0.5
    return state


@pytest.fixture(scope="module")
def reference(state) -> nn.Module:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch_fid.inception, "load_state_dict_from_url", lambda *_, **__: state)
        return pytorch_fid.inception.InceptionV3().eval()


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)


@torch.inference_mode()
def test_pool_features_equal_pytorch_fid(state, reference):
    given = torch.from_numpy(images()).permute(0, 3, 1, 2) / 255
    theirs = reference(given)[0].flatten(1)
    net = network(dict(state))
    ours = net(prepare(images()))
    assert ours.shape == (1, 2048)
    # float32 over 94 layers; the same kernels in another order of concatenation
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().mean().item())
    net.Mixed_7c.pool = net.Mixed_7b.pool  # the twin that fails: an average in the last block
    assert (net(prepare(images())) - theirs).abs().mean() > 1e-2 * theirs.abs().mean()


def test_building_leaves_the_global_generator_alone(state):
    before = torch.get_rng_state()
    net = network(dict(state))
    assert torch.equal(torch.get_rng_state(), before)
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_weights_without_batch_counters_load(state):
    old = {name: value for name, value in state.items() if "num_batches" not in name}
    assert network(old).state_dict().keys() == network(dict(state)).state_dict().keys()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    path = inception.weights_path()
    path.parent.mkdir()
    return path


def test_extractor_reads_the_checked_file(file, state, monkeypatch):
    torch.save(state, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "SHA256_START", digest[:8])
    found = Inception()(images())
    assert found.shape == (1, 2048) and found.dtype == np.float64 and (found >= 0).all()


def test_missing_weights_say_where_and_how(file):
    assert not inception.available()
    with pytest.raises(ReplicateError) as caught:
        Inception()
    text = str(caught.value)
    assert text.startswith(f"Inception weights not found at {file}; download https://github.com/")
    assert "(sha256 6726825d...) with 'replicate data get inception-weights'" in text
    assert text.endswith("or pass --offline-metrics to skip FID/KID with Inception.")


def test_other_bytes_are_refused_before_they_are_loaded(file):
    file.write_bytes(b"<html>404</html>")
    with pytest.raises(ReplicateError, match=r"has sha256 [0-9a-f]{8}\.\.\., expected 6726825d"):
        Inception()
