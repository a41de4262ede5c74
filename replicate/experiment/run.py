"""What one run is: its identity, its folder, its state on disk."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import get_args, get_type_hints

import torch

from replicate import checkpoint, paths, repro
from replicate.errors import ReplicateError, unknown
from replicate.experiment.fingerprint import (
    code_fingerprint,
    data_fingerprint,
    images_fingerprint,
)
from replicate.methods import METHODS
from replicate.methods.base import Config, Method
from replicate.records import BUDGETS
from replicate.records import read as read_record

COLUMNS = [  # of scores.csv and classes.csv
    "method", "variant", "dataset", "direction", "metric", "value", "spread", "spread_kind",
    "protocol", "n_real", "n_fake", "seed", "budget", "split", "extractor", "floor", "do_nothing",
    "iteration",
]  # fmt: skip
THREADS = {"smoke": 1, "laptop": 1, "paper": None}  # None: as many as torch chooses


@dataclass(frozen=True)
class Run:
    """A method's variant with a configuration, on a data set, from a seed, within a budget.

    Args:
        overrides: what `config` changes against the variant's own; shown in tables after the name.
    """

    method: str
    variant: str
    config: Config
    dataset: str
    seed: int
    budget: str
    overrides: str = ""

    @cached_property
    def hash(self) -> str:
        """Eight hexadecimal digits of the sha256 of the identity."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def identity(self) -> dict:
        """Exactly what makes this run another one than its neighbour."""
        return {
            "method": self.method,
            "variant": self.variant,
            "config": asdict(self.config),
            "dataset": self.dataset,
            "seed": self.seed,
            "budget": self.budget,
        }

    @property
    def label(self) -> str:
        """The variant as tables name it: overridden fields stand after a plus sign."""
        return f"{self.variant}+{self.overrides}" if self.overrides else self.variant

    @property
    def title(self) -> str:
        """`aggan:whole-image-d on horse2zebra_drawn, seed 0 (laptop)`."""
        return title(self.identity() | {"label": self.label})

    def folder_in(self, results: Path) -> Path:
        """The run's folder below a results folder, local or published."""
        leaf = f"{self.variant}-{self.seed}-{self.hash}"
        return results / "runs" / self.dataset / self.method / leaf

    @property
    def folder(self) -> Path:
        """Where this machine trains the run."""
        return self.folder_in(paths.results())

    @property
    def threads(self) -> int | None:
        """Threads at the first start; a resumed run keeps those of its first start."""
        return self.record().get("threads", THREADS[self.budget])

    def record(self) -> dict:
        """`run.json` as a dict; empty where the run was never started."""
        return read_record(self.folder)

    def fingerprint(self) -> dict[str, str]:
        """What decides the result besides the identity: code, training data, all images."""
        return {
            "code": code_fingerprint(METHODS[self.method]),
            "data": data_fingerprint(self.dataset, self.config.load_size),
            "images": images_fingerprint(self.dataset, self.config.crop_size),
        }

    def changed(self, now: dict[str, str] | None = None) -> list[str]:
        """Which of "code" and "data" differ from the record's fingerprint.

        What a record does not hold, because it is older, has not changed.

        Args:
            now: today's fingerprint, where it is at hand.
        """
        before, now = self.record()["fingerprint"], now or self.fingerprint()
        keys = [key for key, value in now.items() if before.get(key, value) != value]
        return list(dict.fromkeys("data" if key == "images" else key for key in keys))

    def state(self) -> str:
        """missing, partial, finished or stale (finished by code or data that changed since)."""
        record = self.record()
        if not record:
            return "missing"
        if self.changed():
            return "stale"
        newest = checkpoint.generations(self.folder)
        whole = newest and checkpoint.is_whole(newest[0])
        return "finished" if record["status"] == "finished" and whole else "partial"


def method_name(method: str, variant: str) -> str:
    """`aggan` for its paper variant, `aggan:whole-image-d` for another: what `train` is asked."""
    return method if variant == "paper" else f"{method}:{variant}"


def title(record: dict) -> str:
    """`Run.title` from a run's record."""
    name = method_name(record["method"], record["label"])
    return f"{name} on {record['dataset']}, seed {record['seed']} ({record['budget']})"


def make_run(
    name: str, dataset: str, seed: int, budget: str, overrides: dict[str, object] | None = None
) -> Run:
    """The run that `METHOD[:VARIANT]`, a data set, a seed and a budget ask for.

    Args:
        name: `aggan` (its variant `paper`) or `aggan:whole-image-d`.
        overrides: fields of the method's `Config`, as values or as text from a command line.

    Raises:
        UnknownName: method, variant, budget or field, with the closest match.
        ReplicateError: a value of the wrong type.
    """
    method_name, _, variant = name.partition(":")
    method, variant = METHODS[method_name], variant or "paper"
    if variant not in method.VARIANTS:
        raise unknown(f"variant of {method_name}", variant, method.VARIANTS)
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    # of what a variant and a budget both set, the budget decides: it must stay as small as it is
    config = replace(method.Config(), **{**method.VARIANTS[variant], **_budget(method, budget)})
    changed = {k: _parse(method.Config, k, v) for k, v in (overrides or {}).items()}
    changed = {k: v for k, v in changed.items() if v != getattr(config, k)}
    text = ",".join(f"{k}={v}" for k, v in sorted(changed.items()))
    return Run(method_name, variant, replace(config, **changed), dataset, seed, budget, text)


def _budget(method: type[Method], budget: str) -> dict[str, object]:
    if budget == "paper":
        return {}
    if budget == "smoke":
        return dict(method.SMOKE)
    return {"precision": "bf16" if repro.matrix_units() else "fp32"} | method.LAPTOP


def _parse(config: type[Config], key: str, value: object) -> object:
    """`value` in the type that the field `key` declares; text is converted."""
    hints = get_type_hints(config)
    names = [f.name for f in fields(config)]
    if key not in names:
        raise unknown("setting", key, names)
    kinds = get_args(hints[key]) if isinstance(hints[key], UnionType) else (hints[key],)
    if value in (None, "None", "none") and NoneType in kinds:
        return None
    kind = next(k for k in kinds if k is not NoneType)
    try:
        if isinstance(value, str) and kind is bool:
            return {"true": True, "false": False}[value.lower()]
        if isinstance(value, str) or (kind is float and type(value) is int):
            return kind(value)
    except (ValueError, KeyError):
        pass
    if type(value) is not kind:
        wanted = " or ".join(k.__name__ for k in kinds)
        raise ReplicateError(
            f"{key}={value!r}: expected {wanted}, e.g. {key}={getattr(config, key)}"
        )
    return value


def parameter_counts(method: str, variant: str) -> dict[str, int]:
    """Trainable parameters of one network of each kind, at the paper's sizes."""
    config = make_run(f"{method}:{variant}", "", 0, "paper").config
    with torch.device("meta"):
        return METHODS[method](config).counts()
