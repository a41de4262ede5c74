"""Kendall's tau of the printed order and of made-up measured ones, over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from replicate.report.tables.order import OTHER, agreement, kendall_tau, order

# as U-GAT-IT's Table 3 prints them, the best first
PAPER, SET = "kim2020ugatit", "horse2zebra"
PRINTED = ("ugatit:tf", "aggan", "cyclegan")
KID, RATE = "kid/efficientnet-lite0", "class-rate/efficientnet-lite0"


def scores(*seeds: tuple[float, float, float], names: tuple[str, ...] = PRINTED) -> pd.DataFrame:
    """A KID a method and seed, and a class rate of 1 less it."""
    rows = [
        {"dataset": "horse2zebra", "direction": "horse->zebra", "name": name, "seed": seed,
         "metric": protocol.partition("/")[0].replace("-", "_"), "protocol": protocol,
         "value": value if protocol == KID else 1 - value}
        for seed, values in enumerate(seeds)
        for name, value in zip(names, values, strict=False)
        for protocol in (KID, RATE)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_tau_is_scipys_where_nothing_is_tied():
    first, second = np.random.default_rng(0).permuted(np.tile(np.arange(9.0), (2, 1)), axis=1)
    assert kendall_tau(first, second) == pytest.approx(kendalltau(first, second)[0], abs=1e-12)
    assert kendall_tau([1, 2, 3], [1, 1, 2]) == pytest.approx(2 / 3)  # a tie counts as neither
    assert np.isnan(kendall_tau([1.0], [1.0]))


def test_the_order_of_print_beside_that_of_two_seeds():
    found = agreement(scores((0.1, 0.2, 0.3), (0.1, 0.3, 0.2)), PAPER, SET)
    assert found["measured by"].tolist() == [f"{KID} ({OTHER})", f"{RATE} ({OTHER})"]
    # 1 and 1/3: their mean, and 12.706 times its standard error of 1/3, cut at -1 and 1
    assert found["tau"].tolist() == ["0.67", "0.67"] and set(found["seeds"]) == {"2"}
    assert found["95 %"].tolist() == ["-1.00 to 1.00"] * 2
    assert set(found["methods"]) == {"ugatit:tf, aggan, cyclegan"}


def test_one_seed_has_no_interval_and_one_method_no_order():
    reverse = agreement(scores((0.3, 0.2, 0.1)), PAPER, SET)
    assert set(reverse["tau"]) == {"-1.00"} and set(reverse["95 %"]) == {"-"}
    assert agreement(scores((0.3,)), PAPER, SET).empty


def test_a_row_for_every_method_at_hand_in_the_order_of_print():
    found = order(scores((0.1, 0.2, 0.3), (0.3, 0.2, 0.3)), PAPER, SET)
    assert found["method"].tolist() == list(PRINTED)
    assert found["printed"].tolist() == ["7.06 ± 0.8", "7.58 ± 0.71", "8.05 ± 0.72"]
    assert found.iloc[0, 4:].tolist() == ["0.2000 (2)", "0.800 (2)"]
    assert all(OTHER in name for name in found.columns[4:])


def test_a_default_stands_for_the_variant_that_is_printed():
    names = ("ugatit", *PRINTED[1:])
    found = order(scores((0.1, 0.2, 0.3), names=names), PAPER, SET)
    assert found["method"].tolist() == ["ugatit, for ugatit:tf", *PRINTED[1:]]
    assert found["printed"].iloc[0] == "7.06 ± 0.8" and found.iloc[0, 4] == "0.1000 (1)"
    taus = agreement(scores((0.1, 0.2, 0.3), names=names), PAPER, SET)
    assert set(taus["methods"]) == {", ".join(names)} and set(taus["tau"]) == {"1.00"}
