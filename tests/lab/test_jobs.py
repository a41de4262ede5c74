"""Jobs: attempts, markers, the graph, what is refused, and what a start says in the end."""

import json
import os
import time

import pytest

from replicate import checkpoint, paths
from replicate.lab import attempts, engine, fingerprint, make_run, markers
from replicate.lab.budget_grid import pages
from replicate.lab.graph import Options, graph, key
from replicate.lab.job import STOPPED

# Attempts


def test_every_try_keeps_its_log_and_its_end(tmp_path):
    place = attempts.folder(tmp_path, "runs", "d/m/paper-0-1")
    assert attempts.begin(place, {"pid": 1}) == 1
    attempts.log(place, 1).write_text("first")
    attempts.note(place, {"attempt": 1, "status": 1, "reason": "no", "ended": 5.0})
    assert attempts.begin(place, {"pid": 2}) == 2
    attempts.log(place, 2).write_text("second")
    with (place / attempts.ENDS).open("a") as file:
        file.write('{"attempt": 2, "sta')  # a full disk
    assert attempts.log(place, 1).read_text() == "first"
    assert (place / "latest.log").read_text() == "second"
    assert attempts.read(place) == [
        {"attempt": 1, "pid": 1, "status": 1, "reason": "no", "ended": 5.0},
        {"attempt": 2, "pid": 2},
    ]


# Graph and markers


def test_the_graph_names_every_run_once_and_what_each_notebook_needs(workspace):
    content = graph(pages("smoke"), [], Options(summary=False))
    assert content["tables"] is False  # of smoke there are none
    needed = {k for entry in content["notebooks"].values() for k in entry["needs"]}
    assert needed == set(content["runs"]) and len(needed) > 10
    assert content["notebooks"]["smoke/00_protocol"]["needs"] == []
    assert {entry["gpu"] for entry in content["runs"].values()} == {0}
    assert {entry["threads"] for entry in content["runs"].values()} == {1}
    assert json.loads(json.dumps(content)) == content
    assert graph(pages("laptop"), [], Options())["tables"] is True
    assert graph(pages("laptop"), [], Options(draw=False))["notebooks"] == {}


def test_gpus_are_asked_for_where_the_device_is_cuda_or_on_request(workspace):
    paper = graph(pages("paper", ["02_aggan"]), [], Options())["runs"].values()
    assert {entry["gpu"] for entry in paper} == {1}
    asked = graph(pages("smoke", ["02_aggan"]), [], Options(gpus=2))["runs"].values()
    assert {entry["gpu"] for entry in asked} == {1}
    none = graph(pages("paper", ["02_aggan"]), [], Options(gpus=0))["runs"].values()
    assert {entry["gpu"] for entry in none} == {0}


def test_stale_runs_and_what_needs_them_are_left_out_unless_retrained(workspace):
    asked = pages("smoke", ["01_dagan", "02_aggan"])
    stale = [run for page in asked for run in page.runs if run.method == "aggan"]
    content = graph(asked, stale, Options(summary=False))
    assert not {key(run) for run in stale} & set(content["runs"])
    assert list(content["notebooks"]) == ["smoke/01_dagan"]
    again = graph(asked, stale, Options(retrain=True, summary=False))
    assert {k for k, entry in again["runs"].items() if entry["stale"]} == set(map(key, stale))
    assert list(again["notebooks"]) == ["smoke/01_dagan", "smoke/02_aggan"]


def test_markers_agree_with_the_run_folders_whatever_was_there(finished, monkeypatch):
    missing = make_run("cyclegan", "tiny", 1, "smoke")
    marker, other = (markers.folder() / "runs" / key(run) for run in (finished, missing))
    other.parent.mkdir(parents=True)
    other.touch()  # of a folder that somebody deleted
    assert markers.agree([finished, missing]) == {"scored": [finished], "missing": [missing]}
    assert marker.exists() and not other.exists()
    scores = finished.folder / "scores.csv"
    assert marker.stat().st_mtime == scores.stat().st_mtime

    newest = checkpoint.generations(finished.folder)[0]
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    assert markers.agree([finished]) == {"stopped": [finished]} and not marker.exists()
    newest.write_bytes(whole)
    text = scores.read_text()
    scores.unlink()
    assert markers.agree([finished]) == {"trained": [finished]} and not marker.exists()
    scores.write_text(text)
    record = finished.record()
    stale = record | {"fingerprint": record["fingerprint"] | {"code": "other"}}
    (finished.folder / "run.json").write_text(json.dumps(stale))
    assert markers.agree([finished]) == {"stale": [finished]} and not marker.exists()


