"""The parameters of a notebook, checked: papermill itself only warns of a mistyped one."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType

import pydantic
from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from replicate import devices, documents, paths, reported, settings
from replicate.datasets import directions, spec
from replicate.errors import ReplicateError, unknown
from replicate.lab.run import BUDGETS, Run, make_run, method_name

LITERALS = (str, int, float, bool, list, dict, tuple, set, type(None))
# Names that IPython itself puts into a notebook's globals.
IPYTHON = {"In", "Out", "exit", "quit"}


FEWEST = 4  # images: with fewer KID has no standard error
# parameters that name methods for a data set; those of the last may be named elsewhere too
BY_DATASET = ("also", "one_seed", "five_seeds")
FIVE = range(5)  # seeds: a verdict wants five pairs, `claims.rule.PAIRS`
REFERENCES = ("torch-fidelity", "clean-fid", "torchmetrics")
PLACES = {"published": paths.published, "local": paths.results}


class Asked(pydantic.BaseModel):
    """What every notebook asks for: a budget and a device."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    budget: str
    device: str = "cpu"

    @model_validator(mode="after")
    def _budget_and_device_exist(self) -> "Asked":
        _choose("budget", self.budget, BUDGETS)
        devices.check(self.device)
        return self

    def runs(self) -> list[Run]:
        """Every run asked for; none for a notebook that trains nothing."""
        return []

    def shown(self) -> str:
        """The budget of the scores that the notebook shows."""
        return self.budget

    def minutes(self) -> int:
        """What the notebook itself takes on one CPU thread, the runs apart."""
        return 1


