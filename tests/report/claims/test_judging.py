"""Verdicts follow the stated rule, and only measured scores of one kind reach it."""

from math import inf, nan, sqrt

import pandas as pd
import pytest
from support.claims import BOTH, claims_of, scores_of

from replicate.errors import ReplicateError
from replicate.report import claims

T4 = 2.7764451  # 97.5 % quantile of Student's t with 4 degrees of freedom
RIVAL = [20, 21, 22, 23, 24]
GAINS = [4, 5, 6, 7, 8]  # mean 6, variance 10 / 4: the interval is 6 ± 1.9633
OWN = [rival + gain for rival, gain in zip(RIVAL, GAINS, strict=True)]
MAPS = {"metric": "attention_mean", "protocol": "attention/mean"}
IOU = {"metric": "attention_iou", "protocol": "attention/iou-0.5"}


def both(left: list[float] = OWN, right: list[float] = RIVAL, **changes: object) -> pd.DataFrame:
    """The scores of both arms of the made-up claim."""
    rows = scores_of("aggan", left, **changes) + scores_of("cyclegan", right, **changes)
    return pd.DataFrame(rows)


def one(found: pd.DataFrame) -> pd.Series:
    """The first direction, where both say the same."""
    assert len(found) == 2 and found["verdict"].nunique() == 1
    return found.iloc[0]


def collapsed(name: str, to: str, seed: int = 1) -> pd.DataFrame:
    """The score of a map that is the same everywhere."""
    rows = scores_of(name, [0.01] * 5, **MAPS, note=f"collapsed to {to}")
    return pd.DataFrame([row for row in rows if row["seed"] == seed])


def test_a_verdict_by_hand() -> None:
    row = one(claims.judged(both(), claims_of()))
    assert (row["left"], row["right"], row["gain"], row["n"]) == (28, 22, 6, 5)
    reach = T4 * sqrt(2.5 / 5)
    # seven digits of the quantile
    assert (row["low"], row["high"]) == pytest.approx((6 - reach, 6 + reach), rel=1e-7)
    assert row["effect"] == pytest.approx(6 / sqrt(2.5))
    assert row["verdict"] == "reproduced" and row["reason"] == ""


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [(4.03, "reproduced"), (4.04, "undecided"), (7.96, "undecided"),
     (7.97, "not reproduced")],
)  # fmt: skip
def test_margins_around_the_interval(margin: float, verdict: str) -> None:
    assert one(claims.judged(both(), claims_of(margin=margin)))["verdict"] == verdict


def test_a_lower_score_is_a_gain_where_it_is_claimed() -> None:
    row = one(claims.judged(both(RIVAL, OWN), claims_of(prediction="lower")))
    assert (row["left"], row["right"], row["gain"]) == (22, 28, 6)
    assert row["verdict"] == "reproduced"
    assert one(claims.judged(both(), claims_of(prediction="lower")))["verdict"] == "not reproduced"


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([0.1, -0.1, 0.1, -0.1, 0.0], "reproduced"),
        (GAINS, "not reproduced"),  # 4.04 to 7.96, beyond 3
        ([-gain for gain in GAINS], "not reproduced"),
        ([-9, 9, 0, -5, 5], "undecided"),
    ],
)
def test_equivalence_has_two_sides(gains: list[float], verdict: str) -> None:
    own = [rival + gain for rival, gain in zip(RIVAL, gains, strict=True)]
    found = claims.judged(both(own), claims_of(prediction="equivalent"))
    assert one(found)["verdict"] == verdict


def test_seeds_are_paired() -> None:
    noisy = [10, 20, 30, 40, 50]  # much more noise than gain, but the same in both arms
    scores = both([value + gain for value, gain in zip(noisy, GAINS, strict=True)], noisy)
    row = one(claims.judged(scores, claims_of()))
    assert row["gain"] == 6 and row["verdict"] == "reproduced"
    shuffled = scores.sample(frac=1, random_state=0)  # the order of rows is nothing
    assert one(claims.judged(shuffled, claims_of()))["low"] == pytest.approx(row["low"])
    other = scores["seed"].where(scores["name"] == "aggan", 4 - scores["seed"])
    wrong = claims.judged(scores.assign(seed=other), claims_of())
    assert one(wrong)["verdict"] == "undecided"


def test_seeds_of_one_arm_alone_are_no_pairs() -> None:
    left = pd.DataFrame(scores_of("aggan", [90, *OWN]))
    left["seed"] -= 1  # the first has no partner
    scores = pd.concat([left, pd.DataFrame(scores_of("cyclegan", RIVAL))])
    row = one(claims.judged(scores, claims_of()))
    assert row["left"] == 28 and row["n"] == 5


def test_the_worst_direction_decides_and_both_are_shown() -> None:
    scores = both()
    weak = (scores["name"] == "aggan") & (scores["direction"] == BOTH[1])
    scores.loc[weak, "value"] = 20
    found = claims.judged(scores, claims_of())
    assert list(found["here"]) == ["reproduced", "not reproduced"]
    assert set(found["verdict"]) == {"not reproduced"}
    single = claims.judged(scores, claims_of(direction=BOTH[0]))
    assert list(single["verdict"]) == ["reproduced"]
    half = claims.judged(scores[scores["direction"] == BOTH[0]], claims_of())
    assert list(half["verdict"]) == ["not run"] and half["reason"].item() == "one direction only"


