"""A setting is one and the same run whoever changes it: notebook, papermill, command line, name."""

import pytest
import torch
import yaml
from typer.testing import CliRunner

from replicate import checkpoint, paths
from replicate.cli import app
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import continuing, ensure, make_run
from replicate.lab.budget_grid import grid, pages
from replicate.lab.execute import prepared
from replicate.lab.notebook_parameters import checked
from replicate.lab.run import run_of
from replicate.report.tables.writing import command

SMOKE = yaml.safe_load((paths.notebooks() / "params" / "smoke" / "02_aggan.yaml").read_text())


def smoke(**changed: object):
    return checked(SMOKE | {"datasets": ["horse2zebra_drawn"], "methods": ["cyclegan"]} | changed)


def test_every_way_to_change_a_setting_asks_for_one_run(tiny, tmp_path):
    wanted = make_run("cyclegan", tiny, 0, "smoke", {"lambda_cyc": 5.0})
    assert wanted.title == "cyclegan+lambda_cyc=5.0 on tiny, seed 0 (smoke)"
    by_mapping = smoke(datasets=[tiny], overrides={"cyclegan": {"lambda_cyc": 5.0}})
    by_label = smoke(datasets=[tiny], methods=["cyclegan+lambda_cyc=5"])
    assert by_mapping == by_label and by_label.methods == ["cyclegan+lambda_cyc=5.0"]
    (one,), (other,) = by_mapping.runs(), by_label.runs()
    assert one.hash == other.hash == wanted.hash
    (tmp_path / "params").mkdir()
    given = SMOKE | {"datasets": [tiny], "methods": ["cyclegan", "cyclegan+lambda_cyc=5.0"]}
    (tmp_path / "params" / "02_aggan.yaml").write_text(yaml.safe_dump(given))
    jobs = grid("smoke", folder=tmp_path / "params")
    assert [job.run.hash for job in jobs][1] == wanted.hash
    (page,) = pages("smoke", folder=tmp_path / "params")
    assert page.whole.methods[1] == "cyclegan+lambda_cyc=5.0"  # what papermill injects
    asked = command("cyclegan+lambda_cyc=5.0", tiny, 0, "smoke").split()[1:]
    for words in (asked, ["train", "cyclegan+lambda_cyc=5.0", "--data", tiny]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0 and done.stdout.strip() == str(wanted.folder)
    assert run_of(wanted.record()).hash == wanted.hash


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"overrides": {"ciclegan": {"lr": 1.0}}}, r"unknown method of overrides 'ciclegan'"),
        ({"overrides": {"cyclegan": {"lrr": 1.0}}}, r"unknown setting 'lrr'"),
        ({"overrides": {"cyclegan": 5.0}}, r"overrides\.cyclegan=5\.0: expected settings"),
        ({"methods": ["cyclegan", "cyclegan+lambda_cyc=10"]}, r"the same value twice"),
        ({"methods": ["cyclegan+lambda_cyc"]}, r"expected METHOD\[:VARIANT\]\+KEY=VALUE"),
        ({"methods": ["cyclegan+lr=1,lr=2"]}, r"each key once"),
    ],
)
def test_wrong_settings_are_refused_before_anything_runs(changed, text):
    with pytest.raises(ReplicateError, match=text):
        smoke(**changed)


def test_a_setting_in_a_name_and_besides_is_refused():
    with pytest.raises(ReplicateError, match=r"lr is in 'cyclegan\+lr=1.0' and set besides"):
        make_run("cyclegan+lr=1.0", "d", 0, "smoke", {"lr": 1.0})
    with pytest.raises(UnknownName, match="unknown variant of aggan 'x'"):
        make_run("aggan:x+lr=1.0", "d", 0, "smoke")


def test_a_run_begins_with_the_weights_of_another_and_says_so(finished, capsys):
    words = ["train", "cyclegan", "--data", finished.dataset, "--iterations", "6"]
    done = CliRunner().invoke(app, [*words, "--continue-from", "cyclegan@tiny"])
    assert done.exit_code == 0
    start = f"{finished.hash}-4"
    asked = {"iterations": 6, "continued_from": start}
    run = make_run("cyclegan", finished.dataset, 0, "smoke", asked)
    assert done.stdout.strip() == str(run.folder) and f"continued_from={start}" in run.title
    before = checkpoint.load(finished.folder, torch.device("cpu"))["method"]
    method, _ = prepared(run, torch.device("cpu"))
    continuing.begin(method, run)
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
    torch.use_deterministic_algorithms(False)
    done = CliRunner().invoke(app, words)
    assert "is here with 4 iterations" in done.stderr
    lost = make_run("cyclegan", finished.dataset, 0, "smoke", {"continued_from": "0123abcd-4"})
    with pytest.raises(ReplicateError, match="run 0123abcd, which is not below"):
        ensure(lost)
    wide = make_run("cyclegan", finished.dataset, 0, "smoke", {"continued_from": start, "ngf": 8})
    with pytest.raises(ReplicateError, match="has other networks than"):
        ensure(wide)
