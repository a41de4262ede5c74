"""The plots of a budget as files, drawn from records alone."""

from itertools import groupby
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.methods import METHODS
from replicate.report.plots.images import with_most_seeds
from replicate.report.plots.picture import save
from replicate.report.plots.records import Kept, gallery, is_as_printed, kept, strip
from replicate.report.plots.scores import cost, losses
from replicate.report.plots.scores import scores as points
from replicate.report.tables.catalogue import FIRST, FIRST_IMAGES
from replicate.report.tables.cost import quality_and_cost
from replicate.report.tables.frames import by_pseudo_masks, scores

BASELINE = next(name for name, method in METHODS.items() if method.baseline)


def write(root: Path, budget: str) -> list[Path]:
    """The files `<root>/plots/<budget>/*.png`: the same bytes from the same records.

    `<dataset>-scores.png`, `-cost.png` and `-gallery.png` show all records of the data set,
    `<dataset>-<paper>-losses.png` and `-translations.png` the methods of one paper beside the
    baseline, without variants that were tried with fewer seeds than others; `<dataset>-first.png`,
    of the sets in `FIRST_IMAGES`, has a column for each method as its paper has it, of those with
    as many seeds as any.

    Args:
        root: `paths.results()` or `paths.published()`; its finished runs are read.
        budget: "laptop" or "paper".

    Raises:
        ReplicateError: the budget is smoke.
    """
    if budget == "smoke":
        raise ReplicateError("smoke runs prove that the code executes; no plot of them is kept")
    folder, written = root / "plots" / budget, []
    records = kept(root, budget)
    if not records:
        return []
    measured = scores(root, budget)
    spent = quality_and_cost(measured, root)
    for dataset, group in groupby(records, key=lambda record: record.dataset):
        of_set = list(group)
        for paper, peers in _by_paper(of_set).items():
            peers, stem = with_most_seeds(peers, BASELINE), folder / f"{dataset}-{paper}"
            written.append(save(losses(peers), Path(f"{stem}-losses.png")))
            written.append(save(gallery(peers), Path(f"{stem}-translations.png")))
        written.append(save(gallery(of_set), folder / f"{dataset}-gallery.png"))
        of_all = points(measured[measured["dataset"] == dataset])
        written.append(save(of_all, folder / f"{dataset}-scores.png"))
        if len(beside := spent[spent["dataset"] == dataset]):
            pseudo = {protocol for name, protocol in by_pseudo_masks(measured) if name == dataset}
            written.append(save(cost(beside, pseudo), folder / f"{dataset}-cost.png"))
        if dataset in FIRST_IMAGES and (whole := of_first(of_set)):
            first = strip(whole, FIRST_IMAGES[dataset])
            written.append(save(first, folder / f"{dataset}{FIRST}"))
    return written


def of_first(records: list[Kept]) -> list[Kept]:
    """The records in the picture of the first images: no variants, as many seeds as any."""
    return with_most_seeds(filter(is_as_printed, records), BASELINE)


def _by_paper(records: list[Kept]) -> dict[str, list[Kept]]:
    """The records of each paper with the baseline's; the baseline alone where it is alone."""
    baseline = [record for record in records if record.method == BASELINE]
    others = [record for record in records if record.method != BASELINE]
    papers = dict.fromkeys(METHODS[record.method].paper for record in others or baseline)
    return {
        paper: [r for r in records if r.method == BASELINE or METHODS[r.method].paper == paper]
        for paper in papers
    }
