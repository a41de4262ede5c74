"""Verdicts follow the stated rule, and only measured scores of one kind reach it."""

from math import inf, nan, sqrt

import pandas as pd
import pytest

from replicate import claims, reported
from replicate.claims import Claim
from replicate.errors import ReplicateError, UnknownName

CLAIM = {
    "id": "background", "text": "It keeps the background", "source": "page 1",
    "metric": "background_psnr", "protocol": "background/psnr", "method": "aggan",
    "than": "cyclegan", "margin": 3.0, "unit": "dB", "direction": "both",
}  # fmt: skip
BOTH = ("horse->zebra", "zebra->horse")


def paper(**changes: object) -> list[Claim]:
    return claims.parse([CLAIM | changes], "p2018")


def rows(name: str, values: list[float], **changes: object) -> list[dict]:
    """A value for each seed, the same in both directions."""
    return [
        {
            "name": name, "dataset": "drawn", "budget": "laptop", "direction": direction,
            "metric": "background_psnr", "protocol": "background/psnr", "seed": seed,
            "value": value, "do_nothing": 10.0, "extractor": "", "stale": False, "note": "",
        }
        | changes
        for direction in BOTH
        for seed, value in enumerate(values)
    ]  # fmt: skip


def one(found: pd.DataFrame) -> pd.Series:
    """The first direction, where both say the same."""
    assert len(found) == 2 and found["verdict"].nunique() == 1
    return found.iloc[0]


def test_the_rule_with_hand_computed_noise() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20, 20]))
    row = one(claims.judged(scores, paper()))
    assert row["left"] == 26 and row["right"] == 20 and row["difference"] == 6
    assert row["noise"] == pytest.approx(2 * sqrt(1 / 3 + 0 / 4))  # sd 1 over 3, sd 0 over 4
    assert row["n"] == "3, 4" and row["verdict"] == "reproduced" and row["reason"] == ""


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [(4.84, "reproduced"), (4.85, "within seed noise"), (7.15, "within seed noise"),
     (7.16, "not reproduced")],
)  # fmt: skip
def test_margins_around_the_noise(margin: float, verdict: str) -> None:
    # difference 6, noise 2 sqrt(1/3) = 1.1547: 4.8453 and 7.1547 are the edges
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20]))
    assert one(claims.judged(scores, paper(margin=margin)))["verdict"] == verdict


def test_edges_of_the_rule() -> None:
    assert claims.judge(3.0, 0.0, 3.0) == "reproduced"
    assert claims.judge(2.0, 1.0, 3.0) == "within seed noise"
    assert claims.judge(1.9, 1.0, 3.0) == "not reproduced"


def test_the_worst_direction_decides_and_both_are_shown() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20]))
    weak = (scores["name"] == "aggan") & (scores["direction"] == BOTH[1])
    scores.loc[weak, "value"] = 20.0
    found = claims.judged(scores, paper())
    assert list(found["here"]) == ["reproduced", "not reproduced"]
    assert set(found["verdict"]) == {"not reproduced"}
    single = claims.judged(scores, paper(direction=BOTH[0]))
    assert list(single["verdict"]) == ["reproduced"]
    half = claims.judged(scores[scores["direction"] == BOTH[0]], paper())
    assert list(half["verdict"]) == ["not run"] and half["reason"].item() == "one direction only"


def test_fewer_than_three_seeds_show_the_difference_only() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26]) + rows("cyclegan", [20, 20, 20]))
    row = one(claims.judged(scores, paper()))
    assert row["verdict"] == "not run" and row["reason"] == "needs 3 seeds, has 2"
    assert row["difference"] == 5.5 and row["noise"] != row["noise"]


def test_values_that_were_not_computed_are_no_seeds() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, nan]) + rows("cyclegan", [20, 20, 20]))
    assert one(claims.judged(scores, paper()))["reason"] == "needs 3 seeds, has 2"


def test_nothing_measured() -> None:
    empty = pd.DataFrame(rows("aggan", [1.0])).iloc[:0]
    found = claims.judged(empty, paper())
    assert found["verdict"].item() == "not run" and found["reason"].item() == "no scores of aggan"
    alone = pd.DataFrame(rows("aggan", [25, 26, 27]))
    assert one(claims.judged(alone, paper()))["reason"] == "no scores of cyclegan"


