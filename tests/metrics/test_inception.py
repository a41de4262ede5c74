"""The Inception networks with made-up weights, against torch-fidelity, clean-fid, torchvision."""

from pathlib import Path

import cleanfid.fid
import numpy as np
import pytest
import skimage.data
import torch
import torch_fidelity
import torchvision
from PIL import Image
from support.inception import state, weights_file
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from replicate.errors import ReplicateError, UnknownName
from replicate.metrics import inception
from replicate.metrics.features import features
from replicate.metrics.fid import fid
from replicate.metrics.images import Folder
from replicate.metrics.inception import Inception, TorchvisionInception
from replicate.metrics.kid import kid, kid_subsets

SUBSETS = {"kid_subset_size": 6, "kid_subsets": 20}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return weights_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def network(weights) -> Inception:
    return Inception(weights=weights)


def photographs() -> list[np.ndarray]:
    """Photographs smaller than 299 px, larger, of that size and narrow."""
    cuts = [
        skimage.data.astronaut()[:256, :256],
        skimage.data.coffee(),
        skimage.data.chelsea()[:299, :299],
        skimage.data.chelsea()[60:157, 80:213],
    ]
    return [np.ascontiguousarray(cut) for cut in cuts]


def close(found: np.ndarray, reference: np.ndarray, tolerance: float) -> bool:
    """Every difference within the tolerance of the mean size of the reference."""
    return np.abs(found - reference).max() <= tolerance * np.abs(reference).mean()


@torch.inference_mode()
def test_pool_and_logits_equal_torch_fidelity(weights, network, monkeypatch):
    names = ["2048", "logits_unbiased", "logits"]
    theirs = FeatureExtractorInceptionV3("x", names, feature_extractor_weights_path=str(weights))
    parts = [theirs(torch.from_numpy(i).permute(2, 0, 1)[None]) for i in photographs()]
    pool, unbiased, biased = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    ours = network(photographs())
    assert ours.pool.shape == (4, 2048) and ours.logits.shape == (4, 1008)
    assert ours.pool.dtype == ours.logits.dtype == np.float32
    # float32 over 94 layers whose norms are folded in; measured 6e-6
    assert close(ours.pool, pool, 1e-4)
    assert close(ours.logits, unbiased, 1e-4) and not close(ours.logits, biased, 1e-3)
    assert close(ours.logits + network.bias, biased, 1e-4)
    # The twins that fail: an average in the last block, another resize.
    last = network._net.body.Mixed_7c
    monkeypatch.setattr(last, "pool", network._net.body.Mixed_7b.pool)
    assert not close(network(photographs()[3:]).pool, pool[3:], 1e-2)
    assert not close(Inception("torch", weights)(photographs()[:1]).pool, pool[:1], 1e-2)


