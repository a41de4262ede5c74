"""Tables and text as LaTeX with booktabs, every special character escaped."""

import re

import pandas as pd

from replicate.tables.catalogue import ABSENT

NEEDS = "array,booktabs,graphicx,longtable"
LONG = 40  # rows; more do not fit on a page
WIDE = 60  # characters; a longer cell is broken into lines
# T1 and OT1 print other signs for < > | and straight quotes; arrows and the like are mathematics.
SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$",
    ">": "$>$", "|": "$|$", '"': "''", "±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "↔": r"$\leftrightarrow$", "≤": r"$\leq$",
    "≥": r"$\geq$", "≈": r"$\approx$", "−": "$-$", "²": r"$^2$", "·": r"$\cdot$",
    "–": r"\textendash{}", "—": r"\textemdash{}", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after a line's end these would be its options
    "…": r"\ldots{}", "λ": r"$\lambda$", "α": r"$\alpha$",
}  # fmt: skip


def escape(text: str) -> str:
    """`text` such that LaTeX prints it as it stands; `->` becomes an arrow."""
    plain = text.replace("->", "→").translate(str.maketrans(SPECIAL))
    return plain.replace("--", "-{}-")  # else one long dash


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
    cells = frame.map(_cell)
    cells.columns = [escape(str(name)) for name in frame.columns]
    lengths = [max(map(len, [str(name), *map(_shown, frame[name])])) for name in frame]
    if len(frame) > LONG or max(lengths, default=0) > WIDE:
        return "{\\scriptsize\n" + _long(cells, lengths, escape(caption), label) + "}\n"
    inner = cells.to_latex(index=False, escape=False, column_format="l" * len(cells.columns))
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{escape(caption)}}}\n\\label{{{label}}}\n"
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"{inner.rstrip()}}}\n\\end{{table}}\n"
    )


def _long(cells: pd.DataFrame, lengths: list[int], caption: str, label: str) -> str:
    """Columns share the line by the root of their longest cells, so that no short one is broken."""
    roots = [max(length, 4) ** 0.5 for length in lengths]
    room = 0.98 - 0.02 * len(roots)  # of the line; the rest lies between the columns
    widths = [f"p{{{room * root / sum(roots):.3f}\\linewidth}}" for root in roots]
    return cells.to_latex(
        index=False, escape=False, longtable=True, caption=caption, label=label,
        column_format="".join(f">{{\\raggedright\\arraybackslash}}{width}" for width in widths),
    )  # fmt: skip


def _cell(value: object) -> str:
    return prose(_shown(value))


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
    return escape(text)
