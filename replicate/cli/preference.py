"""`replicate preference`: a page that asks people, and percentages from their answers."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Budget, Json, say, show

app = typer.Typer(no_args_is_help=True, help="Human preference: make a page, score its answers.")


@app.command()
def make(
    mode: Annotated[str, typer.Argument(help="fool, best-of-n or pair.")],
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="METHOD[:VARIANT] or NAME=FOLDER.")
    ],
    out: Annotated[Path, typer.Option(help="The page; its key is written beside it.")] = Path(
        "page.html"
    ),
    trials: Annotated[
        int | None, typer.Option(help="How many; default: 60, or what the images allow.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Trials asked twice: self-consistency.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(help="fool: s for which an image is shown.")
    ] = None,
    draw: Annotated[int, typer.Option(min=0, help="Seed of the draw of images and order.")] = 0,
    data: Annotated[str, typer.Option(help="The runs' data set.")] = "horse2zebra_drawn",
    seed: Annotated[int, typer.Option(min=0, help="The runs' seed.")] = 0,
    budget: Budget = "laptop",
    direction: Annotated[
        str, typer.Option(help="The runs' direction, e.g. 'horse->zebra'.")
    ] = "AB",
    source: Annotated[Path | None, typer.Option(help="Folder of the inputs.")] = None,
    real: Annotated[Path | None, typer.Option(help="Folder of real target images.")] = None,
    target: Annotated[str, typer.Option(help="What translations should show; runs know it.")] = "",
) -> None:
    """Writes a page for participants, in one file that needs no network, and its key."""
    from replicate.preference import page
    from replicate.preference.sources import RunChoice, collect

    choice = RunChoice(data, seed, budget, direction)
    material = collect(sources, choice, source, real, target)
    study = page.make_study(mode, material, trials, repeats, draw, seconds)
    written, key = page.write(study, out)
    say(page.describe(study, written, key))


@app.command()
def attributes(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="METHOD[:VARIANT] or NAME=FOLDER.")
    ],
    out: Annotated[
        Path, typer.Option(help="A page an attribute, PAGE-gender.html and so on.", metavar="PAGE")
    ] = Path("attributes"),
    trials: Annotated[
        int | None, typer.Option(help="How many a page; default: 60, or what the images allow.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Trials asked twice: self-consistency.")] = 0,
    draw: Annotated[int, typer.Option(min=0, help="Seed of the draw of images and order.")] = 0,
    data: Annotated[
        str, typer.Option(help="The runs' set; of two domains: SET_gender and so on.")
    ] = "celeba",
    seed: Annotated[int, typer.Option(min=0, help="The runs' seed.")] = 0,
    budget: Budget = "paper",
) -> None:
    """Pages that ask which method changes hair colour, gender and age best, of finished runs."""
    from replicate.preference import page
    from replicate.preference.sources import RunChoice, collect_change
    from replicate.relabelling import FURTHER

    choice, studies = RunChoice(data, seed, budget), {}
    for words in FURTHER:  # all three before the first file
        material = collect_change(sources, choice, words)
        file = out.with_name(f"{out.name}-{words.partition('->')[2]}.html")
        studies[file] = page.make_study("best-of-n", material, trials, repeats, draw)
    for file, study in studies.items():
        say(page.describe(study, *page.write(study, file)))


@app.command()
def score(
    answers: Annotated[list[Path], typer.Argument(help="Files that participants sent.")],
    key: Annotated[Path, typer.Option(help="The .key.json beside the page.")],
    as_json: Json = False,
) -> None:
    """Percentages with 95 % intervals from the answers to a page."""
    from replicate.preference import scoring

    result = scoring.score(key, answers)
    show(asdict(result)) if as_json else say(scoring.format_result(result))
