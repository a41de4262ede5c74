"""The command about known faults of runs."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Json, say, show
from replicate.cli.terminal import entries


def health(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders or records; default: all finished runs of this machine."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Known faults of finished runs: inverted colours, checkerboard, copy, flat map, collapse."""
    from replicate import paths
    from replicate.errors import ReplicateError
    from replicate.lab import published
    from replicate.lab.facts import Facts
    from replicate.lab.known_faults import FAULTS
    from replicate.lab.run import read_record, title
    from replicate.lab.state import Today

    chosen, facts, today = folders or published.finished(), Facts(paths.results()), Today()
    every, failures = [], []
    for folder in chosen:
        try:
            rows = _numbers(folder, facts, today)
        except ReplicateError as error:  # the others are examined all the same
            failures.append(str(error))
            continue
        rows = [row | {"found": FAULTS[row["fault"]].found(row["value"])} for row in rows]
        every.append({"run": title(read_record(folder)), "folder": str(folder), "numbers": rows})
    facts.keep()
    if as_json:
        show(every)
    elif every:
        entries(map(_told, every), "run: direction, fault (number: value, limit)")
    elif not chosen:
        say(f"no finished runs in {paths.results()}; `replicate train` starts one")
    if failures:
        raise ReplicateError("\n".join(failures))


def _numbers(folder: Path, facts, today) -> list[dict]:
    """The rows of `health.examine`; those of the same files, examined before, are remembered."""
    from replicate import files, records
    from replicate.lab.run import read_record, scored_size

    record = read_record(folder)
    are_known = (folder / records.OUTPUTS).exists() or not (folder / "outputs").exists()
    if not are_known or not record.get("results") or records.faults(folder, record, outputs=True):
        return _examined(folder)
    images = today.images(record["dataset"], scored_size(record["config"]))
    key = ("health", files.sha256(folder / records.RECORD), images)
    return facts.get(key, lambda: _examined(folder))


def _examined(folder: Path) -> list[dict]:
    from replicate.lab import health as runs

    return runs.examine(folder).to_dict("records")


def _told(about: dict) -> tuple[str, list[str]]:
    from replicate.lab.known_faults import say as say_fault

    faults = [row for row in about["numbers"] if row["found"]]
    texts = [f"{row['direction']}: {say_fault(row['fault'], row['value'])}" for row in faults]
    return f"{about['run']}:", texts or ["no fault found"]
