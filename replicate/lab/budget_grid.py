"""The whole grid of a budget: every run that its notebooks ask for, once, checked beforehand.

And how long a run's schedule is, as far as it can be told without its images.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from replicate import paths
from replicate.datasets import folders
from replicate.datasets.layouts import OTHERS, SPLITS
from replicate.datasets.spec import Spec, registered, spec
from replicate.errors import ReplicateError, unknown
from replicate.lab.notebook_parameters import BY_DATASET, Asked, checked, quick
from replicate.lab.run import BUDGETS, Run, check_set
from replicate.lab.workflow import asked, read_params
from replicate.metrics import inception

SUMMARY = "90_summary"  # drawn from the records of all runs, after all other notebooks


@dataclass(frozen=True)
class Job:
    """One run, and the device that it asks for, as its first notebook has it."""

    run: Run
    device: str


class Page(NamedTuple):
    """A notebook, what its file gives it, and the runs asked for.

    `whole` is what papermill injects to draw it with these runs; None where they are only further
    ones, on data sets of its `also` or `one_seed`, which it cannot be drawn with alone.
    """

    notebook: str
    params: Asked
    runs: tuple[Run, ...]
    whole: Asked | None


def grid(
    budget: str,
    notebooks: Sequence[str] = (),
    seeds: str = "",
    datasets: str = "",
    folder: Path | None = None,
) -> list[Job]:
    """One job for every distinct run; one that two notebooks list belongs to the first of them.

    Args:
        budget: smoke, laptop or paper.
        notebooks: their stems; none: all that the budget has parameters for.
        seeds: in place of those in the files, as "0,1,2".
        datasets: "a,b". Without `notebooks`, what is left of the grid: data sets that no notebook
            lists are refused. With them, in place of those in the files.
        folder: of the parameter files, in place of `notebooks/params/<budget>`.

    Raises:
        UnknownName: a notebook, method, variant, data set, parameter or budget that does not exist.
        ReplicateError: a value of the wrong type.
    """
    return jobs(pages(budget, notebooks, seeds, datasets, folder))


def jobs(asked_pages: Iterable[Page]) -> list[Job]:
    """The distinct runs of some pages."""
    by_folder: dict[str, Job] = {}
    for page in asked_pages:
        for run in page.runs:
            if str(run.folder) not in by_folder:
                by_folder[str(run.folder)] = Job(run, page.params.device)
    return list(by_folder.values())


def pages(
    budget: str,
    notebooks: Sequence[str] = (),
    seeds: str = "",
    datasets: str = "",
    folder: Path | None = None,
) -> list[Page]:
    """The notebooks that `grid` is made of, the summary apart; arguments and errors as there."""
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    place = folder or paths.notebooks() / "params" / budget
    known = sorted(file.stem for file in place.glob("*.yaml"))
    if not known:
        raise ReplicateError(
            f"{place}: no parameter files; expected NOTEBOOK.yaml, such as 02_aggan.yaml"
        )
    for name in notebooks:
        if name not in known:
            raise unknown("notebook", name, known)
    for name in notebooks or known:
        if (named := read_params(name, budget, place).get("budget")) in BUDGETS and named != budget:
            raise ReplicateError(f"{place / name}.yaml is for budget {named}, expected {budget}")
    if notebooks:
        pairs = [(n, asked(n, budget, seeds, datasets, folder)) for n in dict.fromkeys(notebooks)]
        return [_possible(Page(n, params, tuple(params.runs()), params)) for n, params in pairs]
    chosen = [_possible(_asked(n, budget, seeds, folder)) for n in known if n != SUMMARY]
    return _left(chosen, [d.strip() for d in datasets.split(",")]) if datasets else chosen


def _possible(page: Page) -> Page:
    """The page; refuses a run that its set would refuse once it is that run's turn."""
    for run in page.runs:
        if entry := registered(run.dataset):
            check_set(run, entry)
    return page


