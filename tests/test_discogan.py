"""DiscoGAN: turns, the weight of reconstruction, what the norms remember, refusals."""

from dataclasses import replace

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab.run import make_run, parameter_counts
from replicate.losses import feature_gap
from replicate.methods.discogan import DiscoGAN

SMOKE = replace(DiscoGAN.Config(), **DiscoGAN.SMOKE)


@pytest.mark.parametrize("variant", DiscoGAN.VARIANTS)
def test_parameters_at_the_paper_s_size(variant):
    assert parameter_counts("discogan", variant) == {"G": 5_513_856, "D": 2_765_568}


def test_d_has_every_third_iteration_and_r_grows_once(start):
    training = start(DiscoGAN, SMOKE, None)
    method, seen = training.method.train(), []
    for i in range(4):
        method.begin(i, 1.0)
        losses = method.step(training.batches(i))
        seen.append(
            ({k.partition("_")[0] for k, v in losses.items() if v is not None}, method.recon)
        )
    D, G = {"dis"}, {"adv", "fm", "recon"}
    assert seen == [(D, 0.01), (G, 0.01), (G, 0.5), (D, 0.5)]  # `first_iterations` is 2


def test_running_averages_are_those_of_real_images(start):
    training = start(DiscoGAN, SMOKE, None)
    method, batch = training.method.train(), training.batches(0)
    method.begin(1, 1.0)
    method.step(batch)
    norm = next(m for m in method.G["AB"].modules() if hasattr(m, "running_mean"))
    assert int(norm.num_batches_tracked) == 1  # not 2, though G also translated a translation
    assert all(m.track_running_stats for m in method.G.modules() if hasattr(m, "running_mean"))


def test_features_are_compared_by_their_means_over_the_batch():
    real = torch.tensor([[1.0, 2.0], [3.0, 6.0]])[..., None, None]
    fake = torch.tensor([[0.0, 4.0], [0.0, 6.0]])[..., None, None]
    # means (2, 4) and (0, 5): squares 4 and 1, mean 2.5 in either layer
    assert feature_gap([real, real], [fake, fake]).item() == 5.0


def test_patches_have_a_label_each_and_other_sizes_are_refused(start):
    assert make_run("discogan:patch-labels", "any", 0, "paper").config.crop_size == 256
    for changes in ({"crop_size": 32}, {"crop_size": 128, "load_size": 128}, {"batch_size": 1}):
        with pytest.raises(ReplicateError, match=r"crop_size|batch_size"):
            make_run("discogan", "any", 0, "smoke", changes)
    config = replace(SMOKE, load_size=128, crop_size=128, patch_labels=True)
    training = start(DiscoGAN, config, None)
    scores = training.method.D["A"]((training.batches(0)["A"] + 1) / 2).scores
    assert scores.shape == (2, 1, 5, 5)
