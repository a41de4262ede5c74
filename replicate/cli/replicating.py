"""The command of `make replicate`: a few runs, their plan, and whether they are as foretold."""

from typing import Annotated

import typer

from replicate.cli.common import Budget, say
from replicate.errors import ReplicateError


def replicate_all(
    budget: Budget = "laptop",
    notebook: Annotated[
        str,
        typer.Option(help="A notebook, e.g. 02_aggan; default: the eight runs of data/quick.toml."),
    ] = "",
    seeds: Annotated[str, typer.Option(help="Seeds, e.g. 0,1,2; default: the file's.")] = "",
    datasets: Annotated[
        str, typer.Option(help="Data sets of the notebook; default: its own.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as many as cores.")] = 0,
    retrain: Annotated[bool, typer.Option(help="Set stale runs aside, train them anew.")] = False,
    again: Annotated[bool, typer.Option(help="Try again where a loss was not finite.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Trains what is missing, executes the notebook, prints the numbers beside the published."""
    from replicate.lab.budget_grid import pages, quick_page
    from replicate.lab.engine import start
    from replicate.lab.graph import Options
    from replicate.lab.workflow import cores

    if not notebook and (datasets or budget == "paper"):
        raise ReplicateError(
            f"--{f'datasets {datasets}' if datasets else 'budget paper'} needs a notebook: "
            "--notebook 02_aggan"
        )
    if notebook:
        (page,) = pages(budget, [notebook], seeds, datasets)
    else:
        page = quick_page(budget, seeds)
    at_once = jobs or cores()
    stale = _plan(page, at_once, retrain)
    if dry_run:
        return
    if stale and not retrain:
        raise ReplicateError(
            f"{'; '.join(stale)}: stale, code or images changed since training. Train anew with "
            "--retrain (of `make replicate`: ARGS=--retrain), or keep them and set "
            "REPLICATE_RESULTS to another folder"
        )
    how = Options(
        at_once=at_once, retrain=retrain, again=again, offline=True, draw=bool(notebook),
        summary=False,
    )  # fmt: skip
    if not start([page], how):
        raise ReplicateError("not everything is done; the lines above say why")
    _show(page, foretold=not notebook)


replicate_all.command_name = "all"


def _plan(page, at_once: int, retrain: bool) -> list[str]:
    """Says what will be done, in which order and for how long; the titles of stale runs.

    What this machine has not measured is measured, except at smoke, which takes no longer.
    """
    from replicate import paths
    from replicate.cli.planning import print_left
    from replicate.lab import preflight
    from replicate.lab.forecast import forecast, makespan

    device, budget = page.params.device, page.params.budget
    say(f"{len(page.runs)} runs at budget {budget}, {at_once} at a time, into {paths.results()}")
    foreseen = forecast(page.runs, device)
    left = [
        entry.run for entry in foreseen if entry.hours != 0 and (retrain or not entry.seen.stale)
    ]
    if budget != "smoke" and left:
        preflight.every(left, device, at_once=at_once if device == "cpu" else 1)
        foreseen = forecast(page.runs, device)
    foreseen.sort(key=lambda entry: -(entry.hours or 0))
    print_left(foreseen, wide=True)
    hours = [entry.hours for entry in foreseen]
    about = "hours not measured" if None in hours else f"{60 * makespan(hours, at_once):.0f} min"
    say(f"about {about} of training in all", flush=True)
    if page.whole:
        say(f"then the notebook: {page.params.minutes()} min", flush=True)
    return [entry.run.title for entry in foreseen if entry.seen.word == "stale"]


def _show(page, foretold: bool) -> None:
    """The numbers beside the published ones, then claim by claim whether they were foretold."""
    from replicate import paths
    from replicate.cli.report import print_beside
    from replicate.report import claims, tables

    params = page.params
    if not page.runs:
        executed = paths.results() / "notebooks" / params.budget / f"{page.notebook}.ipynb"
        say(f"executed notebook: {executed}")
        return
    print_beside(params, executed=not foretold)
    if not foretold or params.budget == "smoke":
        return
    published = tables.scores(paths.published(), params.budget)
    local, every = tables.of_runs(params.runs()), claims.every()
    predictions = claims.foretold(local, published, every)
    file = paths.published() / "tables" / params.budget / "predictions.md"
    untried = claims.untried(predictions, local, every)
    for line in [*claims.lines(predictions, paths.shown(file)), *untried]:
        say(line)
