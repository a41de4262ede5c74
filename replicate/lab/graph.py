"""The graph of a start as JSON: what the Snakefile and every job read, without importing torch."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from replicate import files, paths
from replicate.lab.budget_grid import SUMMARY, Job, Page, jobs
from replicate.lab.forecast import HERE, Estimates, Known
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import Run, method_name
from replicate.lab.watching import share_done
from replicate.lab.workflow import cores, read_params

MINUTES = 60  # what a notebook may take on a cluster, its runs apart
MEMORY = 8000  # MB, for a notebook
SOON = 10**9  # the priority of a notebook whose runs are done: its results are wanted first


def key(run: Run) -> str:
    """A run's place among the runs: `<dataset>/<method>/<leaf>`."""
    return run.folder.relative_to(paths.results() / "runs").as_posix()


class Options(NamedTuple):
    """How a grid is started.

    Attributes:
        profile: a folder of `profiles/`, or the path of another one.
        at_once: runs at a time; 0: as the profile says.
        gpus: at a time, one a run; None: every run on device cuda has one.
        retrain: set stale runs aside and train them anew.
        again: try runs again whose loss was not finite.
        offline: start without Inception's weights. Where no notebook is drawn, which would score
            with all that is here, the scores that need them are left out even if they are here.
        draw: execute each whole notebook once its runs are done.
        summary: draw tables and the summary after them.
        dry: list what would be done, no more.
        more: arguments for Snakemake.
    """

    profile: str = "local"
    at_once: int = 0
    gpus: int | None = None
    retrain: bool = False
    again: bool = False
    offline: bool = False
    draw: bool = True
    summary: bool = True
    dry: bool = False
    more: Sequence[str] = ()


def graph(pages: Sequence[Page], stale: Sequence[Run], options: Options) -> dict:
    """Runs, the notebooks that are drawn when theirs are done, and the summary after all of them.

    Args:
        pages: what is asked for.
        stale: runs that are stale. Unless `retrain`, they are left out, and so is what needs them.
    """
    left_out = set() if options.retrain else {key(run) for run in stale}
    estimates = Estimates()
    runs = {
        key(job.run): _run(job, job.run in stale, options, estimates)
        for job in jobs(pages)
        if key(job.run) not in left_out
    }
    notebooks = {
        name(page): _notebook(page, options.gpus)
        for page in pages
        if options.draw and page.whole and not left_out & {key(run) for run in page.runs}
    }
    budget = pages[0].params.budget
    tables = options.summary and len(notebooks) == len(pages)
    if tables and (paths.notebooks() / "params" / budget / f"{SUMMARY}.yaml").exists():
        notebooks[f"{budget}/{SUMMARY}"] = _summary(budget, list(notebooks))
    return {
        "results": str(paths.results()),
        "budget": budget,
        "retrain": options.retrain,
        "again": options.again,
        "runs": runs,
        "notebooks": notebooks,
        "tables": tables and budget != "smoke",  # whose numbers enter no table
    }


def _run(job: Job, stale: bool, options: Options, estimates: Estimates) -> dict:
    """What a job needs of its run: `run_of` makes the run of its method, label and the rest."""
    run, known = job.run, estimates.of(job.run, job.device)
    left = 1 if stale else 1 - share_done(run.folder)
    seconds = None if known.hours is None else left * known.hours * 3600
    return {
        "title": run.title,
        "name": method_name(run.method, run.label),
        "method": run.method,
        "label": run.label,
        "dataset": run.dataset,
        "seed": run.seed,
        "budget": run.budget,
        "device": job.device,
        "offline": is_offline(options),
        "folder": str(run.folder),
        "stale": stale,
        "gpu": _gpu(job.device, options.gpus),
        # on a GPU the CPU only feeds it; else as many threads as the run has on record
        "threads": 1 if job.device == "cuda" else run.threads or cores(),
        "seconds": seconds,  # that are left of it
        "priority": round(seconds or 0),  # the longest first, so that no core is idle at the end
        **needs(run.budget, known),
    }


def is_offline(options: Options) -> bool:
    """Whether runs leave out the scores that need Inception's weights."""
    return options.offline and not options.draw


def name(page: Page) -> str:
    """A notebook's place among the notebooks: `<budget>/<notebook>`."""
    return f"{page.params.budget}/{page.notebook}"


def write(content: dict, path: Path) -> Path:
    """The file of a graph, replaced in one step: jobs may be reading it."""
    return files.write_json(path, content)


def _notebook(page: Page, gpus: int | None) -> dict:
    parameters = page.whole.model_dump(exclude_unset=True)
    needed = {"needs": [key(run) for run in page.runs], "after": []}
    return _drawn(page.notebook, parameters, _gpu(page.params.device, gpus)) | needed


def _summary(budget: str, others: list[str]) -> dict:
    """The summary reads records alone, those of this machine, after all other notebooks."""
    document = read_params(SUMMARY, budget)
    if budget != "smoke":  # whose numbers enter nothing
        document |= {"records": "local"}
    parameters = checked(document, SUMMARY).model_dump(exclude_unset=True)
    return _drawn(SUMMARY, parameters, 0) | {"needs": [], "after": others}


def _drawn(notebook: str, parameters: dict, gpu: int) -> dict:
    budget = parameters["budget"]
    return {
        "title": f"{notebook} ({budget})",
        "source": _source(notebook),
        "parameters": parameters,
        "executed": str(paths.results() / "notebooks" / budget / f"{notebook}.ipynb"),
        "digest": _digest(notebook, parameters),
        "threads": 1,
        "gpu": gpu,
        "priority": SOON,
        "mem_mb": MEMORY,
        "minutes": MINUTES,
    }


def _digest(notebook: str, parameters: dict) -> str:
    """Of what is drawn: the notebook, its parameters, the code; another one is drawn anew."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    files = sorted(paths.PACKAGE.rglob("*.py"))
    for file in [Path(_source(notebook)), *files]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _source(notebook: str) -> str:
    return str(paths.notebooks() / f"{notebook}.ipynb")


def _gpu(device: str, gpus: int | None) -> int:
    return int(device == "cuda") if gpus is None else int(gpus > 0)


# MB and minutes where nothing was measured. A job that is larger or longer asks for half as much
# again at its next try, and goes on from its checkpoint.
UNKNOWN = {
    "smoke": (3000, 20), "laptop": (4000, 60), "overnight": (4000, 12 * 60),
    "paper": (32000, 24 * 60),
}  # fmt: skip
BESIDE = 2000  # MB of scores by Inception, which no preflight makes, and the Snakemake around them
MARGIN = 1.25  # of memory: the system's own, which no two machines have alike
SLOWER = 1.5  # of time: a node that is shared, or older
STARTING = 15  # minutes


def needs(budget: str, known: Known) -> dict[str, int]:
    """`mem_mb` of the host and `minutes`, from what is known of a run or a default of its budget.

    Only a preflight asks for less than the default: finished runs may be those of another machine.
    """
    memory, minutes = UNKNOWN[budget]
    least = (0, 0) if known.by.startswith(HERE) else (memory, minutes)
    if known.memory_mb is not None:
        memory = max(MARGIN * known.memory_mb + BESIDE, least[0])
    if known.hours is not None:
        minutes = max(SLOWER * known.hours * 60 + STARTING, least[1])
    return {"mem_mb": round(memory), "minutes": round(minutes)}
