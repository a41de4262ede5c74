"""The coverage page: every table and figure of the sources once, with its status and reason."""

import re

import pytest

from replicate import paths
from replicate.errors import ReplicateError
from replicate.report.tables import registers as module
from replicate.report.tables.registers import (
    EXHIBIT_COLUMNS,
    STATUSES,
    exhibit_counts,
    exhibits,
    exhibits_page,
    unmeasured,
)

SOURCES, LISTED = exhibits()
FILE = paths.ROOT / "data" / "coverage.toml"
MADE = {"measured", "reported only", "needs people", "needs restricted data"}
# Counted in the source documents: captions, and tables and pictures without one.
TABLES = {"000": ["Table 1"], "001": ["Table II", "Table III", "Table IV", "Table V"], "004": []}
TABLES |= {"002": ["table of FID (a picture)"], "003": ["Table 1", "Table 2", "Table 3"]}
FIGURES = {"000": 13, "001": 12, "002": 5, "003": 8, "004": 2}


def test_every_table_and_figure_of_the_sources_is_listed_once():
    assert [source.id for source in SOURCES] == ["000", "001", "002", "003", "004"]
    for source in SOURCES:
        own = [each for each in LISTED if each.source == source.id]
        assert [each.name for each in own if each.kind == "table"] == TABLES[source.id]
        assert sum(each.kind != "table" for each in own) == FIGURES[source.id]
    numbered = [e.name for e in LISTED if e.source == "000" and e.kind == "figure"]
    assert numbered == [f"Figure {i}" for i in range(1, 14)]


def test_what_it_points_to_is_there():
    assert all(each.status in STATUSES for each in LISTED)
    assert {each.status for each in LISTED if each.kind == "drawing"} == {"no result"}
    for each in LISTED:
        missing = [file for file in each.here if not (paths.ROOT / file).exists()]
        assert missing == [], f"source {each.source}, {each.name}"
        assert each.here or each.status not in MADE, f"{each.name}: where does it stand?"


def test_printed_digits_that_are_called_entered_are():
    for each in LISTED:
        if each.kind == "table" and each.source != "002":  # that one is a picture of a table
            (file,) = [file for file in each.here if file.startswith("data/reported/")]
            assert f'where = "{each.name}' in (paths.ROOT / file).read_text()


def test_links_of_the_page_resolve():
    page = exhibits_page()
    text = "".join(part.frame.to_string() for part in page.parts if not isinstance(part, str))
    folder = paths.published() / "tables"
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > len(LISTED) / 2
    assert [link for link in links if not (folder / link).exists()] == []
    assert list(page.data.columns) == EXHIBIT_COLUMNS and len(page.data) == len(LISTED)


def test_counts_add_up():
    frame = exhibit_counts().set_index("source document")
    assert list(frame.index) == ["0", "1", "2", "3", "4", "all"]
    assert (frame.iloc[:-1].sum() == frame.loc["all"]).all()
    kinds = frame[["tables", "figures", "drawings"]].sum(axis=1)
    assert (frame[list(STATUSES)].sum(axis=1) == kinds).all()
    assert frame.loc["all", "tables"] == 9 and kinds["all"] == 9 + sum(FIGURES.values())


def test_everything_that_is_not_measured_is_told_once_with_its_reason():
    frame = unmeasured()
    told = [name for names in frame["which"] for name in names.split("; ")]
    assert len(told) == len(set(told)) == sum(each.status != "measured" for each in LISTED)
    assert "measured" not in set(frame["status"]) and (frame["reason"] != "").all()
    assert (
        told[0].startswith("document 1: Table") and not frame.duplicated(["status", "reason"]).any()
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('status = "measured"', 'status = "mesured"', r"unknown status 'mesured' \(did you mean"),
        ('paper = "lin2021spatial"', 'paper = "lin2021"', "unknown paper 'lin2021'"),
        ("figures = 13", "figures = 12", r"source 000 has \(1, 13\) .* expected \(1, 12\)"),
        ('name = "Figure 2"', 'name = "Figure 1"', "source 000 has a name twice"),
        (
            'kind = "table"',
            'kind = "tabel"',
            r"coverage.toml, exhibit .*: kind='tabel': expected 'table' or",
        ),
        ('reason = "Cityscapes', 'resaon = "Cityscapes', "unknown key 'resaon' .*'reason'"),
        ('source = "004"', 'source = "005"', "source 004 has"),
    ],
)
def test_what_is_wrong_in_the_file_is_told(tmp_path, old, new, text):
    changed = tmp_path / "coverage.toml"
    given = FILE.read_text()
    assert old in given
    changed.write_text(given.replace(old, new, 1))
    with pytest.raises(ReplicateError, match=text):
        module.exhibits(changed)
