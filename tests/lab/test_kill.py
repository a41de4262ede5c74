"""Runs that are killed at any moment and restarted until they are done end with the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from support.pictures import write_tiny

from replicate import checkpoint, training
from replicate.errors import ReplicateError

ITERATIONS = 45
KILLS = 3
PATIENCE = 120  # s; a process that shows nothing for so long is broken

# Imports are paid for once: each line of input starts a process that trains the run.
STARTER = f"""
import os, sys, torch
from replicate.lab import execute
from replicate.lab.run import make_run

execute._score = lambda *arguments: None  # what is tested here ends with the training
run = make_run("cyclegan", "tiny", 0, "smoke", {{"iterations": {ITERATIONS}}})
execute.build(run, torch.device("cpu"))
for line in sys.stdin:
    os.environ["REPLICATE_RESULTS"] = line.strip()
    child = os.fork()
    if child == 0:
        execute.ensure(run)
        sys.stderr.flush()
        os._exit(0)
    print(child, run.folder, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@dataclass
class Starter:
    """A process that starts others, each of which trains the same run in the folder it is given."""

    process: subprocess.Popen
    errors: Path  # what all of them said

    def start(self, results: Path) -> tuple[int, Path]:
        """The new process's id, and the folder of its run."""
        print(results, file=self.process.stdin, flush=True)
        pid, folder = self.process.stdout.readline().split()
        return int(pid), Path(folder)

    def end(self) -> int:
        """How the latest one ended: 0, or the signal that killed it."""
        return int(self.process.stdout.readline())

    def finish(self, results: Path) -> Path:
        """The folder of the run, which is trained to its end."""
        _, folder = self.start(results)
        assert self.end() == 0
        return folder


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starter")
    write_tiny(folder)
    here = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default", "REPLICATE_DATA": str(folder)}
    with (
        (folder / "stderr.txt").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | here,
        ) as process,
    ):
        yield Starter(process, folder / "stderr.txt")
        process.stdin.close()


def logged(folder: Path) -> list[str]:
    """The iterations in the log, complete lines only."""
    path = folder / training.LOG
    rows = path.read_text().split("\n")[1:-1] if path.exists() else []
    return [row.split(",")[0] for row in rows]


def wait_for(folder: Path, iteration: int) -> None:
    limit = time.monotonic() + PATIENCE
    while str(iteration) not in logged(folder):
        assert time.monotonic() < limit, f"{folder} does not reach iteration {iteration}"
        time.sleep(0.001)


def weights(folder: Path) -> dict[str, bytes]:
    state = checkpoint.load(folder, torch.device("cpu"))
    assert state["iteration"] == ITERATIONS
    return {name: x.numpy().tobytes() for name, x in state["method"].items()}


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(starter, tmp_path):
    whole = starter.finish(tmp_path / "whole")
    step = checkpoint.load(whole, torch.device("cpu"))["seconds"] / ITERATIONS
    every = [str(i) for i in range(1, ITERATIONS + 1)]
    draw = random.Random(0)
    for first in range(1, ITERATIONS * 2 // 3, ITERATIONS * 2 // 3 // KILLS):
        pid, folder = starter.start(tmp_path / "killed")
        wait_for(folder, first + draw.randrange(8))
        time.sleep(draw.uniform(0, 2 * step))
        os.kill(pid, signal.SIGKILL)
        assert starter.end() == signal.SIGKILL
        assert len(logged(folder)) < ITERATIONS
    folder = starter.finish(tmp_path / "killed")
    assert weights(folder) == weights(whole)
    assert logged(folder) == logged(whole) == every

    newest = checkpoint.generations(folder)[0]
    os.truncate(newest, newest.stat().st_size // 2)
    assert starter.finish(tmp_path / "killed") == folder
    assert f"{newest} is damaged" in starter.errors.read_text()
    assert weights(folder) == weights(whole)
    assert logged(folder) == every


@pytest.mark.slow
def test_a_second_process_on_a_run_is_told_who_has_it(starter, tmp_path, monkeypatch):
    from replicate.lab import ensure, make_run

    pid, folder = starter.start(tmp_path / "shared")
    wait_for(folder, 3)
    os.kill(pid, signal.SIGSTOP)  # it holds the run and cannot end meanwhile
    try:
        monkeypatch.setenv("REPLICATE_RESULTS", str(tmp_path / "shared"))
        monkeypatch.setenv("REPLICATE_DATA", str(starter.errors.parent))
        run = make_run("cyclegan", "tiny", 0, "smoke", {"iterations": ITERATIONS})
        assert run.folder == folder
        with pytest.raises(ReplicateError, match=rf"in use by pid {pid} on host .* \(heartbeat"):
            ensure(run)
    finally:
        os.kill(pid, signal.SIGKILL)
    assert starter.end() == signal.SIGKILL
    assert starter.finish(tmp_path / "shared") == folder  # the lock went with its process


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def killed_at(iteration: int, loop: training.Training) -> training.Training:
    """The training, which ends when it asks for the batch after `iteration` steps."""
    batches = loop.batches

    def asked(i: int) -> dict:
        if i == iteration:
            raise Killed
        return batches(i)

    loop.batches = asked
    return loop


def killed_while_saving(moment: str, monkeypatch) -> None:
    """Ends the next checkpoint before its digest or before itself is renamed into place."""
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        if str(target).endswith(moment):
            raise Killed
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)


def test_every_method_survives_kills_in_a_step_and_in_a_checkpoint(
    case, start, tmp_path, monkeypatch, same, saved
):
    monkeypatch.setattr(training, "CHECKPOINTS", 3)  # one every other iteration
    config, ended = case.config, tmp_path / "ended"
    start(case.method, config, tmp_path / "whole").run()
    draw = random.Random(str(case))
    with pytest.raises(Killed):
        killed_at(draw.randrange(2, config.iterations), start(case.method, config, ended)).run()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        killed_while_saving(draw.choice([".pt", ".sha256"]), patch)
        start(case.method, config, ended, weights_seed=99).run()
    start(case.method, config, ended, weights_seed=99).run()  # a checkpoint holds everything
    assert saved(ended)["iteration"] == config.iterations
    assert same(saved(ended), saved(tmp_path / "whole"))
    assert logged(ended) == [str(i) for i in range(1, config.iterations + 1)]
