"""What a paper's methods do on real photographs: scores, the order of print, pictures."""

from pathlib import Path

import pandas as pd

from replicate import paths
from replicate.datasets.spec import spec
from replicate.lab.budget_grid import pages
from replicate.lab.notebook_parameters import Parameters
from replicate.lab.run import Run, method_name
from replicate.methods import METHODS
from replicate.metrics.power import NO_POWER, weak
from replicate.report import plots, tables
from replicate.report.tables.order import OTHER, agreement, order
from replicate.report.tables.power import remarks
from replicate.report.tables.show import Album, Sentence, show
from replicate.report.tables.summary import OLD
from replicate.studies.model_capacity import PAPER, WHERE, capacity

SETTING = "notebooks/params/{budget}/photographs"
IMAGES = 3  # of each direction in a gallery


def photographs(params: Parameters) -> Album:
    """Each set of photographs that methods of the paper were run on, or what it is compared with.

    For each, the scores that lead, with the rate of real targets as ceiling and that of the inputs;
    what has no power; the paper's printed order beside the measured one with Kendall's tau; and
    the first test images through every method. All come from finished runs and published records.

    Args:
        params: of a paper's notebook; its smoke run shows nothing.
    """
    if params.budget == "smoke":
        return Album("Smoke runs are on synthetic images; `budget: laptop` shows photographs.")
    scores = _scores(params)
    if scores.empty:
        return Album(nothing(params.budget, "photographs"))
    places = set(zip(scores["dataset"], scores["name"], scores["root"], strict=True))
    roots = [root for root in _roots() if root in set(scores["root"])]
    kept = [(root, record) for root in roots for record in plots.kept(root, params.budget)]
    shown = []
    for dataset, rows in scores.groupby("dataset"):
        shown += _of_set(dataset, rows.drop(columns="root"), params.paper)
        records = [r for root, r in kept if (dataset, r.name, root) in places]
        records = [record for record in records if record.dataset == dataset]
        shown += [plots.gallery(records, images=IMAGES)] if records else []
    names = ", ".join(sorted(scores["dataset"].unique()))
    return Album(f"Photographs with runs at budget {params.budget}: {names}.", *shown)


def runs_on_photographs(params: Parameters) -> list[Run]:
    """Those that the paper's grid of photographs lists; none where the budget has no such grid."""
    folder = paths.ROOT / SETTING.format(budget=params.budget)
    if not folder.is_dir():
        return []
    listed = pages(params.budget, folder=folder)
    return [run for page in listed if page.params.paper == params.paper for run in page.runs]


def nothing(budget: str, what: str) -> str:
    """That no run on such images is here or published, and what trains them."""
    folder = SETTING.format(budget=budget)
    where = f" --params {folder}" if (paths.ROOT / folder).is_dir() else ""
    return (
        f"No run on {what} is on this machine or published at budget {budget}; "
        f"`replicate runs --budget {budget}{where}` trains them."
    )


def _roots() -> tuple[Path, Path]:
    return paths.results(), paths.published()


def _scores(params: Parameters) -> pd.DataFrame:
    """Those on photographs, with their `root`: this machine's runs, or published records.

    Of a method with runs in both, those of the root that has more seeds, as seeds of two settings
    are no peers; this machine's where both have as many.
    """
    runs = [*params.runs(), *runs_on_photographs(params)]
    names = {method_name(run.method, run.label) for run in runs}
    names |= {name for name, method in METHODS.items() if method.paper == params.paper}
    chosen: dict[tuple[str, str], pd.DataFrame] = {}
    for root in _roots():
        scores = tables.scores(root, params.budget)
        sets = [name for name in scores["dataset"].unique() if _is_of_photographs(name)]
        rows = scores[scores["dataset"].isin(sets) & scores["name"].isin(names)]
        for place, group in rows.assign(root=root).groupby(["dataset", "name"], sort=False):
            seeds = chosen[place]["seed"].nunique() if place in chosen else 0
            if group["seed"].nunique() > seeds:
                chosen[place] = group
    return pd.concat(chosen.values(), ignore_index=True) if chosen else pd.DataFrame()


def _is_of_photographs(dataset: str) -> bool:
    """Two domains of photographs, as they come from files."""
    entry = spec(dataset)
    return entry.layout != "drawn" and not entry.paired


def _of_set(dataset: str, rows: pd.DataFrame, paper: str) -> list[object]:
    """The tables of one set."""
    shown: list[object] = [show(tables.main(rows))]
    if (labels := spec(dataset).labels) and paper == PAPER:
        models = capacity(len(labels)).drop_duplicates("method")  # their own networks
        models = models[["method", "models", "counted", "parameters", "all models"]]
        shown += [
            show(models, folded=f"The models that {len(labels)} domains need, as {WHERE} counts")
        ]
    shown += [Sentence(f"{text}.") for text in remarks(rows)]
    old = sorted(way for _, way, protocol in weak(rows) if protocol == OLD)
    if old:
        ways = ", ".join(old)
        shown.append(
            Sentence(f"{NO_POWER}: {OLD} cannot tell doing nothing from real images, {ways}.")
        )
    if len(beside := order(rows, paper, dataset)):
        shown += [Sentence(f"The order in print, and measured here ({OTHER}):"), show(beside)]
    if len(taus := agreement(rows, paper, dataset)):
        shown += [Sentence("Kendall's tau of the two orders, over seeds:"), show(taus)]
    return shown
