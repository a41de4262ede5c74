"""What one run is: its identity, its folder, its state on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from replicate import paths, settings
from replicate.datasets.spec import Spec, registered
from replicate.errors import ReplicateError, unknown
from replicate.records import BUDGETS
from replicate.records import read as read_record

if TYPE_CHECKING:  # methods import torch, which reading of runs does without
    from replicate.datasets.packed import ImageSet
    from replicate.methods.base import Config, Method

COLUMNS = [  # of scores.csv and classes.csv
    "method", "variant", "dataset", "direction", "metric", "value", "spread", "spread_kind",
    "protocol", "n_real", "n_fake", "seed", "budget", "split", "extractor", "floor", "do_nothing",
    "iteration",
]  # fmt: skip
OF_LABELS = ("c_dim", "attributes")  # fields of a `Config` that say what labels mean
THREADS = {"smoke": 1, "laptop": 1, "overnight": 1, "paper": None}  # None: as many as torch chooses


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
        config = asdict(self.config)
        for field in fields(self.config):  # see `base.added`
            if "before" in field.metadata and config[field.name] == field.metadata["before"]:
                del config[field.name]
        return {
            "method": self.method,
            "variant": self.variant,
            "config": config,
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


def method_name(method: str, variant: str) -> str:
    """`aggan` for its paper variant, `aggan:whole-image-d` for another: what `train` is asked.

    Changed settings follow a plus sign: `aggan+lambda_cyc=5.0` of the label `paper+lambda_cyc=5.0`.
    """
    base, plus, settings_ = variant.partition("+")
    return (method if base == "paper" else f"{method}:{base}") + plus + settings_


def parts_of(name: str) -> tuple[str, str, dict[str, str]]:
    """Method, variant and settings of METHOD[:VARIANT][+KEY=VALUE,...], as `method_name` has it.

    Raises:
        ReplicateError: what follows the plus sign is none of KEY=VALUE, or has a key twice.
    """
    base, plus, text = name.partition("+")
    method, _, variant = base.partition(":")
    overrides: dict[str, str] = {}
    for pair in text.split(",") if plus else ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip() or key.strip() in overrides:
            raise ReplicateError(
                f"{name!r}: expected METHOD[:VARIANT]+KEY=VALUE,..., each key once, e.g. "
                f"{base}+lr=1e-4"
            )
        overrides[key.strip()] = value.strip()
    return method, variant or "paper", overrides


def title(record: dict) -> str:
    """`Run.title` from a run's record."""
    name = method_name(record["method"], record["label"])
    return f"{name} on {record['dataset']}, seed {record['seed']} ({record['budget']})"


def make_run(
    name: str, dataset: str, seed: int, budget: str, overrides: dict[str, object] | None = None
) -> Run:
    """The run that `METHOD[:VARIANT][+KEY=VALUE,...]`, a data set, a seed and a budget ask for.

    Args:
        name: `aggan` (its variant `paper`), `aggan:whole-image-d`, or either with changed settings,
            as tables print it: `aggan+lambda_cyc=5.0`.
        overrides: further fields of the method's `Config`, as values or as text.

    Raises:
        UnknownName: method, variant, budget or field, with the closest match.
        ReplicateError: a value of the wrong type, outside its range, or impossible with another; a
            field both in the name and among the overrides.
    """
    from replicate.methods import METHODS

    called, variant, named = parts_of(name)
    method = METHODS[called]
    if variant not in method.VARIANTS:
        raise unknown(f"variant of {called}", variant, method.VARIANTS)
    if twice := sorted(named.keys() & (overrides or {}).keys()):
        raise ReplicateError(f"{twice[0]} is in {name!r} and set besides; expected once")
    overrides, entry = {**named, **(overrides or {})}, registered(dataset)
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    # of what a variant and a budget both set, the budget decides: it must stay as small as it is;
    # what labels mean is no matter of size, and a set whose labels are its domains decides that
    chosen = {**method.VARIANTS[variant], **_budget(method, budget, dataset)}
    chosen |= {k: v for k, v in method.VARIANTS[variant].items() if k in OF_LABELS}
    if method.many and entry and entry.labels:
        known = {"c_dim": len(entry.labels), "attributes": False}
        chosen |= {k: v for k, v in known.items() if hasattr(method.Config, k)}
    config = replace(method.Config(), **chosen)
    changed = {k: settings.read(method.Config, k, v) for k, v in overrides.items()}
    changed = {k: v for k, v in changed.items() if v != getattr(config, k)}
    text = ",".join(f"{k}={v}" for k, v in sorted(changed.items()))
    config = replace(config, **changed)
    settings.check_fields(config)
    method.check(config)
    seed = settings.check("seed", settings.Seed, seed, example=0)
    return Run(called, variant, config, dataset, seed, budget, text)


