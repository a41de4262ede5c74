"""What asking for a run does: train, load, resume, refuse, score again."""

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image

from replicate import checkpoint, paths, records
from replicate.errors import ReplicateError
from replicate.lab import Parameters, ensure, execute, fingerprint, grid, make_run, state
from replicate.lab.published import find_runs
from replicate.lab.run import OF_LABELS, Run
from replicate.methods import METHODS
from replicate.metrics import weights
from replicate.metrics.compare import feature_protocols

DESIGN_COLUMNS = (  # design.md, section 5
    "method,variant,dataset,direction,metric,value,spread,spread_kind,protocol,n_real,n_fake,seed,"
    "budget,split,extractor,floor,do_nothing,iteration"
)


@pytest.fixture(autouse=True)
def leave_torch_as_it_was():
    yield
    torch.use_deterministic_algorithms(False)


def asked(dataset: str, name: str = "cyclegan", **overrides: object) -> Run:
    return make_run(name, dataset, 0, "smoke", overrides)


def word(run: Run) -> str:
    return state.of(run).word


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {p: p.stat().st_mtime_ns for p in sorted(folder.rglob("*")) if p.is_file()}
    return {str(p.relative_to(folder)): (time, p.read_bytes()) for p, time in found.items()}


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_a_run_is_trained_once_and_then_loaded(tiny, capsys):
    run = asked(tiny)
    assert word(run) == "missing"
    ensure(run)
    assert word(run) == "scored"
    assert "starting at iteration 0" in capsys.readouterr().err
    before = files(run.folder)
    ensure(run)
    assert capsys.readouterr().err == f"{run.title}: complete at 4/4, nothing to do\n"
    assert changed(before, files(run.folder)) == set()
    assert {"losses.csv", "run.json", "scores.csv", "translations.png"} <= set(before)
    assert len([name for name in before if name.startswith("outputs/")]) == 16


def test_the_record_says_what_made_the_run(tiny):
    run = asked(tiny, "aggan", lambda_cyc=5.0)
    ensure(run)
    record = run.record()
    wanted = run.identity() | {"label": "paper+lambda_cyc=5.0", "hash": run.hash}
    made_by = fingerprint.of_run(METHODS["aggan"], tiny, 32, 32, resize="bilinear")
    made_by |= fingerprint.of_stream(True)  # of that filter
    wanted |= {"fingerprint": made_by, "status": "finished", "iterations": 4}
    wanted |= {"threads": 1, "precision": "fp32", "starts": 1, "device": "cpu"}
    assert {key: record[key] for key in wanted} == wanted
    assert {"commit", "dirty", "versions", "machine", "hours", "peak_memory_mb"} <= set(record)
    assert record["networks"].keys() == {"G", "D", "A"}


def test_the_columns_of_scores_are_those_of_the_design(tiny):
    run = ensure(asked(tiny))
    table = pd.read_csv(run.folder / "scores.csv")
    assert list(table) == DESIGN_COLUMNS.split(",")
    assert set(table["direction"]) == {"A->B", "B->A"} and set(table["iteration"]) == {4}
    assert (
        table[["method", "variant", "dataset", "split"]].drop_duplicates().to_numpy()
    ).tolist() == [["cyclegan", "paper", "tiny", "test"]]


def test_the_network_is_never_asked_and_what_needs_it_stays_empty(tiny, monkeypatch):
    def refuse(*asked, **named):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    run = ensure(asked(tiny))
    table = pd.read_csv(run.folder / "scores.csv")
    inception = table["extractor"].str.startswith("inception")
    asked_of_inception = [p for p in feature_protocols() if p.default and p.resize]
    assert inception.sum() == 2 * len(asked_of_inception) > 0  # both directions
    assert table.loc[inception, "value"].isna().all()
    no_class = table["metric"].str.startswith("class_")
    assert table.loc[~inception & ~no_class, "value"].notna().all()
    assert "no class" in run.record()["notes"]["A->B class-rate/efficientnet-lite0"]
    assert run.record()["notes"]["A->B fid/inception"].startswith("not computed: Inception weights")


class Broken(Exception):
    """Stands for whatever ends a run in the middle."""


