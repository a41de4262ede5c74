"""A run's record, `run.json`, and the results beside it: one reader that checks, one writer.

`results` in a record has of each result its sha256 and, of a table, its rows. An older record has
no `results`: what lies beside it is taken as it is.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from replicate import files

BUDGETS = ("smoke", "laptop", "overnight", "paper")
RECORD = "run.json"
LOG, SCORES, HEALTH, CLASSES = "losses.csv", "scores.csv", "health.csv", "classes.csv"
CURVES, SHEET = "curves.csv", "translations.png"
MATRIX = "domains.png"  # of published runs on more than two domains
OUTPUTS = "outputs.sha256"  # of every translation and map, as `sha256sum -c` reads it
RESULTS = (LOG, SCORES, HEALTH, CLASSES, CURVES, SHEET, MATRIX, OUTPUTS)
WAY_OUT = (
    "Put a whole copy back (of a published record `git checkout -- {folder}`), or move the folder "
    "away and train the run anew"
)
AGAIN = (
    "Ask for the run again with `replicate train`: it scores anew what its checkpoint gives. Of a "
    "published record put the file back: `git checkout -- {folder}`"
)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Result(_Strict):
    """What is on record of a file beside a `run.json`."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int | None = None


class Record(_Strict):
    """What everything that reads a `run.json` relies on; there is more in it."""

    method: str
    variant: str
    config: dict[str, Any]
    dataset: str
    seed: int
    budget: Literal[BUDGETS]
    label: str
    hash: str
    fingerprint: dict[str, str]
    iterations: int = Field(gt=0)
    commit: str
    dirty: bool
    device: str
    precision: str
    status: Literal["running", "stopped", "failed", "finished"]
    starts: int = 1
    threads: int | None = None
    networks: dict[str, int] = {}
    reason: str = ""
    diverged: bool = False
    hours: float = 0.0
    processor_hours: float | None = None
    images_per_second: float = 0.0
    peak_memory_mb: float = 0.0
    notes: dict[str, str] = {}
    scoring: dict[str, str] | str = ""
    results: dict[str, Result] = {}

    @model_validator(mode="after")
    def _has_hours(self) -> "Record":
        if self.status == "finished" and "hours" not in self.model_fields_set:
            raise ValueError("a finished run without hours")
        return self


def read(folder: Path) -> dict:
    """The `run.json` of a run folder or published record; empty where there is none.

    Raises:
        ReplicateError: it is damaged: what is wrong, where, and the way out.
    """
    path = folder / RECORD
    if not path.exists():
        return {}
    way_out = WAY_OUT.format(folder=folder)
    record = files.read_json(path, way_out)
    try:
        Record.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise files.Damaged(path, f"{place or 'record'}: {first['msg']}", way_out) from None
    return record


def write(folder: Path, record: dict) -> None:
    """The `run.json` of a folder, with its own checksum."""
    files.write_sealed(folder / RECORD, record)


def results(folder: Path, names: Iterable[str] = RESULTS) -> dict[str, dict]:
    """What a record keeps of those of the named files that are there."""
    return {name: _about(folder / name) for name in names if (folder / name).is_file()}


def note_outputs(folder: Path) -> None:
    """Writes the checksums of a run's translations and maps, those in the folder `outputs`."""
    outputs = sorted(path for path in (folder / "outputs").rglob("*") if path.is_file())
    lines = [f"{files.sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in outputs]
    files.write(folder / OUTPUTS, "".join(lines))


def kept(folder: Path, record: dict) -> list[str]:
    """The names of the results that a record has, and of those beside it that it does not know."""
    return [name for name in RESULTS if name in _known(record) or (folder / name).exists()]


def faults(folder: Path, record: dict, outputs: bool = False) -> dict[str, str]:
    """What is wrong with the results that a record has, by name; nothing where all are whole.

    Args:
        outputs: look at every translation and map, too.
    """
    reasons = {name: _fault(folder / name, about) for name, about in _known(record).items()}
    if outputs and OUTPUTS in reasons and not reasons[OUTPUTS]:
        reasons |= {name: _fault(folder / name, about) for name, about in _listed(folder).items()}
    return {name: reason for name, reason in reasons.items() if reason}


def told(folder: Path, faults: dict[str, str]) -> str:
    """The faults of a folder's results in a line."""
    return "; ".join(f"{folder / name} is damaged ({why})" for name, why in faults.items())


def checked(folder: Path, name: str, record: dict | None = None) -> Path:
    """The path of a result, which may not exist; its content is the one on record.

    Raises:
        ReplicateError: it is not: the file, what is wrong, the way out.
    """
    known = _known(read(folder) if record is None else record)
    if name in known and (reason := _fault(folder / name, known[name])):
        raise files.Damaged(folder / name, reason, AGAIN.format(folder=folder))
    return folder / name


def check_outputs(folder: Path) -> None:
    """Nothing, or the error that names the first translation or map that is not as it was made."""
    known = {n: about for n, about in _known(read(folder)).items() if n == OUTPUTS}
    for name, reason in faults(folder, {"results": known}, outputs=True).items():
        raise files.Damaged(folder / name, reason, AGAIN.format(folder=folder))


def table(folder: Path, name: str, record: dict | None = None, **options: Any):
    """A result that is a table, as a frame of pandas; a log that still grows by its whole lines.

    Args:
        options: for `pandas.read_csv`.

    Raises:
        ReplicateError: it is not the one on record, or no such table.
    """
    import pandas as pd  # here, because jobs read records alone

    path = checked(folder, name, record)
    try:
        content = path.read_bytes()
        if name == LOG:
            content = content.rpartition(b"\n")[0] or b"iteration"
        return pd.read_csv(io.BytesIO(content), **options)
    except (OSError, ValueError) as error:
        raise files.Damaged(path, str(error), AGAIN.format(folder=folder)) from error


def _known(record: dict) -> dict[str, dict]:
    return record.get("results") or {}


def _listed(folder: Path) -> dict[str, dict]:
    """What is on record of each translation and map."""
    lines = (folder / OUTPUTS).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("  ") for line in lines)
    return {name: {"sha256": sha256} for sha256, _, name in pairs}


def _about(path: Path) -> dict:
    about = {"sha256": files.sha256(path)}
    return about | {"rows": _rows(path)} if path.suffix == ".csv" else about


def _fault(path: Path, known: dict) -> str:
    """How a file differs from what is on record of it; empty where it does not."""
    if not path.is_file():
        return "it is gone"
    if (digest := files.sha256(path)) == known["sha256"]:
        return ""
    if "rows" in known and (rows := _rows(path)) != known["rows"]:
        return f"{rows} rows, expected {known['rows']}"
    return f"sha256 {digest[:16]}, expected {known['sha256'][:16]}"


def _rows(path: Path) -> int:
    """Lines below the first."""
    return max(path.read_bytes().count(b"\n") - 1, 0)
