"""The health of runs: watched while they train, examined when they are finished, kept as a file.

`health.csv` in a run folder has a row for each iteration at which samples were saved, direction and
fault; in a record those of the last iteration are what all outputs tell. Verdicts are not in
it: they follow from the numbers by `known_faults`.
"""

import logging
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd
from PIL import Image

from replicate import files, records
from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.images import decode
from replicate.lab import faults
from replicate.lab.faults import Numbers, of_outputs, of_sheet
from replicate.lab.known_faults import FAULTS
from replicate.lab.known_faults import say as say_fault
from replicate.lab.published import contents, find_runs
from replicate.lab.published import keep as keep_record
from replicate.lab.run import Run, read_record, scored_size, title
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.progress import told
from replicate.records import CURVES, HEALTH, LOG, SCORES, SHEET

COLUMNS = ["iteration", "direction", "fault", "value", "images"]
TYPES = {"iteration": int, "direction": str, "fault": str, "value": float, "images": int}
Examined = dict[str, tuple[Numbers, int]]  # by direction: the numbers, and of how many images


def watch(run: Run, done: int, sheet: Image.Image, words: Mapping[str, str]) -> None:
    """Keeps the numbers of a sheet of samples; says on stderr, once, which faults have come.

    Told is what two samples in a row show, and what the last one shows: early in a training
    checkerboards come and go.

    Args:
        run: that trains.
        done: iterations.
        sheet: of samples.
        words: `horse->zebra` by direction.
    """
    record = run.record()
    seen = of_sheet(sheet, _directions(record))
    frame = _frame(done, seen, _won(run.folder, record, done), words)
    history = _joined(read(run.folder), frame)
    files.write(run.folder / HEALTH, _text(history))
    if run.budget == "smoke":  # four steps: every fault is there, and none means anything
        return
    for row in _first_told(history, done == record["iterations"]).itertuples():
        told(
            f"warning: {run.title}, {row.direction}, after {done} iterations: {say(row)}. Look at "
            f"{run.folder / 'samples'}",
            logging.WARNING,
        )


def content(folder: Path) -> str:
    """What a record keeps as `health.csv`: its last rows are the numbers of all outputs."""
    return _text(_joined(read(folder), examine(folder)))


def renew(folder: Path) -> None:
    """Makes the `health.csv` of a scored run anew where it is not the one on record."""
    record = read_record(folder)
    if HEALTH not in records.faults(folder, record):
        return
    (folder / HEALTH).unlink(missing_ok=True)
    rest = {name: about for name, about in record["results"].items() if name != HEALTH}
    records.write(folder, record | {"results": rest})
    files.write(folder / HEALTH, content(folder))
    records.write(folder, record | {"results": records.results(folder)})


def keep_published(results: Path, published: Path, budget: str) -> list[Path]:
    """The `health.csv` of the records that were published without one, or from outputs here.

    Args:
        results: whose runs have the outputs of records; where a run is not there, a record without
            the file gets it from its own picture and curves.
        published: `paths.published()`.
        budget: of the records.
    """
    written = []
    for record in find_runs(published, budget):
        local = results / record.relative_to(published)
        if (local / "outputs").is_dir():
            frame = _joined(read(local), examine(local))
        elif not (record / HEALTH).exists():
            frame = examine(record)
        else:
            continue
        keep_record(record, read_record(record), contents(record) | {HEALTH: _text(frame)})
        written.append(record / HEALTH)
    return written


def examine(folder: Path) -> pd.DataFrame:
    """The numbers of a run or record at its last iteration, with `COLUMNS`; nothing is written.

    Of a finished one from all its outputs where they and their inputs are on this machine, else as
    its `health.csv` has them, else from the eight images a direction of its `translations.png`. Of
    one that still trains from its latest samples.

    Raises:
        ReplicateError: no run, or nothing to tell from.
    """
    record = read_record(folder)
    if not record:
        raise ReplicateError(
            f"{folder} is no run: it has no run.json. Give folders such as those of `replicate "
            "status --json`, or none for all runs of this machine"
        )
    done, history = record["iterations"], read(folder)
    if record["status"] != "finished":
        if history.empty:
            raise ReplicateError(
                f"{title(record)} is {record['status']} and has no samples yet; wait for its first "
                "ones, or run it to its end"
            )
        return history[history["iteration"] == history["iteration"].max()].reset_index(drop=True)
    words = _words(folder, record)
    seen = _of_outputs(folder, record, words)
    if seen is None and done in set(history["iteration"]):
        return history[history["iteration"] == done].reset_index(drop=True)
    return _frame(done, seen or _of_picture(folder, record), _won(folder, record, done), words)


