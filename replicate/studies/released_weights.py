"""The authors' released weights under the protocols here, beside print and our own training."""

import pandas as pd

from replicate import reported
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import Parameters
from replicate.report.tables.show import Album, show
from replicate.weights import published, scoring

MAIN = "horse2zebra"  # the set of four of the five papers; others where the paper prints them


def released(params: Parameters) -> Album:
    """A row for every release of the notebook's methods, direction and protocol; minutes each.

    Args:
        params: of a paper's notebook. Releases on sets that the paper does not print are left out;
            those that are not on this machine are named, with the command that fetches them.
    """
    if params.budget == "smoke":
        return Album("Smoke runs score no released weights; `budget: laptop` does.")
    names = _of(params)
    if not names:
        return Album("No released weights of these methods are known (`replicate weights list`).")
    here = [name for name in names if not scoring.lacking(name)]
    said = _to_fetch([name for name in names if name not in here])
    frames = []
    for name in here:
        try:
            frames.append(scoring.score(name, device=params.device).assign(weights=name))
        except ReplicateError as error:  # its test images are not here
            said += f" {name}: {error}."
    if not frames:
        return Album(said)
    table = pd.concat(frames, ignore_index=True)
    return Album(said, show(table[["weights", *scoring.COLUMNS]]))


def _of(params: Parameters) -> list[str]:
    """The releases of the notebook's methods on the sets that the paper prints."""
    sets = {MAIN, *reported.load(params.paper).table["dataset"]}
    methods = {run.method for run in params.runs()}
    return [
        name
        for name, entry in published.entries().items()
        if entry.method.partition(":")[0] in methods and entry.data in sets
    ]


def _to_fetch(names: list[str]) -> str:
    if not names:
        return "All releases of these methods that are known are on this machine."
    states = {entry["name"]: entry["state"] for entry in published.describe()}
    gone = [name for name in names if states[name] == "unreadable"]
    more = f" Nothing here reads {', '.join(gone)}." if gone else ""
    left = [name for name in names if name not in gone]
    if not left:
        return more.strip()
    return (
        f"Not on this machine: {', '.join(left)}. `replicate weights get NAME` fetches one "
        f"(`--from FILE` takes a file), and this section scores it.{more}"
    )
