"""What Snakemake sees of a run: an empty file where it is finished and scored, else none."""

import os
from collections.abc import Iterable
from pathlib import Path

from replicate import paths
from replicate.lab import state
from replicate.lab.attempts import drawn_file
from replicate.lab.graph import key
from replicate.lab.run import Run
from replicate.lab.state import Today


def folder() -> Path:
    """Where the markers lie."""
    return paths.results() / ".done"


def agree(runs: Iterable[Run], offline: bool = False) -> dict[str, list[Run]]:
    """The runs by state (`state.WORDS`); a marker is there, or gone, as its run's state says.

    Args:
        offline: scores of networks that are here but are left out are not missing.
    """
    today = Today()
    by_state: dict[str, list[Run]] = {}
    for run in runs:
        word = state.of(run, today, offline=offline).word
        by_state.setdefault(word, []).append(run)
        _mark(folder() / "runs" / key(run), run.folder / "scores.csv", word == "scored")
    return by_state


def agree_notebooks(notebooks: dict[str, dict]) -> None:
    """A notebook has a marker where its executed copy is there and of the same digest."""
    for name, entry in notebooks.items():
        drawn = drawn_file(Path(entry["executed"]))
        same = drawn.exists() and drawn.read_bytes() == entry["digest"].encode()
        if not (same and Path(entry["executed"]).exists()):
            (folder() / "notebooks" / name).unlink(missing_ok=True)


def complete(content: dict) -> bool:
    """Whether every marker of a graph is there, none older than what it was made from.

    Snakemake would say the same; it takes as long to start as all the rest of a start that has
    nothing to do.
    """
    runs = {run: _time("runs", run) for run in content["runs"]}
    notebooks = {page: _time("notebooks", page) for page in content["notebooks"]}
    drawn = [notebooks[page] for page, entry in content["notebooks"].items() if not entry["after"]]
    tables = _time("tables", content["budget"]) if content["tables"] else max(drawn, default=1)
    if not all([*runs.values(), *notebooks.values(), tables]) or tables < max(drawn, default=0):
        return False
    for page, entry in content["notebooks"].items():
        inputs = [runs[needed] for needed in entry["needs"]] + ([tables] if entry["after"] else [])
        if notebooks[page] < max(inputs, default=0):
            return False
    return True


def _time(*place: str) -> float:
    """When a marker was made; 0 where there is none."""
    marker = folder().joinpath(*place)
    return marker.stat().st_mtime if marker.exists() else 0.0


def _mark(marker: Path, evidence: Path, done: bool) -> None:
    """A new marker is as old as what it stands for, so that nothing is drawn again for it."""
    if not done:
        marker.unlink(missing_ok=True)
    elif not marker.exists():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        modified = evidence.stat().st_mtime
        os.utime(marker, (modified, modified))