def test_fewer_than_five_pairs_say_which_seeds_are_missing() -> None:
    row = one(claims.judged(both(OWN[:4]), claims_of()))
    assert row["verdict"] == "not run" and row["n"] == 4
    assert row["reason"] == "needs 5 paired seeds, has 4: aggan lacks seed 4"
    assert row["gain"] == 5.5 and row["low"] < 5.5  # shown all the same
    row = one(claims.judged(both([*OWN[:3], nan, OWN[4]], RIVAL[:2]), claims_of()))
    assert row["reason"].endswith("has 2: aggan lacks seed 3; cyclegan lacks seeds 2, 3, 4")


def test_nothing_measured() -> None:
    found = claims.judged(both().iloc[:0], claims_of())
    assert found["verdict"].item() == "not run"
    assert found["reason"].item() == "no background_psnr of aggan on horse2zebra_drawn"
    row = one(claims.judged(pd.DataFrame(scores_of("aggan", OWN)), claims_of()))
    assert row["verdict"] == "not run" and row["reason"] == "no background_psnr of cyclegan"


def test_what_does_not_compare() -> None:
    assert one(claims.judged(both(budget="smoke"), claims_of()))["verdict"] == "not comparable"
    left = scores_of("aggan", OWN)
    other = pd.DataFrame(left + scores_of("cyclegan", RIVAL, protocol="background/other"))
    row = one(claims.judged(other, claims_of()))
    assert row["verdict"] == "not comparable" and "background/other" in row["reason"]
    network = pd.DataFrame(left + scores_of("cyclegan", RIVAL, extractor="x@1"))
    assert "x@1" in one(claims.judged(network, claims_of()))["reason"]
    row = one(claims.judged(both([*OWN[:4], inf]), claims_of()))
    assert row["verdict"] == "not comparable"
    assert row["reason"] == "infinite, copies of the input: aggan, seed 4"


def test_a_copy_of_the_input_keeps_no_background() -> None:
    scores = pd.concat([both(), collapsed("aggan", "0: no pixel of any map reaches 0.5")])
    row = one(claims.judged(scores, claims_of()))
    assert row["verdict"] == "not comparable"
    assert row["reason"] == "copies of the input, attention closed: aggan, seed 1"
    full = pd.concat([both(), collapsed("aggan", "1: every pixel of every map reaches 0.5")])
    assert one(claims.judged(full, claims_of()))["verdict"] == "reproduced"
    error = {"metric": "foreground_error", "protocol": "foreground/l1"}
    scores = pd.concat([both(**error), collapsed("aggan", "0")])
    assert one(claims.judged(scores, claims_of(**error)))["verdict"] == "reproduced"


def test_a_collapsed_attention_counts_against_its_own_method_and_for_no_other() -> None:
    scores = pd.concat([both(**IOU), collapsed("cyclegan", "0")])
    row = one(claims.judged(scores, claims_of(**IOU)))
    assert row["verdict"] == "not comparable"
    assert row["reason"] == "no map to compare with, attention collapsed: cyclegan, seed 1"
    scores = pd.concat([both(**IOU), collapsed("aggan", "0")])
    assert one(claims.judged(scores, claims_of(**IOU)))["verdict"] == "reproduced"


def test_only_the_claim_s_own_data_set_decides() -> None:
    scores = pd.concat([both(), both([18, 19, 20, 21, 22], dataset="cats_dogs")])
    assert one(claims.judged(scores, claims_of()))["verdict"] == "reproduced"
    shown = claims.elsewhere(scores, claims_of())
    assert set(shown["dataset"]) == {"cats_dogs"} and "verdict" not in shown
    assert list(shown["gain"]) == [-2, -2] and list(shown["n"]) == [5, 5]


def test_budgets_are_judged_apart_and_at_budget_paper_any_data_set_decides() -> None:
    far = both([20] * 5, dataset="horse2zebra", budget="paper")
    found = claims.judged(pd.concat([both(), far]), claims_of())
    by_budget = found.groupby("budget")["verdict"].first()
    assert dict(by_budget) == {"laptop": "reproduced", "paper": "not reproduced"}


def test_ceiling_is_a_share_seed_by_seed() -> None:
    top = IOU | {"metric": "attention_iou_ceiling"}
    own = scores_of("aggan", [0.40, 0.45, 0.45, 0.45, 0.50], **IOU)
    scores = pd.DataFrame(own + scores_of("aggan", [0.5] * 5, **top))
    row = one(claims.judged(scores, claims_of(**IOU, against="ceiling", margin=0.75)))
    # shares 0.8, 0.9, 0.9, 0.9, 1.0: mean 0.9, variance 0.02 / 4
    assert row["gain"] == pytest.approx(0.9) and row["right"] == 0.5
    assert row["low"] == pytest.approx(0.9 - T4 * sqrt(0.005 / 5))
    assert row["verdict"] == "reproduced"  # 0.812 is above 0.75


def test_do_nothing_is_a_side_of_the_same_runs() -> None:
    scores = pd.DataFrame(scores_of("aggan", OWN))
    row = one(claims.judged(scores, claims_of(against="do nothing")))
    assert row["right"] == 10 and row["gain"] == 18 and row["verdict"] == "reproduced"


def test_stale_runs_are_named() -> None:
    row = one(claims.judged(both().assign(stale=True), claims_of()))
    assert row["verdict"] == "reproduced" and row["reason"].startswith("stale")


def test_two_scores_for_one_seed_are_refused() -> None:
    with pytest.raises(ReplicateError, match="two scores for one seed"):
        claims.judged(pd.concat([both(), both()]), claims_of())


def test_verdicts_are_those_of_the_paper_s_claims() -> None:
    found = claims.verdicts(both(), "mejjati2018aggan").groupby("claim")["verdict"].first()
    assert found["background-kept"] == "reproduced"  # 4.04 to 7.96 dB, margin 3
    assert found["attention-finds-the-object"] == "not run"
