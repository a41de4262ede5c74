"""The claims entered for each paper name methods, variants and protocols that exist."""

import math

import pandas as pd
import pytest

from replicate import claims, reported
from replicate.claims import BOTH, CEILING, IDLE, Claim
from replicate.experiment.run import make_run
from replicate.methods import METHODS
from replicate.metrics.protocol_list import PROTOCOLS
from replicate.tables.catalogue import METRICS

PAPERS = reported.keys()
CLAIMS = [(key, claim) for key in PAPERS for claim in claims.of_paper(key)]
every_claim = pytest.mark.parametrize(
    "claim", [claim for _, claim in CLAIMS], ids=[f"{key}:{claim.id}" for key, claim in CLAIMS]
)
UGATIT = {claim.id: claim for key, claim in CLAIMS if key == "kim2020ugatit"}


@every_claim
def test_a_claim_names_what_exists(claim: Claim) -> None:
    for name in {claim.method, claim.than} - {CEILING, IDLE}:
        make_run(name, "horse2zebra_drawn", 0, "laptop")  # raises for a name that is none
    assert claim.protocol in PROTOCOLS and claim.metric in METRICS
    assert PROTOCOLS[claim.protocol].metric == claim.metric


@every_claim
def test_the_side_that_is_claimed_higher_fits_the_metric(claim: Claim) -> None:
    """A KID is better where it is lower: the paper's own method stands on the other side."""
    paper = {key for key, other in CLAIMS if other is claim}.pop()
    better = claim.than if METRICS[claim.metric].better == "↓" else claim.method
    assert METHODS[make_run(better, "", 0, "laptop").method].paper == paper


def measured(kid: dict[str, float]) -> pd.DataFrame:
    """Three seeds of a KID for each method, in both directions."""
    shared = {"dataset": "drawn", "budget": "laptop", "metric": "kid", "protocol": "kid/standin"}
    shared |= {"extractor": "standin", "stale": False, "note": "", "do_nothing": math.nan}
    return pd.DataFrame(
        [
            shared | {"name": name, "direction": direction, "seed": seed, "value": value}
            for name, value in kid.items()
            for direction in ("horse->zebra", "zebra->horse")
            for seed in range(3)
        ]
    )


@pytest.mark.parametrize(
    ("claim", "rival"),
    [
        ("beats-cyclegan", "cyclegan"),
        ("adalin-over-in", "ugatit:in"),
        ("cam-over-no-cam", "ugatit:no-cam"),
    ],
)
def test_a_lower_kid_of_ugatit_reproduces_its_claims(claim: str, rival: str) -> None:
    tried = [UGATIT[claim]]
    assert tried[0].direction == BOTH
    for own, verdict in ((0.01, "reproduced"), (0.03, "not reproduced")):
        found = claims.judged(measured({"ugatit": own, rival: 0.02}), tried)
        assert set(found["verdict"]) == {verdict}
