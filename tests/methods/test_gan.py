"""The classical GAN: counts, losses by hand, and a collapse that the health panel sees."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from replicate.errors import ReplicateError
from replicate.lab import ensure, health, make_run
from replicate.lab.run import parameter_counts
from replicate.methods import gan
from replicate.methods.gan import GAN

SMOKE = replace(GAN.Config(), **GAN.SMOKE)


@pytest.mark.parametrize(
    ("variant", "G", "D"),
    [("paper", 11_378_179, 2_764_737), ("unet-bn", 54_413_955, 2_765_633)],  # baselines.md 7
)
def test_parameters_at_the_paper_s_size(variant, G, D):
    assert parameter_counts("gan", variant) == {"G": G, "D": D}


def test_losses_by_hand(start):
    training = start(GAN, SMOKE, None)
    method, batch = training.method.train(), training.batches(0)
    method.set_lr(0.0)
    with torch.no_grad():
        of_real, of_fake = method.D["B"](batch["B"]), method.D["B"](method.G["AB"](batch["A"]))
        wanted = {
            "dis_B": 0.5 * (F.softplus(-of_real).mean() + F.softplus(of_fake).mean()),
            "adv_B": F.softplus(-of_fake).mean(),
        }
    losses = method.step(batch)
    assert set(losses) == {"dis_A", "dis_B", "adv_A", "adv_B"}  # nothing ties it to its input
    for name, value in wanted.items():
        # float32: softplus and the library's form of it round differently
        torch.testing.assert_close(losses[name].detach(), value, rtol=1e-5, atol=1e-6)


def test_a_generator_learns_from_its_inputs_and_d_alone(start):
    """Other images of B change the gradient of what translates them, and not that of G_AB."""
    training = start(GAN, SMOKE, None)
    method, batch = training.method.train(), training.batches(0)
    method.set_lr(0.0)
    slopes = []
    for images in (batch["B"], batch["B"].flip(0, 2)):
        method.step(batch | {"B": images})
        slopes.append({d: G.model[1].weight.grad.clone() for d, G in method.G.items()})
    assert torch.equal(slopes[0]["AB"], slopes[1]["AB"])
    assert not torch.equal(slopes[0]["BA"], slopes[1]["BA"])


@pytest.mark.parametrize("collapsed", [True, False])
def test_health_sees_a_collapse(tiny, monkeypatch, collapsed):
    """A generator that makes one image of all, with noise no eye sees; and one that mirrors."""

    def made(network, x):
        if not collapsed:
            return x.flip(3) + 0 * network.model[1].weight.sum()
        wave = torch.sin(torch.arange(x.shape[3]) / 3).expand_as(x)
        return 0.9 * wave + 0.01 * x + 0 * network.model[1].weight.sum()

    monkeypatch.setattr(gan.ResnetGenerator, "forward", made)
    run = make_run("gan", tiny, 0, "smoke")
    try:
        ensure(run, offline=True)
    finally:
        torch.use_deterministic_algorithms(False)
    panel = health.examine(run.folder)
    faulty = health.found(panel)
    seen = set(faulty[faulty["fault"] == "mode_collapse"]["direction"])
    assert seen == (set(panel["direction"]) if collapsed else set())
    values = panel[panel["fault"] == "mode_collapse"]["value"]
    # a hundredth of the inputs' spread; mirrored images lie as far apart as the real ones of
    # the other domain, which are random, too
    assert (values < 0.02).all() if collapsed else values.between(0.9, 1.1).all()
    assert len(values) == 2


def test_what_it_cannot_be():
    with pytest.raises(ReplicateError, match="expected 8, 16, 32"):
        GAN.check(replace(SMOKE, backbone="unet-bn", crop_size=24, load_size=24))
    with pytest.raises(ReplicateError, match="halves the crop"):
        GAN.check(replace(SMOKE, backbone="unet-bn", test_size=64))
    GAN.check(replace(SMOKE, crop_size=24, test_size=64))
