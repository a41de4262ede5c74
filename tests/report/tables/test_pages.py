"""The one writer of table files: four formats, the same bytes, nothing that LaTeX would read."""

import json
import re
import shutil
import subprocess
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicate import paths
from replicate.report.tables import latex
from replicate.report.tables.pages import Page, Table, write_page

WRITTEN = sorted((paths.published() / "tables").rglob("*.tex"))
FRAME = pd.DataFrame(
    {"50% & more": ["a_b", "{x}^2 ~ #1"], "value": [0.123456789, nan], "n": [3, 4]}
)
# What may follow a backslash in the files written here.
COMMANDS = (
    r"\\[&%$#_{}]|\\text\w+(?=\{)|\$(?:[<>|-]|\^2|\\\w+)\$|\\ldots\{\}|\\\\\n|\\(?:begin|end)\{\w+\}"
    r"|\\allowbreak\{\}|\\setlength\{\\tabcolsep\}\{3pt\}|(?<=\S)~\$\\pm\$~(?=\S)"
    r"|\\(?:top|mid|bottom)rule|\\(?:caption(?:\[\])?|label|multicolumn)\{|\\centering|\\par|\\scriptsize"
    r"|\\footnotesize|\\usepackage|\\endfirsthead|\\endhead|\\endfoot|\\endlastfoot"
    r"|\\resizebox\{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi\}\{!\}\{%"
    r"|>\{\\raggedright\\arraybackslash\}p\{0\.\d{3}\\linewidth\}"
)


def problems(text: str) -> list[str]:
    """What LaTeX would read as something else than the text that was meant."""
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    bare = re.sub(r"\\label\{[\w:-]+\}", "", "\n".join(lines) + "\n")
    found = [f"braces of {line!r}" for line in lines if unbalanced(line)]
    for block in re.findall(r"\\begin\{tabular\}\{(l+)\}\n(.*?)\\end\{tabular\}", bare, re.S):
        cells = [line for line in block[1].splitlines() if line.endswith(r"\\")]
        cuts = {len(re.findall(r"(?<!\\)&", line)) for line in cells}
        found += [f"columns {cuts} of {block[0]}"] if cuts != {len(block[0]) - 1} else []
    rest = re.sub(r"(?<=\S) & (?=\S)", " ", re.sub(COMMANDS, "", bare))
    return found + sorted(set(re.findall(r"[\\&%$#_^~<>|\"`]|[^\x00-\x7f]", rest)))


def unbalanced(line: str) -> bool:
    """Whether a row of a table opens braces that it does not close."""
    plain = re.sub(r"\\[{}]", "", line)
    return line.endswith(r"\\") and plain.count("{") != plain.count("}")


@pytest.mark.parametrize(
    "text, written",
    [
        ("50% of a_b & c#1", r"50\% of a\_b \& c\#1"),
        ("$x^2$ {~}", r"\$x\textasciicircum{}2\$ \{\textasciitilde{}\}"),
        ("C:\\n", r"C:\textbackslash{}n"),
        ("horse->zebra ↓ ± 1", r"horse$\rightarrow$zebra $\downarrow$ $\pm$ 1"),
        ("a <b> | --seed [0]*", r"a $<$b$>$ $|$ -{}-seed {[}0{]}{*}"),
    ],
)
def test_every_special_character_is_escaped(text, written):
    assert latex.escape(text) == written


def test_prose_keeps_code_bold_and_the_text_of_links():
    given = "**50%** of `a_b`, see [the table](x_y.md)."
    assert latex.prose(given) == r"\textbf{50\%} of \texttt{a\_b}, see the table."


