"""Tables in a notebook fit on the page, lose no cell, and say what they leave out."""

from html.parser import HTMLParser

import pandas as pd

from replicate.report.tables.show import PAGE, Album, Sentence, _blocks, _width, show

WIDE = pd.DataFrame(
    {"direction": ["a->b", "a->b", "b->a"], "method": ["x", "y", "x"]}
    | {f"metric {i}": [f"0.{i}1 ± 0.01 (3)", f"0.{i}2 ± 0.01 (3)", "-"] for i in range(9)}
)


class Cells(HTMLParser):
    """The rows of every table of an HTML text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.inside = True
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")


def test_what_is_too_wide_continues_below_behind_the_same_names():
    longer = pd.concat([WIDE, WIDE.assign(direction="c->d")], ignore_index=True)
    blocks = list(_blocks(longer))
    assert len(blocks) > 1
    for block in blocks:
        assert list(block.columns[:2]) == ["direction", "method"]
        assert sum(_width(block[name]) for name in block) <= PAGE
    shown = [name for block in blocks for name in block.columns[2:]]
    assert shown == list(WIDE.columns[2:])  # each once, in order
    tables = Cells(show(longer)._repr_html_()).tables
    assert [row[0] for row in tables[0][1:]] == ["a->b", "", "b->a", "c->d", "", ""]
    assert tables[0][2][2] == "0.02 ± 0.01 (3)"


def test_a_few_wide_rows_are_turned():
    (table,) = Cells(show(WIDE.drop(columns="direction"))._repr_html_()).tables
    assert table[0] == ["method", "x", "y", "x"] and len(table) == 10
    assert table[1] == ["metric 0", "0.01 ± 0.01 (3)", "0.02 ± 0.01 (3)", "-"]


def test_columns_of_one_value_stand_above_and_those_without_below():
    frame = pd.DataFrame(
        {"paper": ["p", "p"], "claim": ["a", "b"], "verdict": ["undecided"] * 2, "gain": ["-"] * 2}
    )
    html = show(frame.assign(note="-"))._repr_html_()
    assert html.startswith("<p>paper: p</p>") and html.endswith("<p>without a value: gain</p>")
    assert Cells(html).tables[0][0] == ["claim", "verdict"]  # a verdict always stands there
    assert "paper: p" in repr(show(frame)) and "a | undecided" in repr(show(frame))
    one = show(frame[:1])._repr_html_()
    assert Cells(one).tables[0][0] == ["paper", "claim", "verdict"]


def test_texts_are_at_the_left_and_numbers_at_the_right():
    html = show(pd.DataFrame({"what": ["long words", "b"], "n": ["-0.2 [0, 1]", "-"]}))
    head, *_ = html._repr_html_().split("</thead>")
    assert "text-align: left" in head.split("<th")[2] and "right" in head.split("<th")[3]


def test_folded_empty_and_several_tables():
    html = show([WIDE[:0], WIDE[["method"]]], folded="more & more")._repr_html_()
    assert html.startswith("<details><summary>more &amp; more</summary><p>none</p>")
    assert len(Cells(html).tables) == 1 and html.endswith("</details>")
    album = Album("nothing here")
    assert show(album) is album


def test_a_sentence_is_a_paragraph_with_its_commands_as_code():
    made = Sentence("train it: `replicate train <x>`")
    assert made._repr_html_() == "<p>train it: <code>replicate train &lt;x&gt;</code></p>"
    assert repr(made) == str(made)
