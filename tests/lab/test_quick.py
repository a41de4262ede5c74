"""What `make replicate` trains, and how a few runs at a time are trained and told about."""

import json
import os
import signal
import sys
import threading
import time

import pytest
from replicate.lab.plan import Planned
from replicate.lab.quick import quick
from support.made_up_runs import record_of

from replicate import checkpoint, paths
from replicate.errors import ReplicateError
from replicate.lab import make_run, pool
from replicate.report import claims

NAMES = ("cyclegan", "aggan", "ugatit")


def planned(name: str, seconds: float = 60.0, state: str = "missing") -> Planned:
    return Planned(make_run(name, "horse2zebra_drawn", 5, "smoke"), state, 4, 1.0, seconds)


def python(code: str):
    """A command that runs `code` with the run's folder as its argument."""
    return lambda run: [sys.executable, "-c", code, str(run.folder)]


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


# How it is trained


def test_the_longest_first_and_finished_ones_only_until_they_are_scored(workspace) -> None:
    given = [planned("cyclegan", 10), planned("aggan", 30), planned("ugatit", 0, "trained")]
    order = [each.run.method for each in pool.longest_first(given)]
    assert order == ["aggan", "cyclegan", "ugatit"]
    given[2] = planned("ugatit", 0, "scored")
    assert [each.run.method for each in pool.longest_first(given)] == ["aggan", "cyclegan"]


def test_runs_go_two_at_a_time_in_order_and_a_failed_one_holds_nobody_up(workspace, monkeypatch):
    monkeypatch.setattr(pool, "LOOK", 0.01)
    (workspace / "at_work").mkdir()
    code = """if True:
        import os, sys, time
        from pathlib import Path
        here, name = Path(os.environ["REPLICATE_RESULTS"]).parent, Path(sys.argv[1]).parts[-2]
        (here / "at_work" / name).touch()
        time.sleep(0.3)
        with (here / "seen").open("a") as file:
            file.write(f"{name} {len(list((here / 'at_work').iterdir()))}\\n")
        (here / "at_work" / name).unlink()
        print("a log of", name)
        sys.exit(name == "aggan")
    """
    said: list[str] = []
    failed = pool.train_all([planned(name) for name in NAMES], 2, python(code), said.append)
    seen = [line.split() for line in (workspace / "seen").read_text().splitlines()]
    assert {name for name, _ in seen} == set(NAMES) and {int(n) for _, n in seen} <= {1, 2}
    assert seen[-1][0] == "ugatit"  # the third one waited
    assert [run.method for run in failed] == ["aggan"]
    assert "a log of aggan" in pool.log(failed[0]).read_text()
    assert sum(line.startswith("failed after") for line in said) == 1
    assert any("3 of 3 done" in line or "2 of 3 done" in line for line in said)


def test_the_time_left_follows_the_iterations_of_the_run_folder(workspace, monkeypatch):
    monkeypatch.setattr(pool, "LOOK", 0.01)
    run = planned("cyclegan").run
    run.folder.mkdir(parents=True)
    (run.folder / "run.json").write_text(json.dumps(record_of(run, "running", iterations=200)))
    assert pool.share_done(run.folder) == 0
    (run.folder / "losses.csv").write_text("iteration,adv\n49,1\n50,1\n5")  # the last is cut off
    assert pool.share_done(run.folder) == 0.25
    checkpoint.save(run.folder, {}, 100)
    assert pool.share_done(run.folder) == 0.5
    each = pool.Working(planned("cyclegan"), None, began=0.0, share=0.25, moved=0.25)
    assert each.rest(20) == 40  # what the plan says, less what has gone
    each.look(50)  # half is done, that is, it moves on
    assert each.rest(55) == 5
    checkpoint.save(run.folder, {}, 150)
    each.look(100)
    assert each.rest(100) == pytest.approx(54)  # a quarter in 50 s: a quarter, and 2 % for scoring


def test_the_line_in_between_says_what_is_at_work_and_the_minutes_of_the_busiest_core(workspace):
    each = pool.Working(planned("cyclegan"), None, time.monotonic(), 0.0)
    line = pool._left([each], [planned("aggan", 600), planned("ugatit", 60)], 2)
    # 60 s and then 60 s, beside 600 s
    assert line == "  cyclegan 0%; 2 waiting; about 10 min left"


def test_what_ends_the_pool_ends_its_runs(workspace):
    path = pool.log(planned("cyclegan").run)
    work = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"

    def stop() -> None:  # once the run is at work
        while not (path.exists() and path.read_text().strip()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)):
        pool.train_all([planned("cyclegan"), planned("aggan")], 1, python(work))
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)
    assert not pool.log(planned("aggan").run).exists()
