"""What `replicate status` tells of a run, as JSON."""

from pathlib import Path

from replicate import paths
from replicate.experiment.run import title
from replicate.experiment.state import Today, look


def describe(folder: Path, today: Today | None = None) -> dict:
    """Title, state, iterations and the seconds since the last sign of life, as JSON.

    Args:
        today: today's fingerprints, where several runs are described.

    Returns:
        "title" (of a damaged record its folder); "state", "stale", "reason", "word" and "why" (see
        `state.State`); "iteration", "iterations", "heartbeat_seconds", "folder"; "log" and
        "notebook", the evidence of the last try where it ran as a job, else empty.
    """
    seen = look(folder, today or Today())
    log, notebook = evidence(folder)
    return {
        "title": title(seen.record) if seen.record else "/".join(folder.parts[-3:]),
        "state": seen.name,
        "stale": list(seen.stale),
        "reason": seen.reason,
        "word": seen.word,
        "why": seen.why,
        "iteration": seen.iteration,
        "iterations": seen.record.get("iterations", 0),
        "heartbeat_seconds": round(seen.beat, 1),
        "folder": str(folder),
        "log": str(log or ""),
        "notebook": str(notebook or ""),
    }


def evidence(folder: Path) -> tuple[Path | None, Path | None]:
    """The log and the executed notebook of a run's last job; None for what is not there."""
    place = paths.results() / "logs" / "runs" / Path(*folder.parts[-3:])
    files = (place / "latest.log", place / "latest.ipynb")
    return tuple(file if file.exists() else None for file in files)
