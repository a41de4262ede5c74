"""`replicate data`: what sets there are, how they come here, what is wrong with them."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Json, show
from replicate.errors import ReplicateError

app = typer.Typer(no_args_is_help=True, help="Data sets: list, make, get, prepare, new, audit.")
INCEPTION = "inception-weights"

Name = Annotated[str, typer.Argument(help="A data set; `replicate data list` shows them.")]


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """The data sets, and which of them are here."""
    from replicate.datasets import audit

    sets = audit.describe()
    if as_json:
        show(sets)
        return
    for each in sets:
        counts = ", ".join(f"{k} {v}" for k, v in each["counts"].items())
        pair = "/".join(each["domains"])
        print(f"{each['name']:<20} {each['state']:<8} {each['layout']:<11} {pair:<13} {counts}")


@app.command()
def make(
    name: Name, size: Annotated[int, typer.Option(help="Side of the packed images, px.")] = 64
) -> None:
    """Draws or packs both splits of a set at one size."""
    from replicate.datasets import packed

    for split, images in packed.make(name, size).items():
        shapes = ", ".join(f"{k} {tuple(v.shape)}" for k, v in images.arrays.items())
        print(f"{name} {split} at {size} px: {shapes}")


@app.command()
def get(
    name: Name,
    source: Annotated[str | None, typer.Option("--from", help="An archive or its URL.")] = None,
) -> None:
    """Fetches a set (or `inception-weights`), checks it and unpacks it into the data folder."""
    from replicate.datasets import fetch

    if name == INCEPTION:
        print(_get_weights(source))
    else:
        print(fetch.get(name, source))


def _get_weights(source: str | None):
    from replicate.datasets.download import download
    from replicate.metrics import inception

    return inception.install(source, lambda url, target: download(url, target, show=True))


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="cityscapes, celeba, rafd or cub.")],
    folder: Annotated[Path, typer.Argument(help="Where its official files lie.")],
    called: Annotated[str, typer.Option("--as", help="Another name for the set.")] = "",
    domains: Annotated[
        str, typer.Option(help="celeba, rafd: two domains in place of labels, e.g. male,female.")
    ] = "",
    split: Annotated[str, typer.Option(help="celeba: reference (default) or official.")] = "",
    frontal: Annotated[bool, typer.Option("--frontal", help="rafd: camera in front only.")] = False,
) -> None:
    """Makes a set of the official files of one that nobody may pass on."""
    from replicate.datasets.recipes import preparing

    options = {"domains": _words(domains), "split": split, "frontal": frontal}
    preparing.prepare(name, folder, called or None, **options)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the set is to be called.")],
    folder_a: Annotated[Path, typer.Argument(help="A folder of images: domain A.")],
    folder_b: Annotated[Path, typer.Argument(help="A folder of images: domain B.")],
    domains: Annotated[str, typer.Option(help="HORSE,ZEBRA; default: the folders' names.")] = "",
    test: Annotated[float, typer.Option(help="Share of the images kept for testing.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Another one, another split.")] = 0,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link files, or copy them.")] = False,
) -> None:
    """Makes a set of two folders of your own: split, entry, audit."""
    from replicate.datasets import audit as auditing
    from replicate.datasets import own

    own.new(name, (folder_a, folder_b), _words(domains), test, seed, link)
    print(auditing.format_audit(auditing.audit(name)))


def _words(text: str) -> tuple[str, str] | None:
    """The two names of `horse,zebra`; None of nothing."""
    if not text:
        return None
    words = tuple(word.strip() for word in text.split(","))
    if len(words) != 2:
        raise ReplicateError(f"--domains {text}: expected two names, such as horse,zebra")
    return words


@app.command()
def audit(name: Name, as_json: Json = False) -> None:
    """Names unreadable, grey, tiny and repeated images of a set."""
    from replicate.datasets import audit as auditing

    report = auditing.audit(name)
    show(report) if as_json else print(auditing.format_audit(report))
