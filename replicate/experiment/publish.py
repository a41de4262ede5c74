"""What git keeps of a run: run.json, scores.csv, curves.csv, health.csv and one picture."""

import json
import shutil
from pathlib import Path

from replicate import paths
from replicate.errors import ReplicateError
from replicate.experiment.run import read_record

HEALTH = "health.csv"  # written by `experiment.health`
CLASSES = "classes.csv"  # of sets with labels alone, written by `experiment.classes`
KEPT = ("run.json", "scores.csv", "curves.csv", HEALTH, "translations.png")


def find_runs(root: Path, budget: str | None = None) -> list[Path]:
    """The run folders below a results folder, in the order of their names."""
    folders = sorted(p.parent for p in (root / "runs").glob("*/*/*/run.json"))
    folders = [f for f in folders if ".stale-" not in f.name]
    return [f for f in folders if budget in (None, read_record(f)["budget"])]


def publish(folder: Path) -> Path:
    """The published copy of a finished run's record; an older one of the same run is replaced.

    Args:
        folder: of the run, with `curves.csv` and `health.csv` already beside its scores.

    Raises:
        ReplicateError: the run is not finished, or a smoke run.
    """
    record = read_record(folder)
    if record["budget"] == "smoke":
        raise ReplicateError(f"{folder} is a smoke run: it proves that the code executes, no more")
    if record["status"] != "finished":
        raise ReplicateError(
            f"{folder} is {record['status']}, expected finished; run it to its end first"
        )
    missing = [name for name in KEPT if not (folder / name).exists()]
    if missing:
        raise ReplicateError(f"{folder} lacks {', '.join(missing)}; run it again, it will score")
    target = paths.published() / folder.relative_to(paths.results())
    leaf = folder.name.rsplit("-", 1)[0]
    for old in target.parent.glob(f"{leaf}-*"):  # same variant and seed, another configuration
        shutil.rmtree(old)
    target.mkdir(parents=True)
    for name in (*KEPT, CLASSES):
        if name != "run.json" and (folder / name).exists():
            shutil.copyfile(folder / name, target / name)
    (target / "run.json").write_text(_anywhere(record))
    return target


def _anywhere(record: dict) -> str:
    """The record as JSON, its notes without the places where this machine looked for something."""
    notes = {key: note.partition(" at /")[0] for key, note in record.get("notes", {}).items()}
    return json.dumps(record | {"notes": notes}, indent=1, ensure_ascii=False) + "\n"