def break_at(step: int, monkeypatch) -> None:
    """Lets the `step`-th call of CycleGAN's step fail, once."""
    whole, calls = METHODS["cyclegan"].step, []

    def failing(self, batch):
        calls.append(1)
        if len(calls) == step:
            raise Broken("out of memory, say")
        return whole(self, batch)

    monkeypatch.setattr(METHODS["cyclegan"], "step", failing)


def test_a_broken_run_is_resumed_to_the_same_bytes(
    tiny, workspace, monkeypatch, capsys, same, saved
):
    whole = saved(ensure(asked(tiny)).folder)
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / "again"))
    run = asked(tiny)
    break_at(3, monkeypatch)
    with pytest.raises(Broken):
        ensure(run)
    record = run.record()
    assert (record["status"], record["reason"]) == ("failed", "out of memory, say")
    assert word(run) == "failed" and not (run.folder / "scores.csv").exists()
    capsys.readouterr()
    ensure(run)
    assert f"resuming {run.folder} at iteration 2" in capsys.readouterr().err
    assert same(saved(run.folder), whole)
    assert run.record()["starts"] == 2 and "reason" not in run.record()


def test_a_finished_run_whose_last_checkpoint_is_cut_off_finishes_again(tiny, same, saved):
    run = ensure(asked(tiny))
    whole = saved(run.folder)
    newest = checkpoint.generations(run.folder)[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert word(run) == "stopped"
    with pytest.warns(RuntimeWarning, match=r"00000004\.pt is damaged.*falling back"):
        ensure(run)
    assert word(run) == "scored" and same(saved(run.folder), whole)


def test_changed_code_is_told_and_retrained_only_on_demand(tiny, monkeypatch):
    run = ensure(asked(tiny))
    before = files(run.folder)
    monkeypatch.setattr(fingerprint, "code_fingerprint", lambda method: "0" * 16)
    assert word(run) == "stale"
    with pytest.raises(ReplicateError, match=r"is stale: its code changed .* Add --retrain"):
        ensure(run)
    assert changed(before, files(run.folder)) == set()
    ensure(run, retrain=True)
    assert word(run) == "scored" and run.record()["fingerprint"]["code"] == "0" * 16
    (aside,) = run.folder.parent.glob(f"{run.folder.name}.stale-*")
    assert changed(before, files(aside)) == set()
    assert find_runs(paths.results()) == [run.folder]  # what is kept aside is no run


def test_changed_data_is_told_too(tiny, workspace):
    run = ensure(asked(tiny))
    Image.new("RGB", (32, 32)).save(workspace / "data" / "tiny" / "trainB" / "3.png")
    with pytest.raises(
        ReplicateError, match=r"its images changed since .* put the old images back"
    ):
        ensure(run)


def test_missing_scores_are_made_without_training(tiny):
    run = ensure(asked(tiny))
    before = files(run.folder)
    (run.folder / "scores.csv").unlink()
    ensure(run)
    after = files(run.folder)
    assert after["scores.csv"][1] == before["scores.csv"][1]
    trained = {name for name in before if name.startswith(("checkpoint", "losses", "samples"))}
    assert not trained & changed(before, after) and len(trained) > 4


def test_changed_metrics_score_again_without_training(tiny, monkeypatch):
    run = ensure(asked(tiny))
    before = files(run.folder)
    monkeypatch.setattr(fingerprint, "scoring_fingerprint", lambda protocol: "1" * 16)
    monkeypatch.setattr(execute, "_train", lambda *given: pytest.fail("trained again"))
    ensure(run)
    assert set(run.record()["scoring"].values()) == {"1" * 16}
    assert {"kid/standin", "fid/standin"} <= set(run.record()["scoring"])
    assert {"scores.csv", "run.json"} <= changed(before, files(run.folder))


def test_a_protocol_that_is_new_scores_when_the_run_is_asked_for_and_not_before(tiny, monkeypatch):
    run = ensure(asked(tiny))
    table = pd.read_csv(run.folder / "scores.csv")
    fewer = table[table["protocol"] != "fid/standin"]
    fewer.to_csv(run.folder / "scores.csv", index=False)  # as before there was fid/standin
    records.write(run.folder, run.record() | {"results": records.results(run.folder)})
    assert word(run) == "scored"
    monkeypatch.setattr(execute, "_train", lambda *given: pytest.fail("trained again"))
    ensure(run)
    assert pd.read_csv(run.folder / "scores.csv").equals(table)


def test_weights_that_arrive_later_score_again_once(tiny, monkeypatch):
    run = ensure(asked(tiny))
    scored = []
    monkeypatch.setattr(weights, "is_here", lambda published: True)
    monkeypatch.setattr(execute, "_train", lambda *given: pytest.fail("trained again"))
    monkeypatch.setattr(execute, "_score", lambda *given: scored.append(given))
    ensure(run, offline=True)
    assert not scored
    ensure(run)
    assert len(scored) == 1
    (run.folder / "run.json").write_text(json.dumps(run.record() | {"inception": True}))
    ensure(run)
    assert len(scored) == 1


def test_an_edited_configuration_is_refused(tiny):
    run = ensure(asked(tiny))
    record = run.record()
    record["config"]["lambda_idt"] = 0.5
    (run.folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(ReplicateError) as caught:
        ensure(run)
    assert str(caught.value) == (
        f"{run.folder} was trained with lambda_idt=0.5, you asked lambda_idt=5.0; a changed "
        "configuration is a run of its own: move this folder away and run again"
    )


# What `execute` does while it is at a run, without the seconds that its imports take.
HOLD = """
import os, socket, sys, time
from pathlib import Path
from replicate import files
with files.locked(Path(sys.argv[1] + ".lock")):
    owner = {"pid": os.getpid(), "host": socket.gethostname()}
    files.write_json(Path(sys.argv[1] + ".owner.json"), owner)
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_told_who_is_at_it_or_waits(tiny):
    run = ensure(asked(tiny))
    command = [sys.executable, "-c", HOLD, str(run.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=paths.ROOT) as other:
        assert other.stdout.readline() == b"held\n"
        text = rf"is in use by pid {other.pid} on host {socket.gethostname()} \(heartbeat \d+ s ago"
        with pytest.raises(ReplicateError, match=text):
            ensure(run)
        killing = threading.Timer(0.2, other.kill)
        killing.start()
        ensure(run, wait=True)  # a killed process holds nothing any more
        killing.join()
    assert other.returncode == -signal.SIGKILL


def test_unpaired_images_are_refused_for_a_paired_method(tiny, toys, monkeypatch):
    monkeypatch.setitem(METHODS._entries, "toy_paired", toys["toy_paired"])
    with pytest.raises(ReplicateError) as caught:
        ensure(asked(tiny, "toy_paired"))
    assert str(caught.value) == (
        "toy_paired needs paired images, tiny is unpaired; use a set in the pix2pix layout "
        "(`replicate data list` shows them)"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_made(tiny):
    run = asked(tiny)
    with pytest.raises(
        ReplicateError, match=r"^device='cuda' is not on this machine; .* finds cpu$"
    ):
        ensure(run, "cuda")
    assert not run.folder.exists()


def test_a_grid_holds_the_runs_in_order(tiny):
    params = Parameters(
        paper="mejjati2018aggan", methods=["aggan", "cyclegan"], datasets=[tiny], seeds=[1, 0],
        budget="smoke",
    )  # fmt: skip
    order = [(run.method, run.seed) for run in params.runs()]
    assert order == [("aggan", 1), ("aggan", 0), ("cyclegan", 1), ("cyclegan", 0)]
    runs = grid(params.model_copy(update={"methods": ["cyclegan"]}))
    assert [(run.seed, word(run)) for run in runs] == [(1, "scored"), (0, "scored")]
    assert repr(runs) == "2 runs: 2 scored"
    weights = [checkpoint.load(run.folder, torch.device("cpu"))["method"] for run in runs]
    assert not all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))


@pytest.mark.parametrize("budget", ["smoke", "laptop", "paper"])
def test_every_variant_has_a_configuration_at_every_budget(budget):
    for name in METHODS:
        method = METHODS[name]
        small = {"smoke": method.SMOKE, "laptop": method.LAPTOP, "paper": {}}[budget]
        for variant, changes in method.VARIANTS.items():
            config = make_run(f"{name}:{variant}", "horse2zebra_drawn", 0, budget).config
            wanted = changes | small | {k: changes[k] for k in OF_LABELS if k in changes}
            assert {key: getattr(config, key) for key in wanted} == wanted, f"{name}:{variant}"
