"""From a notebook's parameter file to the jobs of Snakemake: what is asked and listed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from replicate import paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import ensure, workflow
from replicate.lab.graph import key
from replicate.lab.notebook_parameters import checked

NOTEBOOK = "02_aggan"
PROTOCOL = "00_protocol"  # trains nothing


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
    laptop = workflow.asked("06_guidance_studies", "laptop", datasets="facades")
    assert list(laptop.one_seed) == ["facades"]
    # a method of the notebook and of `one_seed` is asked for once, with every seed
    drawn = workflow.asked("06_guidance_studies", "laptop", "0,1", "shapes_drawn").runs()
    assert len({run.folder for run in drawn}) == len(drawn)


def test_five_seeds_are_asked_for_once_and_yield_to_those_of_the_command_line():
    given = workflow.read_params(NOTEBOOK, "smoke") | {"seeds": [1, 0]}
    method, dataset = given["methods"][0], given["datasets"][0]
    params = checked(given | {"five_seeds": {dataset: [method, "spagan"]}})
    seeds = [run.seed for run in params.runs() if run.method == "spagan"]
    assert seeds == [0, 1, 2, 3, 4] and len({run.folder for run in params.runs()}) == len(
        params.runs()
    )
    with pytest.raises(ReplicateError, match=r"five_seeds=.*a method twice; each once"):
        checked(given | {"five_seeds": {dataset: ["spagan", "spagan"]}})
    paper = workflow.asked("01_dagan", "paper", seeds="0")
    assert {run.seed for run in paper.runs()} == {0} and not paper.five_seeds
    assert list(workflow.asked("01_dagan", "paper", "", "shapes_drawn").five_seeds)


def test_a_notebook_of_one_data_set_takes_another_one():
    params = workflow.asked(PROTOCOL, "smoke", datasets="horse2zebra")
    assert params.model_dump(exclude_unset=True) == workflow.read_params(PROTOCOL, "smoke") | {
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
def test_snakemake_lists_exactly_the_missing_runs_and_the_notebook(tiny, workspace, monkeypatch):
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / "my {results}'s: ü #1"))
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
