"""`replicate weights`: trained weights as files, of runs and of the authors."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Device, Json, Offline, say, show

app = typer.Typer(no_args_is_help=True, help="Weights: list, get, import, export.")


@app.command("list")
def list_weights(as_json: Json = False) -> None:
    """The weights that `replicate translate` can take, and what the authors publish."""
    from replicate.translating.model import directions_of
    from replicate.weights import published, stored
    from replicate.weights.finding import files

    entries = published.describe()
    known = {entry["name"] for entry in entries}
    for file in files():
        card = stored.read_card(file)
        about = {
            "method": card.name.partition("@")[0],
            "data": card.dataset,
            "directions": directions_of(card),
            "licence": card.licence,
            "file": str(file),
        }
        if file.stem in known:
            next(e for e in entries if e["name"] == file.stem).update(about)
        else:
            entries.append({"name": file.stem, "state": "here", **about})
    if as_json:
        show(entries)
        return
    width = max(len(entry["name"]) for entry in entries)
    for entry in sorted(entries, key=lambda entry: entry["state"] != "here"):
        what = f"{entry['method']} on {entry['data']}"
        say(f"{entry['name']:<{width}}  {entry['state']:<10}  {what}  {entry['licence']}")
    say("`replicate weights get NAME` fetches one; runs on this machine: METHOD@DATASET")


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A release; `replicate weights list` shows them.")],
    source: Annotated[str | None, typer.Option("--from", help="A file or another URL.")] = None,
) -> None:
    """Fetches the authors' weights, checks them and reads them in."""
    from replicate.weights import published

    say(published.get(name, source))


@app.command("import")
def import_weights(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[METHOD[:VARIANT]] [PART=]FILE...",
            help="Official checkpoints of a method; or one file that `export` wrote.",
        ),
    ],
    name: Annotated[str, typer.Option(help="What the weights are to be called.")] = "",
    data: Annotated[str, typer.Option(help="The data set that they were trained on.")] = "",
    direction: Annotated[
        str, typer.Option(help="'horse->zebra', of a file with one generator.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of theirs.")
    ] = None,
) -> None:
    """Reads official checkpoints strictly, by maps of names; runs nothing that is in a file."""
    from replicate.cli.runs import split
    from replicate.weights import importing

    if len(words) == 1:
        file = importing.take(Path(words[0]).expanduser(), name)
    else:
        overrides = dict(split(text) for text in settings or [])
        file = importing.read_in(words[0], words[1:], name, data, direction, overrides)
    say(f"{file.stem}: {file}")


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="METHOD@DATASET or the folder of a run.")],
    out: Annotated[Path | None, typer.Option(help="The file; default: NAME.safetensors.")] = None,
    precision: Annotated[str, typer.Option(help="fp32 or fp16.")] = "fp32",
    onnx: Annotated[
        str, typer.Option(help="Write ONNX of this direction's generator, too: 'horse->zebra'.")
    ] = "",
    direction: Annotated[str, typer.Option(help="Keep this one alone: 'horse->zebra'.")] = "",
) -> None:
    """Writes a run's weights as safetensors, with a card that says what they are."""
    from replicate.weights import exporting

    for file in exporting.export(model, out, precision, onnx, direction):
        say(file)


def score_released(
    name: Annotated[str, typer.Argument(help="A release, a file of weights or METHOD@DATASET.")],
    data: Annotated[str, typer.Option(help="The data set; default: that of the weights.")] = "",
    source: Annotated[str | None, typer.Option("--from", help="The release's file.")] = None,
    device: Device = "cpu",
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Scores a test split by weights as they come, beside printed numbers and our own."""
    from replicate.report.tables import to_markdown
    from replicate.weights import published, scoring

    if source is not None:
        published.get(name, source)
    table = scoring.score(name, data, device, offline)
    if as_json:
        show(table.to_dict("records"))
        return
    say(to_markdown(table))
    entry = published.entries().get(name)
    if entry is not None and (entry.stands_behind or entry.test):
        say(f"stands behind: {entry.stands_behind or '-'}; test set: {entry.test or '-'}")


score_released.command_name = "score-released"
