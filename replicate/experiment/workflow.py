"""A notebook's runs as a Snakemake workflow: what is asked for, what it costs, the command."""

import os
import sys

import yaml

from replicate import paths
from replicate.errors import unknown
from replicate.experiment.parameters import Parameters, checked
from replicate.experiment.plan import makespan, plan


def asked(notebook: str, budget: str, seeds: str = "", datasets: str = "") -> Parameters:
    """The parameters in notebooks/params/<budget>/<notebook>.yaml, with other seeds or sets."""
    known = {p.stem for p in (paths.notebooks() / "params").glob("*/*.yaml")}
    if notebook not in known:
        raise unknown("notebook", notebook, known)
    given = read_params(notebook, budget)
    if seeds:
        given["seeds"] = [int(s) if s.strip().isdigit() else s for s in seeds.split(",")]
    if datasets:
        given["datasets"] = [d.strip() for d in datasets.split(",")]
    return checked(given)


def read_params(notebook: str, budget: str) -> dict:
    """The content of a parameter file."""
    file = paths.notebooks() / "params" / budget / f"{notebook}.yaml"
    if not file.exists():
        raise unknown("budget", budget, [p.name for p in (paths.notebooks() / "params").iterdir()])
    return yaml.safe_load(file.read_text())


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(params: Parameters, jobs: int) -> str:
    """What will be done and how long it takes, after ten timed steps of every kind of run."""
    planned = plan(params.runs(), params.device)
    lines = [
        f"{len(planned)} runs at budget {params.budget}, {jobs} at a time, into {paths.results()}"
    ]
    for each in planned:
        todo = (
            f"{each.steps} steps of {each.per_step * 1e3:.0f} ms, about {each.seconds / 60:.1f} min"
            if each.steps
            else "nothing to do"
        )
        lines.append(f"  {each.run.title}: {each.state}, {todo}")
    minutes = makespan(planned, jobs) / 60
    lines.append(f"about {minutes:.0f} min in all (ten steps timed), then the notebook: 1 min")
    return "\n".join(lines)


def command(notebook: str, params: Parameters, jobs: int) -> list[str]:
    """The Snakemake call that trains the runs of `params` and executes the notebook."""
    config = {
        "notebook": notebook,
        "budget": params.budget,
        "seeds": ",".join(map(str, params.seeds)),
        "datasets": ",".join(params.datasets),
    }
    folder = paths.results()  # Snakemake's own bookkeeping lies beside the results it is about
    folder.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable, "-m", "snakemake", "--snakefile", str(paths.ROOT / "Snakefile"),
        "--directory", str(folder), "--profile", str(paths.ROOT / "profiles" / "local"),
        "--cores", str(jobs), "--config", *(f"{k}={v}" for k, v in config.items()),
    ]  # fmt: skip