def test_looking_at_many_runs_hashes_no_checkpoint_and_each_data_set_once(finished, monkeypatch):
    counted = []
    images = fingerprint.images_fingerprint
    monkeypatch.setattr(
        fingerprint, "images_fingerprint", lambda *of: (counted.append(of), images(*of))[1]
    )
    monkeypatch.setattr(checkpoint, "is_whole", lambda path: pytest.fail("hashed a checkpoint"))
    assert len(markers.agree([finished] * 50)["scored"]) == 50
    assert len(counted) == 1


def test_a_graph_is_complete_where_nothing_is_missing_or_older_than_its_inputs(workspace):
    content = graph(pages("smoke", ["02_aggan", "01_dagan"]), [], Options(summary=False))
    summary = {"needs": [], "after": list(content["notebooks"])}
    content["notebooks"]["smoke/90_summary"] = summary
    content["tables"] = True
    made = [("runs", k) for k in content["runs"]] + [("notebooks", k) for k in summary["after"]]
    made += [("tables", "smoke"), ("notebooks", "smoke/90_summary")]
    for second, place in enumerate(made, start=1):
        assert not markers.complete(content)
        marker = markers.folder().joinpath(*place)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        os.utime(marker, (second, second))
    assert markers.complete(content)
    for place in made[:-1]:  # each is an input of something
        marker = markers.folder().joinpath(*place)
        before = marker.stat().st_mtime
        os.utime(marker, (1000, 1000))
        assert not markers.complete(content), place
        os.utime(marker, (before, before))
    assert markers.complete(content)


# What a start says


def test_the_outcome_names_what_failed_with_its_reason_and_evidence(workspace, capsys):
    content = graph(pages("smoke", ["02_aggan"]), [], Options(summary=False))
    content |= {"kept": ["aggan on x, seed 1 (smoke)"], "left_out": ["04_ugatit"]}
    done, failed, killed = content["runs"]
    marker = paths.results() / ".done" / "runs" / done
    marker.parent.mkdir(parents=True)
    marker.touch()
    now = time.time()
    for name in (failed, killed):
        place = attempts.folder(paths.results(), "runs", name)
        attempts.begin(place, {"started": now - 100})  # of an earlier start
        attempts.begin(place, {"started": now})
    place = attempts.folder(paths.results(), "runs", failed)
    attempts.note(place, {"attempt": 2, "status": 1, "reason": "disk full", "ended": now})
    assert engine.print_outcome(content, now - 1) is False
    lines = capsys.readouterr().out.splitlines()
    title = content["runs"][failed]["title"]
    assert lines[0] == f"failed: {title}: disk full; 1 try, log {attempts.log(place, 2)}"
    assert "killed; it wrote nothing of its end; 1 try, log" in lines[1]
    assert lines[2].startswith("not begun: 1 jobs")
    assert lines[3:5] == ["stale, kept: aggan on x, seed 1 (smoke)", "not executed: 04_ugatit"]


def test_a_stopped_run_is_told_as_saved(workspace, capsys):
    content = graph(pages("smoke", ["02_aggan"]), [], Options(summary=False, draw=False))
    content |= {"kept": [], "left_out": []}
    place = attempts.folder(paths.results(), "runs", next(iter(content["runs"])))
    attempts.begin(place, {"started": time.time()})
    reason = "stopped by SIGTERM at iteration 3 of 6, which is saved"
    attempts.note(place, {"attempt": 1, "status": STOPPED, "reason": reason, "ended": time.time()})
    assert engine.print_outcome(content, 0) is False
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"stopped: {next(iter(content['runs'].values()))['title']}: {reason}"
    assert lines[-1] == "what was trained is saved; the same command goes on where this one was"
