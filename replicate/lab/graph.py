"""The graph of a start as JSON: what the Snakefile and every job read, without importing torch."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from replicate import files, paths
from replicate.lab.grid import SUMMARY, Job, Page, jobs
from replicate.lab.parameters import checked
from replicate.lab.preflight import estimate
from replicate.lab.run import Run
from replicate.lab.workflow import cores, read_params

MINUTES = 60  # what a notebook may take on a cluster, its runs apart
MEMORY = 8000  # MB, for a notebook


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
        offline: start without Inception's weights.
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
    runs = {
        key(job.run): _run(job, job.run in stale, options.gpus)
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


def _run(job: Job, stale: bool, gpus: int | None) -> dict:
    device = job.parameters["device"]
    return {
        "title": job.run.title,
        "notebook": job.notebook,
        "source": _source(job.notebook),
        "parameters": job.parameters,
        "folder": str(job.run.folder),
        "stale": stale,
        "gpu": _gpu(device, gpus),
        # on a GPU the CPU only feeds it; else as many threads as the run has on record
        "threads": 1 if device == "cuda" else job.run.threads or cores(),
        **needs(job.run, device),
    }


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
    given = read_params(SUMMARY, budget)
    if budget != "smoke":  # whose numbers enter nothing
        given |= {"records": "local"}
    parameters = checked(given, SUMMARY).model_dump(exclude_unset=True)
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
        "mem_mb": MEMORY,
        "minutes": MINUTES,
    }


def _digest(notebook: str, parameters: dict) -> str:
    """Of what is drawn: the notebook, its parameters, the code; another one is drawn anew."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    files = sorted((paths.ROOT / "replicate").rglob("*.py"))
    for file in [Path(_source(notebook)), *files]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _source(notebook: str) -> str:
    return str(paths.notebooks() / f"{notebook}.ipynb")


def _gpu(device: str, gpus: int | None) -> int:
    return int(device == "cuda") if gpus is None else int(gpus > 0)


# MB and minutes where nothing was measured. A job that is larger or longer asks for half as much
# again at its next try, and goes on from its checkpoint.
UNKNOWN = {"smoke": (3000, 20), "laptop": (4000, 60), "paper": (32000, 24 * 60)}
BESIDE = 2000  # MB of the notebook's figures, papermill and the Snakemake around them
MARGIN = 1.25  # of memory: the system's own, which no two machines have alike
SLOWER = 1.5  # of time: a node that is shared, or older
STARTING = 15  # minutes


def needs(run: Run, device: str) -> dict[str, int]:
    """`mem_mb` of the host and `minutes`, from the run's preflight or a default of its budget."""
    memory, minutes = UNKNOWN[run.budget]
    if found := estimate(run, device):
        measured = MARGIN * found.host_memory_mb + BESIDE
        memory = max(memory, measured) if found.on_disk else measured
        minutes = SLOWER * found.hours * 60 + STARTING if found.hours is not None else minutes
    return {"mem_mb": round(memory), "minutes": round(minutes)}
