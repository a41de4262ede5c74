"""Where files of weights are found, and what is said of those that are none."""

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from replicate.errors import ReplicateError
from replicate.metrics import weights
from replicate.metrics.weights import INCEPTION, TORCHVISION, find, load

EXPECTED = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).state_dict()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of data of this test, where weights are looked for."""
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    monkeypatch.delenv(INCEPTION.variable, raising=False)
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.mark.parametrize("name", INCEPTION.names)
def test_either_name_of_the_published_file_is_found(folder, monkeypatch, name):
    (folder / name).write_bytes(b"these")
    digest = hashlib.sha256(b"these").hexdigest()
    found = find(INCEPTION._replace(sha256=digest[:8]))
    assert found == (folder / name, digest, True)


def test_a_file_that_nobody_chose_must_be_the_published_one(folder, monkeypatch):
    file = folder / INCEPTION.names[0]
    file.write_bytes(b"<!DOCTYPE html>404")
    with pytest.raises(ReplicateError, match=r"expected 6726825d\.\.\.: an HTML page.*delete it"):
        find(INCEPTION)
    assert not find(INCEPTION, file).official  # chosen by path
    monkeypatch.setenv(INCEPTION.variable, str(file))
    assert not find(INCEPTION).official  # chosen by the variable


def test_missing_files_say_where_and_how(folder, monkeypatch):
    with pytest.raises(ReplicateError, match=rf"not found at {folder}/pt_inc\S+; download \S+ \("):
        find(INCEPTION)
    with pytest.raises(ReplicateError, match=rf"{folder}/inception_v3_google.*0cc3c7bd\S+ and put"):
        find(TORCHVISION)
    with pytest.raises(ReplicateError, match=r"not found at here\.pth; give the path"):
        find(INCEPTION, "here.pth")
    monkeypatch.setenv(INCEPTION.variable, "there.pth")
    with pytest.raises(ReplicateError, match=r"there\.pth \(named by REPLICATE_INCEPTION_WEIGHTS"):
        find(INCEPTION)


def test_the_sha256_is_taken_once_until_the_file_changes(folder, monkeypatch):
    file = folder / "any.pth"
    file.write_bytes(b"one")
    first = find(INCEPTION, file).sha256
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", None)  # a second reading would fail
        assert find(INCEPTION, file).sha256 == first
    file.write_bytes(b"other")
    assert find(INCEPTION, file).sha256 == hashlib.sha256(b"other").hexdigest()


def saved(folder: Path, value: object) -> Path:
    torch.save(value, folder / "a.pth")
    return folder / "a.pth"


def without(*names: str) -> dict:
    return {name: value for name, value in EXPECTED.items() if name not in names}


def test_counters_and_unused_entries_make_no_difference(tmp_path):
    for given in (EXPECTED, without("1.num_batches_tracked"), EXPECTED | {"aux.w": torch.ones(1)}):
        found = load(saved(tmp_path, given), EXPECTED, unused="aux.")
        assert found.keys() == EXPECTED.keys()
        assert torch.equal(found["0.weight"], EXPECTED["0.weight"])
    halves = {name: value.half() for name, value in EXPECTED.items()}
    assert load(saved(tmp_path, halves), EXPECTED, "aux.")["0.weight"].dtype == torch.float32


def test_the_format_before_zip_files_is_read(tmp_path):
    file = tmp_path / "old.pth"
    torch.save(EXPECTED, file, _use_new_zipfile_serialization=False)
    assert load(file, EXPECTED, "aux.").keys() == EXPECTED.keys()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (without("0.bias", "1.weight"), r"2 missing \(0\.bias, 1\.weight\); expected the 6 ent"),
        (EXPECTED | {"x": torch.ones(1)}, r"1 unexpected \(x\)"),
        (EXPECTED | {"0.bias": torch.ones(5)}, r"0\.bias has shape \(5,\), expected \(4,\)"),
        ({"state_dict": dict(EXPECTED)}, r"holds a dict of dict, expected a state dict"),
        ([1, 2], r"holds a list, expected a state dict"),
        (Path("x"), r"cannot be read as a state dict: .*expected a file saved by torch\.save"),
    ],
)
def test_other_contents_are_named(tmp_path, given, said):
    with pytest.raises(ReplicateError, match=said):
        load(saved(tmp_path, given), EXPECTED, "aux.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n<html><body>404</body></html>", "is an HTML page, not the file itself"),
        (b"version https://git-lfs", r"\(23 bytes\) cannot be read as a state dict"),
        (b"", r"\(0 bytes\) cannot be read as a state dict"),
    ],
)
def test_other_files_are_named(tmp_path, content, said):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ReplicateError, match=said):
        load(tmp_path / "a.pth", EXPECTED, "aux.")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("length", [40, 300, -100])
def test_a_part_of_a_file_is_named(tmp_path, zipped, length):
    file = tmp_path / "a.pth"
    torch.save(EXPECTED, file, _use_new_zipfile_serialization=zipped)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ReplicateError, match=r"bytes\) cannot be read as a state dict"):
        load(file, EXPECTED, "aux.")


def test_a_torchscript_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("inception/constants.pkl", b"")
        archive.writestr("inception/code/__torch__.py", b"")
    with pytest.raises(ReplicateError, match="is a TorchScript archive, expected a state dict"):
        load(tmp_path / "a.pth", EXPECTED, "aux.")
    assert weights._kind(saved(tmp_path, EXPECTED)) == ""  # which is a zip file too
