"""Commands about results: tables, publish, report, doctor."""

import json
from typing import Annotated

import typer

from replicate.cli.common import Budget, Json, say, show
from replicate.cli.terminal import Wide, entries, lines


def tables(
    budget: Budget = "laptop",
    published: Annotated[
        bool, typer.Option(help="Of the published records; renews their plots and the README, too.")
    ] = False,
    as_json: Json = False,
    wide: Wide = False,
) -> None:
    """Writes the tables of all finished runs of a budget and prints those of the data sets."""
    from replicate import paths
    from replicate.report import publishing
    from replicate.report import tables as drawing

    root = paths.published() if published else paths.results()
    files = publishing.redraw(budget) if published else drawing.write(root, budget)
    stems = set(drawing.scores(root, budget)["dataset"])
    of_sets = [file for file in files if file.parent.name == budget and file.stem in stems]
    if as_json:
        pages = [json.loads(file.read_text()) for file in of_sets if file.suffix == ".json"]
        show([row for rows in pages for row in rows])
        return
    shown = [file for file in of_sets if file.suffix == ".md"]
    for file in files:
        if file not in shown:
            say(file)
    lines("\n".join(file.read_text() for file in shown), wide)


def publish(
    budget: Budget = "laptop",
    health: Annotated[
        bool, typer.Option("--health", help="Only add health.csv and classes.csv to records.")
    ] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Only add the weights of this published run."),
    ] = None,
    direction: Annotated[
        str, typer.Option(help="With --weights, keep this one alone: 'horse->zebra'.")
    ] = "",
) -> None:
    """Copies the records of all finished runs to results/published, makes tables and plots."""
    from replicate.report.publishing import publish_all, publish_health
    from replicate.weights import releasing

    if weights:
        for name in weights:
            say(releasing.publish(name, direction))
        return
    for path in (publish_health if health else publish_all)(budget):
        say(path)


def report(
    budget: Budget = "laptop",
    published: Annotated[
        bool, typer.Option(help="Of the published records, not this machine's.")
    ] = False,
) -> None:
    """Tables, plots and records as they are, in one HTML file that can be mailed."""
    from replicate.report.mailing import report

    say(report(budget, published))


def print_beside(params, executed: bool = True) -> None:
    """The local numbers of `params` beside the published ones.

    Args:
        executed: name the folder of executed notebooks.
    """
    from replicate import paths
    from replicate.report import plots
    from replicate.report import tables as drawing

    if executed:
        say(f"executed notebooks: {paths.results() / 'notebooks' / params.budget}")
    if params.budget == "smoke":
        say("smoke: it executes; no tables")
        return
    written = drawing.write(paths.results(), params.budget)
    for file in written + plots.write(paths.results(), params.budget):
        say(file)
    local = drawing.of_runs(params.runs())
    published = drawing.scores(paths.published(), params.budget)
    beside = drawing.beside(local, published)
    shown = beside[beside["local"] != "not computed"]
    lines(drawing.to_markdown(shown), more="the tables named above have all")


def doctor(as_json: Json = False) -> None:
    """What this machine has, and what a run would miss."""
    from replicate.lab.doctor import examine

    checks = examine()
    if as_json:
        show(checks)
        return
    say(f"{'':4}{'what':<23}found")
    entries(
        [(f"{'ok ' if s['ok'] else '-- '} {s['what']}", [s["found"]]) for s in checks], indent=27
    )
