"""The plots of a budget as files."""

from dataclasses import fields
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.experiment.publish import find_runs
from replicate.experiment.run import Run, read_record
from replicate.methods import METHODS
from replicate.plots.curves import losses
from replicate.plots.images import translations, with_most_seeds
from replicate.plots.picture import save
from replicate.plots.points import scores as points
from replicate.tables.frames import scores

BASELINE = "cyclegan"  # stands beside every paper's methods


def write(results: Path, published: Path, budget: str) -> list[Path]:
    """The files `<published>/plots/<budget>/<dataset>-*.png`.

    `<dataset>-scores.png` shows all records of the data set, `<dataset>-<paper>-losses.png` and
    `-translations.png` the methods of one paper beside the baseline; variants that were tried with
    fewer seeds than others stand in the notebooks alone. Figures of papers of which this machine
    has no run stay as they are.

    Args:
        results: where this machine trains (`paths.results()`): logs and translations lie there
            only. Runs with changed settings are left out, as they are not published.
        published: `paths.published()`, whose records are already written.
        budget: "laptop" or "paper".

    Raises:
        ReplicateError: the budget is smoke.
    """
    if budget == "smoke":
        raise ReplicateError("smoke runs prove that the code executes; no plot of them is kept")
    records = [read_record(found) for found in find_runs(results, budget)]
    runs = [_run(record) for record in records if _is_shown(record)]
    measured, folder, written = scores(published, budget), published / "plots" / budget, []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        own = [run for run in runs if run.dataset == dataset]
        for paper, peers in _by_paper(own).items():
            peers = with_most_seeds(peers, BASELINE)
            seed = min(run.seed for run in peers)
            stem = folder / f"{dataset}-{paper}"
            written.append(save(losses(peers), Path(f"{stem}-losses.png")))
            written.append(save(translations(peers, seed=seed), Path(f"{stem}-translations.png")))
        of_all = points(measured[measured["dataset"] == dataset])
        written.append(save(of_all, folder / f"{dataset}-scores.png"))
    return written


def _by_paper(runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of each paper with those of the baseline; the baseline alone where it is alone."""
    baseline = [run for run in runs if run.method == BASELINE]
    others = [run for run in runs if run.method != BASELINE]
    papers = dict.fromkeys(METHODS[run.method].paper for run in others or baseline)
    return {
        paper: [r for r in runs if r.method == BASELINE or METHODS[r.method].paper == paper]
        for paper in papers
    }


def _is_shown(record: dict) -> bool:
    """Finished, of the variant's own settings, and of a configuration that the method still has."""
    if record["status"] != "finished" or "+" in record["label"] or record["method"] not in METHODS:
        return False
    known = {field.name for field in fields(METHODS[record["method"]].Config)}
    return set(record["config"]) == known


def _run(record: dict) -> Run:
    """The run that a record tells of."""
    config = METHODS[record["method"]].Config(**record["config"])
    identity = [record[key] for key in ("dataset", "seed", "budget")]
    return Run(record["method"], record["variant"], config, *identity)
