"""What the name of a model stands for: a file of weights, or a run of this machine."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from replicate import checkpoint, paths, records
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, unknown
from replicate.lab.execute import load_method
from replicate.lab.published import find_runs
from replicate.lab.run import Run, run_of
from replicate.methods.base import DIRECTIONS, Method
from replicate.weights import building, stored
from replicate.weights.stored import SUFFIX, Card

BUDGETS = ("paper", "laptop", "smoke")  # of several runs of one name, the one trained longest
SHOWN_SCORES = ("metric", "protocol", "direction", "value")


@dataclass(frozen=True)
class Found:
    """Weights on this machine: a file, or the folder of a run."""

    path: Path

    @property
    def is_run(self) -> bool:
        """Whether it is a run's folder and no file."""
        return self.path.is_dir()

    def card(self) -> Card:
        """What these weights are."""
        return card_of(self.path) if self.is_run else stored.read_card(self.path)

    def load(self, device: torch.device) -> tuple[Method, Card]:
        """The method, ready to translate, and the card."""
        if self.is_run:
            return load_method(_run(self.path), device), self.card()
        tensors, card = stored.read(self.path)
        return building.build(card, tensors, device), card


def folders() -> tuple[Path, ...]:
    """Where files of weights lie: those of the repository, then those of this machine."""
    return paths.published() / "weights", paths.data() / "weights"


def files() -> list[Path]:
    """The files of weights in `folders`, in the order of their names."""
    return [file for folder in folders() for file in sorted(folder.glob(f"*{SUFFIX}"))]


def find(name: str) -> Found:
    """What `name` stands for.

    Args:
        name: a file of weights, a run's folder, or the end of its path; the name of a file in
            `folders` without its ending; or METHOD[:VARIANT]@DATASET, of which the file is taken
            before runs, and of several runs the longest budget, then the first seed.

    Raises:
        UnknownName: none of them; the closest name is told.
        ReplicateError: several runs have this name.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return Found(path)
    if (path / records.RECORD).is_file():
        return Found(path.resolve())
    here = files()
    for file in here:
        if file.stem == name:
            return Found(file)
    for file in here:
        if stored.read_card(file).name == name:
            return Found(file)
    return _find_run(name, [file.stem for file in here])


def _find_run(name: str, others: list[str]) -> Found:
    folders_ = [folder for folder in find_runs(paths.results()) if checkpoint.generations(folder)]
    wanted = Path(name.strip("/")).parts
    same = [folder for folder in folders_ if folder.parts[-len(wanted) :] == wanted]
    if len(same) == 1:
        return Found(same[0])
    called = {folder: _label(records.read(folder)) for folder in folders_}
    same = [folder for folder in folders_ if called[folder] == name]
    if same:
        return Found(min(same, key=_rank))
    raise unknown("model", name, {*called.values(), *others})


def _label(record: dict) -> str:
    label = record["method"]
    label += "" if record["label"] == "paper" else f":{record['label']}"
    return f"{label}@{record['dataset']}"


def _rank(folder: Path) -> tuple:
    record = records.read(folder)
    return BUDGETS.index(record["budget"]), record["seed"], folder.name


def _run(folder: Path) -> Run:
    """The run of a folder; its settings must be today's, else its weights have another shape.

    Raises:
        ReplicateError: the run has not come to a checkpoint, or its settings have changed.
    """
    record = records.read(folder)
    run = run_of(record)
    if run.folder != folder:
        raise ReplicateError(
            f"{folder} was trained with settings that {run.title} no longer has, or lies elsewhere "
            f"than {run.folder}; check out commit {record['commit'][:10]}, or train it anew"
        )
    return run


def card_of(folder: Path) -> Card:
    """The card of a run's weights, of its record and its scores."""
    record = records.read(folder)
    scores = folder / records.SCORES
    rows = []
    if scores.exists():
        table = pd.read_csv(scores)
        known = table.loc[table["value"].notna(), list(SHOWN_SCORES)]
        rows = known.to_dict("records")
    return Card(
        record["method"], record["label"], _run(folder).identity()["config"], record["dataset"],
        tuple(spec(record["dataset"]).domains), "run", DIRECTIONS, record["seed"],
        record["budget"], checkpoint.iteration_of(checkpoint.generations(folder)[0]),
        record["commit"], record["fingerprint"], record.get("passport", {}), rows,
    )  # fmt: skip
