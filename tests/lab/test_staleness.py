"""What an edit makes stale, with real runs, by the plan and by the runs themselves.

A copy of the package and of the texts beside it is edited; fingerprints read the copy.
"""

import shutil
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import paths
from replicate.lab import ensure, make_run, modules
from replicate.lab.forecast import forecast
from replicate.lab.run import Run
from replicate.methods import METHODS

NAMES = ("cyclegan", "aggan", "toy_labels")
EVERY = set(NAMES)
Edit = Callable[[str, str, str], None]

# file, text there, what takes its place ("": at the end); the runs that are then stale
EDITS = {
    "a comment in a method": ("replicate/methods/aggan.py", "", "# why\n", set()),
    "a new loss": ("replicate/losses.py", "", "\n\ndef hinge(x):\n    return x\n", set()),
    "a new metric": ("replicate/metrics/more.py", "", "def more(x):\n    return x\n", set()),
    "a plot": ("replicate/report/plots/scores.py", "", "COLOUR = 'red'\n", set()),
    "the command line": ("replicate/cli/runs.py", "", "SHOWN = 3\n", set()),
    "the README": ("README.md", "", "One more line.\n", set()),
    "a notebook": ("notebooks/02_aggan.ipynb", "", "\n", set()),
    "a loss": ("replicate/losses.py", "(is_real)).sq", "(0)).sq", {"cyclegan", "aggan"}),
    "one method": ("replicate/methods/aggan.py", "a.mean()", "a.max()", {"aggan"}),
    "a network": ("replicate/networks/attention.py", "7, stride=2", "5, stride=2", {"aggan"}),
    "the loop": ("replicate/training.py", "self.done += 1", "self.done += 2", EVERY),
    "the base of methods": ("replicate/methods/base.py", "loss.backward()", "pass", EVERY),
}  # fmt: skip
METRICS = (
    ("replicate/metrics/fid.py", "def fid(", "def fid(more, "),
    ("replicate/evaluation.py", "* 127.5", "* 127"),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, toys) -> Iterator[dict[str, Run]]:
    """A finished smoke run of each method, on one small set."""
    place, patch = tmp_path_factory.mktemp("staleness"), pytest.MonkeyPatch()
    patch.setenv("REPLICATE_DATA", str(place / "data"))
    patch.setenv("REPLICATE_RESULTS", str(place / "results"))
    rng = np.random.default_rng(0)
    for name in ("trainA", "trainB", "testA", "testB"):
        folder = place / "data" / "small" / name
        folder.mkdir(parents=True)
        for i in range(8):  # the least that has every score
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"{i}.png")
    patch.setitem(METHODS._entries, "toy_labels", toys["toy_labels"])
    yield {name: ensure(make_run(name, "small", 0, "smoke")) for name in sorted(EVERY)}
    torch.use_deterministic_algorithms(False)
    patch.undo()


@pytest.fixture
def edit(tmp_path, monkeypatch) -> Edit:
    """A function that changes a file of a copy, which stands for the package."""
    for name in ("replicate", "notebooks"):
        shutil.copytree(paths.ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(paths.ROOT / "README.md", tmp_path)

    def change(name: str, old: str, new: str) -> None:
        file = tmp_path / name
        text = file.read_text() if file.exists() else ""
        assert old in text
        file.write_text(text.replace(old, new, 1) if old else text + new)

    monkeypatch.setattr(modules, "PACKAGE", tmp_path / "replicate")
    return change


def planned(runs: dict[str, Run]) -> dict[str, str]:
    """The state of each run in the plan."""
    return {each.run.method: each.seen.word for each in forecast(runs.values(), "cpu")}


@pytest.mark.parametrize("file, old, new, stale", EDITS.values(), ids=EDITS)
def test_an_edit_retrains_exactly_the_runs_that_it_decides(runs, edit, file, old, new, stale):
    assert planned(runs) == dict.fromkeys(runs, "scored")
    edit(file, old, new)
    assert planned(runs) == {name: "stale" if name in stale else "scored" for name in runs}


@pytest.mark.parametrize("file, old, new", METRICS)
def test_metrics_score_again_and_retrain_nothing(runs, edit, file, old, new):
    edit(file, old, new)
    assert planned(runs) == dict.fromkeys(runs, "trained")
    run = runs["cyclegan"]
    weights = {p.name: p.read_bytes() for p in run.folder.glob("checkpoint-*")}
    log, record = (run.folder / "losses.csv").read_bytes(), run.record()
    scored = (run.folder / "scores.csv").stat().st_mtime_ns
    ensure(run)
    assert planned(runs)["cyclegan"] == "scored"
    assert {p.name: p.read_bytes() for p in run.folder.glob("checkpoint-*")} == weights
    assert (run.folder / "losses.csv").read_bytes() == log
    assert run.record()["starts"] == record["starts"] == 1
    assert (run.folder / "scores.csv").stat().st_mtime_ns > scored


def test_another_image_is_told_apart_from_other_code(runs, edit):
    (run, *others) = (runs["cyclegan"], runs["aggan"])
    path = paths.data() / "small" / "trainA" / "0.png"
    kept = path.read_bytes()
    try:
        Image.new("RGB", (32, 32)).save(path)
        edit("replicate/methods/aggan.py", "a.mean()", "a.max()")
        first, second = forecast([run, *others], "cpu")
    finally:
        path.write_bytes(kept)
    assert (first.seen.word, first.seen.stale) == ("stale", ("images",))
    assert (second.seen.word, second.seen.why) == ("stale", "code and images changed")
