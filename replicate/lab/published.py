"""What git keeps of a run: run.json, scores.csv, curves.csv, health.csv and one picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from replicate import files, paths, records
from replicate.errors import ReplicateError
from replicate.lab.run import method_name, read_record, title
from replicate.records import CLASSES, CURVES, HEALTH, MATRIX, RECORD, SCORES, SHEET

STUDIES = "studies"  # folder of what studies made of runs, see `replicate.studies.results`
KEPT = (RECORD, SCORES, CURVES, HEALTH, SHEET)
SOME = (CLASSES, MATRIX)  # what runs on some sets have besides
IDENTITY = ("method", "variant", "config", "dataset", "seed", "budget")


def find_runs(root: Path, budget: str | None = None) -> list[Path]:
    """The run folders below a results folder, in the order of their names.

    Raises:
        ReplicateError: with a budget, a record is damaged: nobody knows which budget it was.
    """
    folders = sorted(p.parent for p in (root / "runs").glob("*/*/*/run.json"))
    folders = [f for f in folders if ".stale-" not in f.name]
    return [f for f in folders if budget is None or read_record(f)["budget"] == budget]


def finished() -> list[Path]:
    """The folders of all finished runs of this machine, and of those whose record is damaged."""
    return [folder for folder in find_runs(paths.results()) if _may_be_finished(folder)]


def _may_be_finished(folder: Path) -> bool:
    try:
        return read_record(folder)["status"] == "finished"
    except ReplicateError:
        return True


def publish(folder: Path, made: Mapping[str, str | bytes]) -> Path:
    """The published copy of a finished run's record; that of the same run before is replaced.

    Args:
        folder: of the run.
        made: contents of files that the folder itself has not, or not as a record keeps them.

    Raises:
        ReplicateError: the run cannot be published, see `check`, or its place is another run's.
    """
    check(folder, made)
    record, target = read_record(folder), place(folder)
    names = [name for name in (*KEPT[1:], *SOME) if (folder / name).exists()]
    keep(target, _anywhere(record), {name: (folder / name).read_bytes() for name in names} | made)
    return target


def place(folder: Path) -> Path:
    """Where the record of a run of this machine is published."""
    return paths.published() / folder.relative_to(paths.results())


def check(folder: Path, made: Mapping[str, str | bytes]) -> None:
    """Nothing, or the error that tells why a run cannot be published; arguments as there."""
    record = read_record(folder)
    if record["budget"] == "smoke":
        raise ReplicateError(f"{folder} is a smoke run: it proves that the code executes, no more")
    if record["status"] != "finished":
        raise ReplicateError(
            f"{folder} is {record['status']}, expected finished; run it to its end first"
        )
    missing = [name for name in KEPT if name not in made and not (folder / name).exists()]
    if missing:
        raise ReplicateError(f"{folder} lacks {', '.join(missing)}; run it again, it will score")
    if faults := records.faults(folder, record):
        raise ReplicateError(f"{records.told(folder, faults)}. Run it again, it will score")


def check_alone(runs: Iterable[tuple[Path, dict]]) -> None:
    """Refuses two configurations of one name, whose seeds are no peers, and a run that is twice.

    Seeds may differ in precision, which machines choose and tables name.

    Args:
        runs: folders and their records.
    """
    configurations: dict[tuple, tuple[Path, dict]] = {}
    seeds: dict[tuple, Path] = {}
    for folder, record in runs:
        name = method_name(record["method"], record["label"])
        key = (name, record["dataset"], record["budget"])
        first, one = configurations.setdefault(key, (folder, record["config"]))
        other = record["config"]
        settings = [k for k in one | other if k != "precision"]
        if changed := [k for k in settings if one.get(k) != other.get(k)]:
            shown = ", ".join(f"{k}={one.get(k)} and {k}={other.get(k)}" for k in changed)
            raise _twice(record, f"with two configurations: {shown}", first, folder)
        if (first := seeds.setdefault((*key, record["seed"]), folder)) != folder:
            raise _twice(record, f"twice with seed {record['seed']}", first, folder)


def _twice(record: dict, how: str, first: Path, other: Path) -> ReplicateError:
    name = method_name(record["method"], record["label"])
    return ReplicateError(
        f"{name} on {record['dataset']} ({record['budget']}) stands there {how} (runs {first} and "
        f"{other}); expected one: move the run folders of the one that is not meant away, or `git "
        "rm -r` its record"
    )


def keep(target: Path, record: dict, contents: Mapping[str, str | bytes]) -> bool:
    """Whether a published record was written: built beside its place and swapped in whole.

    One that stands there is replaced by one of the same run alone, and then named; what is as it
    was stays untouched.

    Args:
        target: its folder.
        record: its `run.json`, to which the checksums of the files are added.
        contents: of its files, by name.
    """
    with files.building(target) as folder:
        for name, content in contents.items():
            files.write(folder / name, content)
        records.write(folder, record | {"results": records.results(folder)})
        if _same(folder, target):
            return False
        if target.exists():
            print(f"replaced: {target} ({_was(target, record)})")
        files.put(folder, target)
    return True


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a published record but `run.json`, each as it is on record."""
    record = read_record(folder)
    names = [name for name in records.kept(folder, record) if name in (*KEPT, *SOME)]
    return {name: records.checked(folder, name, record).read_bytes() for name in names}


def _was(target: Path, record: dict) -> str:
    """What a record was that is about to be replaced; refuses one of another run."""
    try:
        before = read_record(target)
    except ReplicateError as error:
        return str(error)
    if others := [key for key in IDENTITY if before and before[key] != record[key]]:
        raise ReplicateError(
            f"{target} holds the record of {title(before)}, which has another "
            f"{' and '.join(others)} than {title(record)}; move it to its own place first"
        )
    damaged = records.told(target, records.faults(target, before))
    return damaged or (f"of commit {before['commit'][:10]}" if before else "it had no record")


def _same(folder: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    one, two = ({p.name: p for p in place.glob("*")} for place in (folder, other))
    return one.keys() == two.keys() and all(
        path.read_bytes() == two[name].read_bytes() for name, path in one.items()
    )


def _anywhere(record: dict) -> dict:
    """The record, its notes without the places where this machine looked for something."""
    notes = {key: note.partition(" at /")[0] for key, note in record.get("notes", {}).items()}
    return record | {"notes": notes}
