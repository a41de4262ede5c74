"""What the summary's notebook asks for."""

import pytest

from replicate import paths
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import checked


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"records": "publised"}, r"unknown records 'publised' \(did you mean 'published'\?\)"),
        ({"records": 1}, r"records=1: expected str"),
        ({"seeds": [0]}, r"unknown parameter 'seeds'"),
    ],
)
def test_wrong_parameters_of_the_summary(changed, text):
    with pytest.raises(ReplicateError, match=text):
        checked({"records": "local", "budget": "paper"} | changed, "90_summary")


def test_the_summary_shows_records_of_a_budget_that_has_numbers():
    smoke = checked({"records": "published", "budget": "smoke"}, "90_summary")
    assert (smoke.root(), smoke.shown()) == (paths.published(), "laptop")
    local = checked({"records": "local", "budget": "paper"}, "90_summary")
    assert (local.root(), local.shown(), local.runs()) == (paths.results(), "paper", [])
