"""The plots of a budget as files."""

from dataclasses import fields
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.experiment.publish import find_runs
from replicate.experiment.run import Run, read_record
from replicate.methods import METHODS
from replicate.plots.curves import losses
from replicate.plots.images import translations
from replicate.plots.picture import save
from replicate.plots.points import scores as points
from replicate.tables.frames import of_runs


def write(results: Path, published: Path, budget: str) -> list[Path]:
    """The files `<published>/plots/<budget>/<dataset>-{losses,translations,scores}.png`.

    Args:
        results: where this machine trains (`paths.results()`): logs and translations lie there
            only. Runs with changed settings are left out, as they are not published.
        published: `paths.published()`.
        budget: "laptop" or "paper".

    Raises:
        ReplicateError: the budget is smoke.
    """
    if budget == "smoke":
        raise ReplicateError("smoke runs prove that the code executes; no plot of them is kept")
    records = [read_record(found) for found in find_runs(results, budget)]
    runs = [_run(record) for record in records if _is_shown(record)]
    folder, written = published / "plots" / budget, []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        own = [run for run in runs if run.dataset == dataset]
        for name, figure in (
            ("losses", losses(own)),
            ("translations", translations(own, seed=min(run.seed for run in own))),
            ("scores", points(of_runs(own))),
        ):
            written.append(save(figure, folder / f"{dataset}-{name}.png"))
    return written


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
