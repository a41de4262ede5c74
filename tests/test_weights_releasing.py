"""Weights that the repository holds: of published runs, small, and with the scores of their run."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from replicate import paths
from replicate.cli import app
from replicate.errors import ReplicateError
from replicate.translating.model import load
from replicate.weights import releasing, stored


@pytest.fixture
def released(finished, workspace, monkeypatch):
    """A finished run whose record counts as published, below the test's own folder."""
    monkeypatch.setattr(paths, "published", lambda: workspace / "published")
    (workspace / "published" / finished.folder.relative_to(paths.results())).mkdir(parents=True)
    return finished


def publish(*more: str):
    return CliRunner().invoke(app, ["publish", "--weights", "cyclegan@tiny", *more])


def test_a_published_run_travels_as_half_precision_weights(released, monkeypatch):
    answer = publish("--direction", "A->B")
    assert answer.exit_code == 0, answer.output
    file, *others = (paths.published() / "weights").iterdir()
    tensors, card = stored.read(file)
    assert not others and (card.precision, card.directions) == ("fp16", ("AB",))
    assert {name.split(".")[1] for name in tensors} == {"AB"}
    assert load(str(file)).card == card
    kept = file.read_bytes()
    monkeypatch.setattr(releasing, "LIMIT", 1000)
    with pytest.raises(ReplicateError, match=r"would hold .* at most 0 MB; keep one direction"):
        releasing.publish("cyclegan@tiny")
    assert file.read_bytes() == kept and len(list(file.parent.iterdir())) == 1


def test_full_precision_where_half_would_move_a_score(released, monkeypatch):
    monkeypatch.setattr(releasing, "within_noise", lambda before, after: False)
    assert publish().exit_code == 0
    (file,) = (paths.published() / "weights").iterdir()
    assert stored.read_card(file).precision == "fp32"


def test_weights_of_a_run_without_published_record_stay_here(finished):
    with pytest.raises(ReplicateError, match="expected a run of this machine whose record is pub"):
        releasing.publish("cyclegan@tiny")


def test_noise_is_the_standard_error_or_the_interval():
    before = pd.DataFrame(
        [
            {"value": 1.0, "spread": 0.1, "spread_kind": "standard error", "n_fake": 100},
            {"value": 1.0, "spread": 1.0, "spread_kind": "sd over images", "n_fake": 100},
            {"value": 0.5, "low": 0.4, "high": 0.6},
            {"value": None, "spread": None},
        ]
    )
    for row, near, far in ((0, 1.05, 1.2), (1, 1.05, 1.2), (2, 0.59, 0.61)):
        for value, expected in ((near, True), (far, False)):
            after = before.copy()
            after.loc[row, "value"] = value
            assert releasing.within_noise(before, after) is expected
