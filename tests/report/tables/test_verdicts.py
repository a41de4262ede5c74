"""The pages of claims hold what rule and records give, and nothing else."""

from math import sqrt
from pathlib import Path

import pandas as pd
import pytest
from support.claims import claims_of, scores_of

from replicate.report import claims, tables
from replicate.report.tables.pages import write_page

T4 = 2.7764451  # 97.5 % quantile of Student's t with 4 degrees of freedom


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Five pairs of gain 4 to 8 on the data set of the only claim, one pair elsewhere."""
    monkeypatch.setattr(claims, "every", claims_of)
    rows = scores_of("aggan", [24, 26, 28, 30, 32]) + scores_of("cyclegan", [20, 21, 22, 23, 24])
    far = {"dataset": "cats_dogs"}
    return pd.DataFrame(
        [*rows, *scores_of("aggan", [7], **far), *scores_of("cyclegan", [9], **far)]
    )


def test_the_table_has_one_row_a_claim_with_its_numbers(measured: pd.DataFrame) -> None:
    (row,) = tables.verdict_table(measured).to_dict("records")
    assert row["verdict"] == "reproduced" and row["data set"] == "horse2zebra_drawn"
    assert row["gain"] == "6.0 [4.0, 8.0]" and row["margin"] == "3 dB"
    assert row["effect"] == "3.8" and row["pairs"] == "5"  # 6 / sqrt(2.5)


def test_the_weaker_direction_stands_for_both(measured: pd.DataFrame) -> None:
    better = (measured["name"] == "aggan") & (measured["direction"] == "horse->zebra")
    measured.loc[better, "value"] += 1
    assert tables.verdict_table(measured)["direction"].item() == "zebra->horse"


def test_the_conclusion_names_every_claim_once_with_its_numbers_or_its_reason(
    measured: pd.DataFrame,
) -> None:
    (row,) = tables.verdict_table(measured).to_dict("records")
    text = tables.conclusion(measured)
    assert text.startswith("1 claims at budget laptop: 1 reproduced. Reproduced: ")
    assert text.count(row["claim"].rstrip(".")) == 1
    assert text.endswith("(gain 6.0 [4.0, 8.0] with a margin of 3 dB).")
    fewer = measured[measured["seed"] < 2]
    assert "not run. Not run: " in (said := tables.conclusion(fewer))
    assert "needs 5 paired seeds, has 2" in said and "gain" not in said


def test_the_pages_as_files(measured: pd.DataFrame, tmp_path: Path) -> None:
    pages = tables.verdict_pages(measured, "laptop")
    for stem, page in pages.items():
        write_page(page, tmp_path / stem)
    text = (tmp_path / "claims.md").read_text()
    assert claims.RULE in text and "Of 1 claims: 1 reproduced." in text
    assert "| aggan 28.0 | cyclegan 22.0 |" in text  # each direction
    assert "shown, decide nothing" in text and "cats_dogs" in text and "-2.0" in text
    # of the design all but five seeds of two arms, and one of cats_dogs, are missing
    assert "| 10 of 60 |" in text and "| 2 of 6 " in text and "aggan:whole-image-d (0, 1" in text
    frame = pd.read_csv(tmp_path / "claims.csv")
    assert list(frame["verdict"]) == ["reproduced"] * 2 and list(frame["gain"]) == [6, 6]


def test_the_page_of_predictions_holds_the_intervals_that_new_seeds_meet(
    measured: pd.DataFrame, tmp_path: Path
) -> None:
    write_page(tables.verdict_pages(measured, "laptop")["predictions"], tmp_path / "p")
    page = pd.read_csv(tmp_path / "p.csv").set_index(["direction", "what"])
    reach = T4 * sqrt(2.5) * sqrt(1 + 1 / 5)
    # six digits are written
    gain = page.loc[("horse->zebra", "gain"), ["low", "high"]].tolist()
    assert gain == pytest.approx([6 - reach, 6 + reach], rel=1e-5)
    rows = scores_of("aggan", [28]) + scores_of("cyclegan", [22])
    told = claims.foretold(pd.DataFrame(rows).assign(seed=5), measured, claims_of())
    told = told.set_index(["direction", "what"])
    assert set(told.index) == set(page.index)
    for place in page.index:
        assert told.loc[place, "low"] == pytest.approx(page.loc[place, "low"], rel=1e-5)
