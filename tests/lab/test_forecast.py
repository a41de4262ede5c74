"""What `plan` and `status` tell of run folders, and that many of them stay cheap."""

import json
import re
import sys

import pytest
import torch
from support.made_up_runs import make_up

from replicate import cli, devices, files, paths
from replicate.datasets import hashes
from replicate.errors import ReplicateError
from replicate.lab import fingerprint, make_run, preflight
from replicate.lab import forecast as forecasting
from replicate.lab.forecast import Estimates, Known, by_method, forecast
from replicate.lab.state import Today, describe


@pytest.fixture
def measured(monkeypatch) -> type:
    """Whatever runs, a whole run of 100 steps takes ten hours and a gigabyte."""

    class Measured:
        hours, host_memory_mb, disk_mb, written_mb = 10.0, 900.0, 1000.0, 20_000.0
        device, device_name = "cpu", devices.model(torch.device("cpu"))

    monkeypatch.setattr(preflight, "estimate", lambda run, device, counts=None: Measured)
    monkeypatch.setattr(forecasting, "iterations", lambda run, counts=None: 100)
    return Measured


def asked(name: str = "cyclegan", seed: int = 0, dataset: str = "horse2zebra"):
    return make_run(name, dataset, seed, "laptop")


def test_a_failure_is_told_with_its_log(workspace):
    run = asked()
    folder = make_up(run, "failed", reason="loss G is nan\nat iteration 3")
    assert describe(folder)["log"] == ""
    place = paths.results() / "logs" / "runs" / run.dataset / run.method / folder.name
    place.mkdir(parents=True)
    (place / "latest.log").touch()
    told = describe(folder)
    assert told["reason"] == "loss G is nan\nat iteration 3"
    assert told["log"] == str(place / "latest.log")


# The plan


def test_hours_are_those_that_are_left(workspace, measured):
    runs = [asked(seed=seed) for seed in range(6)]
    make_up(runs[0], done=100, iterations=100)
    make_up(runs[1], done=100, iterations=100, scoring={"kid/standin": "of other code"})
    make_up(runs[2], "stopped", 25, iterations=100)
    make_up(runs[3], "failed", 50, iterations=100)
    make_up(runs[4], done=100, iterations=100, fingerprint={"code": "of other code"})
    found = forecast(runs, "cpu")
    words = ["scored", "trained", "stopped", "failed", "stale", "missing"]
    assert [each.seen.word for each in found] == words
    assert [each.hours for each in found] == [0, 0, 7.5, 5, 10, 10]
    row, total = by_method(found)
    assert {key: row[key] for key in words} == dict.fromkeys(words, 1)
    assert (row["method"], row["runs"], row["hours"], row["disk_gb"]) == ("cyclegan", 6, 32.5, 6)
    assert row["written_gb"] == 120
    assert total == row | {"method": "all"}


def test_finished_runs_of_the_same_kind_tell_the_hours_where_no_preflight_does(
    workspace, monkeypatch
):
    monkeypatch.setattr(forecasting, "iterations", lambda run, counts=None: 100)
    runs = [asked(seed=seed) for seed in range(4)]
    for run, hours in zip(runs, (1.0, 3.0, 20.0), strict=False):
        make_up(run, iterations=10, hours=hours, peak_memory_mb=700)
    other_set, other_method = asked(dataset="apple2orange"), asked("aggan")
    on_gpu = make_run("cyclegan", "horse2zebra", 9, "laptop")
    found = forecast([runs[3], other_set], "cpu")
    assert [each.hours for each in found] == [30, 30]  # the median, 0.3 h a step
    assert {each.whole.by for each in found} == {"finished runs"} and found[0].whole.disk_mb > 0
    assert found[0].whole.memory_mb == 700
    assert forecast([on_gpu], "cuda")[0].hours is None
    before = paths.results()
    monkeypatch.setattr(paths, "published", lambda: before)
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / "elsewhere"))
    assert forecast([runs[3]], "cpu")[0].whole == Known(30, 700, None, "published runs")
    assert forecast([other_method], "cpu")[0].whole == Known(None, None, None, "")


