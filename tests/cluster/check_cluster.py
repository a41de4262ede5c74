"""Runs that are killed on one machine and on a Slurm cluster: the same command finishes them all.

`make test-cluster` calls it; it is no part of `make test`, because it needs minutes and root.
"""

import csv
import hashlib
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from replicate import checkpoint, files, paths
from replicate.lab import machines

HERE = Path(__file__).parent
ITERATIONS = 80
MIDDLE = range(10, 70)  # iterations between which a kill is one in mid-run
PATIENCE = 600  # s; whatever does not happen in this time does not happen


@dataclass
class Site:
    """A results folder, and the command that fills it."""

    folder: Path
    words: list[str]
    environment: dict[str, str]

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def start(self) -> subprocess.Popen:
        """The command at work; what it prints is appended to `printed`."""
        with (self.folder / "printed.txt").open("ab") as out:
            return subprocess.Popen(self.words, env=self.environment, stdout=out, stderr=out)

    def printed(self) -> str:
        return (self.folder / "printed.txt").read_text()

    def runs(self) -> list[Path]:
        return sorted((self.results / "runs" / "tiny" / "slow").glob("paper-*[0-9a-f]"))

    def logged(self, run: Path) -> int:
        """Iterations in the log of a run."""
        log = run / "losses.csv"
        return max(0, log.read_bytes().count(b"\n") - 1) if log.exists() else 0

    def in_the_middle(self, number: int) -> list[Path]:
        """The runs that are in their middle, once they are so many."""
        return until(
            lambda: found if len(found := self._middle()) >= number else None,
            f"{number} runs in their middle",
        )

    def _middle(self) -> list[Path]:
        return [run for run in self.runs() if self.logged(run) in MIDDLE and self.trainer(run)]

    def trainer(self, run: Path) -> psutil.Process | None:
        """The process that trains a run, from the run's own record of who holds it."""
        try:
            held = (run.parent / f"{run.name}.owner.json").read_text()
            process = psutil.Process(int(re.search(r'"pid": (\d+)', held)[1]))
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, TypeError, psutil.NoSuchProcess):
            return None

    @property
    def gpus(self) -> list[str]:
        """The pretended GPUs, which nothing else on this machine uses."""
        return self.environment["PRETENDED_GPUS"].split()

    @property
    def hold(self) -> Path:
        """As long as this file is there, runs are slow in their middle."""
        return self.folder / "gpus" / "hold"

    def pull_the_plug(self, command: subprocess.Popen) -> None:
        """kill -9 of the command and of Snakemake; the jobs live on."""
        (snakemake,) = [p for p in psutil.Process(command.pid).children()]
        for process in (command, snakemake):
            process.kill()
        command.wait()


def until(look: Callable, what: str, patience: float = PATIENCE):
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, f"{what}: not in {patience} s"
        time.sleep(0.1)
    return found


def weights(run: Path) -> str:
    """The sha256 of the weights of a finished run."""
    state = checkpoint.load(run, torch.device("cpu"))
    assert state["iteration"] == ITERATIONS
    digest = hashlib.sha256()
    for name, x in state["method"].items():
        digest.update(name.encode() + x.numpy().tobytes())
    return digest.hexdigest()


def shared_gpus(log: Path) -> list[str]:
    """Pairs of processes that were on one GPU at one time, from what the iterations noted."""
    found = []
    for file in log.glob("GPU-*"):
        spans = defaultdict(list)
        for line in file.read_text().splitlines():
            moment, pid = line.split()
            spans[pid].append(float(moment))
        order = sorted((min(times), max(times), pid) for pid, times in spans.items())
        for (_, end, one), (begin, _, other) in itertools.pairwise(order):
            if begin < end:
                found.append(f"{file.name}: {one} until {end}, {other} from {begin}")
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data root with `tiny`: eight random images of 32 px a folder."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name in ("trainA", "trainB", "testA", "testB"):
        (root / "tiny" / name).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(root / "tiny" / name / f"{i}.png")
    return root


@pytest.fixture
def site(data, tmp_path) -> Iterator[Callable[..., Site]]:
    """A function that makes a site, whose processes are gone when the test ends.

    Interpreter and results lie in a folder whose name every shell and template would take apart.
    """
    made = []

    def make(*words: str) -> Site:
        # Snakemake's Slurm plugin writes paths into a script of its own, where it quotes them badly
        folder = tmp_path / ("project" if "slurm" in words else "my {project}'s ü")
        (folder / "gpus").mkdir(parents=True)
        (folder / "gpus" / "hold").touch()
        (folder / "venv").symlink_to(sys.prefix)
        python = str(folder / "venv" / "bin" / "python")
        command = [python, "-m", "replicate.cli", "runs", "--budget", "smoke"]
        command += ["--params", str(HERE / "params"), "--no-draw", "--gpus", "2", *words]
        environment = os.environ | {
            "REPLICATE_DATA": str(data),
            "REPLICATE_RESULTS": str(folder / "results"),
            "REPLICATE_METHODS": str(HERE / "methods"),
            "PATH": f"{HERE / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(paths.ROOT),
            "PRETENDED_GPUS": f"GPU-{os.getpid()}-a GPU-{os.getpid()}-b",
            "SLOW_LOG": str(folder / "gpus"),
        }
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        made.append(Site(folder, command, environment))
        return made[-1]

    yield make
    for each in made:
        print(each.printed())
        machines.end(machines.of(each.results), 5)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory) -> Iterator[Callable[[], dict[str, str]]]:
    """A function that waits for runs which nobody touched: weights by the names of folders."""
    results = tmp_path_factory.mktemp("undisturbed")
    code = "from replicate.lab import execute, make_run\n"
    code += "execute._score = lambda *arguments: None\n"  # what is compared are the weights
    code += "for seed in range(4):\n"
    code += "    execute.ensure(make_run('slow', 'tiny', seed, 'smoke'))"
    environment = os.environ | {
        "REPLICATE_DATA": str(data), "REPLICATE_RESULTS": str(results),
        "REPLICATE_METHODS": str(HERE / "methods"), "PYTHONPATH": str(paths.ROOT),
    }  # fmt: skip
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)

    def found() -> dict[str, str]:
        assert child.wait(PATIENCE) == 0
        runs = (results / "runs" / "tiny" / "slow").glob("paper-*[0-9a-f]")
        return {run.name: weights(run) for run in runs}

    yield found
    child.kill()
    child.wait()


