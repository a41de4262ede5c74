"""Notebooks are thin, alike and clean; their parameters are checked, also through papermill."""

import ast
import base64
import copy
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from PIL import Image

from replicate import lab, paths
from replicate.errors import ReplicateError
from replicate.lab import make_run, workflow
from replicate.lab.doctor import KERNEL, source_problems
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import BUDGETS

NOTEBOOKS = sorted(paths.notebooks().glob("*.ipynb"))
STUDIES = [path for path in NOTEBOOKS if path.stem == "06_guidance_studies"]
PAPERS = [path for path in NOTEBOOKS if path.name[:2] not in ("00", "90") and path not in STUDIES]
CELLS = 18  # of code, the bootstrap apart; photographs, weights and the closing words have one each
LINES = 15  # of a cell
THICK = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.While, ast.Try,
)  # fmt: skip
PARAMETER = re.compile(r"[a-z]\w*: \w+ = .+  # \S.*")

by_stem = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code(notebook: dict) -> list[dict]:
    """The cells of code but the one that installs the package where there is none."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if "bootstrap" not in tags(cell)]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def shared_code(notebook: dict) -> list[str]:
    """What the notebooks of two papers have in common."""
    return [source(cell) for cell in code(notebook) if not {"parameters", "own"} & set(tags(cell))]


def thickness(notebook: dict) -> set[str]:
    """Which of the rules of thin notebooks are broken."""
    cells, first = code(notebook), notebook["cells"][0]
    trees = [ast.parse(source(cell)) for cell in cells]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
    imported += [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    found = {
        "title": not (first["cell_type"] == "markdown" and re.match(r"# \S", source(first))),
        "parameters": [i for i, cell in enumerate(cells) if "parameters" in tags(cell)] != [0],
        "declarations": not all(map(is_declaration, source(cells[0]).splitlines())),
        "check": "check" not in tags(cells[-1]),
        "cells": len(cells) > CELLS,
        "lines": any(len(source(cell).splitlines()) > LINES for cell in cells),
        "thick": any(isinstance(node, THICK) for node in nodes),
        "imports": any(name.split(".")[0] != "replicate" for name in imported),
    }  # fmt: skip
    return {rule for rule, broken in found.items() if broken}


def is_declaration(line: str) -> bool:
    """Whether a line is `name: type = literal  # comment`."""
    if not PARAMETER.fullmatch(line):
        return False
    (node,) = ast.parse(line).body
    try:
        return type(ast.literal_eval(node.value)).__name__ == node.annotation.id
    except ValueError:
        return False


@by_stem
def test_the_first_cell_of_code_installs_the_package_where_it_is_absent(path):
    first, *others = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    assert tags(first) == ["bootstrap"] and first["metadata"]["jupyter"] == {"source_hidden": True}
    assert not any("bootstrap" in tags(cell) for cell in others)
    page = (paths.ROOT / "docs" / "colab.md").read_text(encoding="utf-8")
    assert f"```python\n{source(first)}\n```" in page


def test_where_the_package_is_the_first_cell_does_nothing(capsys, monkeypatch):
    def refused(*command, **options):
        raise AssertionError(f"{command} was run")

    monkeypatch.setattr(subprocess, "run", refused)
    environment = dict(os.environ)
    exec(source(read(PAPERS[0])["cells"][1]), {})
    assert dict(os.environ) == environment and capsys.readouterr().out == ""


@by_stem
def test_a_notebook_is_thin_and_clean(path):
    assert thickness(read(path)) == set()
    assert source_problems(path) == []
    nbformat.validate(nbformat.read(path, as_version=4))
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)


def test_the_code_of_two_papers_is_the_same():
    first = shared_code(read(PAPERS[0]))
    assert len(first) > 5
    for path in PAPERS[1:]:
        assert shared_code(read(path)) == first, f"{path.name} differs from {PAPERS[0].name}"


def cell(text: str, *names: str, kind: str = "code") -> dict:
    made = {"cell_type": kind, "metadata": {"tags": list(names)}, "source": text}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


THIN = {
    "cells": [
        cell("# Title", kind="markdown"),
        cell('budget: str = "smoke"  # seconds\nseeds: list = [0]  # three', "parameters"),
        cell("from replicate import lab"),
        cell("lab", "own"),
        cell("print(1)", "check"),
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": KERNEL}},
}
BROKEN = {
    "no title": ("title", lambda n: n["cells"].pop(0)),
    "a small title": ("title", lambda n: n["cells"][0].update(source="## Title")),
    "no parameters": ("parameters", lambda n: tags(n["cells"][1]).clear()),
    "parameters twice": ("parameters", lambda n: tags(n["cells"][2]).append("parameters")),
    "no comment": ("declarations", lambda n: n["cells"][1].update(source="seed: int = 0")),
    "no type": ("declarations", lambda n: n["cells"][1].update(source="seed = 0  # one")),
    "another type": ("declarations", lambda n: n["cells"][1].update(source="seed: str = 0  # one")),
    "no literal": ("declarations", lambda n: n["cells"][1].update(source="seed: int = f()  # one")),
    "no check": ("check", lambda n: n["cells"].pop()),
    "many cells": ("cells", lambda n: n["cells"].__setitem__(slice(3, 3), [cell("1")] * CELLS)),
    "a long cell": ("lines", lambda n: n["cells"][3].update(source="1\n" * (LINES + 1))),
    "a function": ("thick", lambda n: n["cells"][3].update(source="def f():\n    pass")),
    "a lambda": ("thick", lambda n: n["cells"][3].update(source="f = lambda: 1")),
    "a while loop": ("thick", lambda n: n["cells"][3].update(source="while False:\n    pass")),
    "a try": ("thick", lambda n: n["cells"][3].update(source="try:\n    1\nfinally:\n    2")),
    "an import": ("imports", lambda n: n["cells"][3].update(source="import torch")),
    "an import from": ("imports", lambda n: n["cells"][3].update(source="from os import path")),
}  # fmt: skip


@pytest.mark.parametrize("rule, break_it", BROKEN.values(), ids=BROKEN)
def test_each_rule_of_thin_notebooks_can_fail(rule, break_it):
    assert thickness(THIN) == set()
    notebook = copy.deepcopy(THIN)
    break_it(notebook)
    assert thickness(notebook) == {rule}


UNCLEAN = {
    "outputs": (lambda n: n["cells"][2].update(outputs=[{}]), "holds outputs; run 'make strip'"),
    "a count": (lambda n: n["cells"][2].update(execution_count=3), "holds outputs"),
    "papermill": (lambda n: n["metadata"].update(papermill={}), "an executed copy"),
    "papermill in a cell": (lambda n: n["cells"][2]["metadata"].update(papermill=1), "executed"),
    "a kernel": (lambda n: n["metadata"]["kernelspec"].update(name="mine"), "the kernel 'mine'"),
    "a title": (
        lambda n: n["metadata"]["kernelspec"].update(display_name="Python 3"),
        "calls its kernel 'Python 3', expected 'Python 3 (ipykernel)' as JupyterLab does",
    ),
    "no kernel": (lambda n: n["metadata"].pop("kernelspec"), "the kernel None, expected 'python3'"),
}  # fmt: skip


@pytest.mark.parametrize("soil, text", UNCLEAN.values(), ids=UNCLEAN)
def test_what_must_not_be_committed_is_told(tmp_path, soil, text):
    notebook, path = copy.deepcopy(THIN), tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook))
    assert source_problems(path) == []
    soil(notebook)
    path.write_text(json.dumps(notebook))
    (problem,) = source_problems(path)
    assert problem.startswith(f"{path} ") and text in problem


def test_make_strip_cleans_what_a_run_left(tmp_path):
    notebook, path = copy.deepcopy(read(PAPERS[0])), tmp_path / PAPERS[0].name
    ran = code(notebook)[1]
    ran.update(
        execution_count=2, outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]
    )
    path.write_text(json.dumps(notebook))
    (command,) = re.findall(r"^strip: .*\n\t\$\(PY\) (.*) notebooks/\*\.ipynb$", makefile(), re.M)
    subprocess.run([sys.executable, *command.split(), path], check=True, capture_output=True)
    assert source_problems(path) == [] and read(path)["cells"] == read(PAPERS[0])["cells"]


def makefile() -> str:
    return (paths.ROOT / "Makefile").read_text()


# Parameters


def defaults(path: Path) -> dict:
    namespace: dict = {}
    exec(source(code(read(path))[0]), namespace)
    return {k: v for k, v in namespace.items() if not k.startswith("__")}


@by_stem
def test_the_defaults_are_the_smoke_run_and_every_budget_has_checked_parameters(path):
    for budget in BUDGETS:
        params = checked(workflow.read_params(path.stem, budget), path.stem)
        assert params.budget == budget
        assert bool(params.runs()) == (path in [*PAPERS, *STUDIES])
    smoke = lab.parameters(defaults(path), path.stem)
    assert smoke == checked(workflow.read_params(path.stem, "smoke"), path.stem)


def test_no_parameter_file_is_of_no_notebook():
    files = list((paths.notebooks() / "params").rglob("*.yaml"))
    assert {file.stem for file in files} == {path.stem for path in NOTEBOOKS}
    # those of photographs stand apart, as they need images that a fresh clone has not
    assert {file.parent.name for file in files} == {*BUDGETS, "photographs"}
    for file in files:
        found = checked(workflow.read_params(file.stem, "", file.parent), file.stem)
        assert found.budget in (file.parent.name, file.parent.parent.name)


@pytest.mark.parametrize(
    "injected, text",
    [
        ("imagesize: 128", r"unknown parameter 'imagesize'; known: also, budget, datasets, device"),
        ("dataset: [facades]", r"unknown parameter 'dataset' \(did you mean 'datasets'\?\)"),
        ("budget: labtop", r"unknown budget 'labtop' \(did you mean 'laptop'\?\)"),
        ("methods: [agggan]", r"unknown method 'agggan' \(did you mean 'aggan'\?\)"),
        ("methods: ['aggan:whole']", r"\(did you mean 'whole-image-d'\?\)"),
        ("datasets: [horse2zebra_drwan]", r"\(did you mean 'horse2zebra_drawn'\?\)"),
        ("paper: mejjati2018agan", r"\(did you mean 'mejjati2018aggan'\?\)"),
        ("device: gpu", r"unknown device 'gpu'"),
        ("seeds: abc", r"seeds='abc': expected list\[int\]"),
        ("seeds: ['0']", r"seeds\.0='0': expected list\[int\]"),
        ("seeds: [0, 0]", r"seeds=\[0, 0\]: the same value twice"),
        (
            "seeds: [-1]",
            r"seeds\.0=-1: expected list\[int\] \(input should be greater than or equal to 0\)",
        ),
        ("methods: []", r"methods=\[\]: expected list\[str\]"),
        ("budget: 3", r"budget=3: expected str"),
        ("one_seed: {facade: [pix2pix]}", r"\(did you mean 'facades'\?\)"),
        ("one_seed: {facades: [pix2pxi]}", r"\(did you mean 'pix2pix'\?\)"),
        ("one_seed: {shapes_drawn: [dagan]}", r"on shapes_drawn: .* one of `methods`; each once"),
        ("also: {shapes_drawn: [dagan]}", r"^also=.* on shapes_drawn: .* one of `methods`"),
        ("{also: {cub: [dagan]}, one_seed: {cub: [dagan]}}", r"^one_seed=.* on cub: .* each once"),
    ],
)
def test_wrong_parameters_stop_the_notebook(workspace, injected, text):
    given = defaults(PAPERS[0]) | yaml.safe_load(injected)
    with pytest.raises(ReplicateError, match=text):
        lab.parameters(given)


def test_names_that_a_notebook_has_anyway_are_no_parameters():
    given = defaults(PAPERS[0])
    around = {
        "In": [],
        "Out": {},
        "_ih": [""],
        "__name__": "x",
        "lab": lab,
        "exit": 1,
    }
    assert lab.parameters(given | around) == lab.parameters(given)
    del given["seeds"]
    with pytest.raises(ReplicateError, match="parameter 'seeds' is missing; give it a value"):
        lab.parameters(given)


# Through papermill


def test_a_mistyped_value_that_papermill_injects_stops_before_anything_is_made(workspace):
    from papermill.iorw import load_notebook_node  # a second that no other test pays
    from papermill.parameterize import parameterize_notebook

    injected = parameterize_notebook(load_notebook_node(str(PAPERS[0])), {"budget": "labtop"})
    *parameters, check = [source(cell) for cell in code(injected)[:3]]
    namespace: dict = {}
    for text in parameters:  # the notebook's own, then the injected ones
        exec(text, namespace)
    with pytest.raises(ReplicateError, match=r"'labtop' \(did you mean 'laptop'\?\)"):
        exec(check, namespace)
    assert not (workspace / "results").exists()


@pytest.mark.slow
def test_papermill_runs_from_anywhere_and_leaves_the_source_alone(workspace, tiny):
    """One run on a set of one's own; `make test` runs the defaults of every notebook beside."""
    path = next(path for path in PAPERS if path.stem == "02_aggan")
    before, changes = path.read_bytes(), {"methods": ["aggan"], "datasets": [tiny]}
    changes["overrides"] = {"aggan": {"lambda_cyc": 5.0}}
    command = [sys.executable, "-m", "papermill", path, workspace / "out.ipynb"]
    command += ["--no-progress-bar", "-y", yaml.safe_dump(changes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=workspace, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert path.read_bytes() == before
    executed = workspace / "out.ipynb"
    assert executed.stat().st_size < 5e6
    outputs = [output for cell in code(read(executed)) for output in cell["outputs"]]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds and "application/vnd.jupyter.widget-view+json" not in kinds
    for output in outputs:
        if picture := output.get("data", {}).get("image/png"):
            width, _ = Image.open(io.BytesIO(base64.b64decode(picture))).size
            assert width <= 1600
    text = "".join("".join(output.get("text", "")) for output in outputs)
    assert len(text) < 50_000
    (record,) = (workspace / "results" / "runs").rglob("run.json")
    assert json.loads(record.read_text())["status"] == "finished"
    assert record.parent == make_run("aggan", tiny, 0, "smoke", {"lambda_cyc": 5.0}).folder
