"""A method of a user's own, in a file outside the package: from training to a verdict."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.claims import CLAIM
from support.commands import replicate
from support.pictures import write_tiny

from replicate import lab, methods, paths
from replicate.lab import health, make_run, state
from replicate.lab.forecast import forecast
from replicate.methods import METHODS
from replicate.report import claims, plots, tables

METHOD = '''
"""Mine: a wide generator that must be told the classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from replicate.losses import LEAST_SQUARES, AdversarialScale
from replicate.methods import base, cyclegan
from replicate.methods.base import Needs


@dataclass(frozen=True, kw_only=True)
class Config(cyclegan.Config):
    lambda_adv: float = 3.0


@base.register(paper="mine")
class Mine(cyclegan.CycleGAN):
    """CycleGAN that looks at the labels of its images."""

    Config = Config
    VARIANTS = {"paper": {}, "plain": {"lambda_adv": 1.0}}

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(labels=True)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return LEAST_SQUARES.times(1, config["lambda_adv"])

    def step(self, batch):
        assert batch["A_label"].shape == batch["B_label"].shape == (1,)
        losses = super().step(batch)
        return losses | {f"adv_{Y}": self.config.lambda_adv * losses[f"adv_{Y}"] for Y in "AB"}
'''


@pytest.fixture
def own(workspace, monkeypatch) -> Iterator[Path]:
    """The folder of the method, which is loaded, as at the start of a process, and forgotten."""
    folder = workspace / "methods"
    folder.mkdir()
    (folder / "mine.py").write_text(METHOD)
    monkeypatch.setenv("REPLICATE_METHODS", str(folder))
    methods._load_all()
    yield folder
    del METHODS._entries["mine"], sys.modules["replicate.methods.mine"]
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def classes(workspace) -> str:
    """The name of a set of eight random images a folder, of two classes."""
    name = write_tiny(paths.data(), "classes")
    rows = "".join(f"{i}.png,{i % 2}\n" for i in range(8))
    for folder in (paths.data() / name).iterdir():
        (folder / "labels.csv").write_text("file,label\n" + rows)
    return name


def test_it_trains_scores_is_drawn_and_judged_without_an_edit_anywhere(own, classes):
    runs = [make_run(name, classes, 0, "smoke") for name in ("mine", "cyclegan")]
    for run in runs:
        lab.ensure(run)
    assert {state.of(run).word for run in runs} == {"scored"}
    assert {f.seen.word for f in forecast(runs, "cpu")} == {"scored"}
    scores = tables.of_runs(runs)
    assert set(scores["name"]) == {"mine", "cyclegan"} and not scores["stale"].any()
    for figure in (plots.losses(runs), plots.translations(runs), plots.scores(scores)):
        assert figure.axes or figure.texts
    # of (LS, times 0.5): D's floor is 0.25, that of adv 0.25 x 3, its value where D wins 1 x 3
    assert METHODS["mine"].adversarial_scale({"lambda_adv": 3.0}) == (0.25, 0.75, 3.0)
    assert "discriminator_won" in set(health.read(runs[0].folder)["fault"])
    changed = CLAIM | {"dataset": classes, "metric": "kid", "protocol": "kid/standin"}
    claim = claims.Claim.model_construct(**changed | {"method": "mine", "budget": "smoke"})
    verdicts = claims.judged(scores, [claim])
    assert set(verdicts["verdict"]) <= set(claims.VERDICTS) and (verdicts["n"] == 1).all()


def test_what_it_needs_is_asked_for_before_anything_is_trained(own, tiny):
    done = replicate("train", "mine", "--data", tiny)
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith(
        "error: mine needs a label of every training image; tiny has no A_label and B_label. Take"
    )
    assert not list(paths.results().rglob("*.pt"))


def test_its_contract_is_tested_by_the_command_of_the_guide(own, request):
    """Of its tests those without a training; the toys go through all of them."""
    if not request.config.getoption("--all-variants"):
        pytest.skip("starts the tests anew: make test-all")
    command = "-m pytest tests/methods/test_methods.py -k "
    guide = (paths.ROOT / "CONTRIBUTING.md").read_text()
    assert f"REPLICATE_METHODS=/my/folder .venv/bin/python {command}my_method:" in guide
    words = [sys.executable, *command.split(), "mine: and (json or card)"]
    words += ["-q", "-p", "no:cacheprovider"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=paths.ROOT)
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"^2 passed, (\d+) deselected", done.stdout, re.M)
    assert passed and int(passed[1]) > 50
