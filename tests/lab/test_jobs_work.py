"""One job: what it leaves, what counts as done, signals, its GPU."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from support.made_up_runs import record_of

from replicate import paths
from replicate.lab import attempts, execute, machines, make_run, state
from replicate.lab import job as work
from replicate.lab.budget_grid import pages
from replicate.lab.graph import Options, graph

WHOLE, DEFAULT = "completed completed completed", Options()


@pytest.fixture
def job(workspace, monkeypatch):
    """A function that works off one job of a graph, of the first run or of the notebook."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    before, below = set(machines.below()), machines.below  # such as another test's browser
    monkeypatch.setattr(machines, "below", lambda: [p for p in below() if p not in before])

    def call(kind: str, options: Options = DEFAULT, **changes) -> tuple[int, list[dict]]:
        content = graph(pages("smoke", ["02_aggan"]), [], options)
        key, entry = next(iter(content[kind].items()))
        content[kind] = {key: entry | changes}
        call.place = attempts.folder(paths.results(), kind, key)
        file = workspace / "graph.json"
        file.write_text(json.dumps(content))
        return work.main([str(file), kind, key]), attempts.read(call.place)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def trains(monkeypatch):
    """A function that says what training does; a job asks for it as `ensure`."""
    return lambda does: monkeypatch.setattr(execute, "ensure", does)


@pytest.fixture
def draws(monkeypatch):
    """A function that says what papermill does to a notebook of three cells, and how they end."""

    def tell(does, states: str = WHOLE) -> None:
        cells = [
            {"cell_type": "code", "source": [source], "metadata": {"papermill": {"status": state}}}
            for source, state in zip(("a = 1", "b = 2", "c = 3"), states.split(), strict=True)
        ]

        def papermill(entry, file):
            file.write_text(json.dumps({"cells": cells}))
            does(entry, file)

        monkeypatch.setattr(work, "_papermill", papermill)

    return tell


# A run


def test_a_run_is_trained_in_the_job_itself_with_all_that_makes_it_this_run(job, trains):
    asked = []
    trains(lambda *words, **more: asked.append((words, more, os.getpid())))
    changes = {"label": "paper+lr=0.001", "device": "mps", "offline": True}
    status, tries = job("runs", Options(retrain=True), **changes)
    run = make_run("cyclegan", "horse2zebra_drawn", 0, "smoke", {"lr": 1e-3})
    assert asked == [((run, "mps", True, True), {"wait": True}, os.getpid())]
    assert status == 0 and tries[0]["status"] == 0 and tries[0]["pid"] == os.getpid()


def test_a_job_leaves_its_output_its_end_and_no_process(job, trains, capfd):
    left = []

    def ensure(*words, **more):
        left.append(subprocess.Popen(["sleep", "60"]))
        os.write(1, b"in the log\n")

    trains(ensure)
    status, tries = job("runs")
    assert status == 0 and tries[0]["status"] == 0 and tries[0]["ended"] >= tries[0]["began"]
    assert (job.place / "latest.log").read_text() == "in the log\n"
    assert not (job.place / "latest.ipynb").is_symlink()  # a run has none
    assert "in the log" not in capfd.readouterr().out
    assert left[0].wait(5) == -signal.SIGKILL


def test_a_real_run_is_scored_in_the_end(job, tiny):
    run = make_run("cyclegan", tiny, 0, "smoke")
    assert job("runs", dataset=tiny, folder=str(run.folder))[0] == 0
    assert state.of(run).name == "scored"


def test_a_failed_job_says_why_in_one_line(job, trains, capfd):
    def ensure(*words, **more):
        raise OSError("disk is\n full")

    trains(ensure)
    status, tries = job("runs")
    assert status == 1 and tries[0]["reason"] == "disk is full"
    assert capfd.readouterr().err.endswith("(smoke): disk is full\n")


