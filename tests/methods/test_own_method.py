"""A method of a user's own, in a file outside the package: from training to a verdict."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from replicate import paths

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
SEES_IT_ALL = """
import numpy as np
from pathlib import Path
from PIL import Image
from replicate import claims, experiment, paths, plots, tables
from replicate.lab import health, make_run, state
from replicate.lab.forecast import forecast
from support.claims import CLAIM

rng = np.random.default_rng(0)
for name in ("trainA", "trainB", "testA", "testB"):
    folder = paths.data() / "classes" / name
    folder.mkdir(parents=True)
    for i in range(8):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 2}\\n" for i in range(8))
    (folder / "labels.csv").write_text("file,label\\n" + rows)
runs = [make_run(name, "classes", seed, "smoke") for name in ("mine", "cyclegan") for seed in (0,)]
for run in runs:
    lab.ensure(run)
assert {state.of(run).word for run in runs} == {"scored"}
assert {f.seen.word for f in forecast(runs, "cpu")} == {"scored"}
scores = tables.of_runs(runs)
assert set(scores["name"]) == {"mine", "cyclegan"} and not scores["stale"].any()
for figure in (plots.losses(runs), plots.translations(runs), plots.scores(scores)):
    assert figure.axes or figure.texts
assert "discriminator_won" in set(health.read(runs[0].folder)["fault"])
changed = CLAIM | {"dataset": "classes", "metric": "kid", "protocol": "kid/standin"}
claim = claims.Claim.model_construct(**changed | {"method": "mine", "budget": "smoke"})
verdicts = claims.judged(scores, [claim])
assert set(verdicts["verdict"]) <= set(claims.VERDICTS) and (verdicts["n"] == 1).all()
print("all seen")
"""


@pytest.fixture
def own(workspace, monkeypatch) -> Path:
    folder = workspace / "methods"
    folder.mkdir()
    (folder / "mine.py").write_text(METHOD)
    monkeypatch.setenv("REPLICATE_METHODS", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(paths.ROOT), str(Path(__file__).parent)]))
    return folder


def python(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=paths.ROOT)


def test_it_trains_scores_is_drawn_and_judged_without_an_edit_anywhere(own):
    done = python("-c", SEES_IT_ALL)
    assert done.stdout.endswith("all seen\n"), done.stderr[-3000:]


def test_what_it_needs_is_asked_for_before_anything_is_trained(own, tiny):
    done = python("-m", "replicate.cli", "train", "mine", "--data", tiny)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "error: mine needs a label of every training image; tiny has no A_label and B_label. Take"
    )


def test_its_contract_is_tested_by_the_command_of_the_guide(own):
    guide = (paths.ROOT / "CONTRIBUTING.md").read_text()
    command = (
        "REPLICATE_METHODS=/my/folder .venv/bin/python -m pytest tests/methods/test_methods.py -k "
    )
    assert command in guide
    words = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/methods/test_methods.py",
        "-k",
        "mine:",
    ]
    done = python(*words)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout.splitlines()[-1]


def test_its_scale_is_that_of_its_health(own):
    code = "from replicate.methods import METHODS as M; import json; print(json.dumps("
    code += "M['mine'].adversarial_scale({'lambda_adv': 3.0})))"
    assert json.loads(python("-c", code).stdout) == [0.25, 0.75, 3.0]
