"""What several commands share."""

import json
from typing import Annotated

import typer

from replicate.errors import printable

# Values that a shell completes.


def budgets() -> list[str]:
    """The budgets."""
    from replicate.records import BUDGETS

    return list(BUDGETS)


def devices() -> list[str]:
    """The kinds of devices: looking for those that are here would import torch."""
    return ["cpu", "cuda", "mps"]


def method_names(incomplete: str) -> list[str]:
    """The methods; after a colon, the variants."""
    from replicate.lab import method_list

    listed, _ = method_list.describe()
    if ":" not in incomplete:
        return [entry["method"] for entry in listed]
    return [f"{entry['method']}:{variant}" for entry in listed for variant in entry["variants"]]


def sets() -> list[str]:
    """The data sets."""
    from replicate.datasets import spec

    return spec.names()


Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Budget = Annotated[
    str, typer.Option(help="smoke, laptop, overnight or paper.", autocompletion=budgets)
]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.", autocompletion=devices)]
DataSet = Annotated[str, typer.Option(help="A data set.", autocompletion=sets)]
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