def test_four_files_hold_the_same_table(tmp_path):
    page = Page("All & sundry", ["A *note*.", "## horses", Table("KID", FRAME)], FRAME)
    files = write_page(page, tmp_path / "deep" / "one")
    assert [file.name for file in files] == ["one.md", "one.tex", "one.csv", "one.json"]
    markdown, tex, csv, rows = (file.read_text() for file in files)
    assert markdown.startswith("# All & sundry\n\nA *note*.\n\n## horses\n\nKID:\n\n| 50% & more")
    assert "\\caption{All \\& sundry: horses: KID}\n\\label{tab:one-1}" in tex
    assert "a\\_b & 0.1235 & 3 \\\\\n" in tex and problems(tex) == []
    assert csv == "50% & more,value,n\na_b,0.123457,3\n{x}^2 ~ #1,,4\n"
    assert json.loads(rows)[0] == {"50% & more": "a_b", "value": 0.123457, "n": 3}
    assert json.loads(rows)[1]["value"] is None
    before = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in write_page(page, tmp_path / "deep" / "one")] == before


def test_json_has_no_number_that_json_lacks(tmp_path):
    frame = pd.DataFrame(
        {"a": [inf, -inf, nan], "b": np.array([1, 2, 3]), "c": [True, False, None]}
    )
    (*_, file) = write_page(Page("t", [], frame), tmp_path / "t")
    rows = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert [row["a"] for row in rows] == ["inf", "-inf", None]
    assert [row["b"] for row in rows] == [1, 2, 3] and rows[0]["c"] is True


def widths(shown: str) -> list[float]:
    return [float(w) for w in re.findall(r"p\{(0\.\d+)", shown)]


@pytest.mark.parametrize(("rows", "text"), [(latex.LONG + 1, "x"), (1, "y " * latex.WIDE)])
def test_what_is_too_long_for_a_page_or_a_line_is_broken(rows, text):
    shown = latex.tabular(pd.DataFrame({"a": [text] * rows, "b": "z"}), "t", "tab:t")
    assert "\\begin{longtable}{>{\\raggedright\\arraybackslash}p{0." in shown
    room = (latex.LINE - 2 * latex.BETWEEN) / latex.LINE
    assert sum(widths(shown)) == pytest.approx(room, abs=2e-3)  # each is rounded to 0.001
    assert "landscape" not in shown and problems(shown) == []


def test_a_line_of_many_words_is_put_on_a_turned_page_and_no_word_leaves_its_column():
    row = {"name": "spatial_guidance:early-fusion", "n": 3} | {
        f"c{i}": "12345678" for i in range(9)
    }
    shown = latex.tabular(pd.DataFrame([row | {"score": "0.12 ± 0.03 (3)"}]), "t", "tab:t")
    assert shown.startswith("\\begin{landscape}") and problems(shown) == []
    assert r"spatial\_\allowbreak{}guidance:\allowbreak{}early-\allowbreak{}fusion" in shown
    assert r"0.12~$\pm$~0.03 (3)" in shown
    longest = [len("guidance:"), 1, *[8] * 9, len("0.12 ± 0.03")]
    for width, piece in zip(widths(shown), longest, strict=True):
        assert width * latex.TURNED >= piece - 0.1  # of a character, for the rounding


def test_problems_are_found():
    good = "\\begin{tabular}{ll}\nx & y \\\\\n\\end{tabular}\n"
    assert problems(good) == []
    assert problems(good.replace("x", "x_1")) == ["_"]
    assert problems(good.replace("x", "50%")) == ["%"]
    assert problems(good.replace("x &", "")) == ["columns {0} of ll"]
    assert problems(good.replace("x", "{x")) != []
    assert problems(good.replace("x", "±")) == ["±"]


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_published_latex_has_nothing_unescaped(file):
    assert problems(file.read_text()) == []


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_published_latex_compiles(tmp_path):
    inputs = "\n".join(f"\\input{{{file.as_posix()}}}\\clearpage" for file in WRITTEN)
    whole = f"\\documentclass{{article}}\\usepackage{{{latex.NEEDS}}}\n"
    (tmp_path / "all.tex").write_text(f"{whole}\\begin{{document}}\n{inputs}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (Path(tmp_path) / "all.pdf").exists()
