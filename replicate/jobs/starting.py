"""One start of a whole grid: check, lock, end what a dead start left, call Snakemake, explain."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from replicate import paths
from replicate.experiment.budget_grid import Page, check_inputs, jobs
from replicate.jobs import calling, markers, processes, slurm
from replicate.jobs.graph import Options, graph, name, write
from replicate.jobs.locking import locked
from replicate.jobs.outcome import print_outcome


def start(pages: Sequence[Page], options: Options) -> bool:
    """Whether all that was asked for is done; what is not is explained in a line each.

    Raises:
        ReplicateError: something is missing, or another start is at work in this results folder.
    """
    profile = calling.find_profile(options.profile)
    check_inputs(pages, options.offline)
    limits = calling.limits(pages, profile, options.at_once, options.gpus)
    results = paths.results()
    paths.made(results)
    if options.dry:
        with tempfile.TemporaryDirectory(dir=results, prefix=".dry-") as aside:
            _, file = _prepare(pages, options, Path(aside))
            command = calling.command(
                file, profile, [*limits, "--dry-run", "--quiet", "host", *options.more]
            )
            return calling.call(command, results, on_slurm=False) == 0
    on_slurm = calling.executor(profile) == "slurm"
    if on_slurm:
        slurm.check_paths(results, Path(sys.executable), paths.ROOT)
    with locked(results):
        _end_orphans(results, on_slurm, "of an earlier start")
        content, file = _prepare(pages, options, results / ".runs")
        since = time.time()
        if markers.complete(content) and not options.more:
            return print_outcome(content, since)
        command = calling.command(file, profile, [*limits, *options.more])
        status = calling.call(command, results, on_slurm)
        _end_orphans(results, on_slurm, "that Snakemake left")
        return print_outcome(content, since) and status == 0


def _end_orphans(results: Path, on_slurm: bool, whose: str) -> None:
    """Ends what works for these results without a start that knows of it."""
    jobs_there = slurm.cancel(results, required=on_slurm) if on_slurm or slurm.here() else []
    if jobs_there:
        ids = " ".join(jobs_there)
        print(f"cancelled {len(jobs_there)} Slurm jobs {whose}: {ids}", flush=True)
    if left := processes.of(results):
        ids = " ".join(str(process.pid) for process in left)
        print(f"ending {len(left)} processes {whose}, after a checkpoint: {ids}", flush=True)
        processes.end(left)


def _prepare(pages: Sequence[Page], options: Options, folder: Path) -> tuple[dict, Path]:
    """The graph of this start and its file; markers agree with the runs, and a line says how."""
    runs = [job.run for job in jobs(pages)]
    states = markers.agree(runs)
    stale = [] if options.retrain else states.get("stale", [])
    content = graph(pages, states.get("stale", []), options)
    content["kept"] = [run.title for run in stale]
    asked = pages if options.draw else []
    content["left_out"] = [p.notebook for p in asked if name(p) not in content["notebooks"]]
    markers.agree_notebooks(content["notebooks"])
    counts = ", ".join(f"{len(group)} {state}" for state, group in sorted(states.items()))
    print(
        f"{len(runs)} runs{f' ({counts})' if runs else ''} and {len(content['notebooks'])} "
        f"notebooks at budget {content['budget']}, into {paths.results()}",
        flush=True,
    )
    return content, write(content, folder / "graph.json")
