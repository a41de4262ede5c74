"""Spatial guidance's one printed table against the text of its page, cell by cell."""

import re

import pytest

from replicate import paths, reported
from replicate.methods import METHODS
from replicate.metrics.protocols import PROTOCOLS

KEY = "lin2021spatial"
SOURCES = paths.ROOT.parent / "shared" / "seeds"
ANIMALS = {"H": "horse", "Z": "zebra"}


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the text of the transcribed page is not here")
def test_every_cell_of_the_page():
    text = next(SOURCES.glob("000_*.txt")).read_text(encoding="utf-8")
    rows = re.findall(r"^\$(H|Z) \\rightarrow (Z|H)\$\t(.+)$", text, re.M)
    stages = re.search(r"^Method\t(.+)$", text, re.M)[1].replace("O", "0").split("\t")
    expected = set()
    for source, target, cells in rows:
        for stage, cell in zip(stages, cells.split("\t"), strict=True):
            digits = re.findall(r"\d\.\d\d", cell)
            direction = f"{ANIMALS[source]}->{ANIMALS[target]}"
            expected.add((stage, direction, " ± ".join(digits)))
    table = reported.load(KEY).table
    found = list(zip(table["label"], table["direction"], table["printed"], strict=True))
    assert len(found) == len(expected) == 10 and set(found) == expected


def test_rows_and_protocol_exist_here():
    table = reported.load(KEY).table
    assert set(table["method"]) == {"spatial_guidance"}
    assert set(table["variant"]) <= set(METHODS["spatial_guidance"].VARIANTS)
    assert METHODS["spatial_guidance"].paper == KEY
    assert set(table["protocol"]) <= set(PROTOCOLS)
