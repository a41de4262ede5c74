"""The part of the README that is made from the published records."""

import json
import re
from pathlib import Path

import pandas as pd

from replicate import files, paths
from replicate.errors import ReplicateError
from replicate.report import claims
from replicate.report.tables.catalogue import ABSENT
from replicate.report.tables.frames import scores
from replicate.report.tables.markdown import to_markdown

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
BUDGET = "laptop"
DECIDED = ("reproduced", "undecided", "not reproduced")
UNDECIDED = "not run or not comparable"
TITLE = re.compile(r"# \d\d · (?P<name>[^:]+): (?P<question>[^\n]+)")
PLOTS = f"results/published/plots/{BUDGET}"
GALLERY = "-gallery.png"
ALT = "Test images of drawn horses, their ideal translations, those of every method, attention maps"


def readme_block(root: Path) -> str:
    """The results in Markdown: the verdicts on every paper's claims, and one picture.

    Args:
        root: `paths.published()`; of its records those of budget laptop are shown.
    """
    measured = scores(root, BUDGET)
    if measured.empty:
        return f"No run of budget {BUDGET} is published yet.\n"
    found = pd.concat([verdicts(measured, paper) for paper, _ in papers()], ignore_index=True)
    counts = found["verdict"].value_counts()
    said = ", ".join(f"{counts[name]} {name}" for name in claims.VERDICTS if name in counts)
    tables = f"results/published/tables/{BUDGET}"
    about = (
        f"{len(found)} claims, tried at budget {BUDGET} (64 px, minutes a run) on images whose "
        f"truth is known: {said}. [Rule, numbers and intervals]({tables}/claims.md), "
        f"[scores]({tables}/methods.md), [cost]({tables}/cost.md)."
    )
    table = _table(found)
    return "\n".join([f"{about}\n", to_markdown(table, markup=table.columns), *_pictures(root)])


def verdicts(measured: pd.DataFrame, paper: str) -> pd.DataFrame:
    """One row a claim of a paper: `paper, claim, verdict`."""
    found = claims.verdicts(measured, paper).drop_duplicates("claim")
    return found.assign(paper=paper)[["paper", "claim", "verdict"]]


def papers() -> list[tuple[str, str]]:
    """The papers with a notebook, in its order: key and `[name](its first executed notebook)`."""
    found: dict[str, str] = {}
    for file in sorted((paths.notebooks()).glob("[0-9]*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        paper = re.search(r'^paper: str = "(\w+)"', "\n".join(code), re.M)
        title = TITLE.match("".join(cells[0]["source"]))
        if paper and title:
            place = f"results/published/notebooks/{BUDGET}/{file.name}"
            found.setdefault(paper[1], f"[{title['name']}]({place})")  # studies come later
    return list(found.items())


def update_readme(readme: Path, root: Path) -> None:
    """Rewrites what stands between the two result markers of a README.

    Raises:
        ReplicateError: the markers do not stand there once each, in order.
    """
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ReplicateError(
            f"{readme.name} has {text.count(BEGIN)} x {BEGIN!r} and {text.count(END)} x {END!r}; "
            "expected each once, in this order: put them where the results belong"
        )
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    block = readme_block(root)
    files.write(readme, f"{before}{BEGIN}\n{block}{END}{after}")


def _pictures(root: Path) -> list[str]:
    """The strip of all methods, and links to the gallery of each data set, as far as drawn."""
    folder = root / "plots" / BUDGET
    strip = [f"![{ALT}]({PLOTS}/methods.png)\n"] if (folder / "methods.png").is_file() else []
    sets = [file.name.removesuffix(GALLERY) for file in sorted(folder.glob(f"*{GALLERY}"))]
    links = ", ".join(f"[{name}]({PLOTS}/{name}{GALLERY})" for name in sets)
    return strip + ([f"All methods and variants on the same images: {links}.\n"] if sets else [])


def _table(found: pd.DataFrame) -> pd.DataFrame:
    """A row a paper, a column a verdict; in a cell the claims by their names."""
    rows = []
    for paper, link in papers():
        own = found[found["paper"] == paper]
        cells = {name: list(own.loc[own["verdict"] == name, "claim"]) for name in DECIDED}
        cells[UNDECIDED] = list(own.loc[~own["verdict"].isin(DECIDED), "claim"])
        rows.append({"paper": link} | {name: _named(ids) for name, ids in cells.items()})
    return pd.DataFrame(rows)


def _named(ids: list[str]) -> str:
    return ", ".join(name.replace("-", " ") for name in ids) or ABSENT