class Parameters(Asked):
    """What a paper's notebook asks for: methods x data sets x seeds at one budget, and more."""

    paper: str  # file in data/reported/
    methods: list[str] = Field(min_length=1)  # METHOD[:VARIANT][+KEY=VALUE,...]
    datasets: list[str] = Field(min_length=1)
    seeds: list[settings.Seed] = Field(min_length=1)
    also: dict[str, list[str]] = {}  # data set: further methods, with all seeds
    one_seed: dict[str, list[str]] = {}  # data set: further methods, with the first seed alone
    five_seeds: dict[str, list[str]] = {}  # data set: methods, named before or not, with seeds 0-4
    train: bool = True  # False: what is not on this machine is shown from its published record
    # METHOD[:VARIANT] among those above: settings; the same as its label, METHOD+KEY=VALUE
    overrides: dict[str, dict[str, object]] = {}

    @model_validator(mode="before")
    @classmethod
    def _settings_are_labels(cls, values: object) -> object:
        """The overrides as labels of the methods, and every label as tables print it."""
        return labelled(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _names_exist(self) -> "Parameters":
        _choose("paper", self.paper, reported.keys())
        by_dataset = [getattr(self, field) for field in BY_DATASET]
        for name in chain(self.datasets, *by_dataset):
            spec.spec(name)
        for name in chain(self.methods, *chain(*(more.values() for more in by_dataset))):
            make_run(name, self.datasets[0], 0, self.budget)
        for name in ("methods", "datasets", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ReplicateError(f"{name}={values}: the same value twice; each once")
        self._check_each_once("also", self.also, {})
        self._check_each_once("one_seed", self.one_seed, self.also)
        for dataset, methods in self.five_seeds.items():
            if len(set(methods)) < len(methods):
                raise ReplicateError(
                    f"five_seeds={methods} on {dataset}: a method twice; each once"
                )
        return self

    def _check_each_once(self, field: str, more: dict, before: dict) -> None:
        for dataset, methods in more.items():
            already = self.methods if dataset in self.datasets else []
            already = [*already, *before.get(dataset, [])]
            if len({*methods, *already}) < len(methods) + len(already):
                raise ReplicateError(
                    f"{field}={methods} on {dataset}: a method twice, or one of `methods`; each "
                    "once"
                )

    def runs(self) -> list[Run]:
        """Every run asked for: data set by data set, method by method, then the further ones."""
        triples = [(m, d, seed) for d in self.datasets for m in self.methods for seed in self.seeds]
        triples += [
            (m, d, seed) for d, more in self.also.items() for m in more for seed in self.seeds
        ]
        triples += [(m, d, self.seeds[0]) for d, more in self.one_seed.items() for m in more]
        triples += [
            (m, d, seed) for d, more in self.five_seeds.items() for m in more for seed in FIVE
        ]
        return [make_run(*run, self.budget) for run in dict.fromkeys(triples)]

    def minutes(self) -> int:
        """Longer where the notebook trains classifiers, segmenters or lone discriminators."""
        longer = {} if self.budget == "smoke" else {"ma2018dagan": 5, "lin2021spatial": 10}
        return longer.get(self.paper, 1)


class Quick(Asked):
    """What `make replicate` asks for: methods x seeds on each data set, at one budget."""

    methods: dict[str, list[str]] = Field(min_length=1)  # data set: METHOD or METHOD:VARIANT
    seeds: list[settings.Seed] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> "Quick":
        for dataset in self.methods:
            spec.spec(dataset)
        self.runs()
        return self

    def runs(self) -> list[Run]:
        """Every run asked for: data set by data set, method by method."""
        return [
            make_run(name, dataset, seed, self.budget)
            for dataset, names in self.methods.items()
            for name in names
            for seed in self.seeds
        ]


class ProtocolParameters(Asked):
    """What `00_protocol` asks for: the test images of one data set in one direction."""

    dataset: str
    direction: str  # "AB" or "BA", whichever way it was written: see `directions.in_letters`
    size: int  # px
    images: int  # of each set that go through Inception; 0: all
    standin_images: int  # of each set that go through the stand-in; 0: all
    references: list[str]  # libraries whose numbers stand beside ours
    photographs: str = ""  # a set for the network trained on ImageNet; "": that of `dataset`

    @field_validator("direction")
    @classmethod
    def _in_letters(cls, written: str, known: ValidationInfo) -> str:
        if "dataset" not in known.data:  # that is the error to tell
            return written
        return directions.in_letters(written, spec.spec(known.data["dataset"]).domains)

    @model_validator(mode="after")
    def _images_exist(self) -> "ProtocolParameters":
        for name in self.references:
            _choose("reference", name, REFERENCES)
        if self.photographs:
            spec.spec(self.photographs)
        for name in ("images", "standin_images"):
            n = getattr(self, name)
            if n and n < FEWEST:
                raise ReplicateError(f"{name}={n}: expected 0 (all) or {FEWEST} and more")
        return self

    def minutes(self) -> int:
        """Of all test images, under every resize, through Inception."""
        return {"smoke": 1, "laptop": 15, "overnight": 15, "paper": 30}[self.budget]


class SummaryParameters(Asked):
    """What `90_summary` asks for: nothing that is trained, only which records are shown."""

    records: str  # "published", or "local": what this machine trained

    @model_validator(mode="after")
    def _place_exists(self) -> "SummaryParameters":
        _choose("records", self.records, PLACES)
        return self

    def root(self) -> Path:
        """The folder of the records."""
        return PLACES[self.records]()

    def shown(self) -> str:
        """The budget of the records: laptop at smoke, whose own numbers enter nothing."""
        return "laptop" if self.budget == "smoke" else self.budget


MODELS: dict[str, type[Asked]] = {  # the others: `Parameters`
    "00_protocol": ProtocolParameters,
    "90_summary": SummaryParameters,
}


def parameters(namespace: Mapping[str, object], notebook: str = "") -> Asked:
    """The checked parameters among a notebook's globals.

    Args:
        namespace: `globals()` of the notebook, right after its `parameters` cell.
        notebook: its stem, where it is not a paper's.

    Raises:
        UnknownName: a literal that is no parameter (papermill injects mistyped ones too), or a name
            of a method, data set, paper, budget or device that does not exist; the closest match
            is named.
        ReplicateError: a value of the wrong type.
    """
    return checked({k: v for k, v in namespace.items() if _is_parameter(k, v)}, notebook)


def checked(values: Mapping[str, object], notebook: str = "") -> Asked:
    """The parameters of a notebook from a mapping; errors name the file and line of a `Document`.

    Raises:
        UnknownName, ReplicateError: as of `parameters`.
    """
    return documents.validated(MODELS.get(notebook, Parameters), values)


def quick(budget: str = "laptop", seeds: str = "") -> Quick:
    """The runs of `data/quick.toml`.

    Args:
        seeds: others than those in the file, such as "0,1".

    Raises:
        UnknownName: a budget, method, variant or data set that does not exist.
        ReplicateError: a value of the wrong type.
    """
    file = paths.quick()
    values = documents.read_toml(file) | {"budget": budget}
    if seeds:
        values["seeds"] = seeds_of(seeds)
    return documents.validated(Quick, values, paths.shown(file))


def labelled(values: dict) -> dict:
    """A notebook's parameters with `overrides` moved into the names of their methods.

    Raises:
        ReplicateError: overrides of a method that is not asked for, or no mapping of settings.
    """
    overrides = values.get("overrides") or {}
    lists = [values.get("methods", []), *(v for f in BY_DATASET for v in _values(values, f))]
    if not isinstance(overrides, dict) or not all(isinstance(v, list) for v in lists):
        return values  # the error about types is the one to tell
    named = [name for names in lists for name in names]
    for name, changes in overrides.items():
        if name not in named:
            raise unknown("method of overrides", name, named)
        if not isinstance(changes, dict):
            raise ReplicateError(
                f"overrides.{name}={changes!r}: expected settings, e.g. {{lambda_cyc: 5.0}}"
            )

    def label(name: object) -> object:
        if not isinstance(name, str) or (name not in overrides and "+" not in name):
            return name
        run = make_run(name, "", 0, values.get("budget", ""), overrides.get(name, {}))
        return method_name(run.method, run.label)

    made = {key: value for key, value in values.items() if key != "overrides"}
    if "methods" in made:
        made["methods"] = [label(name) for name in made["methods"]]
    for field in BY_DATASET:
        if isinstance(made.get(field), dict):
            made[field] = {d: [label(name) for name in names] for d, names in made[field].items()}
    return made


def _values(values: dict, field: str) -> list:
    value = values.get(field, {})
    return list(value.values()) if isinstance(value, dict) else [value]


def seeds_of(text: str) -> list[int]:
    """The seeds of "0,1,2", as the command line takes them."""
    return [
        settings.check(f"seeds.{i}", settings.Seed, word.strip())
        for i, word in enumerate(text.split(","))
    ]


def _is_parameter(name: str, value: object) -> bool:
    hidden = name.startswith("_") or name in IPYTHON
    return not hidden and not isinstance(value, ModuleType) and isinstance(value, LITERALS)


def _choose(what: str, value: str, known: object) -> None:
    if value not in known:
        raise unknown(what, value, known)
