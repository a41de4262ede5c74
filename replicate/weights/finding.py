"""What the name of a model stands for: a file of weights, or a run of this machine."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from replicate import checkpoint, paths, records
from replicate.datasets import directions
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, unknown
from replicate.lab.execute import load_method
from replicate.lab.published import find_runs
from replicate.lab.run import Run, method_name, run_of
from replicate.methods import METHODS
from replicate.methods.base import Method
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
    return [file for folder in folders() for file in files_in(folder)]


def files_in(folder: Path) -> list[Path]:
    """The files of weights in one folder, in the order of their names."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def find(name: str) -> Found:
    """What `name` stands for.

    Args:
        name: a file of weights, a run's folder, or the end of its path; the name of a file in
            `folders` without its ending; or METHOD[:VARIANT]@DATASET, of which a file among the
            data is taken first, then of runs and of the repository's files the longest budget,
            then runs, then the first seed.

    Raises:
        UnknownName: none of them; the closest name is told.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return Found(path)
    if (path / records.RECORD).is_file():
        return Found(path.resolve())
    candidates = [*_files(name), *_runs(name)]
    if candidates:
        return Found(min(candidates)[-1])
    raise unknown("model", name, {*(file.stem for file in files()), *map(_label, _trained())})


def _files(name: str) -> list[tuple]:
    """The files of this name, ranked: those that the user put there go before all."""
    ranked = []
    for file in files():
        card = stored.read_card(file)
        if name in (file.stem, card.name):
            mine = file.parent == folders()[-1]
            budget = BUDGETS.index(card.budget) if card.budget in BUDGETS else 0
            ranked.append((-1 if mine else budget, 1, 0, file))
    return ranked


def _runs(name: str) -> list[tuple]:
    """The runs of this name, ranked: the longest budget, then the first seed."""
    wanted, trained = Path(name.strip("/")).parts, _trained()
    same = [folder for folder in trained if folder.parts[-len(wanted) :] == wanted]
    if len(same) != 1:
        same = [folder for folder in trained if _label(folder) == name]
    records_ = {folder: records.read(folder) for folder in same}
    return [(BUDGETS.index(r["budget"]), 0, r["seed"], folder) for folder, r in records_.items()]


def _trained() -> list[Path]:
    """The run folders of this machine that have a checkpoint."""
    return [folder for folder in find_runs(paths.results()) if checkpoint.generations(folder)]


def _label(folder: Path) -> str:
    """METHOD[:VARIANT]@DATASET of a run."""
    record = records.read(folder)
    return f"{method_name(record['method'], record['label'])}@{record['dataset']}"


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
    entry, method = spec(record["dataset"]), METHODS[record["method"]]
    domains = entry.every_domain if method.many else entry.domains
    translated = directions.every(domains)
    if not method.many:
        translated = method.directions_of(record["config"])
    return Card(
        record["method"], record["label"], _run(folder).identity()["config"], record["dataset"],
        tuple(domains), "run", translated, record["seed"],
        record["budget"], checkpoint.iteration_of(checkpoint.generations(folder)[0]),
        record["commit"], record["fingerprint"], record.get("passport", {}), rows,
    )  # fmt: skip
