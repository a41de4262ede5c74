"""One damaged record: `status` shows it and goes on, everything else names the file."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from support.made_up_runs import held, make_up, record_of
from typer.testing import CliRunner

from replicate import checkpoint, cli, paths, records
from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.lab.state import Today, look
from replicate.report import tables

RUN = make_run("cyclegan", "d", 0, "laptop")
KEYS = [name for name, field in records.Record.model_fields.items() if field.is_required()]
WRONG = {f"no {key}": lambda record, key=key: record.pop(key) for key in [*KEYS, "hours"]}
WRONG |= {
    f"{key} of another type": lambda record, key=key: record.update({key: {"1": [None]}})
    for key in records.Record.model_fields
    if key != "config"
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_record_of_another_shape_is_named(tmp_path, change):
    record = record_of(RUN)
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert records.read(tmp_path) == record
    change(record)
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(ReplicateError, match=r"/run\.json is damaged \(.*\)\. Put a whole copy"):
        records.read(tmp_path)


def command(*words: str) -> tuple[str, str]:
    ended = CliRunner().invoke(cli.app, words)
    assert ended.exception is None or isinstance(ended.exception, ReplicateError | SystemExit)
    return ended.output, str(ended.exception or "")


@pytest.fixture
def damaged(workspace) -> Path:
    """The record of one of two runs, cut in half."""
    make_up(RUN)
    path = make_up(make_run("aggan", "d", 1, "laptop")) / "run.json"
    path.write_text(path.read_text()[:99])
    return path


def test_status_and_health_go_on_and_tables_name_the_file(damaged):
    said, _ = command("status")
    assert re.search(r"^damaged +0/0 ", said, re.MULTILINE) and str(damaged) in said
    assert "2 runs: " in said and "1 scored" in said and "1 damaged" in said
    (told, _) = json.loads(command("status", "--json")[0])
    assert (told["state"], told["title"]) == ("damaged", "/".join(damaged.parent.parts[-3:]))
    assert str(damaged) in command("health")[1]
    for words in (["tables"], ["publish"], ["report"]):
        assert str(damaged) in command(*words)[1], words


def test_scores_that_are_cut_are_refused_and_scored_again(workspace):
    folder = make_up(RUN)
    (folder / "scores.csv").write_text("method\na\nb\n")
    records.write(folder, record_of(RUN, results=records.results(folder)))
    assert look(folder, Today()).name == "scored"
    (folder / "scores.csv").write_text("method\na\n")
    reason = f"{folder}/scores.csv is damaged (1 rows, expected 2)"
    assert (look(folder, Today()).name, look(folder, Today()).reason) == ("trained", reason)
    with pytest.raises(ReplicateError) as caught:
        tables.scores(paths.results())
    assert str(caught.value).startswith(f"{reason}. Ask for the run again with `replicate train`")


def test_a_checkpoint_of_another_name_is_none(workspace):
    folder = make_up(RUN)
    for name in ("checkpoint-latest.pt", "checkpoint-.pt", "checkpoint-1.5.pt"):
        (folder / name).touch()
    assert [path.name for path in checkpoint.generations(folder)] == ["checkpoint-00000004.pt"]
    assert look(folder, Today()).iteration == 4


def test_an_owner_that_names_no_process_changes_nothing(workspace):
    folder = make_up(RUN, "running")
    owner = folder.with_name(f"{folder.name}.owner.json")
    with held(folder):
        told = json.loads(owner.read_text())
        for content in [told | {"pid": pid} for pid in (None, "x", [], 2**70, -1)] + [told["host"]]:
            owner.write_text(json.dumps(content))
            assert look(folder, Today()).name == "running"
    assert look(folder, Today()).name == "stopped"


def test_a_log_dated_in_the_future_is_no_sign_of_life(workspace):
    folder = make_up(RUN, "running")
    owner = {"pid": 1, "host": "elsewhere"}
    folder.with_name(f"{folder.name}.owner.json").write_text(json.dumps(owner))
    later = time.time() + 10**7
    os.utime(folder / "losses.csv", (later, later))
    seen = look(folder, Today())
    assert (seen.name, seen.beat) == ("stopped", 0.0)
