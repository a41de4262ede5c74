"""Checkpoints: two generations, a way back from damage, a clear word on a full disk."""

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from replicate import checkpoint
from replicate.errors import ReplicateError

CPU = torch.device("cpu")


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


def state(value: float) -> dict:
    """250 numbers (1 kB), and what a run keeps beside its tensors."""
    return {"w": torch.full((250,), value), "n": 3, "s": "x", "inner": [(1.0, None), {"b": True}]}


def save(folder: Path, *iterations: int) -> None:
    for iteration in iterations:
        checkpoint.save(folder, state(iteration), iteration)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_is_saved_comes_back(tmp_path):
    path = checkpoint.save(tmp_path, state(40), 40)
    loaded = checkpoint.load(tmp_path, CPU)
    assert path.name == "checkpoint-00000040.pt" and checkpoint.iteration_of(path) == 40
    assert torch.equal(loaded.pop("w"), state(40).pop("w"))
    assert loaded == {k: v for k, v in state(40).items() if k != "w"}


def test_two_generations_are_kept(tmp_path):
    save(tmp_path, 10, 20, 30, 1000)
    kept = ["checkpoint-00000030.pt", "checkpoint-00001000.pt"]
    assert names(tmp_path) == sorted(kept + [f"{name}.sha256" for name in kept])
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 1000


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoint.load(tmp_path, CPU) is None


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lose_digest(path: Path) -> None:
    path.with_name(path.name + ".sha256").unlink()


def empty_digest(path: Path) -> None:
    path.with_name(path.name + ".sha256").write_text("")


@pytest.mark.parametrize("damage", [truncate, flip, lose_digest, empty_digest])
def test_a_damaged_one_is_set_aside_for_the_one_before(tmp_path, damage):
    save(tmp_path, 10, 20)
    newest = checkpoint.generations(tmp_path)[0]
    damage(newest)
    with pytest.warns(RuntimeWarning, match=r"00000020.pt is damaged .* kept as .*\.pt\.damaged"):
        assert checkpoint.load(tmp_path, CPU)["w"][0] == 10
    assert "checkpoint-00000020.pt.damaged" in names(tmp_path)
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 10  # without a second warning
    save(tmp_path, 20)
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 20


def test_two_damaged_ones_are_as_none(tmp_path):
    save(tmp_path, 10, 20)
    for path in checkpoint.generations(tmp_path):
        truncate(path)
    with pytest.warns(RuntimeWarning) as warned:
        assert checkpoint.load(tmp_path, CPU) is None
    assert len(warned) == 2


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    path = checkpoint.save(tmp_path, {"w": Path("anything that is not a tensor")}, 10)
    assert checkpoint.is_whole(path)
    with pytest.raises(Exception, match="weights_only"):
        checkpoint.load(tmp_path, CPU)


@pytest.mark.parametrize("suffix", [".sha256", ".pt"])
def test_a_kill_before_either_rename_leaves_the_one_before(tmp_path, monkeypatch, suffix):
    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    def replace(source: Path, target: Path) -> None:
        if target.suffix == suffix:
            raise Killed
        rename(source, target)

    save(tmp_path, 10)
    rename = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            save(tmp_path, 20)
    assert [p.name for p in checkpoint.generations(tmp_path)] == ["checkpoint-00000010.pt"]
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 10
    save(tmp_path, 20)
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 20 and len(names(tmp_path)) == 4


def test_a_full_disk_is_seen_before_anything_is_written(tmp_path, monkeypatch):
    save(tmp_path, 40)
    before = names(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 10**9, 500))
    big = {"w": torch.zeros(250_000)}
    with pytest.raises(ReplicateError) as error:
        checkpoint.save(tmp_path, big, 50)
    text = str(error.value)
    assert text.startswith("no space: a checkpoint needs 1.0 MB, 0.0 MB free in")
    assert "(kept last good: iteration 40)" in text and "REPLICATE_RESULTS" in text
    assert names(tmp_path) == before


def test_a_full_disk_before_the_first_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 10**9, 500))
    with pytest.raises(ReplicateError, match="nothing was saved yet"):
        save(tmp_path, 10)


@pytest.mark.parametrize("where", [(torch, "save"), (os, "fsync"), (os, "replace")])
def test_a_disk_that_fills_up_meanwhile(tmp_path, monkeypatch, where):
    def full(*arguments) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    save(tmp_path, 40)
    with monkeypatch.context() as patch:
        patch.setattr(*where, full)
        with pytest.raises(ReplicateError, match=r"no space: .* \(kept last good: iteration 40\)"):
            save(tmp_path, 50)
    assert not any("50.partial" in name for name in names(tmp_path))
    assert checkpoint.load(tmp_path, CPU)["w"][0] == 40


def test_another_error_of_the_disk_is_told_in_its_own_words(tmp_path, monkeypatch):
    def denied(*arguments) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(ReplicateError, match=r"cannot be written \(Permission denied\)"):
        save(tmp_path, 10)
