"""The grid: every run of a budget once, where it trains, and what is refused beforehand."""

import pytest

from replicate import paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import workflow
from replicate.lab.budget_grid import SUMMARY, check_inputs, grid, pages
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import BUDGETS


def name(run) -> tuple[str, str, str, int]:
    return run.method, run.variant, run.dataset, run.seed


@pytest.mark.parametrize("budget", BUDGETS)
def test_every_run_of_a_budget_is_there_once_with_its_first_notebooks_device(workspace, budget):
    found = grid(budget)
    stems = sorted(f.stem for f in (paths.notebooks() / "params" / budget).glob("*.yaml"))
    files = {n: checked(workflow.read_params(n, budget), n) for n in stems if n != SUMMARY}
    every = [(n, run) for n, params in files.items() for run in params.runs()]
    assert {job.run.folder for job in found} == {run.folder for _, run in every}
    assert len(found) == len({run.folder for _, run in every}) < len(every)
    first: dict = {}
    for notebook, run in every:
        first.setdefault(run.folder, notebook)
    for job in found:
        assert job.device == files[first[job.run.folder]].device


def test_other_seeds_are_those_of_every_notebook_that_takes_some(workspace):
    found = grid("smoke", seeds="0,3")
    once = grid("smoke")
    assert len(found) == 2 * len(once)
    assert {job.run.seed for job in found} == {0, 3}
    assert {p.notebook for p in pages("smoke", seeds="0,3")} >= {"00_protocol", "02_aggan"}


def test_data_sets_leave_a_part_of_the_grid(workspace):
    found = pages("laptop", datasets="shapes_drawn")
    assert {run.dataset for page in found for run in page.runs} == {"shapes_drawn"}
    by_name = {page.notebook: page for page in found}
    assert set(by_name) == {"01_dagan", "06_guidance_studies"}
    assert tuple(by_name["01_dagan"].whole.runs()) == by_name["01_dagan"].runs
    assert by_name["06_guidance_studies"].whole is None  # has it in its `one_seed` alone
    assert len(grid("laptop", datasets="shapes_drawn")) == 10


def test_with_a_notebook_named_other_data_sets_take_the_place_of_its_own(tiny):
    (page,) = pages("smoke", ["02_aggan"], datasets=tiny)
    assert page.whole == workflow.asked("02_aggan", "smoke", datasets=tiny)
    assert {run.dataset for run in page.runs} == {tiny}


def test_parameter_files_of_ones_own(workspace):
    folder = workspace / "mine"
    folder.mkdir()
    text = (paths.notebooks() / "params" / "smoke" / "02_aggan.yaml").read_text()
    (folder / "02_aggan.yaml").write_text(text.replace("seeds: [0]", "seeds: [7]"))
    assert {name(job.run) for job in grid("smoke", folder=folder)} == {
        ("cyclegan", "paper", "horse2zebra_drawn", 7),
        ("aggan", "paper", "horse2zebra_drawn", 7),
        ("aggan", "whole-image-d", "horse2zebra_drawn", 7),
    }
    with pytest.raises(UnknownName, match=r"notebook '01_dagan'.*known: 02_aggan"):
        grid("smoke", ["01_dagan"], folder=folder)
    with pytest.raises(
        ReplicateError, match=r"02_aggan\.yaml is for budget smoke, expected laptop"
    ):
        grid("laptop", folder=folder)


WRONG = {
    "budget: smoke": ("budget: smke", r"unknown budget 'smke' \(did you mean 'smoke'"),
    "cyclegan": ("cyclegann", r"unknown method 'cyclegann' \(did you mean 'cyclegan'"),
    "whole-image-d": ("whole-image", r"did you mean 'whole-image-d'"),
    "horse2zebra_drawn": ("horse2zebra_drwan", r"did you mean 'horse2zebra_drawn'"),
    "seeds:": ("sedes:", r"unknown parameter 'sedes' \(did you mean 'seeds'"),
    "[0]": ("[x]", r"seeds\.0='x': expected list\[int\]"),
}


@pytest.mark.parametrize("right", WRONG)
def test_a_mistake_in_a_file_is_refused_with_the_closest_match(workspace, right):
    wrong, text = WRONG[right]
    source = (paths.notebooks() / "params" / "smoke" / "02_aggan.yaml").read_text()
    assert right in source
    (workspace / "02_aggan.yaml").write_text(source.replace(right, wrong))
    with pytest.raises(ReplicateError, match=text):
        grid("smoke", folder=workspace)


@pytest.mark.parametrize(
    "method, dataset, text",
    [
        ("aggan", "animals", r"aggan translates between two domains, animals has 4 as labels"),
        ("stargan+attributes=true", "animals", r"stargan\S+ reads labels as attributes"),
        ("pix2pix", "horse2zebra", r"pix2pix needs paired images, horse2zebra is unpaired"),
    ],
)
def test_a_run_that_its_set_would_refuse_is_refused_with_the_whole_grid(
    workspace, method, dataset, text
):
    source = (paths.notebooks() / "params" / "laptop" / "02_aggan.yaml").read_text()
    (workspace / "02_aggan.yaml").write_text(f"{source}\nalso: {{{dataset}: [{method}]}}\n")
    with pytest.raises(ReplicateError, match=text):
        grid("laptop", folder=workspace)


def test_every_set_of_parameters_can_be_trained(workspace):
    folders = sorted({f.parent for f in (paths.notebooks() / "params").rglob("[0-9]*.yaml")})
    assert len(folders) > len(BUDGETS)
    for folder in folders:
        budget = folder.relative_to(paths.notebooks() / "params").parts[0]
        assert pages(budget, folder=folder)


@pytest.mark.parametrize(
    "words, text",
    [
        (("smke",), r"unknown budget 'smke' \(did you mean 'smoke'"),
        (("smoke", ["02_agan"]), r"unknown notebook '02_agan' \(did you mean '02_aggan'"),
        (("smoke", [], "", "facades"), r"unknown data set of this grid 'facades'"),
        (("laptop", [], "", "facade"), r"\(did you mean 'facades'"),
        (("smoke", [], "0,x"), r"seeds\.1='x'"),
    ],
)
def test_a_mistake_on_the_command_line_too(workspace, words, text):
    with pytest.raises(ReplicateError, match=text):
        grid(*words)


def test_missing_images_and_weights_are_all_named_before_anything_starts(workspace, monkeypatch):
    monkeypatch.delenv("REPLICATE_INCEPTION_WEIGHTS", raising=False)
    found = pages("paper", ["02_aggan"], datasets="horse2zebra,facades,horse2zebra_drawn")
    with pytest.raises(ReplicateError) as error:
        check_inputs(found)
    text = str(error.value)
    assert "`replicate data get horse2zebra" in text and "`replicate data get facades" in text
    assert "horse2zebra_drawn" not in text
    assert "replicate data get inception-weights" in text and "--offline-metrics" in text
    with pytest.raises(ReplicateError) as error:
        check_inputs(found, offline=True)
    assert "inception" not in str(error.value)
    check_inputs(pages("smoke"))


def test_images_of_ones_own_are_enough(tiny):
    check_inputs(pages("smoke", ["02_aggan", "00_protocol"], datasets=tiny))
    for file in (paths.data() / tiny / "testB").iterdir():
        file.unlink()
    with pytest.raises(ReplicateError, match="testB"):
        check_inputs(pages("smoke", ["02_aggan"], datasets=tiny))
