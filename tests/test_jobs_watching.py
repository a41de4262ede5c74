"""How far the runs of a start are, as their folders and tries tell it."""

import json
import os
import time

import pytest
from support.made_up_runs import record_of

from replicate import checkpoint, paths
from replicate.lab import attempts, make_run, watching
from replicate.lab.forecast import makespan
from replicate.lab.graph import key
from replicate.lab.watching import Pace, Watch, share_done


def test_the_share_done_follows_the_iterations_of_the_run_folder(workspace):
    run = make_run("cyclegan", "horse2zebra_drawn", 5, "smoke")
    assert share_done(run.folder) == 0
    run.folder.mkdir(parents=True)
    (run.folder / "run.json").write_text(json.dumps(record_of(run, "running", iterations=200)))
    assert share_done(run.folder) == 0
    (run.folder / "losses.csv").write_text("iteration,adv\n49,1\n50,1\n5")  # the last is cut off
    assert share_done(run.folder) == 0.25
    checkpoint.save(run.folder, {}, 100)
    assert share_done(run.folder) == 0.5


def test_the_time_left_is_the_estimate_until_the_pace_of_the_run_itself_is_known():
    pace = Pace(60.0, began=0.0, share=0.25)
    assert pace.left(20) == 40
    pace.look(0.5, 50)  # it moves on
    assert pace.left(55) == 5 and pace.left(100) == 0
    pace.look(0.75, 100)
    assert pace.left(100) == pytest.approx(54)  # a quarter in 50 s: a quarter, and 2 % for scoring
    assert Pace(None, 0.0, 0.0).left(10) is None


@pytest.mark.parametrize(
    "seconds, at_once, expected",
    [
        ([], 2, 0),
        ([5], 3, 5),
        ([1, 2, 3], 1, 6),
        ([1, 2, 3], 2, 4),  # 1 and 2 start; 3 follows 1
        ([3, 2, 1], 2, 3),  # 3 and 2 start; 1 follows 2
        ([4, 0, 4], 2, 4),  # a finished run holds nobody up
    ],
)
def test_the_whole_takes_as_long_as_the_busiest_core(seconds, at_once, expected):
    assert makespan(seconds, at_once) == expected


@pytest.fixture
def watch(workspace):
    """Five runs: done, failed, at work, and two that wait."""
    runs = [make_run("cyclegan", "horse2zebra_drawn", seed, "smoke") for seed in range(5)]
    entries = {
        key(run): {"name": f"cyclegan {run.seed}", "folder": str(run.folder), "seconds": seconds,
                   "priority": seconds}
        for run, seconds in zip(runs, (1, 1, 60, 60, 600), strict=True)
    }  # fmt: skip
    now, results = time.time(), paths.results()
    done, failed, working, *_ = entries
    (results / ".done" / "runs" / done).parent.mkdir(parents=True)
    (results / ".done" / "runs" / done).touch()
    for name, end in ((failed, {"status": 1, "reason": "no", "ended": now}), (working, {})):
        place = attempts.folder(results, "runs", name)
        number = attempts.begin(place, {"pid": os.getpid(), "started": now})
        attempts.note(place, {"attempt": number, **end})
    return Watch({"results": str(results), "runs": entries}, 2, now - 1)


def test_a_line_says_what_is_at_work_and_the_minutes_of_the_busiest_core(watch):
    # 600 s, the longest, and beside it 60 s and then 60 s
    assert watch.line(0.0) == (
        "  1 of 5 runs done; 1 failed; cyclegan 2 0% (1 min); 2 waiting; "
        "about 10 min of training left"
    )
    next(reversed(watch.runs.values()))["seconds"] = None
    assert "min of training left" not in watch.line(0.0)
    watch.since += 100  # a start that came later has begun none of them
    assert watch.line(0.0).startswith("  1 of 5 runs done; 4 waiting")


def test_lines_come_as_long_as_the_work_goes_on(watch):
    said: list[str] = []
    with watching.watching(watch, 0.01, said.append):
        limit = time.monotonic() + 10
        while len(said) < 2 and time.monotonic() < limit:
            time.sleep(0.01)
    count = len(said)
    assert count >= 2 and said[0].startswith("  1 of 5 runs done")
    time.sleep(0.05)
    assert len(said) == count