def read(folder: Path) -> pd.DataFrame:
    """The `health.csv` of a run or record; no rows where there is none."""
    record = read_record(folder)
    if HEALTH not in records.kept(folder, record):
        return pd.DataFrame(columns=COLUMNS)
    frame = records.table(folder, HEALTH, record, usecols=COLUMNS, dtype=TYPES)[COLUMNS]
    if unknown := set(frame["fault"]) - set(FAULTS):
        raise ReplicateError(
            f"{folder / HEALTH} names the fault {min(map(str, unknown))!r}, expected some of "
            f"{', '.join(FAULTS)}; delete it and score the run again"
        )
    return frame


def found(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are faults."""
    pairs = zip(frame["fault"], frame["value"], strict=True)
    faulty = [FAULTS[fault].found(value) for fault, value in pairs]
    return frame[pd.Series(faulty, index=frame.index, dtype=bool)]


def say(row) -> str:
    """`copy of the input (mean absolute difference ... 0.01, a fault below 2)` of a row."""
    return say_fault(row.fault, row.value)


def _first_told(history: pd.DataFrame, is_last: bool) -> pd.DataFrame:
    """The faults of the latest samples that stay, and were not told at earlier ones."""
    faulty = found(history)
    at = [
        set(zip(rows["direction"], rows["fault"], strict=True))
        for rows in (faulty[faulty["iteration"] == i] for i in history["iteration"].unique())
    ]
    staying = [one & other for one, other in pairwise(at)]
    known = set().union(*staying[: len(at) - 2])
    new = (at[-1] if is_last else set().union(*staying[len(at) - 2 :])) - known
    latest = faulty[faulty["iteration"] == history["iteration"].max()]
    pairs = zip(latest["direction"], latest["fault"], strict=True)
    return latest[pd.Series([p in new for p in pairs], index=latest.index, dtype=bool)]


def _frame(
    done: int, seen: Examined, won: Mapping[str, float], words: Mapping[str, str]
) -> pd.DataFrame:
    rows = []
    for direction, (numbers, images) in seen.items():
        numbers = numbers | {"discriminator_won": won[direction]}
        rows += [
            (done, words[direction], fault, numbers[fault], images)
            for fault in FAULTS
            if fault in numbers
        ]
    return pd.DataFrame(rows, columns=COLUMNS).dropna(subset="value").reset_index(drop=True)


def _won(folder: Path, record: Mapping, done: int) -> dict[str, float]:
    """Of the log up to the iteration `done`, or of a record's curves."""
    names = [name for name in (LOG, CURVES) if name in records.kept(folder, record)]
    log = records.table(folder, names[0], record) if names else pd.DataFrame({"iteration": []})
    scale = _method(record).adversarial_scale(record["config"])
    return faults.won(log[log["iteration"] <= done], scale)


def _method(record: Mapping) -> type[Method]:
    """The method of a run or record; what all have in common where it is gone."""
    return METHODS.get(record["method"], Method)


def _directions(record: Mapping) -> tuple[str, ...]:
    """Those that a run or record translates."""
    return _method(record).directions_of(record["config"])


def _words(folder: Path, record: Mapping) -> dict[str, str]:
    """`horse->zebra` by direction, as the scores have it, whose order is that of `DIRECTIONS`."""
    if SCORES in records.kept(folder, record):
        named = records.table(folder, SCORES, record, usecols=["direction"])["direction"].unique()
        # of many domains every ordered pair is scored; samples are of the first two
        back = "->".join(reversed(named[0].split("->"))) if len(named) else ""
        if back not in named:
            reason = f"directions {', '.join(named)}, expected both of two domains"
            raise files.Damaged(folder / SCORES, reason, records.AGAIN.format(folder=folder))
        return dict(zip(DIRECTIONS, (named[0], back), strict=True))
    a, b = spec(record["dataset"]).domains
    return {"AB": f"{a}->{b}", "BA": f"{b}->{a}"}


def _of_outputs(folder: Path, record: Mapping, words: Mapping[str, str]) -> Examined | None:
    if not (folder / "outputs").is_dir():
        return None
    records.check_outputs(folder)
    try:
        test = packed.load(record["dataset"], "test", scored_size(record["config"]))
    except files.Damaged:
        raise
    except ReplicateError:  # the images are not on this machine
        return None
    seen = {
        direction: of_outputs(folder / "outputs" / name.replace("->", "2"), test, direction)
        for direction, name in words.items()
        if direction in _directions(record)
    }
    return None if None in seen.values() else seen


def _of_picture(folder: Path, record: Mapping) -> Examined:
    file = records.checked(folder, SHEET)
    if not file.exists():
        raise ReplicateError(
            f"{folder} has neither all outputs nor translations.png: run it again, it will score"
        )
    return of_sheet(decode(file).image, _directions(record))


def _joined(before: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """The rows of an iteration after those of earlier ones."""
    before = before[before["iteration"] < last["iteration"].max()]
    return pd.concat([before, last], ignore_index=True) if len(before) else last


def _text(frame: pd.DataFrame) -> str:
    """Four digits, the same on every machine."""
    return frame.to_csv(index=False, float_format="%.4g", lineterminator="\n")
