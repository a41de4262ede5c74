"""The state of a run, on folders that tell everything that can happen to one."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.made_up_runs import DEAD, held, make_up, owned

from replicate import paths
from replicate.lab import make_run, markers, state
from replicate.lab.budget_grid import grid
from replicate.lab.forecast import forecast
from replicate.lab.run import Run
from replicate.lab.state import SILENT, State, Today, describe, look
from replicate.metrics import weights
from replicate.report.tables import scores

SCORES = paths.published() / "runs/horse2zebra_drawn/cyclegan/paper-1-dcfb21ee/scores.csv"


def asked(name: str = "cyclegan", seed: int = 0, dataset: str = "horse2zebra") -> Run:
    return make_run(name, dataset, seed, "laptop")


def aged(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder / "losses.csv", (then, then))


def cut(folder: Path) -> None:
    (newest,) = folder.glob("checkpoint-*")
    newest.write_bytes(newest.read_bytes()[:10])


def ahead(folder: Path) -> None:
    """The clock that wrote the log was ahead."""
    aged(folder, -3600)


def abroad(folder: Path, seconds: float) -> None:
    owned(folder, 1, "elsewhere")
    aged(folder, seconds)


def gone(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.unlink()


Folder = tuple[dict, Callable[[Path], object], str, tuple[str, ...]]
# what the record says, what happened to the folder; the state, and what made it stale
FOLDERS: dict[str, Folder] = {
    "all done": ({}, lambda f: None, "scored", ()),
    "never started": ({}, lambda f: gone(f, "*"), "missing", ()),
    "only half of a record was written": (
        {}, lambda f: (f / "run.json").rename(f / "run.json.partial"), "missing", ()
    ),
    "killed before its first checkpoint": (
        {"status": "running"}, lambda f: (owned(f, DEAD), gone(f, "checkpoint*")), "stopped", ()
    ),
    "killed this moment": ({"status": "running"}, lambda f: owned(f, DEAD), "stopped", ()),
    "killed, and its process id belongs to another process now": (
        {"status": "running"}, lambda f: owned(f, os.getpid()), "stopped", ()
    ),
    "killed, and nobody knows whose it was": (
        {"status": "running"}, lambda f: None, "stopped", ()
    ),
    "trained by another machine a moment ago": (
        {"status": "running"}, lambda f: abroad(f, 1), "running", ()
    ),
    "trained by another machine that is silent": (
        {"status": "running"}, lambda f: abroad(f, SILENT + 60), "stopped", ()
    ),
    "asked to stop": ({"status": "stopped"}, lambda f: None, "stopped", ()),
    "failed": ({"status": "failed", "reason": "no space"}, lambda f: None, "failed", ()),
    "its log is from the future": ({"status": "running"}, ahead, "stopped", ()),
    "not scored": ({}, lambda f: gone(f, "scores.csv"), "trained", ()),
    "scored by other code": ({"scoring": {"kid/standin": "0" * 16}}, lambda f: None, "trained", ()),
    "scored when all scoring had one hash": ({"scoring": "0" * 16}, lambda f: None, "trained", ()),
    "one of its protocols is gone": ({"scoring": {"kid/old": "0"}}, lambda f: None, "scored", ()),
    "its checkpoint is gone": ({}, lambda f: gone(f, "checkpoint*"), "stopped", ()),
    "its checkpoint is cut short": ({}, cut, "stopped", ()),
    "its checkpoint is of an earlier iteration": ({"iterations": 9}, lambda f: None, "stopped", ()),
    "of other code": ({"fingerprint": {"code": "0" * 16}}, lambda f: None, "scored", ("code",)),
    "failed by other code": (
        {"fingerprint": {"code": "0" * 16}, "status": "failed"}, lambda f: None, "failed", ("code",)
    ),
    "its method is gone": ({"method": "gone"}, lambda f: None, "scored", ("method",)),
    "its variant is gone": ({"label": "gone"}, lambda f: None, "scored", ("settings",)),
    "its settings mean something else now": (
        {"config": {"ngf": 3}}, lambda f: None, "scored", ("settings",)
    ),
    "its data set is not here": (
        {"fingerprint": {"images": "0", "data": "0"}}, lambda f: None, "scored", ()
    ),
}  # fmt: skip


def made(kind: Folder, run: Run) -> Path:
    record, happen, *_ = kind
    folder = make_up(run, **record)
    happen(folder)
    return folder


@pytest.mark.parametrize("kind", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_tells_its_state(workspace, kind):
    found = look(made(kind, asked()), Today())
    assert (found.name, found.stale) == kind[2:]
    assert found.name in state.STATES and found.beat >= 0


@pytest.mark.parametrize("status", ["running", "finished", "failed"])
def test_a_held_run_is_running_whatever_its_files_say_until_its_process_is_gone(workspace, status):
    run = asked()
    folder = make_up(run, status, fingerprint={"code": "0" * 16})
    aged(folder, SILENT + 60)  # a slow step of a living process
    with held(folder):
        found = state.of(run)
        assert (found.name, found.stale, found.word) == ("running", ("code",), "running")
        assert state.of(run, held=True).name != "running"  # asked by who holds it
    assert state.of(run).word == "stale"


def test_what_just_begins_is_running_and_a_lock_alone_is_nothing(workspace):
    run = asked()
    run.folder.mkdir(parents=True)
    with held(run.folder):
        assert state.of(run).name == "running"
    assert state.lock_of(run.folder).exists() and state.of(run).name == "missing"


def test_weights_that_arrive_make_scores_incomplete(workspace, monkeypatch):
    run = asked()
    make_up(run)
    monkeypatch.setattr(weights, "is_here", lambda published: True)
    assert state.of(run).name == "trained" and state.of(run, offline=True).name == "scored"


def test_reasons_are_told_in_words():
    failed = State(Path(), "failed", ("code", "images"), "no space")
    assert (failed.word, failed.why) == (
        "stale",
        "code and images changed; it had failed: no space",
    )
    assert State(Path(), "stopped", (), "killed").why == "killed"


def test_status_plan_tables_and_jobs_agree(workspace):
    """Every folder at once, each a seed of its own: one state, whoever is asked."""
    runs = [asked(seed=seed) for seed in range(len(FOLDERS))]
    for run, kind in zip(runs, FOLDERS.values(), strict=True):
        folder = made(kind, run)
        if (folder / "scores.csv").exists():
            (folder / "scores.csv").write_bytes(SCORES.read_bytes())
        if "config" in kind[0]:  # tables refuse two settings of one name
            (folder / "scores.csv").unlink()
        if (folder / "run.json").exists():
            record = json.loads((folder / "run.json").read_text())
            whole = {"hash": run.hash, "precision": "fp32", "commit": "0" * 40, "dirty": False}
            (folder / "run.json").write_text(json.dumps(whole | record))
    wanted = {}
    for run, (_, _, name, stale) in zip(runs, FOLDERS.values(), strict=True):
        wanted[run.hash] = state.STALE if stale and name != "running" else name
    assert {f.run.hash: f.seen.word for f in forecast(runs, "cpu")} == wanted
    groups = markers.agree(runs)
    assert {run.hash: word for word, group in groups.items() for run in group} == wanted
    marked = {p.name for p in (markers.folder() / "runs").rglob("paper-*")}
    assert marked == {run.folder.name for run in runs if wanted[run.hash] == "scored"}
    today = Today()
    told = {r.hash: describe(r.folder, today)["word"] for r in runs if wanted[r.hash] != "missing"}
    assert told == {key: word for key, word in wanted.items() if word != "missing"}
    table = scores(paths.results(), "laptop").groupby("hash")["stale"].any()
    outdated = {
        run.hash for run, kind in zip(runs, FOLDERS.values(), strict=True) if kind[2] == "trained"
    }
    stale = {key for key, word in wanted.items() if word == "stale"}
    assert set(table[table].index) == (stale | outdated) & set(table.index)
    assert len(table) >= 10


def test_the_grid_of_a_budget_is_looked_at_without_reading_a_checkpoint(workspace, monkeypatch):
    monkeypatch.setattr("replicate.files.sha256", lambda path: pytest.fail("read whole"))
    assert {state.of(job.run).word for job in grid("smoke")} == {"missing"}
