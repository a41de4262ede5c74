"""Runs that are shown from published records: which, in what precision, and what is refused."""

import pytest

from replicate import lab, paths
from replicate.errors import ReplicateError
from replicate.lab import recorded, workflow
from replicate.lab.notebook_parameters import checked
from replicate.lab.recorded import Recorded, here_or_recorded
from replicate.lab.state import Today
from replicate.report import tables

NOTEBOOK = "02_aggan"


def asked(**changes):
    """The notebook's parameters, without its baselines of one seed."""
    given = dict(workflow.read_params(NOTEBOOK, "laptop")) | {"one_seed": {}} | changes
    return checked(given, NOTEBOOK)


def test_without_training_every_published_seed_of_what_is_asked_for_is_shown(workspace):
    params = asked()
    runs = lab.grid(params)
    assert all(isinstance(run, Recorded) for run in runs)
    assert {recorded.name_of(run) for run in runs} == set(params.methods)
    assert {run.seed for run in runs} == {0, 1, 2, 3, 4} > set(params.seeds)
    for run in runs:
        assert run.folder.is_relative_to(paths.published())
        assert run.record()["hash"] == run.hash  # the configuration is that of the record
    assert repr(runs).startswith("15 runs: 15 published")
    assert tables.check(tables.of_runs(runs), params).startswith("610 scores of 15 runs")
    assert set(tables.runs_table(runs)["state"]) == {recorded.WORD}
    assert not (workspace / "results" / "runs").exists()


def test_what_is_neither_here_nor_published_is_refused_with_its_command(workspace):
    params = asked(methods=["cyclegan+lambda_cyc=5.0", "aggan"])
    command = "replicate train cyclegan --data horse2zebra_drawn --seed 0 --budget laptop"
    with pytest.raises(ReplicateError, match=f"`{command} --set lambda_cyc=5.0` trains it"):
        lab.grid(params)
    with pytest.raises(ReplicateError, match=r"seed 7 \(laptop\) is neither"):
        lab.grid(asked(methods=["aggan"], seeds=[7]))


def test_a_stale_record_is_not_shown(workspace, monkeypatch):
    monkeypatch.setattr(Today, "changed", lambda self, record, images=True: ("code",))
    with pytest.raises(ReplicateError, match="neither on this machine nor published"):
        lab.grid(asked())


def test_a_run_of_this_machine_goes_before_records(finished):
    assert here_or_recorded([finished]) == [finished]
