"""Tables, plots and records of a budget as one HTML file that can be mailed, by Snakemake."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from replicate import files, paths
from replicate.errors import ReplicateError, unknown
from replicate.images import decode
from replicate.lab.published import find_runs
from replicate.lab.run import BUDGETS, read_record, title
from replicate.lab.workflow import snakemake

WIDEST = 1600  # px of a plot; a mail takes about 20 MB
QUALITY = 85  # of JPEG
KINDS = {
    "losses": "Losses of {paper} on {dataset} over the iterations.",
    "translations": "Translations on {dataset} by the methods of {paper}.",
    "scores": "Scores on {dataset}, one mark a seed.",
}
STYLE = (
    "<!DOCTYPE html><meta charset='utf-8'><style>body{font:14px sans-serif;margin:1.5em}"
    "table{border-collapse:collapse}td,th{padding:.25em .6em;border-bottom:1px solid #ccc;"
    "text-align:right}td:first-child,th:first-child{text-align:left}.anchor-link{display:none}"
    "</style>"
)


def report(budget: str, published: bool = False) -> Path:
    """The HTML file, `report-<budget>.html` in the results folder.

    Args:
        budget: its tables, plots and records are taken as they lie there; nothing is drawn anew.
        published: those of results/published in place of this machine's.

    Raises:
        ReplicateError: there is no run of this budget, or Snakemake failed.
    """
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    root = paths.published() if published else paths.results()
    runs = find_runs(root, budget)
    if not runs:
        raise ReplicateError(
            f"no run of budget {budget} in {root}, expected some; `replicate runs --budget "
            f"{budget}` trains them, --published takes the committed ones"
        )
    folder = paths.results() / "report" / f"{'published' if published else 'local'}-{budget}"
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    _write_pages(root, budget, runs, pages)
    target = paths.results() / f"report-{budget}.html"
    aside = target.with_suffix(".partial.html")
    for more in ([], ["--report", str(aside)]):
        words = ["--cores", "1", "--quiet", "all", *more]
        command = snakemake("replicate/lab/rules/report.smk", folder, words)
        ended = subprocess.run(command, stdout=sys.stderr)
        if ended.returncode:
            raise ReplicateError(
                f"Snakemake ended with {ended.returncode}; the lines above say why"
            )
    files.move(aside, target)
    return target


def _write_pages(root: Path, budget: str, runs: list[Path], pages: Path) -> None:
    (pages / "tables").mkdir(parents=True)
    (pages / "plots").mkdir()
    for file in sorted((root / "tables" / budget).glob("*.md")):
        text = STYLE + html_of(file.read_text("utf-8"))
        (pages / "tables" / f"{file.stem}.html").write_text(text)
    about = {}
    for file in sorted((root / "plots" / budget).glob("*.png")):
        about[file.stem] = _about(file.stem)
        small = decode(file).image
        small.thumbnail((WIDEST, 20 * WIDEST))
        small.save(pages / "plots" / f"{file.stem}.jpg", quality=QUALITY)
    (pages / "about.json").write_text(json.dumps(about))
    (pages / "runs.html").write_text(STYLE + runs_table(runs))


def html_of(markdown: str) -> str:
    """Markdown as HTML; tags that stand in it are shown and do nothing."""
    return MarkdownWithMath(renderer=IPythonRenderer(escape=True)).render(markdown)


def _about(stem: str) -> dict[str, str]:
    """What a plot shows, from its name: DATASET-PAPER-losses, DATASET-scores."""
    dataset, *paper, kind = stem.split("-")
    words = {"dataset": dataset, "paper": " ".join(paper)}
    about = KINDS.get(kind, "").format(**words)
    return {"dataset": dataset, "kind": " ".join([*paper, kind]), "about": about}


def runs_table(folders: list[Path]) -> str:
    """An HTML table with a row a run: what it is, how it ended, where and by which commit."""
    rows = []
    for folder in folders:
        r = read_record(folder)
        rows.append({
            "run": title(r), "state": f"{r['status']} {r.get('reason', '')}".strip(),
            "steps": f"{r['iterations']:,}", "hours": r.get("hours", ""),
            "images/s": r.get("images_per_second", ""), "MB": r.get("peak_memory_mb", ""),
            "device": r["device"], "precision": r.get("precision", ""),
            "commit": r["commit"][:10] + (" + changes" if r["dirty"] else ""),
            "identity": r["hash"], "code": r["fingerprint"]["code"],
        })  # fmt: skip
    return f"<h1>{len(rows)} runs</h1>" + pd.DataFrame(rows).to_html(index=False, border=0)
