"""Commands about numbers: score, tables, publish, doctor."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Budget, Json, Offline, show


def score(
    fake: Annotated[Path, typer.Argument(help="Folder of translations.")],
    real: Annotated[Path, typer.Argument(help="Folder of real images of the target domain.")],
    source: Annotated[Path | None, typer.Option(help="Folder of the inputs.")] = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """KID, FID, PSNR and SSIM of a folder of images against another."""
    from replicate.metrics.folders import score_folders

    rows = score_folders(fake, real, source, offline)
    if as_json:
        show([asdict(row) for row in rows])
        return
    reasons = {}
    for row in rows:
        spread = f" ± {row.spread:.5f} ({row.spread_kind})" if row.spread is not None else ""
        floor = f", floor {row.floor:.5f}" if row.floor is not None else ""
        idle = f", do nothing {row.do_nothing:.5f}" if row.do_nothing is not None else ""
        note = f"  [{row.note}]" if row.note else ""
        if row.value is None:
            reasons[row.note] = None
            print(f"{row.protocol:<18} not computed")
        else:
            value = "identical" if row.value == math.inf else f"{row.value:.5f}"
            print(f"{row.protocol:<18} {value}{spread}{floor}{idle}{note}")
    print(*reasons, sep="\n")


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
        drawing.update_readme(paths.ROOT / "README.md", root)
    if as_json:
        tidy = pd.concat([pd.read_csv(file) for file in files if file.suffix == ".csv"])
        show(tidy.astype(object).where(tidy.notna(), None).to_dict("records"))
        return
    for file in files:
        print(file.read_text() if file.suffix == ".md" else file)


def publish(budget: Budget = "laptop") -> None:
    """Copies the records of all finished runs to results/published, draws tables and plots."""
    from replicate.publishing import publish_all

    for path in publish_all(budget):
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
