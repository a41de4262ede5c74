"""Tables and text as LaTeX with booktabs, every special character escaped."""

import re

import pandas as pd

from replicate.errors import printable
from replicate.report.tables.catalogue import ABSENT
from replicate.report.tables.markdown import plain

NEEDS = "array,booktabs,graphicx,longtable,pdflscape"
LONG = 40  # rows; more do not fit on a page
WIDE = 60  # characters; a longer cell is broken into lines
LINE = 93  # characters of \scriptsize on a line of the article class
TURNED = 148  # and on one of its page turned
BETWEEN = 1.6  # characters: what 3 pt on both sides of a column take
GROUP = "{\\scriptsize\\setlength{\\tabcolsep}{3pt}\n"
SHRUNK = 1.25  # lines; a table wider than so many would be too small to read if it were shrunk
SPACED = 0.8  # of a line; what cannot be broken may take so much of it
BREAK, TIED = "\u200b", "\u00a0"  # a place where a word may be broken; a space where no line may
# T1 and OT1 print other signs for < > | and straight quotes; arrows and the like are mathematics.
SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$",
    ">": "$>$", "|": "$|$", '"': "''", "±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "↔": r"$\leftrightarrow$", "≤": r"$\leq$",
    "≥": r"$\geq$", "≈": r"$\approx$", "−": "$-$", "²": r"$^2$", "·": r"$\cdot$",
    "–": r"\textendash{}", "—": r"\textemdash{}", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after a line's end these would be its options
    TIED: "~", BREAK: r"\allowbreak{}", "…": r"\ldots{}", "λ": r"$\lambda$", "α": r"$\alpha$",
}  # fmt: skip


def escape(text: str) -> str:
    """`text` such that LaTeX prints it as it stands; `->` becomes an arrow."""
    shown = printable(text.replace("->", "→"), keep=f"\n\t{TIED}{BREAK}")
    return shown.translate(str.maketrans(SPECIAL)).replace("--", "-{}-")  # else one long dash


def prose(markdown: str) -> str:
    """A Markdown paragraph in LaTeX: code, bold and links keep their looks, the rest is escaped."""
    pieces = re.split(r"(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))", markdown.strip())
    return "".join(map(_piece, pieces))


def tabular(frame: pd.DataFrame, caption: str, label: str) -> str:
    """A `table` no wider than the line; a `longtable` with broken lines for what is too long.

    Args:
        frame: shown as it stands, without its index; a missing value is `-`.
        caption: plain text.
        label: letters, digits, `-` and `:`; `\\ref{label}` names the table.
    """
    shown = frame.map(_shown).rename(columns=str)
    lengths = [max(map(len, column)) for column in _columns(shown)]
    too_wide = max(lengths, default=0) > WIDE or sum(lengths) > SHRUNK * LINE
    if len(frame) > LONG or too_wide:
        return _long(shown, escape(caption), label)
    cells = shown.map(prose).rename(columns=escape)
    inner = cells.to_latex(index=False, escape=False, column_format="l" * len(cells.columns))
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{escape(caption)}}}\n\\label{{{label}}}\n"
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"{inner.rstrip()}}}\n\\end{{table}}\n"
    )


def _long(shown: pd.DataFrame, caption: str, label: str) -> str:
    """Broken lines; on a turned page if no line of an upright one holds what cannot be broken."""
    shown = shown.map(_breakable).rename(columns=_breakable)
    columns = _columns(shown)
    pieces = [max(len(p) for cell in c for p in re.split(f"[ {BREAK}]", cell)) for c in columns]
    turned = sum(pieces) + BETWEEN * len(columns) > SPACED * LINE
    line = TURNED if turned else LINE
    widths = [f"p{{{width / line:.3f}\\linewidth}}" for width in _widths(columns, pieces, line)]
    inner = shown.map(prose).rename(columns=escape).to_latex(
        index=False, escape=False, longtable=True, caption=caption, label=label,
        column_format="".join(f">{{\\raggedright\\arraybackslash}}{width}" for width in widths),
    )  # fmt: skip
    inner = f"{GROUP}{inner}}}\n"
    return f"\\begin{{landscape}}\n{inner}\\end{{landscape}}\n" if turned else inner


def _widths(columns: list[list[str]], pieces: list[int], line: int) -> list[float]:
    """Characters for each column: its longest piece that cannot be broken, and a share of what is
    then left of the line by what its longest cell has more."""
    room = line - BETWEEN * len(columns)
    more = [max(map(len, c)) - piece + 1 for c, piece in zip(columns, pieces, strict=True)]
    spare = max(room - sum(pieces), 0) / sum(more)
    wanted = [piece + spare * m for piece, m in zip(pieces, more, strict=True)]
    return [room * width / sum(wanted) for width in wanted]


def _columns(shown: pd.DataFrame) -> list[list[str]]:
    """The cells of each column, its name first."""
    return [[name, *shown.iloc[:, i]] for i, name in enumerate(shown.columns)]


def _breakable(text: str) -> str:
    """Names may be broken after `/`, `:`, `_`, `-` and an arrow, mean and deviation not at all."""
    text = text.replace("->", "→").replace(" ± ", f"{TIED}±{TIED}")
    return re.sub(r"(?<=\w)([/:_→-])(?=[A-Za-z])", rf"\1{BREAK}", text)


def _shown(value: object) -> str:
    if value is None or value != value or value == "":
        return ABSENT
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("\n", " ")


def _piece(text: str) -> str:
    if len(text) > 2 and text.startswith("`"):
        return rf"\texttt{{{escape(text[1:-1])}}}"
    if len(text) > 4 and text.startswith("**"):
        return rf"\textbf{{{escape(text[2:-2])}}}"
    if link := re.fullmatch(r"\[([^\]]+)\]\([^)]+\)", text):
        return escape(link[1])
    return escape(plain(text))
