"""`replicate translate`: anybody's pictures through trained weights."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Device, Subfolders, say


def translate(
    model: Annotated[
        str,
        typer.Argument(
            help="METHOD@DATASET, a run's folder, a file; see `replicate weights list`."
        ),
    ],
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Files, folders, patterns; or sentences."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the translations.")] = Path("translated"),
    direction: Annotated[str, typer.Option(help="'horse->zebra'; default: the first.")] = "",
    size: Annotated[
        str, typer.Option(help="px that the network sees, or native; default: the method's.")
    ] = "",
    fit: Annotated[str, typer.Option(help="pad, squash, crop or tile.")] = "pad",
    attention: Annotated[bool, typer.Option("--attention", help="Write maps, too.")] = False,
    grid: Annotated[
        bool, typer.Option("--grid", help="Write OUT/grid.png: inputs beside translations.")
    ] = False,
    label: Annotated[str | None, typer.Option(help="Where the method has labels.")] = None,
    style: Annotated[Path | None, typer.Option(help="A picture; where methods have one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Where the method draws styles.")] = None,
    subfolders: Subfolders = False,
    device: Device = "cpu",
) -> None:
    """Translates pictures of any kind and size; each keeps its size and orientation. A method that
    draws from sentences is given these in quotes."""
    from tqdm.auto import tqdm

    from replicate.translating import pictures
    from replicate.translating.model import load

    loaded = load(model, device=device)
    how = {"direction": direction, "size": size or None, "fit": fit}
    how |= {"label": label, "style": style, "seed": seed}
    if loaded.method.takes == "sentences":
        for file in pictures.draw(loaded, inputs, out, attention, **how):
            say(file)
        return
    jobs = pictures.plan(pictures.inputs(inputs, subfolders), out)
    way = loaded.letters(direction)
    with tqdm(total=len(jobs), desc=f"{loaded.card.name} {loaded.words(way)}", unit="image") as bar:

        def tell(done: pictures.Done) -> None:
            if done.reason:
                bar.clear()
                say(f"failed: {done.reason}", file=sys.stderr)
            bar.update()

        made, shown = pictures.translate(loaded, jobs, attention, tell, **how)
    for done in made:
        if not done.reason:
            say(done.job.target)
    if grid and shown:
        pictures.comparison(shown, attention).save(out / "grid.png")
        say(out / "grid.png")
    if failed := sum(bool(done.reason) for done in made):
        say(f"{failed} of {len(made)} failed", file=sys.stderr)
        raise typer.Exit(1)
