"""What is published of a run, and what its folder tells while it runs."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from support.made_up_runs import make_up, record_of

from replicate import paths
from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.lab.published import KEPT, find_runs, publish
from replicate.lab.run import read_record
from replicate.lab.state import SILENT, describe

RUN = make_run("aggan", "d", 0, "laptop")


@pytest.fixture
def folder(workspace, monkeypatch) -> Path:
    """The folder of a finished laptop run, with a note that tells where this machine looked."""
    monkeypatch.setattr(paths, "published", lambda: workspace / "published")
    folder = make_up(RUN, notes=NOTES)
    for name in ("scores.csv", "curves.csv", "health.csv", "translations.png"):
        (folder / name).write_text(name)
    return folder


NOTES = {
    "a fid/inception": "not computed: Inception weights not found at /some/x.pth; download it",
    "a fid/standin": "floor: halves of real, 6 + 6",
}


def write(folder: Path, **record: object) -> None:
    (folder / "run.json").write_text(json.dumps(read_record(folder) | record))


def test_a_published_record_replaces_its_forerunner_alone(folder, capsys):
    target = publish(folder, {})
    others = ["paper-0-ffffffff", "paper-0-1-ffffffff", "light-0-ffffffff"]
    for name in others:
        shutil.copytree(target, target.with_name(name))
    assert publish(folder, {}) == target and capsys.readouterr().out == ""  # the same once more
    write(folder, commit="b" * 40)
    assert publish(folder, {}) == target
    assert capsys.readouterr().out == f"replaced: {target} (of commit aaaaaaaaaa)\n"
    assert sorted(p.name for p in target.parent.iterdir()) == sorted([target.name, *others])
    assert sorted(p.name for p in target.iterdir()) == sorted(KEPT)
    assert all((target / n).read_text() == n for n in KEPT if n != "run.json")


def test_the_record_of_another_run_is_not_replaced(folder):
    target = publish(folder, {})
    write(target, seed=7)
    with pytest.raises(ReplicateError, match=r"holds the record of aggan on d, seed 7 .* another"):
        publish(folder, {})
    assert read_record(target)["seed"] == 7
    (target / "run.json").write_text("{")
    assert read_record(publish(folder, {}))["seed"] == 0  # a damaged one is


def test_a_published_record_names_no_place_of_this_machine(folder):
    record = read_record(publish(folder, {}))
    assert record.pop("notes") == {
        "a fid/inception": "not computed: Inception weights not found",
        "a fid/standin": "floor: halves of real, 6 + 6",
    }
    assert set(record.pop("results")) == set(KEPT) - {"run.json"}
    assert record == {key: value for key, value in record_of(RUN).items() if key != "notes"}


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"budget": "smoke"}, "is a smoke run: it proves that the code executes"),
        ({"status": "running"}, "is running, expected finished; run it to its end first"),
        ({"lost": "scores.csv"}, r"lacks scores\.csv; run it again, it will score"),
    ],
)
def test_smoke_unfinished_and_incomplete_runs_are_not_published(folder, changes, text):
    write(folder, **changes)
    if "lost" in changes:
        (folder / changes["lost"]).unlink()
    with pytest.raises(ReplicateError, match=text):
        publish(folder, {})
    assert not paths.published().exists()


def test_runs_are_found_by_budget_and_those_kept_aside_are_none(folder):
    aside = folder.with_name(f"{folder.name}.stale-1")
    aside.mkdir()
    shutil.copy(folder / "run.json", aside)
    assert find_runs(paths.results()) == find_runs(paths.results(), "laptop") == [folder]
    assert find_runs(paths.results(), "paper") == find_runs(paths.published()) == []


@pytest.mark.parametrize(
    "status, age, state",
    [
        ("running", SILENT + 60, "stopped"),
        ("failed", SILENT + 60, "failed"),
        ("finished", SILENT + 60, "stopped"),  # its last checkpoint is missing
    ],
)
def test_status_tells_what_became_of_a_run(tmp_path, status, age, state):
    record = record_of(RUN, status, label="light", seed=2, iterations=9, fingerprint={})
    (tmp_path / "run.json").write_text(json.dumps(record))
    (tmp_path / "losses.csv").touch()
    (tmp_path / "checkpoint-00000007.pt").touch()
    then = time.time() - age
    os.utime(tmp_path / "losses.csv", (then, then))
    found = describe(tmp_path)
    assert (found["state"], found["iteration"], found["iterations"]) == (state, 7, 9)
    assert found["title"] == "aggan:light on d, seed 2 (laptop)"
    assert age <= found["heartbeat_seconds"] <= age + 30  # the machine may be slow
