"""The tables of a budget as files, with what made every number below them."""

from pathlib import Path

import pandas as pd

from replicate.datasets.spec import registered
from replicate.lab.recorded import command
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.report.tables import catalogue
from replicate.report.tables.about import short_commit
from replicate.report.tables.cost import cost_page
from replicate.report.tables.frames import means, one_budget, scores, with_share
from replicate.report.tables.health import HEALTH, health_page
from replicate.report.tables.markdown import code, escape
from replicate.report.tables.pages import Page, Table, write_page
from replicate.report.tables.registers import exhibits_page, register_page
from replicate.report.tables.summary import headline_page, summary
from replicate.report.tables.verdicts import verdict_pages

GROUPS = (
    ("Distance to real images", ("kid", "fid")),
    ("Against the known truth", ()),  # all the rest
)
TIDY = ["dataset", "direction", "method", "variant", "metric", "protocol", "value", "sd", "n"]
TIDY += ["floor", "do_nothing", "stale", "precision", "extractor"]
LEGEND = (
    "Mean ± standard deviation over seeds (number of seeds). `real vs real` is the floor: other "
    "real images scored as output; `do nothing` scores the input as output. ↑ higher is better, "
    "↓ lower is better, no arrow: neither. In brackets the protocol, which decides what a number "
    "may be compared with; `-` was not measured."
)
SYNTHETIC = (
    "The images of this set are **synthetic**: a program makes them, so that masks and ideal "
    "translations are known. `real` in these tables means images of the set."
)


def write(root: Path, budget: str) -> list[Path]:
    """The files `<root>/tables/<budget>/<page>.{md,tex,csv,json}`, the same from equal records.

    Every data set has a page; the claims have two; all methods side by side, their cost and, where
    a run has it, their health have one each.

    Args:
        root: `paths.results()` or `paths.published()`; its finished runs are read.
        budget: "laptop" or "paper".

    Raises:
        ReplicateError: nothing is finished, or the budget is smoke.
    """
    measured = scores(root, budget)
    one_budget(measured)
    folder, written = root / "tables" / budget, []
    for dataset, group in measured.groupby("dataset"):
        written += write_page(_page(dataset, budget, group), folder / str(dataset))
    for stem, page in verdict_pages(measured, budget).items():
        written += write_page(page, folder / stem)
    for page in health_page(root, budget):
        written += write_page(page, folder / HEALTH)
    written += write_page(headline_page(measured, budget), folder / "methods")
    return written + write_page(cost_page(measured, root), folder / "cost")


def write_registers(root: Path) -> list[Path]:
    """The files `<root>/tables/{coverage,deviations}.*`, which no run decides."""
    folder = root / "tables"
    pages = {"coverage": exhibits_page(), "deviations": register_page()}
    return [file for name, page in pages.items() for file in write_page(page, folder / name)]


def _page(dataset: str, budget: str, measured: pd.DataFrame) -> Page:
    """All scores of a data set: two tables a direction, and the runs that made them."""
    marked = "" if budget == "paper" else ", not comparable with the papers' numbers"
    parts: list[str | Table] = [LEGEND, *([SYNTHETIC] if _is_synthetic(dataset) else [])]
    filled = {
        pair for pair, g in measured.groupby(["metric", "protocol"]) if g["value"].notna().any()
    }
    for direction, block in measured.groupby("direction"):
        parts.append(f"## {escape(direction)}")
        for title, metrics in GROUPS:
            chosen = [
                protocol
                for metric, protocol in sorted(filled, key=catalogue.column_order)
                if (metric in metrics if metrics else metric not in GROUPS[0][1])
            ]
            shown = block[block["protocol"].isin(chosen)]
            if len(shown):
                table = summary(shown).drop(columns=["dataset", "direction"])
                parts.append(Table(title, table))
    parts += [
        *collapsed(measured),
        *_respecified(measured),
        *_one_way(measured),
        *_not_computed(measured),
    ]
    parts += ["## What made these numbers"]
    parts += [Table("", _runs(measured), markup=["repeat with"]), _scored(measured)]
    cells = means(with_share(measured))[TIDY].sort_values(TIDY[:6], kind="stable")
    return Page(f"{escape(str(dataset))}, budget {budget}{marked}", parts, cells)


def _is_synthetic(dataset: str) -> bool:
    entry = registered(dataset)
    return entry is not None and entry.layout == "drawn"


def collapsed(measured: pd.DataFrame) -> list[str]:
    """One line for each method some of whose attention maps are the same everywhere."""
    rows = measured[measured["note"].str.startswith("collapsed")]
    lines = []
    for (name, note), runs in rows.groupby(["name", "note"], sort=False):
        seeds = runs.groupby("direction")["seed"].agg(lambda s: ", ".join(map(str, sorted(s))))
        where = "; ".join(f"{direction} (seeds: {which})" for direction, which in seeds.items())
        lines.append(f"**{escape(name)}**, {escape(f'{where}: its attention {note}')}.\n")
    return lines


def _respecified(measured: pd.DataFrame) -> list[str]:
    """One line for each method that stands in for one of which no source says enough."""
    names = dict.fromkeys(measured["method"])
    return [
        f"**{escape(name)}** is re-specified: a stand-in for what is in no text that we could "
        "access, so its numbers are no measure of the method in print.\n"
        for name in names
        if METHODS.get(name, Method).respecified
    ]


def _one_way(measured: pd.DataFrame) -> list[str]:
    """One line for each method that leaves a direction out, with the reason that its rows give."""
    missing = measured.groupby(["name", "direction"])["value"].transform(lambda v: v.isna().all())
    groups = measured[missing].groupby(["name", "direction", "note"], sort=False)
    return [
        f"**{escape(name)}**, {escape(f'{direction}: not computed ({_reason(note)})')}.\n"
        for name, direction, note in groups.groups
    ]


def _not_computed(measured: pd.DataFrame) -> list[str]:
    """One line for each reason why columns are left out."""
    empty = measured.groupby("protocol")["value"].transform(lambda values: values.isna().all())
    lines = []
    for note, group in measured[empty].groupby("note"):
        names = ", ".join(f"`{p}`" for p in dict.fromkeys(group["protocol"]))
        lines.append(f"Not computed: {names} ({escape(_reason(note))}).\n")
    return lines


def _reason(note: str) -> str:
    """Why there is no value, without where this or another machine looked for it."""
    text = note.partition("not computed: ")[2] or "no reason given"
    return text.partition(" at /")[0]


def _runs(measured: pd.DataFrame) -> pd.DataFrame:
    """A row a run: what made it and how to repeat it."""
    runs = measured.drop_duplicates("hash").sort_values("seed", kind="stable")
    order = sorted(range(len(runs)), key=lambda i: catalogue.method_order(runs["name"].iloc[i]))
    rows = [
        {
            "run": run.hash,
            "method": run.name,
            "seed": run.seed,
            "commit": short_commit(run.commit, run.dirty),
            "precision": run.precision,
            "iterations": run.iteration,
            "hours": f"{run.hours:.2f}",
            "state": "stale" if run.stale else "current",
            "repeat with": code(command(run.name, run.dataset, run.seed, run.budget)),
        }
        for run in runs.iloc[order].itertuples()
    ]
    return pd.DataFrame(rows)


def _scored(measured: pd.DataFrame) -> str:
    extractors = sorted(set(measured["extractor"]) - {""})
    images = ", ".join(f"{n:.0f}" for n in sorted(measured["n_fake"].dropna().unique()))
    return (
        f"A plus after a commit: the code differed from it. Scored: {images} test images a "
        f"direction, last checkpoint. Feature networks: {', '.join(extractors)}."
    )
