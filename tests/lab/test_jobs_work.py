"""One job: what it leaves, what counts as done, signals, its GPU."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.made_up_runs import record_of

from replicate import paths
from replicate.lab import attempts, machines, make_run
from replicate.lab import job as work
from replicate.lab.graph import Options, graph
from replicate.lab.grid import pages

WHOLE = "completed completed completed"


def write_notebook(file: Path, states: str) -> None:
    """What papermill leaves of a notebook whose second cell trains: how each of its cells ended."""
    sources = ["params = 1", "runs = lab.grid(params)", "plots.losses(runs)"]
    cells = [
        {"cell_type": "code", "source": [source], "metadata": {"papermill": {"status": state}}}
        for source, state in zip(sources, states.split(), strict=True)
    ]
    file.write_text(json.dumps({"cells": cells}))


@pytest.fixture
def job(workspace, monkeypatch):
    """A function that writes a graph of one run and works it off; papermill does as it is told."""
    kept = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    before, below = set(machines.below()), machines.below  # such as another test's browser
    monkeypatch.setattr(machines, "below", lambda: [p for p in below() if p not in before])

    def call(
        papermill, again: bool = False, executed: str = WHOLE, **changes
    ) -> tuple[int, list[dict], Path]:
        run = make_run("cyclegan", "tiny", 0, "smoke")
        content = graph(pages("smoke", ["02_aggan"]), [], Options(again=again))
        entry = next(iter(content["runs"].values())) | {"folder": str(run.folder)} | changes
        content["runs"] = {"d/m/leaf": entry}
        file = workspace / "graph.json"
        file.write_text(json.dumps(content))

        def told(entry: dict, file: Path) -> None:
            write_notebook(file, executed)
            papermill(entry, file)

        monkeypatch.setattr(work, "_papermill", told)
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


@pytest.mark.parametrize(
    "executed", ["failed pending pending", "completed failed pending", "completed completed failed"]
)
@pytest.mark.parametrize("name", ["ReplicateError", "SystemExit"])
def test_a_notebook_that_failed_before_the_end_of_its_training_is_not_done(
    finished, job, executed, name
):
    """Whatever an earlier start left in the run's folder; papermill says nothing of SystemExit."""

    def papermill(entry, file):
        if name != "SystemExit":
            error = RuntimeError("whole trace")
            error.ename, error.evalue = name, "no such parameter"
            raise error

    given = {"methods": ["cyclegan"], "datasets": ["tiny"]}
    content = graph(pages("smoke", ["02_aggan"]), [], Options())["runs"]
    parameters = next(iter(content.values()))["parameters"] | given
    status, tries, _ = job(papermill, executed=executed, parameters=parameters)
    after = executed.startswith("completed completed") and name != "SystemExit"
    assert status == int(not after) and tries[-1]["reason"]


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
    monkeypatch.setattr(machines, "LOCKS", tmp_path)
    monkeypatch.setenv(machines.VISIBLE, "GPU-aaaa,GPU-bbbb")
    monkeypatch.setenv(machines.HELD, "")
    with machines.one(["GPU-aaaa"]):
        status, tries, _ = job(lambda *a: seen.append(os.environ[machines.VISIBLE]), gpu=1)
    assert status == 0 and seen == ["GPU-bbbb"] and tries[0]["gpu"] == "GPU-bbbb"


def test_the_cell_that_trains_is_found_in_every_notebook_that_has_runs(workspace):
    for entry in graph(pages("smoke"), [], Options())["runs"].values():
        cells = json.loads(Path(entry["source"]).read_text())["cells"]
        assert sum(work.TRAINS in "".join(cell["source"]) for cell in cells) == 1, entry["source"]