def test_a_loss_that_was_not_finite_is_not_tried_again_by_itself(job, trains):
    run = make_run("cyclegan", "horse2zebra_drawn", 0, "smoke")
    run.folder.mkdir(parents=True)
    reason = "loss adv_A is nan at iteration 3"
    record = record_of(run, "failed", diverged=True, reason=reason)
    (run.folder / "run.json").write_text(json.dumps(record))
    trains(lambda *words, **more: pytest.fail("it was tried"))
    status, tries = job("runs")
    assert (
        status == 1 and tries[-1]["reason"].startswith(reason) and "--again" in tries[-1]["reason"]
    )
    trains(lambda *words, **more: None)
    status, tries = job("runs", Options(again=True))
    assert status == 0 and [t["attempt"] for t in tries] == [1, 2]


def test_a_signal_reaches_the_training_which_saves(job, tiny, monkeypatch):
    run, batch = make_run("cyclegan", tiny, 0, "smoke"), execute.Batches.__call__

    def signalled(batches, i):
        if i == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(batches, i)

    with monkeypatch.context() as patch:
        patch.setattr(execute.Batches, "__call__", signalled)
        status, tries = job("runs", dataset=tiny, folder=str(run.folder))
    assert status == work.STOPPED == tries[0]["status"]
    assert tries[0]["reason"].startswith("stopped by SIGTERM at iteration 2 of 4, which is saved")
    assert state.of(run).name == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_outside_of_a_training_ends_the_job_at_once(job, trains, number):
    def ensure(*words, **more):
        os.kill(os.getpid(), number)
        pytest.fail("it went on")

    trains(ensure)
    status, tries = job("runs")
    assert status == work.STOPPED and tries[0]["reason"].startswith("stopped before its training")


def test_a_job_runs_on_the_gpu_that_it_locked(job, trains, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(machines, "LOCKS", tmp_path)
    monkeypatch.setenv(machines.VISIBLE, "GPU-aaaa,GPU-bbbb")
    monkeypatch.setenv(machines.HELD, "")
    trains(lambda *words, **more: seen.append(os.environ[machines.VISIBLE]))
    with machines.one(["GPU-aaaa"]):
        status, tries = job("runs", gpu=1)
    assert status == 0 and seen == ["GPU-bbbb"] and tries[0]["gpu"] == "GPU-bbbb"


def test_torch_is_not_imported_before_the_gpu_is_chosen():
    code = "import sys, replicate.lab.job; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# A notebook


def test_a_whole_notebook_takes_the_place_of_the_one_before(job, draws):
    draws(lambda entry, executed: None)
    assert job("notebooks")[0] == 0
    executed = paths.results() / "notebooks" / "smoke" / "02_aggan.ipynb"
    assert executed.read_bytes() == (job.place / "latest.ipynb").read_bytes()
    assert attempts.drawn_file(executed).exists()


@pytest.mark.parametrize("name", ["ReplicateError", "SystemExit"])
def test_a_notebook_that_ended_early_is_not_drawn(job, draws, name):
    def papermill(entry, file):
        if name != "SystemExit":  # of which papermill says nothing
            error = RuntimeError("whole trace")
            error.ename, error.evalue = name, "no such\n parameter"
            raise error

    draws(papermill, "completed failed pending")
    status, tries = job("notebooks")
    said = "ended early, at the cell 'b = 2'" if name == "SystemExit" else "no such parameter"
    assert status == 1 and said in tries[0]["reason"]
    assert not (paths.results() / "notebooks").exists()


def test_a_job_passes_a_signal_on_to_a_kernel_and_waits_for_what_comes_of_it(job, draws):
    kernel = "import signal, sys, time; signal.signal(15, lambda *a: sys.exit(5)); "
    kernel += "print(flush=True); time.sleep(60)"

    def papermill(entry, executed):
        child = subprocess.Popen([sys.executable, "-c", kernel], stdout=subprocess.PIPE)
        child.stdout.readline()
        os.kill(os.getpid(), signal.SIGTERM)
        child.communicate()
        raise RuntimeError(f"the kernel ended with {child.returncode}")

    draws(papermill)
    status, tries = job("notebooks")
    assert status == work.STOPPED and tries[0]["reason"] == "the kernel ended with 5"