def test_a_preflight_of_another_machine_is_named_as_such_and_comes_after_runs_of_this_one(
    workspace, measured
):
    run = asked()
    assert Estimates().of(run, "cpu") == Known(10, 900, 1000, "preflight", 20_000)
    measured.device_name = "another processor"
    assert Estimates().of(run, "cpu") == Known(
        10, 900, 1000, "preflight on another processor", 20_000
    )
    measured.device, measured.device_name = "cuda", "a GPU"  # which this machine may lack
    assert Estimates().of(run, "cuda").by == "preflight on a GPU"
    make_up(asked(seed=1), iterations=100, hours=3.0)
    assert Estimates().of(run, "cpu")[:4:3] == (3, "finished runs")


def test_a_set_of_unknown_size_has_unknown_hours(workspace):
    (row, total) = by_method(forecast([make_run("cyclegan", "cat2dog", 0, "paper")], "cpu"))
    assert (row["hours"], row["not_measured"]) == (None, 1)
    assert total["not_measured"] == 1


# Many


@pytest.fixture
def many(workspace, measured) -> list:
    """Two hundred run folders of two methods on two sets, a tenth of them of other code."""
    names, sets = ("cyclegan", "aggan"), ("horse2zebra", "apple2orange")
    runs = [asked(m, seed, d) for seed in range(50) for m in names for d in sets]
    for i, run in enumerate(runs):
        make_up(run, **({"fingerprint": {"code": "0" * 16}} if i % 10 == 0 else {}))
    return runs


def test_many_folders_cost_one_fingerprint_a_method(many, monkeypatch):
    hashed: list[str] = []
    real = fingerprint.code_fingerprint
    monkeypatch.setattr(fingerprint, "code_fingerprint", lambda m: hashed.append(m.name) or real(m))

    def never(*asked: object) -> None:
        raise AssertionError("a checkpoint or an image was read")

    monkeypatch.setattr(files, "sha256", never)
    monkeypatch.setattr(hashes, "sha256", never)
    row = by_method(forecast(many, "cpu"))[-1]
    assert (row["runs"], row["scored"], row["stale"], row["missing"]) == (200, 180, 20, 0)
    assert sorted(hashed) == ["aggan", "cyclegan"]
    today = Today()
    told = [describe(run.folder, today)["word"] for run in many]
    assert (told.count("scored"), told.count("stale")) == (180, 20)
    assert len(hashed) == 4


# The commands


def call(monkeypatch, capsys, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["replicate", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None), ended.value.code
    return capsys.readouterr().out


def test_plan_and_status_in_words_and_as_json(workspace, measured, monkeypatch, capsys):
    run = make_run("cyclegan", "horse2zebra_drawn", 0, "smoke")
    make_up(run, "failed", 2, iterations=4, reason="no space")
    words = ("plan", "smoke", "--notebook", "02_aggan")
    text = call(monkeypatch, capsys, *words, "--runs").splitlines()
    assert text[0] == f"budget smoke on cpu: 3 runs into {paths.results()}"
    assert text[1].split() == ["method", "runs", "hours", "left", "disk", "state"]
    assert " ".join(text[5].split()) == "all 3 25.00 3.0 GB 1 failed, 2 missing"
    assert text[6].startswith("checkpoints: 60.0 GB written in all")  # of `measured`
    assert re.split(" {2,}", text[9]) == ["failed", "5.00 h", run.title, "no space; preflight"]
    told = json.loads(call(monkeypatch, capsys, *words, "--json"))
    assert told["methods"][-1]["hours"] == 25 and len(told["runs"]) == 3
    more = json.loads(call(monkeypatch, capsys, *words, "--json", "--seeds", "0,1"))
    assert len(more["runs"]) == 6
    _, line, count = call(monkeypatch, capsys, "status").splitlines()
    assert line.endswith(f"{run.title}  no space") and count == "1 runs: 1 failed"


def test_a_plan_without_measurements_names_the_command(workspace, monkeypatch, capsys):
    monkeypatch.setattr(paths, "published", lambda: workspace)
    text = call(monkeypatch, capsys, "plan", "paper", "--notebook", "02_aggan")
    assert "not measured" in text and "`make preflight BUDGET=paper DEVICE=cuda`" in text
    assert not paths.results().exists()  # a plan makes nothing


def test_a_budget_that_does_not_exist_is_refused(workspace):
    with pytest.raises(ReplicateError, match=r"unknown budget 'papre' \(did you mean 'paper'\?\)"):
        cli.planning.plan("papre")
