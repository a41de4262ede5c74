"""What `make replicate` trains, in which order, and what it refuses."""

import re
import sys

import pytest
from support.made_up_runs import make_up

from replicate import cli, paths
from replicate.errors import ReplicateError
from replicate.lab import preflight
from replicate.lab.budget_grid import pages, quick_page
from replicate.lab.forecast import Estimates, Known
from replicate.lab.graph import Options, graph
from replicate.lab.notebook_parameters import quick
from replicate.report import claims

# What is trained


def test_the_eight_runs_and_that_their_seed_is_new() -> None:
    runs = quick().runs()
    assert len(runs) == 8 and {run.budget for run in runs} == {"laptop"}
    named = [(run.dataset, run.method, run.variant) for run in runs]
    assert ("horse2zebra_drawn", "spatial_guidance", "constant") in named
    assert ("shapes_drawn", "dagan", "no-attention") in named and len(set(named)) == 8
    published = {seed for design in claims.designs() for seed in design.seeds}
    assert not published & {run.seed for run in runs}
    assert [run.seed for run in quick("smoke", "0, 1").runs()][:2] == [0, 1]


def test_every_run_belongs_to_a_claim_that_can_be_held_against_its_interval() -> None:
    names = {
        (run.dataset, f"{run.method}:{run.variant}".removesuffix(":paper"))
        for run in quick().runs()
    }
    whole = [c for c in claims.every() if all((c.dataset, arm) in names for arm in c.arms)]
    assert {claim.paper for claim in whole} == {claim.paper for claim in claims.every()}
    assert {(c.dataset, arm) for c in whole for arm in c.arms} == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'seeds = [5]\n[methods]\nhorse2zebra_drwn = ["aggan"]',
            "did you mean 'horse2zebra_drawn'",
        ),
        ('seeds = [5]\n[methods]\nhorse2zebra_drawn = ["agan"]', "unknown method 'agan'"),
        ('seeds = ["5"]\n[methods]\nhorse2zebra_drawn = ["aggan"]', r"seeds.0='5'"),
        ("seeds = [5]", "parameter 'methods' is missing"),
    ],
)
def test_a_wrong_file_is_told(text: str, said: str, tmp_path, monkeypatch) -> None:
    file = tmp_path / "quick.toml"
    file.write_text(text)
    monkeypatch.setattr(paths, "quick", lambda: file)
    with pytest.raises(ReplicateError, match=said):
        quick()


# The command


HOURS = {"cyclegan": 0.1, "aggan": 0.4, "attentiongan": 0.3, "ugatit": 0.5, "dagan": 0.2}


@pytest.fixture
def known(monkeypatch) -> None:
    """Every run takes as many hours as `HOURS` says, the others 0.6."""
    of = lambda self, run, device: Known(HOURS.get(run.method, 0.6), by="somebody")  # noqa: E731
    monkeypatch.setattr(Estimates, "of", of)


@pytest.fixture
def command(workspace, known, monkeypatch):
    """A function that calls `replicate all`; started is what Snakemake would be called with."""
    started: list[dict] = []

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["replicate", "all", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value.code or "")

    def start(pages, options) -> bool:
        started.append(graph(pages, [], options))
        return True

    monkeypatch.setattr("replicate.lab.engine.start", start)
    call.started = started
    return call


def test_the_plan_names_every_run_the_longest_first_and_measures_what_is_unknown(
    command, monkeypatch, capsys
):
    measured = []
    monkeypatch.setattr(
        preflight, "every", lambda runs, *how, **more: measured.append((list(runs), more))
    )
    assert command("--dry-run", "--jobs", "2") == "" and command.started == []
    (runs, more), lines = measured[0], capsys.readouterr().out.splitlines()
    assert runs == list(quick_page().runs) and more == {"at_once": 2}
    assert lines[0] == f"8 runs at budget laptop, 2 at a time, into {paths.results()}"
    assert lines[1].split() == ["state", "time", "left", "run", "why"]
    minutes = [re.search(r"missing +(\d+)\.0 min .* somebody$", x)[1] for x in lines[2:10]]
    assert minutes == ["36", "36", "30", "24", "18", "12", "12", "6"]
    # one core: 36, 30, 12 and 12; the other: 36, 24, 18 and 6
    assert lines[10] == "about 90 min of training in all"
    command("--budget", "smoke", "--dry-run")
    assert len(measured) == 1  # such a run is over before it could be measured


def test_eight_runs_go_through_the_graph_without_downloaded_weights_or_notebooks(command):
    assert command("--budget", "smoke", "--seeds", "3") == ""
    (content,) = command.started
    assert len(content["runs"]) == 8 and content["notebooks"] == {} and not content["tables"]
    assert {entry["seed"] for entry in content["runs"].values()} == {3}
    assert {(entry["offline"], entry["threads"]) for entry in content["runs"].values()} == {
        (True, 1)
    }


def test_a_stale_run_is_refused_with_the_way_out(command, capsys):
    run = quick_page("smoke").runs[0]
    make_up(run, fingerprint={"code": "of other code"})
    text = command("--budget", "smoke")
    assert run.title in text and "--retrain" in text and "REPLICATE_RESULTS" in text
    assert command.started == []
    assert command("--budget", "smoke", "--retrain") == "" and command.started[0]["retrain"]


def test_the_longest_run_is_the_first_for_snakemake(workspace, known):
    content = graph([quick_page()], [], Options(draw=False, offline=True))
    given = {entry["name"]: entry["priority"] for entry in content["runs"].values()}
    assert given["spatial_guidance:constant"] == 2160 and given["cyclegan"] == 360
    drawn = graph(pages("laptop", ["02_aggan"]), [], Options(offline=True, summary=False))
    assert not any(entry["offline"] for entry in drawn["runs"].values())  # its notebook scores them
    (page,) = drawn["notebooks"].values()
    assert page["priority"] > max(entry["priority"] for entry in drawn["runs"].values())
