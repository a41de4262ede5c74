"""From a notebook's parameter file to the jobs of Snakemake: what is asked, planned and listed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from replicate.lab.plan import OVERHEAD, Planned, makespan

from replicate import checkpoint, paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import ensure, make_run, plan, state, workflow
from replicate.lab.graph import key
from replicate.lab.parameters import checked
from replicate.lab.run import Run
from replicate.lab.state import State, Today

NOTEBOOK = "02_aggan"
PROTOCOL = "00_protocol"  # trains nothing


@pytest.fixture
def timed(monkeypatch) -> list[str]:
    """What was timed; every step takes 2 s, and a run has 100."""
    calls: list[str] = []

    def measure(run, device, steps=10):
        calls.append(run.method)
        return 2.0, 100

    monkeypatch.setattr(plan, "seconds_per_step", measure)
    return calls


def states(monkeypatch, given: dict[tuple[str, int], str]) -> None:
    """Gives runs of (method, seed) a state; the others are missing."""

    def of(run: Run, today: Today | None = None) -> State:
        word = given.get((run.method, run.seed), "missing")
        return (
            State(run.folder, "scored", ("code",)) if word == "stale" else State(run.folder, word)
        )

    monkeypatch.setattr(state, "of", of)


# What is asked


def test_what_is_asked_is_the_parameter_file_with_other_seeds_or_sets():
    params = workflow.asked(NOTEBOOK, "smoke")
    assert params.model_dump(exclude_unset=True) == workflow.read_params(NOTEBOOK, "smoke")
    changed = workflow.asked(NOTEBOOK, "smoke", " 0, 1,2", "horse2zebra_drawn, horse2zebra")
    assert changed.seeds == [0, 1, 2]
    assert changed.datasets == ["horse2zebra_drawn", "horse2zebra"]
    assert changed.methods == params.methods
    assert len(changed.runs()) == 3 * 2 * len(params.methods)


def test_one_seed_is_the_first_and_stays_with_its_data_set():
    given = workflow.read_params(NOTEBOOK, "smoke") | {"seeds": [2, 0, 1]}
    more = {"facades": ["pix2pix"], "horse2zebra_drawn": ["spagan", "spatial_guidance:f1"]}
    runs = checked(given | {"one_seed": more}).runs()
    added = [(run.dataset, run.method, run.variant, run.seed) for run in runs[-3:]]
    assert added == [
        ("facades", "pix2pix", "paper", 2),
        ("horse2zebra_drawn", "spagan", "paper", 2),
        ("horse2zebra_drawn", "spatial_guidance", "f1", 2),
    ]
    assert len(runs) == 3 * len(given["methods"]) + 3
    both = checked(given | {"also": {"facades": ["pix2pix"]}, "one_seed": more | {"facades": []}})
    assert [(r.method, r.seed) for r in both.runs() if r.dataset == "facades"] == [
        ("pix2pix", 2), ("pix2pix", 0), ("pix2pix", 1)
    ]  # fmt: skip
    laptop = workflow.asked("05_spatial_guidance", "laptop", datasets="facades")
    assert list(laptop.one_seed) == ["facades"]
    # a method of the notebook and of `one_seed` is asked for once, with every seed
    drawn = workflow.asked("05_spatial_guidance", "laptop", "0,1", "shapes_drawn").runs()
    assert len({run.folder for run in drawn}) == len(drawn)


def test_a_notebook_of_one_data_set_takes_another_one():
    params = workflow.asked(PROTOCOL, "smoke", datasets="horse2zebra")
    assert params.model_dump() == workflow.read_params(PROTOCOL, "smoke") | {
        "dataset": "horse2zebra"
    }
    assert params.runs() == []


@pytest.mark.parametrize(
    "words, text",
    [
        ((PROTOCOL, "smoke", "0,1"), r"--seeds 0,1: 00_protocol takes no list of seeds.*leave --s"),
        ((PROTOCOL, "smoke", "", "a,b"), r"--datasets a,b: 00_protocol .* name one data set"),
        ((PROTOCOL, "smoke", "", "horse2zebr"), r"\(did you mean 'horse2zebra'\?\)"),
        (("02_agan", "smoke"), r"unknown notebook '02_agan' \(did you mean '02_aggan'\?\)"),
        ((NOTEBOOK, "labtop"), r"unknown budget 'labtop' \(did you mean 'laptop'\?\)"),
        ((NOTEBOOK, "smoke", "0,x"), r"seeds\.1='x': expected int"),
        ((NOTEBOOK, "smoke", "0,-1"), r"seeds\.1='-1': expected int, greater than or equal to 0"),
        ((NOTEBOOK, "smoke", "1,1"), r"seeds=\[1, 1\]: the same value twice"),
        ((NOTEBOOK, "smoke", "", "horse2zebr"), r"\(did you mean 'horse2zebra'\?\)"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(workspace, words, text):
    with pytest.raises(ReplicateError, match=text):
        workflow.asked(*words)
    with pytest.raises(UnknownName):
        workflow.asked("nothing", "smoke")


# What it costs


def test_the_plan_times_each_kind_once_and_counts_what_is_left(workspace, timed, monkeypatch):
    states(monkeypatch, {("cyclegan", 1): "scored", ("aggan", 1): "stale"})
    runs = [make_run(m, "d", seed, "laptop") for m in ("cyclegan", "aggan") for seed in (0, 1, 2)]
    halfway = runs[2].folder
    halfway.mkdir(parents=True)
    checkpoint.save(halfway, {}, 40)
    planned = plan.plan(runs, "cpu")
    assert timed == ["cyclegan", "aggan"]
    assert [each.steps for each in planned] == [100, 0, 60, 100, 0, 100]
    assert [each.seconds for each in planned] == [
        s * 2.0 * OVERHEAD for s in (100, 0, 60, 100, 0, 100)
    ]
    assert [each.state for each in planned][:2] == ["missing", "scored"]


@pytest.mark.parametrize(
    "seconds, jobs, expected",
    [
        ([], 2, 0),
        ([5], 3, 5),
        ([1, 2, 3], 1, 6),
        ([1, 2, 3], 2, 4),  # 1 and 2 start; 3 follows 1
        ([3, 2, 1], 2, 3),  # 3 and 2 start; 1 follows 2
        ([4, 4, 4, 4, 4], 2, 12),
        ([4, 0, 4], 2, 4),  # a finished run holds nobody up
    ],
)
def test_the_whole_takes_as_long_as_the_busiest_job_slot(seconds, jobs, expected):
    assert makespan([Planned(None, "", 1, 1.0, s) for s in seconds], jobs) == expected


def test_the_plan_in_words(workspace, timed, monkeypatch):
    states(monkeypatch, {("cyclegan", 0): "scored"})
    text = workflow.describe(workflow.asked(NOTEBOOK, "laptop"), jobs=2).splitlines()
    assert text[0] == f"3 runs at budget laptop, 2 at a time, into {paths.results()}"
    assert text[1] == "  cyclegan on horse2zebra_drawn, seed 0 (laptop): scored, nothing to do"
    # 100 steps of 2 s and the overhead: 250 s
    assert text[2].endswith("(laptop): missing, 100 steps of 2000 ms, about 4.2 min")
    assert text[-1].startswith("about 4 min in all (ten steps timed)")  # two at once


def test_the_plan_of_a_notebook_that_trains_nothing(workspace, timed):
    text = workflow.describe(workflow.asked(PROTOCOL, "laptop"), jobs=2).splitlines()
    assert text == [
        f"0 runs at budget laptop, 2 at a time, into {paths.results()}",
        "nothing to train, then the notebook: 15 min",
    ]
    assert timed == []


def test_timing_ten_steps_leaves_nothing_behind(tiny):
    run = make_run("cyclegan", tiny, 0, "smoke", {"iterations": 50})
    try:
        per_step, total = plan.seconds_per_step(run)
    finally:
        torch.use_deterministic_algorithms(False)
    assert per_step > 0 and total == 50
    assert not paths.results().exists() and state.of(run).name == "missing"


# What Snakemake makes of it


def listed(*words: str) -> set[Path]:
    """The outputs that a dry run says it would make."""
    command = [sys.executable, "-m", "replicate.cli", "runs", "--budget", "smoke", "--dry-run"]
    done = subprocess.run([*command, *words], capture_output=True, text=True)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    places = re.findall(r"^ +output: (\S+)$", text, re.MULTILINE)
    return {paths.results() / place for place in places}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["results", "my {results}'s: ü #1"])
def test_snakemake_lists_the_notebook_alone_where_nothing_is_trained(workspace, monkeypatch, name):
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / name))
    marker = paths.results() / ".done" / "notebooks" / "smoke" / PROTOCOL
    assert listed("--notebook", PROTOCOL) == {marker}


@pytest.mark.slow
def test_snakemake_lists_exactly_the_missing_runs_and_the_notebook(tiny):
    params = workflow.asked(NOTEBOOK, "smoke", "0,1", tiny)
    done = params.runs()[0]
    try:
        ensure(done)
    finally:
        torch.use_deterministic_algorithms(False)
    markers = paths.results() / ".done"
    wanted = {markers / "runs" / key(run) for run in params.runs() if run != done}
    found = listed("--notebook", NOTEBOOK, "--seeds", "0,1", "--datasets", tiny)
    assert found == wanted | {markers / "notebooks" / "smoke" / NOTEBOOK}
    assert not any(run.folder.exists() for run in params.runs() if run != done)
