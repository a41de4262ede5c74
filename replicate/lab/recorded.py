"""Runs that are shown from their published records, where this machine did not train them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from replicate import paths
from replicate.errors import ReplicateError
from replicate.lab import state
from replicate.lab.published import find_runs
from replicate.lab.run import Run, method_name, read_record, run_of
from replicate.lab.state import Today

WORD = "published"  # in the place of a state
COMPLETE = ("trained", "scored")


@dataclass(frozen=True)
class Recorded(Run):
    """A run of which this machine has the published record and nothing else.

    Record, scores, curves and a sheet of translations are there; checkpoints, outputs and samples
    are not.

    Attributes:
        place: the folder of the record.
    """

    place: Path = Path()

    @property
    def folder(self) -> Path:
        """The published record."""
        return self.place


def word(run: Run, today: Today | None = None) -> str:
    """The state of a run in a word; `published` where its record is shown."""
    return WORD if isinstance(run, Recorded) else state.of(run, today).word


def command(name: str, dataset: str, seed: int, budget: str) -> str:
    """The command that trains a run, from its name in tables."""
    base, _, overrides = name.partition("+")
    settings = "".join(f" --set {setting}" for setting in overrides.split(",") if setting)
    return f"replicate train {base} --data {dataset} --seed {seed} --budget {budget}{settings}"


def name_of(run: Run) -> str:
    """METHOD[:VARIANT][+KEY=VALUE,...], as tables name it."""
    return method_name(run.method, run.label)


def here_or_recorded(runs: Iterable[Run], partly: bool = False) -> list[Run]:
    """The runs as this machine has them; where it has none of a method, as they are published.

    Args:
        runs: those of one budget that are wanted. Of a method on a data set with no complete run
            here, every published seed is shown, because reading one costs nothing.
        partly: leave out runs that are neither here nor published.

    Raises:
        ReplicateError: runs that are neither here nor published with today's code and settings.
    """
    today, published = Today(), _Published()
    shown: list[Run] = []
    lacking: list[Run] = []
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((name_of(run), run.dataset, run.budget), []).append(run)
    for place, wanted in groups.items():
        here = {run.seed: run for run in wanted if _is_complete(run, today)}
        there = {run.seed: run for run in published.runs(place, today)}
        if here:
            there = {run.seed: there[run.seed] for run in wanted if run.seed in there}
        known = there | here
        shown += [known[seed] for seed in sorted(known)]
        lacking += [run for run in wanted if run.seed not in known]
    if lacking and not partly:
        raise _lacking(lacking)
    return shown


class _Published:
    """The finished published records by name, data set and budget, each file read once."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str, str], list[tuple[dict, Path]]] = {}
        for folder in find_runs(paths.published()):
            record = read_record(folder)
            name = method_name(record["method"], record["label"])
            place = (name, record["dataset"], record["budget"])
            if record["status"] == "finished":
                self._places.setdefault(place, []).append((record, folder))

    def runs(self, place: tuple[str, str, str], today: Today) -> list[Recorded]:
        """Those of one place that today's code and settings would make."""
        return [
            _recorded(record, folder)
            for record, folder in self._places.get(place, ())
            if not today.changed(record, images=False)
        ]


def _recorded(record: dict, folder: Path) -> Recorded:
    """The run of a record, in the precision of the machine that made it."""
    run = run_of(record)
    values = {field.name: getattr(run, field.name) for field in fields(run)}
    values["config"] = replace(run.config, precision=record["config"]["precision"])
    return Recorded(**values, place=folder)


def _is_complete(run: Run, today: Today) -> bool:
    now = state.of(run, today)
    return now.name in COMPLETE and not now.stale


def _lacking(runs: Sequence[Run]) -> ReplicateError:
    first, *more = runs
    how = command(name_of(first), first.dataset, first.seed, first.budget)
    others = f" and {len(more)} more are" if more else " is"
    return ReplicateError(
        f"{first.title}{others} neither on this machine nor published; expected a finished run: "
        f"`{how}` trains it, `train: true` among the parameters all of them"
    )