@torch.inference_mode()
def test_torchvision_network_equals_torchvision(tmp_path):
    file = weights_file(tmp_path, 1000)
    theirs = torchvision.models.inception_v3(
        weights=None, aux_logits=False, init_weights=False, transform_input=True
    )
    theirs.load_state_dict(state(1000))
    pooled = []
    theirs.eval().avgpool.register_forward_hook(lambda *given: pooled.append(given[2].flatten(1)))
    ours = TorchvisionInception(weights=file)
    (image,) = photographs()[2:3]  # 299 px: nothing is resized
    x = torchvision.transforms.functional.to_tensor(image)[None]
    mean, sd = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # ImageNet's
    logits = theirs(torchvision.transforms.functional.normalize(x, mean, sd))
    found = ours([image])
    assert found.pool.shape == (1, 2048) and found.logits.shape == (1, 1000)
    # float32 over 94 layers, and a normalisation that is undone
    assert close(found.pool, pooled[0].numpy(), 1e-4)
    assert close(found.logits, logits.numpy(), 1e-4)
    file = weights_file(tmp_path)
    with pytest.raises(ReplicateError, match=r"fc\.weight has shape \(1008, 2048\), exp"):
        TorchvisionInception(weights=file)([image])


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Folders of 8 and 9 PNG files of mixed sizes, cut out of two photographs."""
    made, rng = [], np.random.default_rng(0)
    for name, photograph, n in (
        ("a", skimage.data.astronaut(), 8),
        ("b", skimage.data.coffee(), 9),
    ):
        folder = tmp_path_factory.mktemp(name)
        for i in range(n):
            h, w = rng.integers(60, 200, 2)
            y, x = rng.integers(0, photograph.shape[0] - h), rng.integers(0, 300 - w)
            Image.fromarray(photograph[y : y + h, x : x + w]).save(folder / f"{i}.png")
        made.append(folder)
    return tuple(made)


@pytest.fixture(scope="module")
def pools(folders, network) -> tuple[np.ndarray, np.ndarray]:
    return tuple(features(Folder(f), network).pool.astype(np.float64) for f in folders)


def test_scores_equal_torch_fidelity_from_the_files_on(weights, folders, pools):
    theirs = torch_fidelity.calculate_metrics(
        input1=str(folders[0]),
        input2=str(folders[1]),
        fid=True,
        kid=True,
        cuda=False,
        cache=False,
        verbose=False,
        save_cpu_ram=True,  # no worker processes
        batch_size=1,  # of mixed sizes
        feature_extractor_weights_path=str(weights),
        **SUBSETS,
    )
    mean, sd = kid_subsets(*pools, SUBSETS["kid_subset_size"], SUBSETS["kid_subsets"])
    # theirs: eigenvalues of a product of rank 14 among 2048, and a kernel in float32
    assert fid(*pools) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-3)
    assert sd == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-3)
    assert fid(pools[0], pools[1][1:]) != pytest.approx(fid(*pools), rel=1e-3)  # the twin


def test_scores_equal_clean_fid_with_this_network(weights, folders):
    ours = Inception("clean", weights)
    theirs = [
        cleanfid.fid.get_folder_features(
            str(folder), ours.network, 0, device=torch.device("cpu"), mode="clean", verbose=False
        )[:8]  # it draws subsets of the smaller size unseeded; of equal sizes there is but one
        for folder in folders
    ]
    found = [features(Folder(folder), ours).pool[:8].astype(np.float64) for folder in folders]
    for a, b in zip(found, theirs, strict=True):
        assert close(a, b, 1e-5)  # float32 in batches of 17 and of 8
    # float32 in their kernel
    assert kid(*found)[0] == pytest.approx(cleanfid.fid.kernel_distance(*theirs), rel=1e-3)


@pytest.mark.parametrize("batch", [1, 64])
def test_scores_do_not_depend_on_the_batch_or_the_order(folders, network, pools, batch):
    class Reversed(Folder):
        def __iter__(self):
            return reversed(list(super().__iter__()))

    first = features(Reversed(folders[0]), network, batch=batch).pool.astype(np.float64)
    # float32 kernels add in an order of their own for a batch; up to 8 images it is the same one
    assert fid(first, pools[1]) == pytest.approx(fid(*pools), rel=1e-6)
    assert kid(first, pools[1])[0] == pytest.approx(kid(*pools)[0], rel=1e-6)


def test_bf16_is_near_and_has_an_id_of_its_own(weights, network):
    half = Inception(weights=weights, precision="bf16")
    assert half.id == network.id.replace("tf1@", "tf1-bf16@")
    given = photographs()[:2]
    found, reference = half(given), network(given)
    assert found.pool.dtype == np.float32
    # bfloat16 has 8 binary digits; the errors of 94 layers come to 0.6 % here
    deviation = np.linalg.norm(found.pool - reference.pool) / np.linalg.norm(reference.pool)
    assert 1e-4 < deviation < 0.02
    with pytest.raises(UnknownName, match=r"unknown precision 'fp16'.*known: bf16, fp32"):
        Inception(weights=weights, precision="fp16")


def test_the_network_is_made_at_the_first_call(tmp_path, weights):
    html = tmp_path / "a.pth"
    html.write_text("<html>404</html>")
    extractor = Inception("clean", html)
    assert extractor.id.startswith("inception-2015-12-05-clean@") and not extractor.official
    with pytest.raises(ReplicateError, match="is an HTML page"):
        extractor(photographs()[:1])


def test_building_leaves_the_global_generator_alone(weights):
    before = torch.get_rng_state()
    net = Inception(weights=weights)._net
    assert torch.equal(torch.get_rng_state(), before)
    assert not net.training and not any(p.requires_grad for p in net.parameters())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the published file would be."""
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    monkeypatch.delenv("REPLICATE_INCEPTION_WEIGHTS", raising=False)
    return inception.weights_path()


def test_missing_weights_say_where_and_how(place):
    assert not inception.available()
    with pytest.raises(ReplicateError) as caught:
        Inception()
    text = str(caught.value)
    assert text.startswith(f"Inception weights not found at {place}; download https://github.com/")
    assert "(sha256 6726825d...) with 'replicate data get inception-weights'" in text
    assert text.endswith("or pass --offline-metrics to skip FID/KID with Inception.")


def test_the_environment_names_other_weights(place, weights, monkeypatch):
    monkeypatch.setenv("REPLICATE_INCEPTION_WEIGHTS", str(weights))
    assert inception.available() and inception.weights_path() == weights
    assert not Inception().official
