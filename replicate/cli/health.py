"""The command about known faults of runs."""

from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Json, say, show


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
    from replicate.lab import health as runs
    from replicate.lab.faults import FAULTS
    from replicate.lab.run import read_record, title

    chosen = folders or runs.of_this_machine()
    every, failures = [], []
    for folder in chosen:
        try:
            frame = runs.examine(folder)
        except ReplicateError as error:  # the others are examined all the same
            failures.append(str(error))
            continue
        faulty = runs.found(frame)
        numbers = [
            row | {"found": FAULTS[row["fault"]].found(row["value"])}
            for row in frame.to_dict("records")
        ]
        every.append({"run": title(read_record(folder)), "folder": str(folder), "numbers": numbers})
        if not as_json:
            say(f"{every[-1]['run']}: {'' if len(faulty) else 'no fault found'}".rstrip())
            for row in faulty.itertuples():
                say(f"  {row.direction}: {runs.say(row)}")
    if as_json:
        show(every)
    elif not chosen:
        say(f"no finished runs in {paths.results()}; `replicate train` starts one")
    if failures:
        raise ReplicateError("\n".join(failures))