def quick_page(budget: str = "laptop", seeds: str = "") -> Page:
    """The runs of `data/quick.toml`, which no notebook is drawn from; arguments as of `quick`."""
    params = quick(budget, seeds)
    return Page("quick", params, tuple(params.runs()), None)


def _asked(notebook: str, budget: str, seeds: str, folder: Path | None) -> Page:
    takes = "seeds" in read_params(notebook, budget, folder)
    params = asked(notebook, budget, seeds if takes else "", "", folder)
    return Page(notebook, params, tuple(params.runs()), params)


def _left(chosen: list[Page], datasets: list[str]) -> list[Page]:
    """The pages with the runs on some data sets alone."""
    listed = {run.dataset for page in chosen for run in page.runs}
    for name in datasets:
        if name not in listed:
            raise unknown("data set of this grid", name, listed)
    left = []
    for page in chosen:
        if runs := tuple(run for run in page.runs if run.dataset in datasets):
            left.append(page._replace(runs=runs, whole=_without(page, datasets)))
    return left


def _without(page: Page, datasets: list[str]) -> Asked | None:
    parameters = page.params.model_dump(exclude_unset=True)
    parameters["datasets"] = [d for d in parameters["datasets"] if d in datasets]
    for field in BY_DATASET:
        parameters[field] = {d: m for d, m in parameters.get(field, {}).items() if d in datasets}
    return checked(parameters, page.notebook) if parameters["datasets"] else None


def check_inputs(asked_pages: Sequence[Page], offline: bool = False) -> None:
    """Refuses what a run would miss: images, and at budget paper Inception's weights.

    Args:
        offline: go on without the weights; the scores that need them stay "not computed".

    Raises:
        ReplicateError: naming everything that is not there, and how to get it.
    """
    names = {run.dataset for page in asked_pages for run in page.runs}
    names |= {page.params.dataset for page in asked_pages if hasattr(page.params, "dataset")}
    lacking = [text for name in sorted(names) if (text := missing(spec(name)))]
    paper = any(page.params.budget == "paper" for page in asked_pages)
    if paper and not offline and not inception.available():
        lacking.append(inception.missing())
    if lacking:
        raise ReplicateError(
            "\n  ".join(["nothing was started, because something is not here:", *lacking])
        )


def missing(entry: Spec) -> str:
    """What is said of a set whose images are not all on this machine; nothing where they are.

    A drawn set is everywhere.
    """
    if entry.layout == "drawn":
        return ""
    try:
        for split in SPLITS:
            folders.split_files(entry, split)
    except ReplicateError as error:
        return str(error)
    return ""


def image_counts(entry: Spec) -> dict[str, int]:
    """Images of the larger domain for training, and translations for the test: of both domains'
    images, or of all domains' to all others.

    They are counted where they are, else those on record; {"train": 0, "test": 0} where no source
    states them.
    """
    stated = dict(entry.counts)
    if entry.layout not in ("drawn", "torchvision") and not missing(entry):
        stated = folders.counts(entry, entry.folder)
    if entry.paired:
        return {"train": stated.get("train", 0), "test": 2 * stated.get("test", 0)}
    counts = {name: [stated.get(f"{name}{X}", 0) for X in "AB"] for name in ("train", "test")}
    known = {name: n if all(n) else [0, 0] for name, n in counts.items()}
    tested = sum(known["test"])
    if entry.labels:
        tested = (tested + stated.get(OTHERS, 0)) * (len(entry.labels) - 1)
    return {"train": max(known["train"]), "test": tested}


def iterations(run: Run, counts: dict[str, int] | None = None) -> int | None:
    """The steps of the whole run; None where they depend on how many images a set has, unknown.

    Args:
        counts: `image_counts` of its set, where they are at hand.
    """
    if run.config.iterations:
        return run.config.iterations
    longest = (counts or image_counts(spec(run.dataset)))["train"]
    return run.config.epochs * -(-longest // run.config.batch_size) if longest else None