def check_set(run: Run, entry: Spec) -> None:
    """Nothing, or why a run cannot be on a set, as far as the set's entry tells.

    Raises:
        ReplicateError: a method of two domains, or one told to read attributes, and a set of many
            domains; a method of pairs and a set without.
    """
    from replicate.methods import METHODS

    method, name = METHODS[run.method], method_name(run.method, run.label)
    if entry.labels and not method.many:
        many = ", ".join(sorted(other for other, method in METHODS.items() if method.many))
        raise ReplicateError(
            f"{name} translates between two domains, {run.dataset} has {len(entry.labels)} as "
            f"labels ({', '.join(entry.labels)}): its halves A and B are no domains. Take a method "
            f"for many ({many}), or a set of two (`replicate data list`)"
        )
    if entry.labels and method.by_attributes(run.config):
        raise ReplicateError(
            f"{name} reads labels as attributes, any of which an image has; those of {run.dataset} "
            "are classes, of which it has one: leave attributes=true out"
        )
    if method.needs(run.config).pairs and not entry.paired:
        raise ReplicateError(
            f"{name} needs paired images, {run.dataset} is unpaired; use a set in the "
            "pix2pix layout (`replicate data list` shows them)"
        )


def check_labels(run: Run, images: ImageSet) -> None:
    """Nothing, or why a run cannot read the labels of its training images.

    Raises:
        ReplicateError: they are attributes and the method, or its variant, takes one class an
            image: it would train on the first attribute that an image has.
    """
    from replicate.methods import METHODS

    method, label = METHODS[run.method], images.arrays.get("A_label")
    reads = method.many or method.needs(run.config).labels
    if label is None or label.ndim < 2 or not reads or method.by_attributes(run.config):
        return
    count = label.shape[1]
    able = {
        method_name(other, variant): config.c_dim
        for other, kind in sorted(METHODS.items())
        for variant, changed in kind.VARIANTS.items()
        if kind.by_attributes(config := replace(kind.Config(), **changed))
    }
    fitting = [name for name, c_dim in able.items() if c_dim == count] or list(able)
    own = [name for name in fitting if name.partition(":")[0] == run.method]
    raise ReplicateError(
        f"{method_name(run.method, run.label)} takes one class an image; {run.dataset} has "
        f"{count} attributes an image in labels.csv. Take {' or '.join(own or fitting)}"
    )


def run_of(record: dict) -> Run:
    """The run that the names of a record ask for today; its settings may have changed since.

    Raises:
        UnknownName, ReplicateError: its method, variant or a setting is no longer there.
    """
    name = method_name(record["method"], record["label"])
    return make_run(name, record["dataset"], record["seed"], record["budget"])


def scored_size(config: Mapping) -> int:
    """`Config.scored_size` of the fields of a configuration, as `run.json` holds them."""
    return config.get("test_size") or config["crop_size"]


def _budget(method: type[Method], budget: str, dataset: str) -> dict[str, object]:
    if budget == "paper":
        return {}
    if budget == "smoke":
        return dict(method.SMOKE)
    entry = registered(dataset)
    from replicate import repro

    photographs = budget == "overnight" or (entry is not None and entry.photographs)
    own = method.PHOTOGRAPHS.get(budget, method.PHOTOGRAPHS.get("laptop", {}))
    more = own if photographs else {}
    return {"precision": "bf16" if repro.bf16_pays() else "fp32", **method.LAPTOP, **more}


def parameter_counts(method: str, variant: str) -> dict[str, int]:
    """Trainable parameters of one network of each kind, at the paper's sizes."""
    from replicate import repro
    from replicate.methods import METHODS

    config = make_run(f"{method}:{variant}", "", 0, "paper").config
    with repro.shapes_only():
        return METHODS[method](config).counts()
