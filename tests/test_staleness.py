"""What an edit makes stale, with real runs, by the plan and by the runs themselves.

A copy of the package and of the texts beside it is edited; fingerprints read the copy.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import paths
from replicate.experiment import ensure, fingerprint, make_run
from replicate.experiment.forecast import forecast
from replicate.experiment.run import Run
from replicate.methods import METHODS

# the toy is the one method that does not import the losses
WITH_LOSSES, WITHOUT = ("cyclegan", "aggan"), "toy_labels"
EVERY = {*WITH_LOSSES, WITHOUT}
Edit = Callable[[str, str], None]

# file, what is put at its end; the runs that are then stale
EDITS = {
    "a comment in the losses": ("replicate/losses.py", "# why\n", set()),
    "a docstring in the losses": ("replicate/losses.py", '"""More."""\n', set()),
    "a comment in a method": ("replicate/methods/aggan.py", "# why\n", set()),
    "a comment in the loop": ("replicate/training.py", "\n\n# why\n", set()),
    "a plot": ("replicate/plots/curves.py", "COLOUR = 'red'\n", set()),
    "a table": ("replicate/tables/writing.py", "DIGITS = 3\n", set()),
    "the command line": ("replicate/cli/runs.py", "SHOWN = 3\n", set()),
    "the README": ("README.md", "One more line.\n", set()),
    "a notebook": ("notebooks/02_aggan.ipynb", "\n", set()),
    "the losses": ("replicate/losses.py", "EPSILON = 1e-3\n", set(WITH_LOSSES)),
    "one method": ("replicate/methods/aggan.py", "EPSILON = 1e-3\n", {"aggan"}),
    "another method": ("replicate/methods/cyclegan.py", "EPSILON = 1e-3\n", {"cyclegan"}),
    "a network": ("replicate/networks/attention.py", "EPSILON = 1e-3\n", {"aggan"}),
    "the loop": ("replicate/training.py", "EPSILON = 1e-3\n", EVERY),
    "the base of methods": ("replicate/methods/base.py", "EPSILON = 1e-3\n", EVERY),
}
METRICS = ("replicate/metrics/fid.py", "replicate/evaluation.py")


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
    patch.setitem(METHODS._entries, WITHOUT, toys[WITHOUT])
    yield {name: ensure(make_run(name, "small", 0, "smoke")) for name in sorted(EVERY)}
    torch.use_deterministic_algorithms(False)
    patch.undo()


@pytest.fixture
def append(tmp_path, monkeypatch) -> Iterator[Edit]:
    """A function that adds text to a file of a copy, which stands for the package."""
    for name in ("replicate", "notebooks"):
        shutil.copytree(paths.ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(paths.ROOT / "README.md", tmp_path)
    original = fingerprint._file

    def copied(module: str) -> Path:
        file = original(module)
        inside = file.is_relative_to(paths.ROOT / "replicate")
        return tmp_path / file.relative_to(paths.ROOT) if inside else file

    def change(name: str, text: str) -> None:
        with (tmp_path / name).open("a") as file:
            file.write(text)

    monkeypatch.setattr(fingerprint, "_file", copied)
    yield change
    fingerprint._code.cache_clear()
    fingerprint._imports.cache_clear()


def planned(runs: dict[str, Run]) -> dict[str, str]:
    """The state of each run in the plan; the runs' own words must agree."""
    found = forecast(runs.values(), "cpu")
    for each in found:
        assert (each.run.state() == "stale") == (each.state == "stale")
    return {each.run.method: each.state for each in found}


@pytest.mark.parametrize("file, text, stale", EDITS.values(), ids=EDITS)
def test_an_edit_retrains_exactly_the_runs_that_it_decides(runs, append, file, text, stale):
    assert planned(runs) == dict.fromkeys(runs, "done")
    fingerprint._code.cache_clear()
    append(file, text)
    assert planned(runs) == {name: "stale" if name in stale else "done" for name in runs}


@pytest.mark.parametrize("file", METRICS)
def test_metrics_score_again_and_retrain_nothing(runs, append, file):
    append(file, "EPSILON = 1e-3\n")
    assert planned(runs) == dict.fromkeys(runs, "to score")
    run = runs["cyclegan"]
    weights = {p.name: p.read_bytes() for p in run.folder.glob("checkpoint-*")}
    log, record = (run.folder / "losses.csv").read_bytes(), run.record()
    scored = (run.folder / "scores.csv").stat().st_mtime_ns
    ensure(run)
    assert planned(runs)["cyclegan"] == "done"
    assert {p.name: p.read_bytes() for p in run.folder.glob("checkpoint-*")} == weights
    assert (run.folder / "losses.csv").read_bytes() == log
    assert run.record()["starts"] == record["starts"] == 1
    assert (run.folder / "scores.csv").stat().st_mtime_ns > scored


def test_another_image_is_told_apart_from_other_code(runs, append):
    (run, *others) = (runs["cyclegan"], runs["aggan"])
    path = paths.data() / "small" / "trainA" / "0.png"
    kept = path.read_bytes()
    try:
        Image.new("RGB", (32, 32)).save(path)
        append("replicate/methods/aggan.py", "EPSILON = 1e-3\n")
        first, second = forecast([run, *others], "cpu")
    finally:
        path.write_bytes(kept)
    assert (first.state, first.seen.reason) == ("stale", "images changed")
    assert (second.state, second.seen.reason) == ("stale", "code and images changed")
