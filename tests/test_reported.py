"""The printed tables say what the pages say, and join only with what they can be compared to."""

import math
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from replicate import paths, reported
from replicate.errors import ReplicateError, UnknownName

SOURCES = paths.ROOT.parent / "shared" / "seeds"
COLUMNS = ["paper", "where", "metric", "method", "variant", "label", "dataset", "direction"]
COLUMNS += [
    "printed",
    "value",
    "spread",
    "spread_kind",
    "protocol",
    "inferred",
    "certainty",
    "note",
]
SMALL = """
title = "A paper"
arxiv = "0000.00000v1"
checked = ""
[protocol]
kid = ""
[labels]
ours = "Ours"
"ours:in" = "Ours w/ IN"
[[table]]
where = "Table 1"
metric = "kid"
protocol = "kid/paper-printed"
inferred = "kid/gm-mean098"
certainty = "verified (page 5)"
scale = 100
spread_kind = "std as printed"
columns = ["h2z", "z2h"]
datasets = ["horse2zebra", "horse2zebra"]
directions = ["horse->zebra", "zebra->horse"]
rows.ours = ["8.0 ± 0.66", "7.10"]
rows."ours:in" = ["9.70", "-"]
"""


@pytest.fixture
def enter(tmp_path, monkeypatch):
    """A function that enters `SMALL` with one text replaced, and loads it."""
    monkeypatch.setattr(paths, "reported", lambda: tmp_path)

    def entered(old: str = "", new: str = "") -> reported.Reported:
        assert old in SMALL
        text = SMALL.replace(old, new, 1) if old else SMALL
        (tmp_path / "small.toml").write_text(text, encoding="utf-8")
        return reported.load("small")

    return entered


def pages(source: Path) -> list[tuple[str, list[list[str]]]]:
    """Caption and tab-separated lines of every table of the source's text."""
    found, caption = [], ""
    for line in source.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if line.startswith("Table "):
            caption = line.split(":")[0]
        elif cells[0] == "Model":
            found.append((caption, [cells]))
        elif len(cells) > 1:
            found[-1][1].append(cells)
    return found


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the text of the transcribed pages is not here")
def test_ugatit_equals_the_transcribed_pages_cell_by_cell():
    printed = reported.load("kim2020ugatit").table
    expected = set()
    for where, (header, *rows) in pages(next(SOURCES.glob("003_*.txt"))):
        for label, *cells in rows:
            for name, cell in zip(header[1:], cells, strict=True):
                expected.add((where, label, name, cell))
    arrow = printed["direction"].str.replace("->", "2")  # the pages write horse2zebra
    found = list(zip(printed["where"], printed["label"], arrow, printed["printed"], strict=True))
    assert len(found) == len(expected) == 106  # 16 + 25 + 35 + 30 cells on the pages
    assert set(found) == expected


@pytest.mark.parametrize("key", reported.keys())
def test_every_file_loads_with_the_same_columns(key):
    paper = reported.load(key)
    assert paper.key == key
    assert list(paper.table.columns) == COLUMNS
    assert paper.table["value"].dtype == paper.table["spread"].dtype == float
    if paper.table["certainty"].str.startswith("verified").any():
        assert paper.checked, "a verified number says what it was compared with, and when"


def test_digits_survive_the_round_trip():
    table = reported.load("kim2020ugatit").table
    for row in table[table["metric"] == "kid"].itertuples():
        if row.printed == "-":
            assert math.isnan(row.value) and math.isnan(row.spread)
            continue
        for digits, number in zip(row.printed.split(" ± "), (row.value, row.spread), strict=True):
            places = -Decimal(digits).as_tuple().exponent
            assert f"{number * 100:.{places}f}" == digits


