"""The loop: seeds decide for every method, and what goes wrong says so."""

import csv
import math
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor

from replicate import checkpoint
from replicate.errors import ReplicateError
from replicate.methods import METHODS, base
from replicate.methods.base import Losses, Method, Translation
from replicate.progress import progress
from replicate.training import LOG, Training


def test_seeds_decide(case, start, tmp_path, same, saved):
    """That one seed gives the same bytes twice, in one go or resumed, is tests/lab/test_kill.py."""
    for seed in (0, 1):
        start(case.method, case.config, tmp_path / str(seed), seed).run(until=1)
    one, other = saved(tmp_path / "0"), saved(tmp_path / "1")
    assert one["columns"] == other["columns"] and not same(one["method"], other["method"])


@pytest.mark.parametrize("name", ["cyclegan", "aggan"])
def test_a_resume_in_bfloat16_is_exact_too(name, start, tmp_path, same, saved):
    method = METHODS[name]
    config = replace(method.Config(), **{**method.SMOKE, "iterations": 4, "precision": "bf16"})
    start(method, config, tmp_path / "whole").run()
    start(method, config, tmp_path / "halves").run(until=2)
    start(method, config, tmp_path / "halves", weights_seed=99).run()
    assert same(saved(tmp_path / "whole"), saved(tmp_path / "halves"))


LOST = {  # what a checkpoint without it would have in its place
    "cyclegan pool": lambda s: [s["method"][f"pool.{X}.filled"].zero_() for X in "AB"],
    "cyclegan rng": lambda s: s["rng"].update(cpu=torch.Generator().manual_seed(99).get_state()),
    "cyclegan optimizers": lambda s: s["optimizers"]["G"].update(state={}),
    "toy_memory maps": lambda s: s["method"]["maps"].fill_(1),
    "toy_setup colours": lambda s: s["method"]["colour_A"].zero_(),
}


@pytest.mark.parametrize("lost", LOST)
def test_the_test_of_resuming_sees_what_is_lost(lost, start, tmp_path, toys, same, saved):
    name = lost.split()[0]
    method = (dict(METHODS) | toys)[name]
    config = replace(method.Config(), **{**method.SMOKE, "iterations": 8})
    start(method, config, tmp_path / "whole").run()
    start(method, config, tmp_path / "halves").run(until=4)
    state = checkpoint.load(tmp_path / "halves", torch.device("cpu"))
    LOST[lost](state)
    checkpoint.save(tmp_path / "halves", state, 4)
    start(method, config, tmp_path / "halves", weights_seed=99).run()
    whole, halves = saved(tmp_path / "whole"), saved(tmp_path / "halves")
    assert not same(whole["method"], halves["method"])


class Stub(Method):
    """One weight pulled to 1; `step` gives the losses that a test puts into `script`."""

    name, paper, Config = "stub", "toy", base.Config

    def build(self, c: base.Config) -> None:
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.optimizers = {"all": torch.optim.SGD([self.weight], lr=0.125)}
        self.script: dict[int, Losses] = {}
        self.setups = 0

    def setup(self, batches) -> None:
        self.setups += 1

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        self.iteration = iteration

    def step(self, batch) -> Losses:
        loss = (self.weight - 1).square() + 0 * torch.rand(())
        self.update(loss, "all")
        return self.script.get(self.iteration + 1, {"pull": loss, "rare": None})

    def translate(self, x: Tensor, direction: str) -> Translation:
        return Translation(x)


def stub(folder: Path, script: dict[int, Losses] | None = None, **more) -> Training:
    """Six iterations of `Stub`, each followed by a checkpoint."""
    method = Stub(base.Config())
    method.script = script or {}
    return Training(method, lambda i: {}, folder, **{"total": 6, "identity": "this", **more})


def iterations(folder: Path) -> list[int]:
    with (folder / LOG).open(newline="") as file:
        return [int(row["iteration"]) for row in csv.DictReader(file)]


