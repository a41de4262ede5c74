"""A training that is asked to stop: it saves first, says so, and goes on to the same bytes."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from replicate import checkpoint
from replicate.lab import ensure, execute, make_run, state
from replicate.lab.stopping import Stoppable, Stopped, stopping
from replicate.methods import METHODS
from replicate.training import Training

METHOD = "aggan"
LAST = 6


def stoppable(loop: Training) -> Stoppable:
    return Stoppable(**{f.name: getattr(loop, f.name) for f in fields(Training) if f.init})


def signalled_at(iteration: int, loop: Stoppable, number: int) -> Stoppable:
    """The loop, which this process is signalled in while iteration `iteration` + 1 is computed."""
    batches = loop.batches

    def asked(i: int) -> dict:
        if i == iteration:
            os.kill(os.getpid(), number)
        return batches(i)

    loop.batches = asked
    return loop


def config():
    case = METHODS[METHOD]
    return case.Config(**{**case.SMOKE, "iterations": LAST})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_training_goes_on_to_the_same_bytes(start, tmp_path, same, saved, number):
    before = signal.getsignal(number)
    start(METHODS[METHOD], config(), tmp_path / "whole").run()
    loop = stoppable(start(METHODS[METHOD], config(), tmp_path / "stopped"))
    text = rf"stopped by {number.name} at iteration 3 of {LAST}, which is saved"
    with pytest.raises(Stopped, match=text), stopping(signalled_at(2, loop, number)):
        loop.run()
    assert signal.getsignal(number) == before
    newest = checkpoint.generations(tmp_path / "stopped")[0]
    assert checkpoint.iteration_of(newest) == 3  # the iteration under way was finished
    assert loop.seconds > 0
    stoppable(start(METHODS[METHOD], config(), tmp_path / "stopped")).run()
    assert same(saved(tmp_path / "stopped"), saved(tmp_path / "whole"))


def test_what_the_loop_just_saved_is_not_saved_again(start, tmp_path, monkeypatch):
    loop = stoppable(start(METHODS[METHOD], config(), tmp_path))
    loop.asked = signal.SIGTERM
    written = []
    save = checkpoint.save

    def noted(folder: Path, state: dict, iteration: int) -> Path:
        written.append(iteration)
        return save(folder, state, iteration)

    monkeypatch.setattr(checkpoint, "save", noted)
    with pytest.raises(Stopped, match="at iteration 0 of"):
        loop.run()
    assert written == [0]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises, as in a terminal; a shell's background jobs are started deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_that_came_too_late_is_delivered_after_the_training(
    start, tmp_path, interruptible
):
    loop = signalled_at(
        LAST - 1, stoppable(start(METHODS[METHOD], config(), tmp_path)), signal.SIGINT
    )
    done = []
    with pytest.raises(KeyboardInterrupt), stopping(loop):
        loop.run()
        done.append(loop.done)
    assert done == [LAST]


def test_in_another_thread_nothing_changes(start, tmp_path):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    loop, seen = stoppable(start(METHODS[METHOD], config(), tmp_path)), []

    def run() -> None:
        with stopping(loop):
            seen.extend(signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT))
            loop.run()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == before and loop.done == LAST


def record(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def test_the_record_says_stopped_then_finished(tiny, monkeypatch):
    run = make_run("cyclegan", tiny, 0, "smoke", {"iterations": LAST})
    batch = execute.Batches.__call__

    def signalled(batches, i):
        if i == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(batches, i)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(execute.Batches, "__call__", signalled)
            with pytest.raises(Stopped):
                ensure(run)
        assert record(run.folder)["status"] == "stopped" and state.of(run).name == "stopped"
        assert "stopped by SIGTERM at iteration 2 of 6" in record(run.folder)["reason"]
        ensure(run)
    finally:
        torch.use_deterministic_algorithms(False)
    finished = record(run.folder)
    assert finished["status"] == "finished" and finished["starts"] == 2
    assert "reason" not in finished


def test_a_loss_that_is_not_finite_is_on_record(tiny):
    run = make_run("cyclegan", tiny, 0, "smoke", {"lr": 1e30})
    try:
        with pytest.raises(ValueError, match=r"loss .* is nan at iteration"):
            ensure(run)
    finally:
        torch.use_deterministic_algorithms(False)
    assert record(run.folder)["status"] == "failed" and record(run.folder)["diverged"] is True
