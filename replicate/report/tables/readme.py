"""The parts of the README that are made from the published records."""

import json
import re
from pathlib import Path

import pandas as pd

from replicate import files, paths
from replicate.errors import ReplicateError
from replicate.report import claims
from replicate.report.tables.catalogue import FIRST, FIRST_IMAGES
from replicate.report.tables.frames import scores
from replicate.report.tables.markdown import to_markdown

BLOCKS = ("picture", "results")  # each between two markers of its own
BUDGET = "laptop"
DECIDED = ("reproduced", "not reproduced")
TITLE = re.compile(r"# \d\d · (?P<name>[^:]+): (?P<question>[^\n]+)")
PLOTS = f"results/published/plots/{BUDGET}"
GALLERY = "-gallery.png"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
# Of each set of `FIRST_IMAGES`: what the picture shows to those who cannot see it, and what is
# said below it, where `{n}` is the number of test images.
CAPTIONS = {
    "horse2zebra": (
        "Photographs of horses, their translations by every method, attention maps",
        "Real photographs: the first {n} test images of `horse2zebra`, not the best, translated "
        "after up to an hour of training; below, attention maps.",
    ),
    "horse2zebra_drawn": (
        "A synthetic horse, its ideal translation, those of methods with most seeds, maps",
        "**Synthetic**, so that the right answer is known: the first test image of "
        "`horse2zebra_drawn`, a silhouette that a program puts on a texture; below, attention "
        "maps.",
    ),
}


def readme_blocks(root: Path) -> dict[str, str]:
    """What stands between the markers of each of `BLOCKS`, in Markdown.

    "picture" shows the first test images of real photographs, or the synthetic ones as long as no
    record of photographs is published; "results" holds the verdicts on every claim, and the rest of
    the pictures.

    Args:
        root: `paths.published()`; of its records those of budget laptop are shown.
    """
    shown = _pictures(root)
    blocks = {"picture": "\n".join(shown[:1]), "results": _results(root)}
    blocks["results"] += "".join(f"\n{text}" for text in [*shown[1:], *_galleries(root)])
    return blocks


def _results(root: Path) -> str:
    measured = scores(root, BUDGET)
    if measured.empty:
        return f"No run of budget {BUDGET} is published yet.\n"
    rows = pd.concat([verdicts(measured, paper) for paper, _ in papers()], ignore_index=True)
    counts = rows["verdict"].value_counts()
    said = ", ".join(f"{counts[name]} {name}" for name in claims.VERDICTS if name in counts)
    tables = f"results/published/tables/{BUDGET}"
    about = (
        f"**{len(rows)} claims: {said}.** [Numbers and intervals]({tables}/claims.md), "
        f"[all scores]({tables}/methods.md), [cost]({tables}/cost.md)."
    )
    table = _table(rows)
    return f"{about}\n\n{to_markdown(table, markup=['paper', 'here'])}"


def verdicts(measured: pd.DataFrame, paper: str) -> pd.DataFrame:
    """One row a claim of a paper: `paper, claim, text, verdict`."""
    rows = claims.verdicts(measured, paper).drop_duplicates("claim")
    return rows.assign(paper=paper)[["paper", "claim", "text", "verdict"]]


def papers() -> list[tuple[str, str]]:
    """The papers with a notebook, in its order: key and `[name](its first executed notebook)`."""
    links: dict[str, str] = {}
    for file in sorted((paths.notebooks()).glob("[0-9]*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        paper = re.search(r'^paper: str = "(\w+)"', "\n".join(code), re.M)
        title = TITLE.match("".join(cells[0]["source"]))
        if paper and title:
            place = f"results/published/notebooks/{BUDGET}/{file.name}"
            links.setdefault(paper[1], f"[{title['name']}]({place})")  # studies come later
    return list(links.items())


def markers(block: str) -> tuple[str, str]:
    """The two lines of a README between which a block stands."""
    return f"<!-- {block}:begin -->", f"<!-- {block}:end -->"


def update_readme(readme: Path, root: Path) -> None:
    """Rewrites what stands between the markers of a README.

    Raises:
        ReplicateError: the markers of a block do not stand there once each, in order.
    """
    text = readme.read_text(encoding="utf-8")
    for name, block in readme_blocks(root).items():
        begin, end = markers(name)
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ReplicateError(
                f"{readme.name} has {text.count(begin)} x {begin!r} and {text.count(end)} x "
                f"{end!r}; expected each once, in this order: put them where the {name} belongs"
            )
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{block}{end}{rest.partition(end)[2]}"
    files.write(readme, text)


def _pictures(root: Path) -> list[str]:
    """The first test images of each set that has a picture of them, with what is said below."""
    shown = []
    for dataset, count in FIRST_IMAGES.items():
        if (root / "plots" / BUDGET / f"{dataset}{FIRST}").is_file():
            alt, below = CAPTIONS[dataset]
            picture = f"![{alt}]({PLOTS}/{dataset}{FIRST})"
            shown.append(f"{picture}\n\n{below.format(n=NUMBERS[count])}\n")
    return shown


def _galleries(root: Path) -> list[str]:
    """Links to the gallery of each data set, as far as there are any."""
    galleries = sorted((root / "plots" / BUDGET).glob(f"*{GALLERY}"))
    sets = [file.name.removesuffix(GALLERY) for file in galleries]
    links = ", ".join(f"[{name}]({PLOTS}/{name}{GALLERY})" for name in sets)
    return [f"All methods and variants: {links}.\n"] if sets else []


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a claim in its words; the paper's name, with its notebook, in the first of its rows."""
    links = dict(papers())
    first = ~rows.duplicated("paper")
    names = [links[paper] if new else " " for paper, new in zip(rows["paper"], first, strict=True)]
    said = [f"**{v}**" if v in DECIDED else v for v in rows["verdict"]]
    return pd.DataFrame({"paper": names, "claim": rows["text"], "here": said})
