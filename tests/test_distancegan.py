"""DistanceGAN: counts, distances by hand, the schedule, one direction alone, refusals."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run
from replicate.lab.run import parameter_counts
from replicate.methods.distancegan import DistanceGAN
from replicate.records import read as read_record
from replicate.weights.finding import card_of

SMOKE = replace(DistanceGAN.Config(), **DistanceGAN.SMOKE)


def flat(*values: float) -> torch.Tensor:
    """Images of one value each."""
    return torch.tensor(values)[:, None, None, None].expand(-1, 3, 32, 32)


@pytest.mark.parametrize("variant", DistanceGAN.VARIANTS)
def test_parameters_at_the_paper_s_size(variant):
    assert parameter_counts("distancegan", variant) == {"G": 11_388_675, "D": 2_766_529}


def test_distances_are_normalised_by_their_own_domain():
    method = DistanceGAN(SMOKE)
    of_A = [flat(0, 0), flat(0, 1), flat(1, 1)]  # apart by 0.5, 1, 0.5: mean 2/3, variance 1/18
    of_B = [flat(0, 0), flat(0, 2), flat(2, 2)]
    method.setup({"A": a, "B": b} for a, b in zip(of_A, of_B, strict=True))
    wanted = torch.tensor([[2 / 3, 18**-0.5], [4 / 3, 2 * 18**-0.5]])
    torch.testing.assert_close(method.distances, wanted)
    # twice as far in a domain twice as wide is no gap
    gap = method._distance_gap(flat(0, 1), flat(0, 2), "A", "B")
    assert float(gap) == pytest.approx(0, abs=1e-5)  # float32
    gap = method._distance_gap(flat(0, 1), flat(0, 1), "A", "B")
    assert float(gap) == pytest.approx(0.5 * 18**0.5, rel=1e-5)  # float32
    # three images are three pairs, of which two are right and one is off by as much
    three = method._distance_gap(flat(0, 1, 1), flat(0, 2, 1), "A", "B")
    gaps = [0, 0.5 * 18**0.5, 0.5 * 18**0.5]  # of the pairs (0, 1), (0, 2), (1, 2)
    assert float(three) == pytest.approx(sum(gaps) / 3, rel=1e-5)


def test_within_one_image_the_upper_half_is_compared_with_the_lower():
    method = DistanceGAN(replace(SMOKE, self_distance=True, batch_size=1))
    halves = torch.cat([flat(0.0)[:, :, :16], flat(0.6)[:, :, 16:]], dim=2)
    method.setup({"A": s * halves, "B": 2 * s * halves} for s in (0.5, 1.0))
    # distances 0.3 and 0.6, in B twice of it
    torch.testing.assert_close(method.distances, torch.tensor([[0.45, 0.15], [0.9, 0.3]]))
    gap = method._distance_gap(halves, halves, "A", "B")
    assert float(gap) == pytest.approx(abs(1.0 - (0.6 - 0.9) / 0.3), rel=1e-5)  # float32


def test_equal_images_have_no_spread():
    with pytest.raises(ReplicateError, match=r"all their distances are 0\.0; expected images"):
        DistanceGAN(SMOKE).setup({"A": flat(1, 1), "B": flat(1, 1)} for _ in range(3))


def test_the_rate_begins_to_fall_one_epoch_later_than_cyclegan_s():
    method = DistanceGAN(replace(SMOKE, epochs=200))
    rates = []
    for epoch in (0, 100, 101, 199):
        method.begin(epoch * 667, 667.0)
        rates.append(method.optimizers["D_A"].param_groups[0]["lr"])
    assert rates == pytest.approx([2e-4, 2e-4, 2e-4 * 0.99, 2e-4 * 0.01], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 1}, "batch_size=1: expected 2 or more"),
        ({"statistics": 2}, "statistics=2: expected 3 or more"),
        ({"one_sided": True, "lambda_cyc": 1.0}, "one direction has no way back"),
        ({"epochs": 100}, "constant_epochs=100"),
    ],
)
def test_settings_that_no_run_can_have(changes, said):
    with pytest.raises(ReplicateError, match=said):
        make_run("distancegan", "any", 0, "smoke", changes)


def test_one_direction_from_training_to_scores(tiny):
    run = make_run("distancegan:one-sided", tiny, 0, "smoke")
    assert DistanceGAN(run.config).directions == ("AB",)
    with pytest.raises(ReplicateError, match="translates A to B alone"):
        DistanceGAN(run.config).translate(torch.zeros(1, 3, 32, 32), "BA")
    try:
        ensure(run, offline=True)
    finally:
        torch.use_deterministic_algorithms(False)
    scores = pd.read_csv(run.folder / "scores.csv")
    there, back = scores["direction"].unique()
    assert scores.loc[scores["direction"] == there, "value"].notna().any()
    assert scores.loc[scores["direction"] == back, "value"].isna().all()
    assert [f.name for f in (run.folder / "outputs").iterdir()] == [there.replace("->", "2")]
    health = pd.read_csv(run.folder / "health.csv")
    assert set(health["direction"]) == {there} and "discriminator_won" in set(health["fault"])
    assert card_of(run.folder).directions == ("AB",)
    assert read_record(run.folder)["notes"][f"{back} kid/standin"].endswith(f"{there} alone")
