"""`replicate data`: what sets there are, how they come here, what is wrong with them."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.app import App
from replicate.cli.common import Json, Subfolders, say, sets, show
from replicate.cli.terminal import Wide, entries, table
from replicate.errors import ReplicateError

app = App(help="Data sets: list, make, get, verify, prepare, new, show, audit, passport.")
INCEPTION = "inception-weights"
LACKING = ("missing", "incomplete")  # states of sets for which something is to be done

Name = Annotated[
    str,
    typer.Argument(help="A data set; `replicate data list` shows them.", autocompletion=sets),
]


@app.command("list")
def list_sets(as_json: Json = False, wide: Wide = False) -> None:
    """The data sets, which of them are here, and what to do to have the others."""
    from replicate.datasets import listing

    records = listing.describe()
    if as_json:
        show(records)
        return
    heads = ("data set", "state", "kind", "domains", "train", "test", ">MB here")
    table(heads, [_row(record) for record in records], wide)
    lacking = [
        (record["name"], [record["to_do"]]) for record in records if record["state"] in LACKING
    ]
    if lacking:
        entries(lacking, "\nTo have the others:")


def _row(about: dict) -> tuple[str, ...]:
    """A data set in a line: `counts` are of A and B, or of paired images."""
    counts = about["counts"]
    splits = (
        [str(n) for name, n in counts.items() if name.startswith(split)]
        for split in ("train", "test")
    )
    images = ["+".join(numbers) or "?" for numbers in splits]
    size = f"{about['bytes'] / 1e6:,.1f}" if about["bytes"] else ""
    kind = "paired" if about["paired"] else "unpaired"
    return (about["name"], about["state"], kind, "/".join(about["domains"]), *images, size)


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
    """Checks a set against its record: counts, every file readable, content unchanged."""
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
    """Prepares a set that may not be redistributed from its official files."""
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
    seed: Annotated[int, typer.Option(help="Random seed of the split.")] = 0,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link files, or copy them.")] = False,
    paired: Annotated[
        bool, typer.Option("--paired", help="Images of one name show the same thing.")
    ] = False,
    fit: Annotated[
        str, typer.Option(help="How images become squares: squash, crop or pad (white).")
    ] = "squash",
    subfolders: Subfolders = False,
) -> None:
    """Makes a set of two folders of your own images: splits, registers and audits it."""
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
    """Lists corrupt, grey, tiny, repeated and otherwise odd images; a table and a picture."""
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
    """Counts, content hash, audit summary and origin of a set, as run records hold them."""
    from replicate.datasets import passport as passports
    from replicate.datasets.spec import spec

    made = passports.passport(name)
    place = passports.folder(spec(name)) / "passport.json"
    show(made) if as_json else say(f"{passports.format_passport(made)}\n  stored at {place}")


@app.command("show")
def show_set(
    name: Name,
    columns: Annotated[int, typer.Option(min=2, max=16, help="Images in a row.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the choice.")] = 0,
) -> None:
    """A picture of both domains and splits, with counts and faults."""
    from replicate.datasets import passport as passports
    from replicate.datasets.spec import spec
    from replicate.report import plots

    made = passports.passport(name)
    picture = plots.contact_sheet(name, columns, seed)
    path = plots.save(picture, passports.folder(spec(name)) / "show.png")
    say(f"{passports.format_passport(made)}\n  picture: {path}")
