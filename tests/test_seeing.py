"""What a training shows: one line in place, messages by logging, samples, scores, TensorBoard."""

import logging
import re
import sys
import types

import pytest
import torch
from typer.testing import CliRunner

from replicate import progress
from replicate.cli import app
from replicate.lab import ensure, make_run


class Shown:
    """What an output of a notebook held, state by state."""

    def __init__(self, content: object) -> None:
        self.states = [content]

    def update(self, content: object, raw: bool = False) -> None:
        self.states.append(content)


@pytest.fixture
def notebook(monkeypatch) -> list[Shown]:
    """The outputs of a notebook that somebody looks at."""
    outputs: list[Shown] = []

    def display(content: object, raw: bool = False, display_id: bool = False) -> Shown:
        outputs.append(Shown(content))
        return outputs[-1]

    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_a_notebook_shows_one_bar_in_place_and_the_latest_samples(tiny, notebook, capsys):
    run = make_run("cyclegan", tiny, 0, "smoke")
    try:
        ensure(run)
    finally:
        torch.use_deterministic_algorithms(False)
    said = capsys.readouterr()
    assert said.err == ""  # which would be red
    assert f"{run.title}: no checkpoint, starting at iteration 0\n" in said.out
    assert "warning" not in said.out  # of the health of four steps
    bars = [o.states for o in notebook if isinstance(o.states[0], dict)]
    assert run.title in bars[0][0]["text/plain"] and "100% 4/4" in bars[0][-1]["text/plain"]
    assert sum(run.title in states[0]["text/plain"] for states in bars) == 1
    (sheets,) = [o.states for o in notebook if not isinstance(o.states[0], dict)]
    assert len(sheets) == 4  # of eight moments in four steps


def test_messages_go_where_a_program_logs(monkeypatch, capsys):
    progress.told("one")
    assert capsys.readouterr().err == "one\n"
    monkeypatch.setattr(progress.LOG, "handlers", [logging.StreamHandler(sys.stdout)])
    progress.told("two", logging.WARNING)
    assert capsys.readouterr() == ("two\n", "")


def test_train_prints_scores_and_writes_for_tensorboard(tiny):
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    done = CliRunner().invoke(app, ["train", "cyclegan", "--data", tiny, "--tensorboard"])
    assert done.exit_code == 0
    run = make_run("cyclegan", tiny, 0, "smoke")
    assert done.stdout.strip() == str(run.folder)
    assert re.search(r"\| A->B +\| kid +\| kid/standin +\| 0\.\d+", done.stderr)
    assert "not computed: " in done.stderr
    events = event_accumulator.EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("losses/cyc_A")] == [1, 2, 3, 4]
    (tag,) = events.Tags()["images"]
    assert tag == "A2B-B2A" and events.Images(tag)[-1].step == 4