def test_what_a_cell_becomes(enter):
    first, second, third, fourth = enter().table.to_dict("records")
    # 1 ulp at most: one division of two decimals that floats do not hold exactly
    assert first["value"] == pytest.approx(0.08, rel=1e-15)
    assert first["spread"] == pytest.approx(0.0066, rel=1e-15)
    assert (first["printed"], first["spread_kind"]) == ("8.0 ± 0.66", "std as printed")
    assert (first["method"], first["variant"], first["label"]) == ("ours", "paper", "Ours")
    assert (second["direction"], second["spread_kind"]) == ("zebra->horse", "")
    assert math.isnan(second["spread"])
    assert (third["method"], third["variant"], third["label"]) == ("ours", "in", "Ours w/ IN")
    assert fourth["printed"] == "-" and math.isnan(fourth["value"])


def test_aggan_is_entered_without_numbers():
    table = reported.load("mejjati2018aggan").table
    assert set(table["dataset"]) == {
        "horse2zebra",
        "apple2orange",
        "lion2tiger",
        "summer2winter_yosemite",
    }
    assert set(table["printed"]) == {""}
    assert table["value"].isna().all()
    assert set(table["note"]) == {"we could not access this table"}


def test_unknown_paper_names_the_closest():
    with pytest.raises(UnknownName, match=r"unknown paper 'kim2020'.*'kim2020ugatit'"):
        reported.load("kim2020")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric =", "metrik =", r"small.toml: unknown key 'metrik' \(did you mean 'metric'\?\)"),
        ("arxiv =", "arxvi =", r"did you mean 'arxiv'\?"),
        ('where = "Table 1"\n', "", "key 'table.0.where' is missing"),
        ('where = "Table 1"', 'where = ""', "where='': .*at least 1 character"),
        ("scale = 100", "scale = 0", "scale=0: .*greater than 0"),
        ("scale = 100", "scale = ", "small.toml, line 16: .*; expected TOML"),
        ("verified (page 5)", "recalled", "certainty 'recalled'; expected 'verified' or"),
        ("verified (page 5)", "uncertain", "certainty 'uncertain'; expected 'verified' or"),
        ("verified (page 5)", "", "certainty is ''; expected a text"),
        ("std as printed", "", "spread_kind is ''; expected a text"),
        ('"-"]', '""]', "reason is ''; expected a text"),
        ('where = "Table 1"', 'where = "Table 1"\nreason = "lost"', "reason is 'lost'; .* none"),
        ('["9.70", "-"]', '["9.70"]', "'ours:in' has 1 entries; expected 2, one a column"),
        ('["h2z", "z2h"]', '["h2z"]', "'datasets' has 2 entries; expected 1"),
        ('"7.10"', '"7,10"', "cell '7,10'; expected '7.06'"),
        ('"7.10"', '"7.10 +- 0.1"', "cell '7.10 \\+- 0.1'"),
        ('"7.10"', '"07.10"', "printed '07.10' comes back as '7.10'"),
        ('"7.10"', "7.10", r"table.0.rows.ours.1=7.1: .*valid string"),
        ("zebra->horse", "zebra2horse", "direction 'zebra2horse'; expected 'horse->zebra'"),
        ('"zebra->horse"', '"horse->zebra"', "horse2zebra / horse->zebra stands twice"),
        ('"ours:in" = "Ours w/ IN"', "", r"row 'ours:in' is not in \[labels\]"),
        ('"ours:in" =', 'our = "Us"\n"ours:in" =', r"row in \[labels\] of small.toml 'our' \(did"),
        ("[labels]", '[arms]\nors = "b"\n[labels]', r"row in \[arms\] of small.toml 'ors' \(did"),
        ('kid = ""\n', "", r"metric 'kid' is not in \[protocol\]"),
        ('kid = ""\n', 'kid = ""\nkdi = ""\n', r"\[protocol\] of small.toml 'kdi' \(did you .*kid"),
    ],
)
def test_a_wrong_file_is_refused_with_the_way_out(enter, old, new, message):
    with pytest.raises(ReplicateError, match=message):
        enter(old, new)


