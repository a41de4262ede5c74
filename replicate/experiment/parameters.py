"""The parameters of a notebook, checked: papermill itself only warns of a mistyped one."""

from collections.abc import Mapping
from types import ModuleType

import pydantic
from pydantic import ConfigDict, Field, model_validator

from replicate import reported
from replicate.datasets import spec
from replicate.errors import ReplicateError, unknown
from replicate.experiment.run import BUDGETS, Run, make_run

DEVICES = ("cpu", "cuda")
LITERALS = (str, int, float, bool, list, dict, tuple, set, type(None))
# Names that IPython itself puts into a notebook's globals.
IPYTHON = {"In", "Out", "exit", "quit"}


class Parameters(pydantic.BaseModel):
    """What a notebook or `replicate all` asks for: methods x data sets x seeds at one budget."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    paper: str  # file in data/reported/
    methods: list[str] = Field(min_length=1)  # METHOD or METHOD:VARIANT
    datasets: list[str] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    budget: str
    device: str = "cpu"

    @model_validator(mode="after")
    def _names_exist(self) -> "Parameters":
        _choose("paper", self.paper, reported.keys())
        _choose("budget", self.budget, BUDGETS)
        _choose("device", self.device, DEVICES)
        for name in self.datasets:
            spec.spec(name)
        for name in self.methods:
            make_run(name, self.datasets[0], 0, self.budget)
        for name in ("methods", "datasets", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ReplicateError(f"{name}={values}: the same value twice; each once")
        if min(self.seeds) < 0:
            raise ReplicateError(f"seeds={self.seeds}: expected 0 or more")
        return self

    def runs(self) -> list[Run]:
        """Every run asked for, data set by data set, method by method."""
        return [
            make_run(method, dataset, seed, self.budget)
            for dataset in self.datasets
            for method in self.methods
            for seed in self.seeds
        ]


def parameters(notebook: Mapping[str, object]) -> Parameters:
    """The checked parameters among a notebook's globals.

    Args:
        notebook: `globals()` of the notebook, right after its `parameters` cell.

    Raises:
        UnknownName: a literal that is no parameter (papermill injects mistyped ones too), or a name
            of a method, data set, paper, budget or device that does not exist; the closest match
            is named.
        ReplicateError: a value of the wrong type.
    """
    given = {k: v for k, v in notebook.items() if _is_parameter(k, v)}
    return checked(given)


def checked(given: Mapping[str, object]) -> Parameters:
    """`Parameters` of a mapping, with errors in the project's words."""
    known = Parameters.model_fields
    for name in given:
        if name not in known:
            raise unknown("parameter", name, known)
    try:
        return Parameters(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, ReplicateError):
            raise cause from None
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise ReplicateError(f"parameter {field!r} is missing; give it a value") from None
        wanted = known[str(first["loc"][0])].annotation
        wanted = wanted.__name__ if type(wanted) is type else wanted
        raise ReplicateError(
            f"{field}={first['input']!r}: expected {wanted} ({first['msg'].lower()})"
        ) from None


def _is_parameter(name: str, value: object) -> bool:
    hidden = name.startswith("_") or name in IPYTHON
    return not hidden and not isinstance(value, ModuleType) and isinstance(value, LITERALS)


def _choose(what: str, value: str, known: object) -> None:
    if value not in known:
        raise unknown(what, value, known)
