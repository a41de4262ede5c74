"""What is kept of a run's health, what is said while it trains, and where the numbers come from."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.made_up_runs import record_of
from typer.testing import CliRunner

from replicate import cli, paths
from replicate.errors import ReplicateError
from replicate.lab import ensure, health, make_run
from replicate.lab.known_faults import FAULTS
from replicate.lab.published import HEALTH

WORDS = {"AB": "horse->zebra", "BA": "zebra->horse"}
SIDE = 16


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (8, SIDE, SIDE, 3)).astype(np.uint8)


A, B = images(0), images(1)


def sheet(to_b: np.ndarray = B, to_a: np.ndarray = A) -> Image.Image:
    """A good method's, unless told otherwise: real images in the place of translations."""
    rows = [np.concatenate(list(row), axis=1) for row in (A, to_b, B, to_a)]
    return Image.fromarray(np.concatenate(rows))


@pytest.fixture
def run(workspace):
    run = make_run("cyclegan", "horse2zebra_drawn", 0, "laptop")
    run.folder.mkdir(parents=True)
    record = record_of(run, "running", iterations=30)
    (run.folder / "run.json").write_text(json.dumps(record))
    return run


def finish(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"status": "finished"}))


def faults(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(map(tuple, health.found(frame)[["direction", "fault"]].to_numpy()))


def test_a_fault_that_stays_is_told_once_and_kept_at_every_sample(run, capsys):
    health.watch(run, 5, sheet(), WORDS)
    health.watch(run, 10, sheet(to_b=A), WORDS)
    assert capsys.readouterr().err == ""
    for done in (15, 20):
        health.watch(run, done, sheet(to_b=A), WORDS)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {run.title}, horse->zebra, after 15 iterations: copy of")
    assert "grey levels of 255: 0, a fault below 2" in line and str(run.folder) in line
    kept = health.read(run.folder)
    assert kept["iteration"].unique().tolist() == [5, 10, 15, 20] and set(kept["images"]) == {8}
    assert faults(kept[kept["iteration"] == 20]) == {("horse->zebra", "copy")}


def test_a_fault_that_passes_is_not_told_unless_it_is_there_at_the_end(run, capsys):
    for done, made in ((10, A), (15, B), (20, A), (25, B)):
        health.watch(run, done, sheet(to_b=made), WORDS)
    assert capsys.readouterr().err == ""
    health.watch(run, 30, sheet(to_a=B), WORDS)
    (line,) = capsys.readouterr().err.splitlines()
    assert "zebra->horse, after 30 iterations: copy" in line


def test_after_a_kill_no_iteration_stands_twice(run, capsys):
    for done in (10, 20):
        health.watch(run, done, sheet(), WORDS)
    first = (run.folder / HEALTH).read_bytes()
    health.watch(run, 30, sheet(to_b=A), WORDS)
    health.watch(run, 20, sheet(), WORDS)  # resumed from a checkpoint before it
    assert (run.folder / HEALTH).read_bytes() == first
    assert not list(run.folder.glob("*.partial"))


def test_the_losses_so_far_are_looked_at(run, capsys):
    early = {"dis_A": 0.25, "adv_A": 0.25, "dis_B": 0.25, "adv_B": 0.25}
    won = early | {"dis_B": 0.0, "adv_B": 1.0}
    log = pd.DataFrame([early] * 20 + [won] * 10).assign(iteration=range(1, 31))
    log.to_csv(run.folder / "losses.csv", index=False)
    for done in (20, 30):
        assert "discriminator" not in capsys.readouterr().err
        health.watch(run, done, sheet(), WORDS)
    assert "horse->zebra, after 30 iterations: discriminator won" in capsys.readouterr().err


def test_a_finished_run_is_examined_by_its_outputs_else_its_file_else_its_picture(run):
    finish(run.folder)
    with pytest.raises(ReplicateError, match="neither all outputs nor translations"):
        health.examine(run.folder)
    sheet(to_b=A).save(run.folder / "translations.png")
    assert faults(health.examine(run.folder)) == {("horse->zebra", "copy")}
    health.watch(run, 30, sheet(to_a=B), WORDS)
    assert faults(health.examine(run.folder)) == {("zebra->horse", "copy")}
    assert health.examine(run.folder)["iteration"].unique().tolist() == [30]


def test_a_training_keeps_its_health_and_a_record_replaces_the_last_rows(tiny):
    run = make_run("aggan", tiny, 0, "smoke")
    ensure(run)
    samples = health.read(run.folder)
    assert samples["iteration"].unique().tolist() == [1, 2, 3, 4]
    assert set(samples["fault"]) == set(FAULTS)
    assert set(samples["direction"]) == {"A->B", "B->A"}
    before = {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}
    last = health.examine(run.folder)
    assert set(last["images"]) == {8}
    kept = pd.read_csv(io.StringIO(health.content(run.folder)))
    assert len(kept) == len(samples)
    pd.testing.assert_frame_equal(
        kept[kept["iteration"] == 4].reset_index(drop=True), last, rtol=1e-3, atol=1e-6
    )  # four digits; numbers that are 0 but for rounding
    # the eight images of the sheet are all of the set's, so both ways tell the same
    pd.testing.assert_frame_equal(samples, kept, rtol=1e-2, atol=1e-3)  # maps of 8 bit in both
    assert before == {p: p.read_bytes() for p in before}


def test_records_get_what_they_lack(run, workspace):
    finish(run.folder)
    published = workspace / "published"
    record = published / run.folder.relative_to(paths.results())
    record.mkdir(parents=True)
    (record / "run.json").write_text((run.folder / "run.json").read_text())
    sheet(to_b=A).save(record / "translations.png")
    log = pd.DataFrame({"iteration": [15, 30], "dis_A": [0.2, 0.0], "adv_A": [0.3, 1.0]})
    log.to_csv(record / "curves.csv", index=False)
    assert health.keep_published(paths.results(), published, "laptop") == [record / HEALTH]
    wanted = {("horse->zebra", "copy"), ("zebra->horse", "discriminator_won")}
    assert faults(health.read(record)) == wanted
    assert health.keep_published(paths.results(), published, "laptop") == []  # has it
    assert not (run.folder / HEALTH).exists()


def command(*arguments: object) -> str:
    result = CliRunner().invoke(cli.app, ["health", *map(str, arguments)])
    if result.exception:
        raise result.exception
    return result.stdout


def test_the_command_names_runs_and_faults(run):
    assert command().startswith("no finished runs in ")
    finish(run.folder)
    sheet(to_b=A).save(run.folder / "translations.png")
    assert command() == command(run.folder)
    _, first, second = command().splitlines()
    assert first == f"{run.title}:" and second.startswith("  horse->zebra: copy of the input (")
    (found,) = json.loads(command("--json"))
    assert found["run"] == run.title and found["folder"] == str(run.folder)
    assert [n["fault"] for n in found["numbers"] if n["found"]] == ["copy"]
    sheet().save(run.folder / "translations.png")
    assert command().endswith(f"\n{run.title}:\n  no fault found\n")


def test_what_cannot_be_examined_is_told(run, tmp_path):
    with pytest.raises(ReplicateError, match="is no run: it has no run"):
        command(tmp_path)
    with pytest.raises(ReplicateError, match="is running and has no samples yet"):
        command(run.folder)
    health.watch(run, 10, sheet(), WORDS)
    assert "no fault found" in command(run.folder)
