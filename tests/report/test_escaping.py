"""Names and notes that would do something where they are written are shown as they stand."""

import json
from html.parser import HTMLParser

import pandas as pd
import pytest

from replicate import cli, paths
from replicate.cli.common import say, show
from replicate.datasets.layouts import shown
from replicate.errors import ReplicateError, printable
from replicate.preference import page
from replicate.report.mailing import html_of, runs_table
from replicate.report.tables import latex
from replicate.report.tables.markdown import code, escape, plain, to_markdown
from replicate.report.tables.pages import Page, Table, write_page
from replicate.report.tables.show import Sentence, Shown

HOSTILE = [
    '<img src=x onerror="alert(1)">',
    "<script>alert(1)</script>",
    "</td></table><iframe src=//evil>",
    "![x](http://evil/a.png)",
    "[x](javascript:alert(1))",
    "<http://evil/beacon>",
    "&lt;img src=x onerror=1&gt;",
    "`x` **y** _z_ a|b",
    "one\n# two\n| three |",
    r"back\slash \* \` \<",
]
ORDINARY = ["horse->zebra", "no_cam", "0.235 [0.226, 0.243]", "kid/gm-mean098", "R&D", "a < b", "é"]
CONTROLS = ["\x1b[2J", "\x1b]0;title\x07", "a\rb", "\x08\x08", "\x9b31m", "\u202egnp.exe", "\u2028"]


class Reader(HTMLParser):
    """The tags of an HTML text, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN = {"table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "p", "a"}  # `a` of headings
PLAIN |= {"wbr"}  # where a long name may be broken


@pytest.mark.parametrize("text", HOSTILE + ORDINARY)
def test_a_name_in_a_markdown_page_is_text_in_the_report(text, tmp_path):
    frame = pd.DataFrame({"name": [text], text: ["x"]})
    parts = [f"## {escape(text)}", f"Not computed: ({escape(text)}).", Table("", frame)]
    (file, *_) = write_page(Page(escape(text), parts, frame), tmp_path / "set")
    read = Reader(html_of(file.read_text()))
    assert set(read.tags) <= PLAIN and read.tags.count("td") == 2, read.tags
    line = " ".join(text.splitlines())
    assert read.text.count(line) == 5


@pytest.mark.parametrize("text", HOSTILE + ORDINARY)
def test_escaped_text_comes_back(text):
    assert plain(escape(text)) == " ".join(text.splitlines())


def test_ordinary_names_look_in_markdown_as_they_did():
    assert [escape(text) for text in ORDINARY] == ORDINARY
    assert code("a`<b>") == "`a'<b>`"


def test_a_column_of_markdown_stays_markdown():
    frame = pd.DataFrame({"here": ["[x](y.md)"], "name": ["[x](y.md)"]})
    *_, row = to_markdown(frame, markup=["here"]).splitlines()
    assert row == r"| [x](y.md) | [x\](y.md) |"


@pytest.mark.parametrize("text", HOSTILE[:4])
def test_html_that_is_shown_in_notebooks_and_in_old_tables_does_nothing(text, monkeypatch):
    record = {
        "status": text, "iterations": 1, "device": text, "commit": text, "dirty": False,
        "hash": text, "fingerprint": {"code": text},
    }  # fmt: skip
    monkeypatch.setattr("replicate.report.mailing.read_record", lambda folder: record)
    monkeypatch.setattr("replicate.report.mailing.title", lambda record: text)
    made = Shown([pd.DataFrame({text: [text, text, "-"], "b": [text] * 3})])
    sentence = Sentence(f"{text} `{text}`")
    for html in (runs_table([paths.ROOT]), made._repr_html_(), html_of(text.replace("!", ""))):
        assert set(Reader(html).tags) <= PLAIN
    assert set(Reader(sentence._repr_html_()).tags) <= {"p", "code"}


def test_latex_has_no_command_and_no_control_character_of_a_name():
    made = latex.escape("\\input{/etc/passwd} $x$ % \x1b[2J\x00")
    assert "\\input" not in made and "\x1b" not in made and "\x00" not in made
    assert latex.prose("a `\\write18{x}` b").count("\\textbackslash") == 1


def test_the_page_of_a_study_ends_no_script():
    told = {"task": "</script><img src=x onerror=alert(1)><!--", "images": {}}
    text = page._html(told)
    assert "</script><img" not in text and text.count("<script") == text.count("</script") == 2
    data = text.partition('type="application/json">')[2].partition("</script>")[0]
    assert json.loads(data) == told


@pytest.mark.parametrize("text", CONTROLS)
def test_no_control_character_reaches_the_terminal(text, capsys, monkeypatch):
    say("name", text, sep="\t")
    show({text: [text]})

    def fail(**_: object) -> None:
        raise ReplicateError(f"bad {text}")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main()
    written = capsys.readouterr().out + str(left.value) + shown(paths.ROOT / text)
    written += to_markdown(pd.DataFrame({"a": [text]}))
    assert all(c.isprintable() or c in "\n\t" for c in written)
    printed = written[written.index("{") : written.rindex("}") + 1]
    assert json.loads(printed) == {text: [text]}


def test_ordinary_text_is_printed_as_it_is():
    text = "±é→ 中 \xa0x\ty\nz"
    assert printable(text) == text


def test_the_command_line_prints_by_say_alone():
    for file in (paths.ROOT / "replicate" / "cli").glob("*.py"):
        calls = file.read_text().replace("def print_beside", "").count(" print(")
        assert calls == (2 if file.name == "common.py" else 0), file.name
