"""What a run is: its identity, its name, what it refuses to be."""

import hashlib
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from replicate.errors import ReplicateError, UnknownName
from replicate.lab import make_run
from replicate.lab.run import Run
from replicate.methods import METHODS


def asked(dataset: str, name: str = "cyclegan", **overrides: object) -> Run:
    return make_run(name, dataset, 0, "smoke", overrides)


def other_value(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    return 7 if value is None else value + 1


@pytest.mark.parametrize("name", METHODS)
def test_the_identity_changes_with_each_part_of_a_run(name):
    run = make_run(name, "d", 0, "laptop")
    changes = [{"dataset": "e"}, {"seed": 1}, {"budget": "paper"}, {"method": "x"}]
    changes.append({"variant": "other"})
    for field in fields(run.config):
        value = other_value(getattr(run.config, field.name))
        changes.append({"config": replace(run.config, **{field.name: value})})
    hashes = {replace(run, **change).hash for change in changes}
    assert len(hashes | {run.hash}) == len(changes) + 1


def test_the_identity_changes_with_nothing_else(monkeypatch):
    run = make_run("aggan", "d", 0, "paper")
    text = json.dumps(run.identity(), sort_keys=True, separators=(",", ":"))
    assert run.hash == hashlib.sha256(text.encode()).hexdigest()[:8]
    parts = {"method", "variant", "config", "dataset", "seed", "budget"}
    settings = asdict(run.config)
    for name in ("continued_from", "order", "test_size"):  # see `added`: runs on record had these
        del settings[name]
    assert set(run.identity()) == parts and run.identity()["config"] == settings
    assert replace(run, overrides="only the label").hash == run.hash
    monkeypatch.setenv("REPLICATE_RESULTS", "/elsewhere")
    monkeypatch.setattr(METHODS["aggan"], "LAPTOP", {"naf": 1})  # of another budget
    assert make_run("aggan", "d", 0, "paper").hash == run.hash
    assert run.folder == Path(f"/elsewhere/runs/d/aggan/paper-0-{run.hash}")


def test_labels_name_what_was_overridden_and_only_that():
    run = asked("d", lambda_cyc="5", iterations="none", flip="false", ngf="4")
    assert run.label == "paper+flip=False,iterations=None,lambda_cyc=5.0"
    assert run.title == "cyclegan+flip=False,iterations=None,lambda_cyc=5.0 on d, seed 0 (smoke)"
    assert (run.config.flip, run.config.lambda_cyc, run.config.iterations) == (False, 5.0, None)
    assert asked("d", ngf=4).label == "paper" and asked("d", ngf=4).hash == asked("d").hash
    assert asked("d", "aggan:whole-image-d").title == "aggan:whole-image-d on d, seed 0 (smoke)"
    assert asked("d").title == "cyclegan on d, seed 0 (smoke)"
    assert asked("d", lambda_cyc=5).config.lambda_cyc == 5.0  # a whole number is a float too


def test_overnight_is_never_smaller_than_laptop_on_photographs():
    for method in ("dualgan", "discogan", "munit"):  # without settings of their own for it
        laptop, overnight = (
            asdict(make_run(method, "horse2zebra", 0, budget).config)
            for budget in ("laptop", "overnight")
        )
        assert overnight == laptop


@pytest.mark.parametrize("budget", ("smoke", "laptop", "paper"))
def test_what_labels_mean_is_no_matter_of_the_budget(budget):
    for method in ("stargan", "icgan", "attentiongan_multi"):
        of_faces = make_run(f"{method}:celeba", "celeba", 0, budget).config
        assert (of_faces.c_dim, of_faces.attributes) == (5, True)
        of_classes = make_run(method, "animals", 0, budget).config
        assert (of_classes.c_dim, of_classes.attributes) == (4, False)


@pytest.mark.parametrize(
    "name, overrides, text",
    [
        ("ciclegan", {}, r"unknown method 'ciclegan' \(did you mean 'cyclegan'\?\)"),
        ("aggan:whole", {}, r"variant of aggan 'whole' \(did you mean 'whole-image-d'\?\)"),
        ("cyclegan", {"lamda_cyc": 1}, r"setting 'lamda_cyc' \(did you mean 'lambda_cyc'\?\)"),
        ("cyclegan", {"ngf": "4.5"}, r"ngf='4\.5': expected int, e\.g\. ngf=64"),
        ("cyclegan", {"flip": "maybe"}, r"flip='maybe': expected bool, e\.g\. flip=True"),
        ("cyclegan", {"iterations": "x"}, r"iterations='x': expected int or none"),
        ("cyclegan", {"ngf": True}, r"ngf=True: expected int"),
    ],
)
def test_unknown_names_and_wrong_types_are_refused(name, overrides, text):
    with pytest.raises(ReplicateError, match=text):
        make_run(name, "d", 0, "smoke", overrides)
    with pytest.raises(UnknownName, match=r"budget 'labtop' \(did you mean 'laptop'\?\)"):
        make_run("cyclegan", "d", 0, "labtop")
