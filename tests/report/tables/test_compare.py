"""Measured numbers beside printed and published ones, and what a notebook's last cell refuses."""

from math import inf
from pathlib import Path

import pytest

from replicate import reported
from replicate.errors import ReplicateError
from replicate.report import tables
from replicate.report.tables.catalogue import column

BOTH = ("horse->zebra", "zebra->horse")
KID = column("kid", "kid/standin")
IOU = column("attention_iou", "attention/iou-0.5")
BACKGROUND = column("background_psnr", "background/psnr")


def test_at_paper_the_printed_number_stands_beside(tmp_path: Path, records) -> None:
    for seed in range(3):
        # U-GAT-IT's Table 3 prints 7.58 ± 0.71 for AGGAN, horse to zebra (x 100)
        value = 0.0758 + 0.002 * seed  # mean 0.0778, sd 0.002: one sd above
        rows = [
            records.score("kid", "kid/gm-mean098", value),
            records.score("kid", "kid/standin", 0.5),
        ]
        records.add("aggan", seed, rows, "paper", "horse2zebra")
    paper = reported.load("kim2020ugatit").table
    table = tables.compare(tables.scores(tmp_path), paper)
    assert set(table["compares"]) == {"~", "not comparable"}
    row = table[(table["compares"] == "~") & (table["direction"] == BOTH[0])].iloc[0]
    assert row["measured"] == "0.0778 ± 0.0020 (3)"
    assert row["paper"] == "0.0758 ± 0.0071"
    assert row["difference / sd"] == "+1.0"
    standin = table[table["metric"] == KID]
    assert set(standin["difference / sd"]) == {"-"}


def test_at_other_budgets_the_printed_numbers_stand_apart(root: Path) -> None:
    table = tables.compare(tables.scores(root), reported.load("kim2020ugatit").table)
    measured = table["measured (laptop)"] != "-"
    printed = table["paper"] != "-"
    assert measured.any() and printed.any() and not (measured & printed).any()
    assert set(table.loc[printed, "compares"]) == {"not comparable"}
    assert set(table["difference / sd"]) == {"-"}
    empty = tables.compare(tables.scores(root), reported.load("mejjati2018aggan").table)
    assert set(empty.loc[empty["paper"] != "-", "paper"]) == {"we could not access this table"}


def test_beside_shows_differences_and_precision(root: Path, records, tmp_path: Path) -> None:
    here = tmp_path / "here"
    rows = records.usual(0.065, 0.5)
    rows[0]["extractor"] = "standin-v2@0"
    records.at(here).add("aggan", 0, rows, precision="odd")
    records.at(here).add("cyclegan", 0, records.usual(0.04, None))
    published = tables.scores(root)
    precision = published["precision"].iloc[0]
    records.add("aggan", 0, records.usual(9, 9), budget="paper")  # another budget in the same root
    table = tables.beside(tables.scores(here), tables.scores(root))
    table = table[table["direction"] == BOTH[0]].set_index(["method", "metric"])
    row = table.loc[("cyclegan", KID)]
    assert row["local"] == "0.0400 (1 seed)" and row["published"] == "0.0300 ± 0.0000 (3)"
    assert row["difference"] == "0.0100" and row["note"] == "-"
    assert table.loc[("aggan", IOU), "difference"] == "-0.010"
    assert table.loc[("aggan", IOU), "note"] == f"odd here, {precision} published"
    assert table.loc[("aggan", KID), "difference"] == "-"
    assert "standin-v2@0 here" in table.loc[("aggan", KID), "note"]


def test_beside_says_what_is_not_published(root: Path, tmp_path: Path) -> None:
    table = tables.beside(tables.scores(root), tables.scores(tmp_path / "nowhere"))
    assert set(table["note"]) == {"not published"} and set(table["published"]) == {"-"}


def test_check_passes_what_is_measured_or_explained(root: Path, asked) -> None:
    line = tables.check(tables.scores(root), asked())
    # 3 cyclegan x 2 x 3 rows and 4 aggan x 2 x 5, of which one a direction is not computed
    assert line.startswith("58 scores of 7 runs at budget laptop: 44 measured, 14 not computed")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"note": ""}, "no value and no reason"),
        ({"value": inf}, "expected a finite number"),
        ({"protocol": "kid/mine"}, "unknown protocol 'kid/mine'"),
        ({"budget": "paper"}, "expected laptop"),
    ],
)
def test_check_refuses(root: Path, changes: dict, message: str, asked) -> None:
    with pytest.raises(ReplicateError, match=message):
        tables.check(tables.scores(root).assign(**changes), asked())


def test_check_misses_nothing_that_was_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, asked
) -> None:
    monkeypatch.setenv("REPLICATE_RESULTS", str(root))
    scores = tables.scores(root)
    with pytest.raises(ReplicateError, match=r"seed 9 \(laptop\) has no scores.*missing"):
        tables.check(scores, asked(seeds=[0, 9]))
    lacking = (scores["name"] == "cyclegan") & (scores["metric"] == "background_psnr")
    with pytest.raises(ReplicateError, match="cyclegan on horse2zebra_drawn, seed 0, lacks"):
        tables.check(scores[~lacking], asked())


def test_a_score_that_no_run_could_compute_is_asked_of_none(root: Path, asked) -> None:
    scores = tables.scores(root)
    nowhere = scores["value"].isna()
    assert nowhere.any()
    first = scores["seed"] == 0  # the younger ones have a row that says why
    tables.check(scores[~(nowhere & first)], asked())
