"""What several commands share."""

import json
from typing import Annotated

import typer

from replicate.errors import printable

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Budget = Annotated[str, typer.Option(help="smoke, laptop, overnight or paper.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.")]
Offline = Annotated[
    bool, typer.Option("--offline-metrics", help="Skip scores that need downloaded weights.")
]
Subfolders = Annotated[
    bool, typer.Option("--subfolders", help="Take images below subfolders, too.")
]


def say(*parts: object, **how: object) -> None:
    """As `print`, with what a terminal would act on shown: users, runs and files name things."""
    print(*(printable(str(part)) for part in parts), **how)


def show(value: object) -> None:
    """Prints JSON; numbers that JSON lacks become null."""
    text = json.dumps(_plain(value), indent=1, ensure_ascii=False)
    print("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return None
    return value