def test_a_row_may_be_of_another_arm_than_its_name_says(enter):
    table = enter("[labels]", '[arms]\n"ours:in" = "theirs:light"\n[labels]').table
    assert list(zip(table["method"], table["variant"], strict=True)) == [
        *[("ours", "paper")] * 2, *[("theirs", "light")] * 2,
    ]  # fmt: skip
    assert table["label"].tolist()[2:] == ["Ours w/ IN"] * 2


def scores(**changed: object) -> pd.DataFrame:
    """One measured score in the columns that the join looks at."""
    row = {"method": "ours", "variant": "paper", "dataset": "horse2zebra"}
    row |= {"direction": "horse->zebra", "metric": "kid", "value": 0.09, "spread": 0.001}
    row |= {"spread_kind": "sd", "protocol": "kid/gm-mean098", "budget": "paper", "seed": 0}
    return pd.DataFrame([row | changed])


@pytest.mark.parametrize(
    ("changed", "comparable"),
    [
        ({}, "~"),
        ({"protocol": "kid/paper-printed"}, "="),
        ({"protocol": "kid/gm-target"}, ""),
        ({"protocol": "kid/paper-printed", "budget": "laptop"}, ""),
        ({"protocol": "kid/gm-mean098", "budget": "smoke"}, ""),
        ({"value": math.nan}, ""),
        ({"variant": "in", "direction": "zebra->horse"}, ""),  # a dash in print
    ],
)
def test_comparable_only_where_the_protocols_agree(enter, changed, comparable):
    joined = reported.join(scores(**changed), enter().table)
    assert list(joined["comparable"]) == [comparable]
    budget = changed.get("budget", "paper")
    assert joined["note"].item() == ("" if budget == "paper" else f"{budget} budget")


def test_a_number_from_a_third_party_is_never_equal_in_protocol(enter):
    table = enter("verified (page 5)", "reported (a thread)").table
    assert reported.join(scores(protocol="kid/paper-printed"), table)["comparable"].item() == ""


def test_join_keeps_measured_rows_and_puts_the_printed_beside(enter):
    measured = pd.concat(
        [
            scores(seed=1),
            scores(method="other"),
            scores(metric="kid/gm-target"),
            scores(metric="fid"),
        ],
        ignore_index=True,
    )
    joined = reported.join(measured, enter().table)
    pd.testing.assert_frame_equal(joined[measured.columns], measured)
    assert list(joined["printed"]) == ["8.0 ± 0.66", "", "8.0 ± 0.66", ""]
    assert list(joined["reported_protocol"]) == ["kid/paper-printed", "", "kid/paper-printed", ""]
    assert joined["reported_value"].isna().tolist() == [False, True, False, True]


def test_join_of_nothing_is_empty(enter):
    joined = reported.join(scores().iloc[:0], enter().table)
    assert joined.empty and "comparable" in joined and "printed" in joined


def test_a_number_printed_in_two_tables_counts_once():
    arm = {"method": "ugatit", "variant": "tf", "dataset": "selfie2anime"}
    measured = scores(**arm, direction="selfie->anime")
    joined = reported.join(measured, reported.load("kim2020ugatit").table)
    assert joined["where"].tolist() == ["Table 1; Table 3"]
    assert joined["printed"].tolist() == ["11.61 ± 0.57"]
    assert joined["comparable"].tolist() == ["~"]


def test_two_numbers_for_one_cell_are_refused(enter):
    table = enter().table
    again = table.assign(where="Table 2", printed="8.1", value=0.081)
    with pytest.raises(ReplicateError, match="two numbers for ours / in / horse2zebra"):
        reported.join(scores(), pd.concat([table, again]))


def test_join_refuses_several_papers_and_missing_columns(enter):
    table = enter().table
    with pytest.raises(ReplicateError, match="2 papers"):
        reported.join(scores(), pd.concat([table, table.assign(paper="other")]))
    with pytest.raises(ReplicateError, match=r"lack \['direction'\]"):
        reported.join(scores().drop(columns="direction"), table)
