"""A training that cannot begin is refused before it takes any memory."""

import pytest
import torch

from replicate.errors import ReplicateError
from replicate.lab import make_run, memory

CPU = torch.device("cpu")
FULL = 16 * 670_761_088  # bytes; the count is the sheet's, float32 with gradient and two moments


def free(monkeypatch: pytest.MonkeyPatch, amount: float) -> None:
    monkeypatch.setattr(memory, "_free", lambda device: amount)


def test_a_large_training_says_beforehand_what_it_takes(monkeypatch, capsys):
    free(monkeypatch, FULL)
    memory.check(make_run("ugatit", "horse2zebra", 0, "paper"), CPU)
    said = capsys.readouterr().err
    assert "670,761,088 parameters in training take 10.0 GiB" in said
    memory.check(make_run("ugatit", "horse2zebra", 0, "laptop"), CPU)
    assert capsys.readouterr().err == ""


def test_one_that_does_not_fit_is_refused_with_the_models_that_do(monkeypatch):
    free(monkeypatch, FULL - 1)
    with pytest.raises(
        ReplicateError, match=r"take 10\.0 GiB.*the 10\.0 GiB.*free on cpu"
    ) as error:
        memory.check(make_run("ugatit", "horse2zebra", 0, "paper"), CPU)
    assert "another model: ugatit:light (2.0 GiB)" in str(error.value)
    assert "ugatit:paper" not in str(error.value)
    free(monkeypatch, 2**20)
    with pytest.raises(ReplicateError, match=r"train on a machine with more$"):
        memory.check(make_run("ugatit:light", "horse2zebra", 0, "paper"), CPU)


def test_the_system_tells_what_is_free():
    assert 2**20 < memory._free(CPU) <= float("inf")
