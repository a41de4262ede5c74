"""Jobs: attempts, markers, the graph, what is refused, and what a start says in the end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.made_up_runs import record_of

from replicate import checkpoint, paths
from replicate.experiment import ensure, make_run
from replicate.experiment.budget_grid import pages
from replicate.jobs import attempts, gpus, markers, outcome, processes, work
from replicate.jobs.graph import Options, graph, key

# Attempts


def test_every_try_keeps_its_log_and_its_end(tmp_path):
    place = attempts.folder(tmp_path, "runs", "d/m/paper-0-1")
    assert attempts.begin(place, {"pid": 1}) == 1
    attempts.log(place, 1).write_text("first")
    attempts.note(place, {"attempt": 1, "status": 1, "reason": "no", "ended": 5.0})
    assert attempts.begin(place, {"pid": 2}) == 2
    attempts.log(place, 2).write_text("second")
    with (place / attempts.ENDS).open("a") as file:
        file.write('{"attempt": 2, "sta')  # a full disk
    assert attempts.log(place, 1).read_text() == "first"
    assert (place / "latest.log").read_text() == "second"
    assert attempts.read(place) == [
        {"attempt": 1, "pid": 1, "status": 1, "reason": "no", "ended": 5.0},
        {"attempt": 2, "pid": 2},
    ]


# Graph and markers


def test_the_graph_names_every_run_once_and_what_each_notebook_needs(workspace):
    content = graph(pages("smoke"), [], Options(summary=False))
    assert content["tables"] is False  # of smoke there are none
    needed = {k for entry in content["notebooks"].values() for k in entry["needs"]}
    assert needed == set(content["runs"]) and len(needed) > 10
    assert content["notebooks"]["smoke/00_protocol"]["needs"] == []
    assert {entry["gpu"] for entry in content["runs"].values()} == {0}
    assert {entry["threads"] for entry in content["runs"].values()} == {1}
    assert json.loads(json.dumps(content)) == content
    assert graph(pages("laptop"), [], Options())["tables"] is True
    assert graph(pages("laptop"), [], Options(draw=False))["notebooks"] == {}


def test_gpus_are_asked_for_where_the_device_is_cuda_or_on_request(workspace):
    paper = graph(pages("paper", ["02_aggan"]), [], Options())["runs"].values()
    assert {entry["gpu"] for entry in paper} == {1}
    asked = graph(pages("smoke", ["02_aggan"]), [], Options(gpus=2))["runs"].values()
    assert {entry["gpu"] for entry in asked} == {1}
    none = graph(pages("paper", ["02_aggan"]), [], Options(gpus=0))["runs"].values()
    assert {entry["gpu"] for entry in none} == {0}


def test_stale_runs_and_what_needs_them_are_left_out_unless_retrained(workspace):
    asked = pages("smoke", ["01_dagan", "02_aggan"])
    stale = [run for page in asked for run in page.runs if run.method == "aggan"]
    content = graph(asked, stale, Options(summary=False))
    assert not {key(run) for run in stale} & set(content["runs"])
    assert list(content["notebooks"]) == ["smoke/01_dagan"]
    again = graph(asked, stale, Options(retrain=True, summary=False))
    assert {k for k, entry in again["runs"].items() if entry["stale"]} == set(map(key, stale))
    assert list(again["notebooks"]) == ["smoke/01_dagan", "smoke/02_aggan"]


@pytest.fixture
def finished(tiny):
    """A real finished run of four steps."""
    run = make_run("cyclegan", tiny, 0, "smoke")
    try:
        ensure(run)
    finally:
        torch.use_deterministic_algorithms(False)
    return run


def test_markers_agree_with_the_run_folders_whatever_was_there(finished, monkeypatch):
    missing = make_run("cyclegan", "tiny", 1, "smoke")
    marker, other = (markers.folder() / "runs" / key(run) for run in (finished, missing))
    other.parent.mkdir(parents=True)
    other.touch()  # of a folder that somebody deleted
    assert markers.agree([finished, missing]) == {"done": [finished], "missing": [missing]}
    assert marker.exists() and not other.exists()
    scores = finished.folder / "scores.csv"
    assert marker.stat().st_mtime == scores.stat().st_mtime

    newest = checkpoint.generations(finished.folder)[0]
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    assert markers.agree([finished]) == {"partial": [finished]} and not marker.exists()
    newest.write_bytes(whole)
    text = scores.read_text()
    scores.unlink()
    assert markers.agree([finished]) == {"unscored": [finished]} and not marker.exists()
    scores.write_text(text)
    record = finished.record()
    stale = record | {"fingerprint": record["fingerprint"] | {"code": "other"}}
    (finished.folder / "run.json").write_text(json.dumps(stale))
    assert markers.agree([finished]) == {"stale": [finished]} and not marker.exists()


def test_looking_at_many_runs_hashes_no_checkpoint_and_each_data_set_once(finished, monkeypatch):
    counted = []
    fingerprint = type(finished).fingerprint
    monkeypatch.setattr(
        type(finished), "fingerprint", lambda run: (counted.append(run), fingerprint(run))[1]
    )
    monkeypatch.setattr(checkpoint, "is_whole", lambda path: pytest.fail("hashed a checkpoint"))
    assert len(markers.agree([finished] * 50)["done"]) == 50
    assert len(counted) == 1


def test_a_graph_is_complete_where_nothing_is_missing_or_older_than_its_inputs(workspace):
    content = graph(pages("smoke", ["02_aggan", "01_dagan"]), [], Options(summary=False))
    summary = {"needs": [], "after": list(content["notebooks"])}
    content["notebooks"]["smoke/90_summary"] = summary
    content["tables"] = True
    made = [("runs", k) for k in content["runs"]] + [("notebooks", k) for k in summary["after"]]
    made += [("tables", "smoke"), ("notebooks", "smoke/90_summary")]
    for second, place in enumerate(made, start=1):
        assert not markers.complete(content)
        marker = markers.folder().joinpath(*place)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        os.utime(marker, (second, second))
    assert markers.complete(content)
    for place in made[:-1]:  # each is an input of something
        marker = markers.folder().joinpath(*place)
        before = marker.stat().st_mtime
        os.utime(marker, (1000, 1000))
        assert not markers.complete(content), place
        os.utime(marker, (before, before))
    assert markers.complete(content)


# A job


@pytest.fixture
def job(workspace, monkeypatch):
    """A function that writes a graph of one run and works it off; papermill does as it is told."""
    kept = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    before, below = set(processes.below()), processes.below  # such as another test's browser
    monkeypatch.setattr(processes, "below", lambda: [p for p in below() if p not in before])

    def call(papermill, again: bool = False, **changes) -> tuple[int, list[dict], Path]:
        run = make_run("cyclegan", "tiny", 0, "smoke")
        content = graph(pages("smoke", ["02_aggan"]), [], Options(again=again))
        entry = next(iter(content["runs"].values())) | {"folder": str(run.folder)} | changes
        content["runs"] = {"d/m/leaf": entry}
        file = workspace / "graph.json"
        file.write_text(json.dumps(content))
        monkeypatch.setattr(work, "_papermill", papermill)
        status = work.main([str(file), "runs", "d/m/leaf"])
        place = attempts.folder(paths.results(), "runs", "d/m/leaf")
        return status, attempts.read(place), place

    yield call
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_job_leaves_its_output_its_end_and_no_process(job, capfd):
    left = []

    def papermill(entry, executed):
        left.append(subprocess.Popen(["sleep", "60"]))  # what a kernel might leave
        os.write(1, b"in the log\n")

    status, tries, place = job(papermill)
    assert status == 0 and tries[0]["status"] == 0 and tries[0]["ended"] >= tries[0]["began"]
    assert (place / "latest.log").read_text() == "in the log\n"
    assert "in the log" not in capfd.readouterr().out
    assert left[0].wait(5) == -signal.SIGKILL


def test_a_failed_job_says_why_in_one_line(job, capfd):
    def papermill(entry, executed):
        error = RuntimeError("whole trace")
        error.ename, error.evalue = "ReplicateError", "disk is\n full"
        raise error

    status, tries, _ = job(papermill)
    assert status == 1 and tries[0]["reason"] == "disk is full"
    assert capfd.readouterr().err.endswith("(smoke): disk is full\n")


def test_a_cell_that_fails_after_the_training_does_not_make_the_run_fail(finished, job):
    def papermill(entry, executed):
        error = RuntimeError("whole trace")
        error.ename, error.evalue = "ReplicateError", "no run has heat maps"
        raise error

    given = {"methods": ["cyclegan"], "datasets": ["tiny"]}
    content = graph(pages("smoke", ["02_aggan"]), [], Options())["runs"]
    parameters = next(iter(content.values()))["parameters"] | given
    status, tries, _ = job(papermill, parameters=parameters)
    assert status == 0 and tries[0]["reason"] == "no run has heat maps"
    (finished.folder / "scores.csv").unlink()
    assert job(papermill, parameters=parameters)[0] == 1


def test_a_loss_that_was_not_finite_is_not_tried_again_by_itself(job, tmp_path):
    run = make_run("cyclegan", "tiny", 0, "smoke")
    run.folder.mkdir(parents=True)
    reason = "loss adv_A is nan at iteration 3"
    record = record_of(run, "failed", diverged=True, reason=reason)
    (run.folder / "run.json").write_text(json.dumps(record))
    status, tries, _ = job(lambda *a: pytest.fail("it was tried"))
    assert (
        status == 1 and tries[-1]["reason"].startswith(reason) and "--again" in tries[-1]["reason"]
    )
    status, tries, _ = job(lambda *a: None, again=True)
    assert status == 0 and [t["attempt"] for t in tries] == [1, 2]


def test_a_job_passes_a_signal_on_and_waits_for_what_comes_of_it(job, tmp_path):
    kernel = "import signal, sys, time; signal.signal(15, lambda *a: sys.exit(5)); "
    kernel += "print(flush=True); time.sleep(60)"

    def papermill(entry, executed):
        child = subprocess.Popen([sys.executable, "-c", kernel], stdout=subprocess.PIPE)
        child.stdout.readline()
        os.kill(os.getpid(), signal.SIGTERM)
        child.communicate()
        raise RuntimeError(f"the kernel ended with {child.returncode}")

    status, tries, _ = job(papermill)
    assert status == work.STOPPED and tries[0]["reason"] == "the kernel ended with 5"


def test_a_job_runs_on_the_gpu_that_it_locked(job, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(gpus, "LOCKS", tmp_path)
    monkeypatch.setenv(gpus.VISIBLE, "GPU-aaaa,GPU-bbbb")
    monkeypatch.setenv(gpus.HELD, "")
    with gpus.one(["GPU-aaaa"]):
        status, tries, _ = job(lambda *a: seen.append(os.environ[gpus.VISIBLE]), gpu=1)
    assert status == 0 and seen == ["GPU-bbbb"] and tries[0]["gpu"] == "GPU-bbbb"


# What a start says


def test_the_outcome_names_what_failed_with_its_reason_and_evidence(workspace, capsys):
    content = graph(pages("smoke", ["02_aggan"]), [], Options(summary=False))
    content |= {"kept": ["aggan on x, seed 1 (smoke)"], "left_out": ["04_ugatit"]}
    done, failed, killed = content["runs"]
    marker = paths.results() / ".done" / "runs" / done
    marker.parent.mkdir(parents=True)
    marker.touch()
    now = time.time()
    for name in (failed, killed):
        place = attempts.folder(paths.results(), "runs", name)
        attempts.begin(place, {"started": now - 100})  # of an earlier start
        attempts.begin(place, {"started": now})
    place = attempts.folder(paths.results(), "runs", failed)
    attempts.notebook(place, 2).touch()
    attempts.note(place, {"attempt": 2, "status": 1, "reason": "disk full", "ended": now})
    assert outcome.print_outcome(content, now - 1) is False
    lines = capsys.readouterr().out.splitlines()
    title = content["runs"][failed]["title"]
    log, notebook = attempts.log(place, 2), attempts.notebook(place, 2)
    assert lines[0] == f"failed: {title}: disk full; 1 try, log {log}, notebook {notebook}"
    assert "killed; it wrote nothing of its end; 1 try, log" in lines[1]
    assert lines[2].startswith("not begun: 1 jobs")
    assert lines[3:5] == ["stale, kept: aggan on x, seed 1 (smoke)", "not drawn: 04_ugatit"]
