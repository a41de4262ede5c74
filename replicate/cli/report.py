"""Commands about results: tables, publish, doctor."""

import sys
from typing import Annotated

import typer

from replicate.cli.common import Budget, Json, show


def tables(
    budget: Budget = "laptop",
    published: Annotated[
        bool, typer.Option(help="Of the published records; renews the README too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Writes the tables of all finished runs of a budget and prints them."""
    import pandas as pd

    from replicate import paths
    from replicate import tables as drawing

    root = paths.published() if published else paths.results()
    files = drawing.write(root, budget)
    if published:
        written = drawing.write_registers(root)
        print(*written, sep="\n", file=sys.stderr)
        drawing.update_readme(paths.ROOT / "README.md", root)
    if as_json:
        tidy = pd.concat([pd.read_csv(file) for file in files if _is_scores(file)])
        show(tidy.astype(object).where(tidy.notna(), None).to_dict("records"))
        return
    for file in files:
        print(file.read_text() if file.suffix == ".md" else file)


def _is_scores(file) -> bool:
    return file.suffix == ".csv" and file.stem not in ("claims", "predictions", "health")


def publish(
    budget: Budget = "laptop",
    health: Annotated[
        bool, typer.Option("--health", help="Only add health.csv to records that lack it.")
    ] = False,
) -> None:
    """Copies the records of all finished runs to results/published, draws tables and plots."""
    from replicate.publishing import publish_all, publish_health

    for path in (publish_health if health else publish_all)(budget):
        print(path)


def print_beside(params) -> None:
    """The local numbers of `params` beside the published ones."""
    from replicate import paths, plots
    from replicate import tables as drawing

    print(f"executed notebooks: {paths.results() / 'notebooks' / params.budget}")
    if params.budget == "smoke":
        print("smoke: it executes; no tables")
        return
    written = drawing.write(paths.results(), params.budget)
    for file in written + plots.write(paths.results(), paths.results(), params.budget):
        print(file)
    local = drawing.of_runs(params.runs())
    published = drawing.scores(paths.published(), params.budget)
    beside = drawing.beside(local, published)
    print(drawing.to_markdown(beside[beside["local"] != "not computed"]))


def doctor(as_json: Json = False) -> None:
    """What this machine has, and what a run would miss."""
    from replicate.diagnosis import examine

    found = examine()
    if as_json:
        show(found)
        return
    for each in found:
        print(f"{'ok ' if each['ok'] else '-- '} {each['what']:<22} {each['found']}")