def test_what_does_not_compare() -> None:
    left, right = rows("aggan", [25, 26, 27]), rows("cyclegan", [20, 20, 20])
    smoke = pd.DataFrame(left + right).assign(budget="smoke")
    assert one(claims.judged(smoke, paper()))["verdict"] == "not comparable"
    other = pd.DataFrame(left + rows("cyclegan", [20, 20, 20], protocol="background/other"))
    row = one(claims.judged(other, paper()))
    assert row["verdict"] == "not comparable" and "background/other" in row["reason"]
    network = pd.DataFrame(left + rows("cyclegan", [20, 20, 20], extractor="x@1"))
    assert "x@1" in one(claims.judged(network, paper()))["reason"]
    endless = pd.DataFrame(rows("aggan", [25, 26, inf]) + right)
    assert one(claims.judged(endless, paper()))["verdict"] == "not comparable"


def test_a_copy_of_the_input_keeps_no_background() -> None:
    closed = {"metric": "attention_mean", "note": "collapsed to 0: no pixel of any map reaches 0.5"}
    maps = rows("aggan", [nan, 0.01], **closed)[1::2]  # seed 1
    scores = pd.DataFrame(rows("aggan", [25, 70, 27]) + rows("cyclegan", [20, 20, 20]) + maps)
    row = one(claims.judged(scores, paper()))
    assert row["verdict"] == "not comparable"
    assert row["reason"] == "copies of the input, attention closed: aggan, seed 1"
    error = scores.replace({"metric": {"background_psnr": "foreground_error"}})
    row = one(claims.judged(error, paper(metric="foreground_error")))
    assert row["verdict"] == "within seed noise"


def test_budgets_and_data_sets_are_judged_apart() -> None:
    near = rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20])
    far = rows("aggan", [20, 20, 20], budget="paper") + rows("cyclegan", [20] * 3, budget="paper")
    found = claims.judged(pd.DataFrame(near + far), paper())
    by_budget = found.groupby("budget")["verdict"].first()
    assert dict(by_budget) == {"laptop": "reproduced", "paper": "not reproduced"}


def test_ceiling_is_a_share_seed_by_seed() -> None:
    iou = {"metric": "attention_iou", "protocol": "attention/iou-0.5"}
    top = iou | {"metric": "attention_iou_ceiling"}
    scores = pd.DataFrame(
        rows("aggan", [0.40, 0.45, 0.50], **iou) + rows("aggan", [0.5] * 3, **top)
    )
    row = one(claims.judged(scores, paper(**iou, than="ceiling", margin=0.75)))
    # shares 0.8, 0.9, 1.0: mean 0.9, sd 0.1
    assert row["difference"] == pytest.approx(0.9) and row["right"] == 0.5
    assert row["noise"] == pytest.approx(2 * 0.1 / sqrt(3))
    assert row["verdict"] == "reproduced"  # 0.9 - 0.115 is above 0.75


def test_do_nothing_is_a_side_without_noise() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]))
    row = one(claims.judged(scores, paper(than="do nothing")))
    assert row["right"] == 10 and row["difference"] == 16 and row["verdict"] == "reproduced"


def test_stale_runs_are_named() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20]))
    row = one(claims.judged(scores.assign(stale=True), paper()))
    assert row["verdict"] == "reproduced" and row["reason"].startswith("stale")


def test_two_scores_for_one_seed_are_refused() -> None:
    twice = pd.DataFrame(rows("aggan", [25, 26, 27]) * 2 + rows("cyclegan", [20, 20, 20]))
    with pytest.raises(ReplicateError, match="two scores for one seed"):
        claims.judged(twice, paper())


def test_claims_are_checked() -> None:
    with pytest.raises(UnknownName, match=r"unknown key of a claim.*did you mean 'margin'"):
        paper(margins=3.0)
    with pytest.raises(ReplicateError, match="claim 'background', margin"):
        paper(margin="3")
    with pytest.raises(ReplicateError, match="stands twice"):
        claims.parse([CLAIM, CLAIM], "p2018")


def test_the_claims_of_every_paper_can_be_measured() -> None:
    papers = reported.keys()
    found = {key: claims.of_paper(key) for key in papers}
    assert len(found["mejjati2018aggan"]) == 3
    for claim in (claim for each in found.values() for claim in each):
        assert claim.source and claim.than != claim.method


def test_verdicts_are_those_of_the_papers_claims() -> None:
    scores = pd.DataFrame(rows("aggan", [25, 26, 27]) + rows("cyclegan", [20, 20, 20]))
    found = claims.verdicts(scores, "mejjati2018aggan")
    assert dict(found.groupby("claim")["verdict"].first()) == {
        "background-kept": "reproduced",  # 6 dB, noise 1.15, margin 3
        "attention-finds-the-object": "not run",
        "whole-image-discriminator": "not run",
    }


def test_the_rule_in_words_names_the_numbers_of_the_code() -> None:
    assert "2 sqrt" in claims.RULE and f"{claims.SEEDS} or more seeds" in claims.RULE
    assert all(verdict in claims.RULE for verdict in claims.VERDICTS[:3])
