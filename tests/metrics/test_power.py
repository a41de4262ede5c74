"""Scores that cannot tell doing nothing from real images say so, and no claim rests on them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.photographs import photographs

from replicate.metrics.compare import Bench, compare
from replicate.metrics.images import Stack
from replicate.metrics.power import NO_POWER, WHY, lacks_power, weak, with_power
from replicate.metrics.protocols import find
from replicate.metrics.standin import SIZE
from replicate.report.claims import judging
from replicate.report.tables.power import remarks

nan = float("nan")


@pytest.mark.parametrize(
    "metric, numbers, expected",
    [
        ("kid", (0.0, 0.0042, 0.001, 100), True),  # within 3 sqrt(2) errors, 0.00424
        ("kid", (0.0, 0.0043, 0.001, 100), False),
        ("kid", (0.0, -0.1, 0.001, 100), True),  # doing nothing beats real images
        ("kid", (0.0, nan, 0.001, 100), False),
        ("class_rate", (0.5, 0.28, 0.0, 100), False),  # of the ceiling 0.5: 3 sqrt(2) 0.05 = 0.212
        ("class_rate", (0.5, 0.29, 0.0, 100), True),
        ("class_rate", (0.0, 0.0, 0.0, 100), True),
        ("psnr", (0.0, 0.0, 1.0, 100), False),
    ],
)
def test_the_rule(metric, numbers, expected):
    assert lacks_power(metric, *numbers) is expected


def stacked(name: str, folder: str) -> Stack:
    """Photographs at the size of the stand-in."""
    from PIL import Image

    images = photographs(name, folder)
    return Stack(np.stack([Image.fromarray(i).resize((SIZE, SIZE)) for i in images]))


def test_the_standin_has_no_power_on_cats_against_dogs():
    cats, dogs = stacked("cats_dogs", "testA"), stacked("cats_dogs", "testB")
    bench = Bench({"fake": cats, "real": dogs, "source": cats})
    scores = with_power(compare(bench, [find("kid/standin"), find("fid/standin")]))
    assert all(WHY in score.note for score in scores)
    far = [replace(score, do_nothing=1.0, note="") for score in scores]
    assert not any(score.note for score in with_power(far))


def frame(idle: float, network: str = "efficientnet-lite0", **values: float) -> pd.DataFrame:
    """Scores of methods on one set, by name; KID, and FID of the same network in another order."""
    rows = [
        {"dataset": "set", "direction": "a->b", "metric": metric, "protocol": f"{metric}/{network}",
         "name": name, "value": value if metric == "kid" else 1 - value, "spread": 0.01,
         "spread_kind": "standard error" if metric == "kid" else "", "n_real": 100, "floor": 0.0,
         "do_nothing": idle}
        for name, value in values.items()
        for metric in ("kid", "fid")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_table_says_where_there_is_no_power_and_where_orders_differ():
    found = frame(0.5, cyclegan=0.1, aggan=0.2)
    assert not weak(found)
    assert remarks(found) == [
        "a->b: KID and FID order methods differently (efficientnet-lite0): "
        "KID cyclegan < aggan; FID aggan < cyclegan"
    ]
    ways = ["a->b", "a->c", "b->c"]
    many = pd.concat([found.assign(direction=way) for way in ways])
    many.loc[many["direction"] == "b->c", "value"] = [0.1, 0.1, 0.2, 0.2]
    assert remarks(many) == [
        "KID and FID order methods differently (efficientnet-lite0) in 2 of 3 directions: "
        "a->b, a->c"
    ]
    assert len(weak(frame(0.04, cyclegan=0.1))) == 2
    assert [text.partition(":")[0] for text in remarks(frame(0.04, aggan=0.1))] == [NO_POWER] * 2
    assert remarks(frame(0.04, "standin", aggan=0.1)) == []  # stands in older records alone


@pytest.mark.parametrize("idle, verdict", [(0.5, "reproduced"), (0.04, "not comparable")])
def test_no_verdict_rests_on_a_score_without_power(idle, verdict):
    (claim,) = [c for c in judging.of_paper("ma2018dagan") if c.id == "second-discriminator"]
    runs = [
        {"name": name, "dataset": claim.dataset, "budget": "laptop", "direction": direction,
         "seed": seed, "metric": "kid", "protocol": claim.protocol, "value": value + seed / 1e3,
         "spread": 0.01, "spread_kind": "standard error", "n_real": 132, "floor": 0.0,
         "do_nothing": idle, "extractor": "x", "note": "", "stale": False}
        for name, value in ((claim.method, 0.1), (claim.against, 0.2))
        for direction in ("flat->striped", "striped->flat")
        for seed in range(5)
    ]  # fmt: skip
    found = judging.judged(pd.DataFrame(runs), [claim])
    assert set(found["verdict"]) == {verdict}
    assert (found["reason"].str.startswith(NO_POWER) == (verdict == "not comparable")).all()
