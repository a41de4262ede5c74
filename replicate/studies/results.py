"""What a study made of runs, published beside their records for machines that have these alone.

A study that looks at outputs or checkpoints writes its picture or table to the results; publishing
copies it to `results/published/studies`, with the runs that it was made of. Where no run is on this
machine, that copy is shown, if the records are still those of the same runs.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path

import pandas as pd

from replicate import files, paths
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import Parameters
from replicate.lab.published import STUDIES, find_runs
from replicate.lab.recorded import Recorded
from replicate.lab.run import Run, read_record
from replicate.methods import METHODS
from replicate.report.plots.images import training
from replicate.report.plots.picture import Picture, save
from replicate.report.tables.show import Album, show

Study = Callable[..., Picture | pd.DataFrame]


class Copy:
    """A published picture, shown as it lies there."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def _repr_png_(self) -> bytes:
        return self.file.read_bytes()


def of_runs(
    study: Study,
    missing: Callable[[list[Run]], str] = lambda runs: "",
    inapplicable: Callable[[list[Run]], str] = lambda runs: "",
) -> Study:
    """A study of runs that shows its published result where no run is on this machine.

    Args:
        study: takes runs first.
        missing: says of the runs that it failed on what it needs besides and is not here, in
            words; "" where nothing is.
        inapplicable: says that the study is about none of the runs, in words; "" where it is.
    """

    @wraps(study)
    def made(runs: Iterable[Run], *more: object, **options: object):
        runs = list(runs)
        if other := inapplicable(runs):
            return Album(other)
        local = [run for run in runs if not isinstance(run, Recorded)]
        if runs and not local:
            return _published(study.__name__, runs)
        try:
            result = study(local, *more, **options)
        except ReplicateError:
            if lack := missing(local):
                return Album(lack)
            raise
        _write(result, study.__name__, local)
        return result

    return made


def of_parameters(study: Study) -> Study:
    """The same for a study that trains networks of its own, as long as it may."""

    @wraps(study)
    def made(params: Parameters):
        if not params.train and params.budget != "smoke":
            return _published(study.__name__, [], params.paper, params.budget)
        result = study(params)
        _write(result, study.__name__, [], params.paper, params.budget)
        return result

    return made


def _stem(root: Path, name: str, runs: list[Run], paper: str, budget: str) -> Path:
    """`<root>/studies/<budget>/<study>-<paper>`; the paper is that of the first method of its own.

    A baseline stands in every notebook.
    """
    methods = [run.method for run in runs]
    first = next((m for m in methods if not METHODS[m].baseline), (methods or [""])[0])
    paper = paper or METHODS[first].paper
    return root / STUDIES / (budget or runs[0].budget) / f"{name}-{paper}"


def _write(
    result: Picture | pd.DataFrame, name: str, runs: list[Run], paper: str = "", budget: str = ""
) -> None:
    """Nothing at smoke, whose results are none."""
    if not (runs or paper) or (budget or runs[0].budget) == "smoke":
        return
    stem = _stem(paths.results(), name, runs, paper, budget)
    about: dict[str, object] = {"runs": [_identity(run.record()) for run in runs]}
    if isinstance(result, pd.DataFrame):
        about["columns"] = [str(column) for column in result]
        about["rows"] = [[str(cell) for cell in row] for row in result.itertuples(index=False)]
    else:
        save(result, Path(f"{stem}.png"))
    files.write_json(Path(f"{stem}.json"), about)


def _published(name: str, runs: list[Run], paper: str = "", budget: str = "") -> Album:
    """The published result, or what it would take to make it."""
    stem = _stem(paths.published(), name, runs, paper, budget)
    file, picture = Path(f"{stem}.json"), Path(f"{stem}.png")
    about = files.read_json(file, f"git checkout -- {file}") if file.is_file() else {}
    # its own runs: a notebook has others, too, which it is not about
    of = [run for run in runs if _identity(run.record()) in about.get("runs", [])] or runs
    how = training(of) if of else "`train: true` among the parameters makes it"
    title = name.replace("_", " ").capitalize()
    if not ("rows" in about or picture.is_file()):  # pictures are in a checkout, not in a wheel
        return Album(f"{title}: needs the outputs of runs, which records do not hold; {how}.")
    if runs and not _are_current(about["runs"]):
        return Album(f"{title}: published of other runs than the records show; {how}.")
    said = f"{title}, as it was published with the runs; {how}."
    if "rows" in about:
        return Album(said, show(pd.DataFrame(about["rows"], columns=about["columns"])))
    return Album(said, Copy(picture))


def _are_current(runs: list[dict]) -> bool:
    """Whether each of the runs is the one whose record is published."""
    there = [_identity(read_record(folder)) for folder in find_runs(paths.published())]
    return all(run in there for run in runs)


def _identity(record: dict) -> dict:
    """Which training a record is of; `commit` changes where a run is trained anew."""
    keys = ("method", "label", "dataset", "seed", "budget", "hash", "commit")
    return {key: record.get(key) for key in keys}
