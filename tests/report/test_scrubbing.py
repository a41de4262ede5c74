"""Executed notebooks without what they tell of the machine, and the published ones are such."""

import copy
import getpass
import json
import re
import socket

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from replicate import paths
from replicate.report import publishing
from replicate.report.publishing import scrub

HOME = "/".join(["", "ho" + "me", "someone"])  # no tracked file holds a home folder
PUBLISHED = sorted((paths.published() / "notebooks").glob("*/*.ipynb"))


def notebook(text: str, kind: str = "stream", source: str = "runs"):
    """One cell that printed `text`, or showed it as text and HTML."""
    if kind == "stream":
        outputs = [new_output("stream", name="stdout", text=text)]
    else:
        outputs = [new_output("display_data", {"text/plain": text, "text/html": text})]
    return new_notebook(cells=[new_code_cell(source, outputs=outputs)])


def shown(made) -> str:
    (output,) = scrub(made).cells[0].outputs
    return output.text if "text" in output else output.data["text/html"]


@pytest.mark.parametrize("kind", ["stream", "display_data"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"saved {HOME}/x y/a.csv.", "saved …/x y/a.csv."),
        (f"file://{HOME}/a.csv", "file://…/a.csv"),
        ("'/scratch/grp/data/', ~/runs/x", "'…/data', …/x"),
        ("/opt/env/lib/python3.11/warn.py:12: gone", "…/warn.py:12: gone"),
        (r"C:\\Work\\me\\out.csv D:\data\x", "…/out.csv …/x"),
        ("in use by pid 7 on host gpu-07 (heartbeat)", "in use by pid 7 on host … (heartbeat)"),
        ("mail me@node.lab.org now", "mail … now"),
        ("run by quux42 on node-17.lab, quux42's", "run by … on ….lab, …'s"),
    ],
)
def test_paths_users_and_hosts_go(monkeypatch, kind, text, left):
    monkeypatch.setattr(getpass, "getuser", lambda: "quux42")
    monkeypatch.setattr(socket, "gethostname", lambda: "node-17")
    assert shown(notebook(text, kind)) == left


@pytest.mark.parametrize(
    "text",
    [
        "<td>0.5</td></tr></table> a<br/>",
        "https://example.org/a/b/c.html kid/gm-mean098 and/or 3 / 4 / 5",
        "horse->zebra fid/torch-fidelity@66 inception-2015-12-05@6726825d x@a726825d",
        "results/published/tables/laptop/claims.md",
        "paper runs on cyclegan",
    ],
)
def test_what_tells_nothing_of_a_machine_stays(monkeypatch, text):
    monkeypatch.setattr(getpass, "getuser", lambda: "paper")  # a word of the cells themselves
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost")
    made = notebook(text, "display_data", 'budget = "paper"')
    assert shown(made) == text


def test_stderr_and_papermills_stamps_go_and_pictures_stay():
    picture = new_output("display_data", {"image/png": "iVBO/R/w/KG"})
    noise = new_output("stream", name="stderr", text=f"{HOME}/lib/x.py:3: UserWarning")
    cell = new_code_cell("x", outputs=[noise, picture], metadata={"papermill": {"duration": 1}})
    made = new_notebook(cells=[cell], metadata={"papermill": {"input_path": f"{HOME}/a.ipynb"}})
    scrub(made)
    assert made.cells[0].outputs == [picture]
    assert "papermill" not in made.metadata and "papermill" not in made.cells[0].metadata


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_published_notebook_tells_nothing_of_its_machine(file, monkeypatch):
    monkeypatch.setattr(publishing, "_names", set)  # those of the machine that tests
    made = nbformat.read(file, as_version=4)
    assert scrub(copy.deepcopy(made)) == made


def test_no_other_published_file_holds_a_path_of_a_machine():
    hits = {}
    for file in (paths.published()).rglob("*"):
        if file.suffix not in (".json", ".csv", ".md", ".tex"):
            continue
        text = file.read_text("utf-8")
        text = json.dumps(json.loads(text)) if file.suffix == ".json" else text
        found = [hit[0] for hit in publishing.PATH.finditer(text)]
        found += [hit[0] for hit in re.finditer(r"\bon host \S+", text)]
        if found:
            hits[file.name] = found
    assert hits == {}
