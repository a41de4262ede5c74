"""The claims and the design of their runs, as `data/claims.toml` states them."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from replicate import documents, paths, reported
from replicate.datasets import spec
from replicate.errors import ReplicateError, unknown
from replicate.lab import classes
from replicate.lab.run import make_run
from replicate.metrics.protocols import PROTOCOLS
from replicate.report.claims.rule import EQUIVALENT, PREDICTIONS

CEILING, IDLE, BOTH = "ceiling", "do nothing", "both"
CEILING_METRIC = "attention_iou_ceiling"
FILE = "claims.toml"
BUDGET = "laptop"  # that of the designed runs


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Entry = TypeVar("Entry", bound=_Strict)


class Claim(_Strict):
    """One claim: the score of `method` is `prediction` than that of `against` by the margin.

    `against` is a METHOD[:VARIANT]; "ceiling", where the gain is the share of the IoU ceiling that
    is reached; or "do nothing", the input scored as output. `direction` is "both" or one direction
    in words. It is decided on `dataset`.
    """

    paper: str
    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    source: str = Field(min_length=1)
    dataset: str
    metric: str
    protocol: str
    method: str
    against: str
    prediction: str
    margin: float = Field(ge=0)
    unit: str
    why: str = Field(min_length=1)
    direction: str

    @property
    def arms(self) -> tuple[str, ...]:
        """The METHOD[:VARIANT]s whose runs it needs."""
        return tuple(name for name in (self.method, self.against) if name not in (CEILING, IDLE))


class Design(_Strict):
    """Runs that are made for the claims: `methods` x `seeds` on a data set."""

    dataset: str
    methods: list[str] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    decides: bool


def every() -> list[Claim]:
    """All claims in the file's order, checked.

    Raises:
        UnknownName: a key, or a name that nothing here has; the closest match is named.
        ReplicateError: a key is missing or of the wrong type, an equivalence has no margin, or a
            paper has an id twice.
    """
    return parse(_file()["claim"])


def of_paper(key: str) -> list[Claim]:
    """The claims of a paper, a name of `reported.keys()`; raises what `every` does."""
    _check_paper(key)
    return [claim for claim in every() if claim.paper == key]


def designs() -> list[Design]:
    """The designed runs, one entry a data set; raises what `every` does."""
    listed = [_model(Design, entry, "design") for entry in _file()["design"]]
    for design in listed:
        spec.spec(design.dataset)
        for name in design.methods:
            make_run(name, design.dataset, 0, BUDGET)
    return listed


def parse(entries: Iterable[dict[str, object]]) -> list[Claim]:
    """The claims of `[[claim]]` entries, checked; raises what `every` does."""
    claims = [_model(Claim, entry, "claim") for entry in entries]
    names = [(claim.paper, claim.id) for claim in claims]
    for claim in claims:
        _check_names(claim)
        if claim.prediction == EQUIVALENT and not claim.margin:
            raise ReplicateError(
                f"{FILE}, claim {claim.id!r}: margin 0 of an equivalence, which no interval "
                "reaches; expected how large a difference still counts as none"
            )
        if names.count((claim.paper, claim.id)) > 1:
            raise ReplicateError(
                f"{FILE}: claim {claim.id!r} of {claim.paper} stands twice; expected once"
            )
    return claims


def _check_names(claim: Claim) -> None:
    """Everything that the claim names exists, and its protocol gives its metric."""
    _check_paper(claim.paper)
    of = f"of claim {claim.id!r}"
    for arm in claim.arms:
        make_run(arm, claim.dataset, 0, BUDGET)  # raises for a name that is none
    first, second = spec.spec(claim.dataset).domains
    directions = (BOTH, f"{first}->{second}", f"{second}->{first}")
    protocols = {name: protocol.metric for name, protocol in PROTOCOLS.items()}
    protocols |= classes.METRICS
    _choose(f"prediction {of}", claim.prediction, PREDICTIONS)
    _choose(f"direction {of}", claim.direction, directions)
    _choose(f"protocol {of}", claim.protocol, protocols)
    _choose(f"metric of protocol {claim.protocol}", claim.metric, [protocols[claim.protocol]])


def _choose(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise unknown(what, value, known)


def _file() -> dict:
    return documents.read_toml(paths.claims(), "claim", "design")


def _model(model: type[Entry], entry: dict[str, object], kind: str) -> Entry:
    """The entry as a model, with the first thing wrong in it as the error."""
    name = entry.get("id") or entry.get("dataset") or "?"
    return documents.validated(model, entry, f"{FILE}, {kind} {name!r}", "key")


def _check_paper(key: str) -> None:
    _choose("paper", key, reported.keys())