def check(site: Site, expected: dict[str, str], number: int) -> None:
    """All finished, to the same bytes, without a gap, on a GPU each; and nothing is left."""
    runs = site.runs()
    assert len(runs) == number
    for run in runs:
        assert '"status": "finished"' in (run / "run.json").read_text()
        assert (run / "scores.csv").exists()
        assert weights(run) == expected[run.name]
        with (run / "losses.csv").open() as log:
            numbers = [int(row["iteration"]) for row in csv.DictReader(log)]
        assert numbers == list(range(1, ITERATIONS + 1))
    assert shared_gpus(site.folder / "gpus") == []
    assert sorted(file.name for file in (site.folder / "gpus").iterdir()) == site.gpus
    assert machines.of(site.results) == []


def test_what_shares_a_gpu_is_found(tmp_path):
    (tmp_path / "GPU-0").write_text("1.0 7\n2.0 7\n2.1 8\n3.0 8\n")
    assert shared_gpus(tmp_path) == []
    (tmp_path / "GPU-1").write_text("1.0 7\n2.0 8\n2.1 7\n3.0 8\n")
    assert shared_gpus(tmp_path) == ["GPU-1: 7 until 2.1, 8 from 2.0"]


def test_on_one_machine(site, undisturbed):
    here = site("--seeds", "0,1,2,3")
    command = here.start()
    first, second = here.in_the_middle(2)

    again = subprocess.run(here.words, env=here.environment, capture_output=True, text=True)
    assert again.returncode == 1
    assert re.search(
        rf"in use by another start: pid {command.pid} on host \S+, since 20", again.stderr
    )

    job = here.trainer(first)
    assert "replicate.lab.job" in job.cmdline()  # which trains itself, so that signals reach it
    job.send_signal(signal.SIGKILL)
    here.trainer(second).send_signal(signal.SIGTERM)  # preempted
    until(lambda: "stopped by SIGTERM at iteration" in (second / "run.json").read_text(), "a stop")
    here.in_the_middle(2)  # again, or others
    here.pull_the_plug(command)
    command = here.start()
    until(lambda: " stopped) and " in here.printed(), "the end of the orphans")
    assert "of an earlier start, after a checkpoint" in here.printed()
    before = {run: here.logged(run) for run in here.runs()}
    first, second = here.in_the_middle(2)
    until(lambda: all(here.logged(r) > before[r] for r in (first, second)), "both going on")
    command.send_signal(signal.SIGINT)  # Ctrl-C
    assert command.wait(PATIENCE) == 1
    assert here.printed().rstrip().endswith("saved; the same command goes on where this one was")
    assert all('"status": "stopped"' in (run / "run.json").read_text() for run in (first, second))
    assert machines.of(here.results) == []
    command = here.start()
    here.hold.unlink()
    assert command.wait(2 * PATIENCE) == 0, here.printed()
    printed = here.printed()
    assert "is gone; going on where it was" in printed
    assert printed.rstrip().endswith("done: 4 runs, 0 notebooks")
    check(here, undisturbed(), 4)


@pytest.fixture
def cluster(tmp_path_factory) -> Iterator[None]:
    """A Slurm of one node with two pretended GPUs."""
    folder = tmp_path_factory.mktemp("slurm")
    # what another test has left is taken down, so no other may still be at it
    with files.locked(Path(gettempdir()) / "slurm-of-tests.lock", waiting="testing on Slurm"):
        up = subprocess.run(
            [HERE / "slurm_up.sh", folder, "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        )  # fmt: skip
        assert up.returncode == 0, up.stdout
        yield
        subprocess.run([HERE / "slurm_down.sh", folder], check=True)


def queue() -> list[str]:
    """The ids of the jobs in the queue."""
    words = ["squeue", "--noheader", "--format", "%i"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def test_on_slurm(cluster, site, undisturbed):
    there = site("--seeds", "0,1", "--profile", "slurm")
    command = there.start()
    first, second = there.in_the_middle(2)
    job = there.trainer(first).environ()["SLURM_JOB_ID"]
    subprocess.run(["scancel", job], check=True)
    until(lambda: "stopped by SIGTERM at iteration" in (first / "run.json").read_text(), "a stop")
    assert there.logged(second) < ITERATIONS
    there.pull_the_plug(command)
    command = there.start()
    until(lambda: "Slurm jobs of an earlier start" in there.printed(), "orphans")
    there.hold.unlink()
    assert command.wait(2 * PATIENCE) == 0, there.printed()
    assert "is gone; going on where it was" in there.printed()
    check(there, undisturbed(), 2)
    assert queue() == []
