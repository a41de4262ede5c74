"""Whether a new seed lies where the published ones foretell: both answers."""

from math import inf, sqrt

import pandas as pd
import pytest
from support.claims import BOTH, claims_of, scores_of

from replicate.report import claims

T4, T3 = 2.7764451, 3.1824463  # 97.5 % quantiles of Student's t, 4 and 3 degrees of freedom
AGGAN, CYCLEGAN = [24, 26, 28, 30, 32], [20, 21, 22, 23, 24]  # gains 4 to 8


def published(aggan: list[float] = AGGAN) -> pd.DataFrame:
    return pd.DataFrame(scores_of("aggan", aggan) + scores_of("cyclegan", CYCLEGAN))


def local(aggan: float, cyclegan: float, seed: int = 5) -> pd.DataFrame:
    rows = scores_of("aggan", [aggan]) + scores_of("cyclegan", [cyclegan])
    return pd.DataFrame(rows).assign(seed=seed)


def asked(ours: pd.DataFrame, theirs: pd.DataFrame | None = None) -> pd.DataFrame:
    """What is said of the first direction, by what it is about."""
    found = claims.foretold(ours, published() if theirs is None else theirs, claims_of())
    return found[found["direction"] == BOTH[0]].set_index("what")


def test_the_intervals_by_hand() -> None:
    found = asked(local(28, 22))
    for what, mean, variance in (("aggan", 28, 10), ("cyclegan", 22, 2.5), ("gain", 6, 2.5)):
        reach = T4 * sqrt(variance) * sqrt(1 + 1 / 5)
        interval = found.loc[what, ["low", "high"]].tolist()
        # seven digits of the quantile
        assert interval == pytest.approx([mean - reach, mean + reach], rel=1e-7)
    assert set(found["answer"]) == {"inside"} and set(found["n"]) == {5}


def test_both_answers() -> None:
    # aggan 28 ± 9.62, cyclegan 22 ± 4.81, gain 6 ± 4.81
    found = asked(local(37, 26))
    assert dict(found["answer"]) == {"aggan": "inside", "cyclegan": "inside", "gain": "OUTSIDE"}
    found = asked(local(38, 27))
    assert dict(found["answer"]) == {"aggan": "OUTSIDE", "cyclegan": "OUTSIDE", "gain": "OUTSIDE"}
    assert list(asked(local(38, 32))["here"]) == [38, 32, 6]
    assert asked(local(38, 32)).loc["gain", "answer"] == "inside"


def test_a_published_seed_is_held_against_the_others() -> None:
    found = asked(local(24, 20, seed=0))
    reach = T3 * sqrt(20 / 3) * sqrt(1 + 1 / 4)  # of 26 to 32: mean 29, variance 20 / 3
    assert found.loc["aggan", "low"] == pytest.approx(29 - reach, rel=1e-7)
    assert found.loc["aggan", "n"] == 4 and "among the published" in found.loc["aggan", "note"]
    # with itself 50 would lie in 33.2 ± 29.5; without, it is outside of 29 ± 9.2
    far = asked(local(50, 20, seed=0), published([50, *AGGAN[1:]]))
    assert far.loc["aggan", "answer"] == "OUTSIDE"


def test_no_interval_and_why() -> None:
    nothing = asked(local(28, 22), published().iloc[:0])
    assert set(nothing["answer"]) == {"no interval"}
    assert set(nothing["note"]) == {"0 published seeds; an interval needs 2"}
    copies = asked(local(28, 22), published([*AGGAN[:4], inf]))
    assert copies.loc["aggan", "answer"] == "no interval"
    assert "infinite" in copies.loc["aggan", "note"]
    assert copies.loc["cyclegan", "answer"] == "inside"


def test_a_claim_whose_arms_are_not_all_there_is_silent() -> None:
    ours = local(28, 22)
    assert asked(ours[ours["name"] == "aggan"]).empty
    assert asked(ours.assign(dataset="cats_dogs")).empty
    nothing = claims.foretold(ours.iloc[:0], published(), claims_of())
    assert claims.lines(nothing, "page") == ["no claim has all its arms among these runs"]


def test_the_lines_hold_the_numbers_and_the_page() -> None:
    found = claims.foretold(local(37, 26), published(), claims_of())
    said = claims.lines(found, "tables/claims.md")
    assert said[0] == "95% prediction intervals for one more seed, from tables/claims.md:"
    assert said[1] == "mejjati2018aggan, background: It keeps the background (dB)"
    assert said[2] == "  horse->zebra, aggan: 37 (seed 5) inside 18.38 to 37.62, 5 seeds"
    assert said[4] == "  horse->zebra, gain: 11 (seed 5) OUTSIDE 1.191 to 10.81, 5 seeds"
    assert said[-1] == "4 of 6 inside; by chance about 0.3 of 6 would lie outside"
    again = claims.lines(claims.foretold(local(28, 22, 0), published(), claims_of()), "page")
    assert again[-1] == "published itself, so left out of its intervals: seed 0"


def untried(ours: pd.DataFrame, asked: list[claims.Claim]) -> list[str]:
    return claims.untried(claims.foretold(ours, published(), asked), ours, asked)


def test_claims_that_lack_an_arm_or_a_score_are_named() -> None:
    tried, lacking = claims_of(), claims_of(id="other", against="aggan:whole-image-d")
    assert untried(local(28, 22), tried) == []
    start, end = "not tried, needs", "on horse2zebra_drawn: mejjati2018aggan, other"
    assert untried(local(28, 22), tried + lacking) == [f"{start} aggan:whole-image-d {end}"]
    (line,) = untried(local(28, 22).iloc[:0], lacking)
    assert line == f"{start} aggan and aggan:whole-image-d {end}"
    ours = local(28, 22).assign(metric="kid")
    assert "no background_psnr of one seed" in untried(ours, tried)[0]