def newest(folder: Path) -> int:
    return checkpoint.iteration_of(checkpoint.generations(folder)[0])


def test_the_log_has_a_row_an_iteration_and_blanks_for_none(tmp_path):
    stub(tmp_path).run()
    rows = (tmp_path / LOG).read_text().splitlines()
    assert rows[:3] == ["iteration,pull,rare", "1,1,", "2,0.5625,"]  # (1 - 1/4)^2 after one step
    assert iterations(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_finished_run_is_left_alone_and_set_up_once(tmp_path):
    first, second = stub(tmp_path), stub(tmp_path)
    first.run()
    log = (tmp_path / LOG).read_bytes()
    second.run()
    assert (first.method.setups, second.method.setups) == (1, 0)
    assert (tmp_path / LOG).read_bytes() == log and second.done == 6


def test_rows_after_the_checkpoint_are_cut_off(tmp_path):
    stub(tmp_path).run(until=4)
    with (tmp_path / LOG).open("a") as file:
        file.write("5,0.7,\n6,0.")  # what a killed process had written since
    stub(tmp_path).run()
    assert iterations(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_shortened_log_is_refused(tmp_path):
    stub(tmp_path).run(until=4)
    (tmp_path / LOG).write_text("iteration,pull,rare\n")
    with pytest.raises(ReplicateError, match=r"20 bytes, .* expects at least 59: the log was"):
        stub(tmp_path).run()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    stub(tmp_path).run(until=2)
    with pytest.raises(ReplicateError, match="checkpoint of run this, expected other"):
        stub(tmp_path, identity="other").run()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, value):
    training = stub(tmp_path, {4: {"pull": torch.tensor(value), "rare": None}})
    with pytest.raises(ReplicateError) as error:
        training.run()
    text = str(error.value)
    assert text.startswith(f"loss pull is {value} at iteration 4 (lr 1.25e-01, fp32)")
    assert "last finite checkpoint: 3, kept" in text and "precision=fp32" in text
    assert newest(tmp_path) == 3 and iterations(tmp_path) == [1, 2, 3]


def test_losses_that_change_their_names_stop_the_run(tmp_path):
    training = stub(tmp_path, {4: {"pull": torch.tensor(0.0)}})
    with pytest.raises(ReplicateError, match=r"stub.step gave the losses \['pull'\], at first \["):
        training.run()
    assert newest(tmp_path) == 3


def test_sampling_changes_nothing(start, tmp_path, same, saved):
    cyclegan = METHODS["cyclegan"]
    config, modes = replace(cyclegan.Config(), **cyclegan.SMOKE), []
    start(cyclegan, config, tmp_path / "without").run()
    training = start(cyclegan, config, tmp_path / "with")

    def sample(done: int) -> None:
        image = training.method.translate(torch.rand(1, 3, 32, 32), "AB").image
        modes.append((done, training.method.training, image.requires_grad))

    training.sample = sample
    training.run()
    assert modes == [(done, False, False) for done in (1, 2, 3, 4)]
    assert same(saved(tmp_path / "without"), saved(tmp_path / "with"))


def test_progress_without_a_terminal_is_a_few_plain_lines(tmp_path, capsys):
    stub(tmp_path, total=60, label="stub on nothing").run()
    text = capsys.readouterr().err
    lines = [line for line in text.splitlines() if line.startswith("stub on nothing")]
    assert 1 <= len(lines) <= 3 and "100% 60/60" in lines[-1]
    assert text.isascii() and "\r" not in text and "\x1b" not in text


def test_progress_of_a_long_run_has_at_most_200_lines(monkeypatch, capsys):
    clock = count(time.time(), 31)  # s; slow enough for a line at every iteration
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # its thread would read the clock too
    with progress("a long run", 0, 10_000, batch_size=1) as show:
        for _ in range(10_000):
            show({"pull": 0.5})
    assert 100 < len(capsys.readouterr().err.splitlines()) <= 202  # and the first and the last
