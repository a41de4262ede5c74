"""AttentionGAN's printed tables against the text of the transcribed pages, cell by cell."""

import re

import pytest

from replicate import paths, reported
from replicate.methods import METHODS
from replicate.metrics.protocols import PROTOCOLS

KEY = "tang2019attentiongan"
SOURCES = paths.ROOT.parent / "shared" / "seeds"
COLUMNS = {  # the column in print -> metric, data set, direction
    "Table II": [
        ("preference", "ar_face", ""),
        ("psnr", "ar_face", ""),
        ("preference", "celeba", ""),
    ],
    "Table III": [
        ("preference", "celeba", f"face->{name}") for name in ("hair_color", "gender", "aged")
    ],
    "Table IV": [("kid", "selfie2anime", "selfie->anime")],
    "Table V": [("", "", ""), ("parameters", "rafd", "")],  # the first holds the number of models
}
MODELS = {"m(m-1)": 56, "m(m-1)/2": 28, "m": 8, "1": 1}


def rows() -> list[tuple[str, str, list[str]]]:
    """Table, label and cells of every line of the pages, without citations and LaTeX."""
    found, table = [], ""
    for line in next(SOURCES.glob("001_*.txt")).read_text(encoding="utf-8").splitlines():
        if caption := re.search(r"TABLE ([IV]+):", line):
            table = f"Table {caption[1]}"
        label, *cells = line.split("\t")
        if table and len(cells) > 1 and label and label not in ("Model", "Method"):
            cells = [re.sub(r"\$", "", cell).replace(r"\pm", "±") for cell in cells[1:]]
            found.append((table, re.sub(r" \[\d+\]", "", label), cells))
    return found


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the text of the transcribed pages is not here")
def test_every_cell_of_the_pages():
    expected, models = set(), {}
    for table, label, cells in rows():
        for (metric, dataset, direction), cell in zip(COLUMNS[table], cells, strict=True):
            if metric == "parameters":
                cell, count = re.fullmatch(r"([\d.]+)M ?(?:×|\\times) ?(\d+)", cell).groups()
                models[label] = int(count)
                assert MODELS[cells[0]] == models[label]
            if metric:
                expected.add((table, label, metric, dataset, direction, cell))
    printed = reported.load(KEY).table
    names = ["where", "label", "metric", "dataset", "direction", "printed"]
    found = [tuple(row) for row in printed[names].itertuples(index=False)]
    # 13 x 3, 5 x 3, 6 and 13 cells on the pages
    assert len(found) == len(expected) == 39 + 15 + 6 + 13
    assert set(found) == expected
    capacity = printed[printed["metric"] == "parameters"]
    assert {r.label: int(r.note.split()[1]) for r in capacity.itertuples()} == models


def test_the_counts_in_print_are_those_of_the_networks_where_they_can_be():
    table = reported.load(KEY).table
    printed = table[table["metric"] == "parameters"].set_index("method")["value"]
    assert printed["attentiongan_multi"] == 52_600_000 != round(53_229_696, -5)
    assert printed["stargan"] == round(53_226_560, -5)


def test_protocols_and_methods_exist():
    paper = reported.load(KEY)
    assert set(paper.table["protocol"]) | set(paper.table["inferred"]) - {""} <= set(PROTOCOLS)
    ours = {name for name in paper.table["method"] if name.startswith("attentiongan")}
    assert ours <= set(METHODS)
    assert {"geo", "paper"} <= set(METHODS["attentiongan"].VARIANTS)


def test_the_question_of_the_mean_stands_with_the_number():
    table = reported.load(KEY).table
    kid = table[table["metric"] == "kid"]
    assert set(kid["inferred"]) == {"kid/gm-mean098"}
    assert kid["note"].str.contains("not a target KID").all()
    ours = reported.load("kim2020ugatit").table.query("where == 'Table 3'")
    theirs = ours[ours["direction"] == "selfie->anime"].set_index("method")["printed"]
    baselines = kid[kid["method"] != "attentiongan"].set_index("method")["printed"]
    assert (theirs[baselines.index] == baselines).all()
