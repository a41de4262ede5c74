"""`replicate data`: what sets there are, how they come here, what is wrong with them."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Json, Subfolders, say, show
from replicate.errors import ReplicateError

app = typer.Typer(
    no_args_is_help=True,
    help="Data sets: list, make, get, verify, prepare, new, show, audit, passport.",
)
INCEPTION = "inception-weights"

Name = Annotated[str, typer.Argument(help="A data set; `replicate data list` shows them.")]


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """The data sets, which of them are here, and what to do to have the others."""
    from replicate.datasets import listing

    sets = listing.describe()
    show(sets) if as_json else say(listing.format_listing(sets))


@app.command()
def make(
    name: Name, size: Annotated[int, typer.Option(help="Side of the packed images, px.")] = 64
) -> None:
    """Makes or packs both splits of a set at one size."""
    from replicate.datasets import packed

    for split, images in packed.make(name, size).items():
        shapes = ", ".join(f"{k} {tuple(v.shape)}" for k, v in images.arrays.items())
        say(f"{name} {split} at {size} px: {shapes}")


@app.command()
def get(
    name: Name,
    source: Annotated[str | None, typer.Option("--from", help="An archive or its URL.")] = None,
) -> None:
    """Fetches a set (or `inception-weights`), checks it and unpacks it into the data folder."""
    from replicate.datasets import fetch

    if name == INCEPTION:
        say(_get_weights(source))
    else:
        say(fetch.get(name, source))


def _get_weights(source: str | None) -> Path:
    from replicate import paths
    from replicate.datasets import fetch
    from replicate.datasets.spec import Mirror
    from replicate.metrics.weights import INCEPTION as published
    from replicate.metrics.weights import WHOLE

    sha256, size = WHOLE[published.sha256]
    known = Mirror(url=published.url, sha256=sha256, bytes=size)
    target = paths.data() / "weights" / published.names[0]
    return fetch.get_file(INCEPTION, target, known, source)


@app.command()
def verify(name: Name, as_json: Json = False) -> None:
    """Holds a set to what is on record: counts, every file readable, content unchanged."""
    from replicate.datasets import passport as verifying

    report = verifying.verify(name)
    show(report) if as_json else say(verifying.format_report(report))
    if not report["ok"]:
        raise typer.Exit(1)


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="cityscapes, celeba, rafd, cub, camvid or animals.")],
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
    paired: Annotated[
        bool, typer.Option("--paired", help="Images of one name show the same thing.")
    ] = False,
    fit: Annotated[
        str, typer.Option(help="How images become squares: squash, crop or pad (white).")
    ] = "squash",
    subfolders: Subfolders = False,
) -> None:
    """Makes a set of two folders of your own: split, entry, audit."""
    from replicate.datasets import audit as auditing
    from replicate.datasets import own

    options = {"paired": paired, "fit": fit, "subfolders": subfolders}
    own.new(name, (folder_a, folder_b), _words(domains), test, seed, link, **options)
    say(auditing.format_audit(auditing.audit(name)))


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
    """Names corrupt, grey, tiny, repeated and otherwise odd images; a table and a picture."""
    from replicate.datasets import audit as auditing

    report = auditing.audit(name)
    places = _write_audit(report)
    if as_json:
        show(report | places)
        return
    say(auditing.format_audit(report))
    for what, path in places.items():
        say(f"  {what}: {path}")


def _write_audit(report: dict) -> dict[str, str]:
    """The table, and the sheet where there is a fault, below the set's passport."""
    from replicate.datasets import audit as auditing
    from replicate.datasets import passport as passports
    from replicate.datasets.spec import spec

    folder = passports.folder(spec(report["name"]))
    written = {"table": auditing.write_table(report, folder / "audit.csv")}
    sheet = folder / "audit.png"
    sheet.unlink(missing_ok=True)  # an older one would show what is no longer so
    if report["faults"]:
        from replicate.report import plots

        written["sheet"] = plots.save(plots.fault_sheet(report), sheet)
    return {what: str(path) for what, path in written.items()}


@app.command()
def passport(name: Name, as_json: Json = False) -> None:
    """Counts, content hash, audit summary and origin of a set: what every run's record holds."""
    from replicate.datasets import passport as passports
    from replicate.datasets.spec import spec

    made = passports.passport(name)
    place = passports.folder(spec(name)) / "passport.json"
    show(made) if as_json else say(f"{passports.format_passport(made)}\n  stored at {place}")


@app.command("show")
def show_set(
    name: Name,
    columns: Annotated[int, typer.Option(min=2, max=16, help="Images in a row.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of images.")] = 0,
) -> None:
    """A picture of both domains and splits, with counts and faults."""
    from replicate.datasets import passport as passports
    from replicate.datasets.spec import spec
    from replicate.report import plots

    made = passports.passport(name)
    picture = plots.contact_sheet(name, columns, seed)
    path = plots.save(picture, passports.folder(spec(name)) / "show.png")
    say(f"{passports.format_passport(made)}\n  picture: {path}")
