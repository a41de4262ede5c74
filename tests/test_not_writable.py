"""Folders that may not be written: images are read from them, and an error names the variable."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from replicate import paths
from replicate.errors import ReplicateError

# root may write anywhere, unless it is made to do without that power
POWERS = "-dac_override,-dac_read_search,-fowner"
AS_USER = ["setpriv", "--bounding-set", POWERS] if os.geteuid() == 0 else []
CODE = """
import os, sys
from replicate import paths
from replicate.cli import main
from replicate.datasets import packed, passport
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run

print(packed.load("tiny", "train", 16, progress=False).arrays["A"].shape)
passport.passport("tiny", progress=False)
os.environ["REPLICATE_RESULTS"] = sys.argv[1]
for words in ("doctor", "train cyclegan --data tiny", "data make tiny --size 16", "status"):
    sys.argv = ["replicate", *words.split()]
    try:
        main()
    except SystemExit as ended:
        print(words.split()[0], "ended with", ended.code)
"""


@pytest.mark.skipif(bool(AS_USER) and not shutil.which("setpriv"), reason="needs setpriv as root")
def test_images_are_read_and_what_must_be_written_is_named(tiny, workspace):
    shut = workspace / "shut"
    shut.mkdir()
    images = sorted((workspace / "data").rglob("*"))
    for folder in (shut, workspace / "data", *(p for p in images if p.is_dir())):
        folder.chmod(0o555)
    command = [*AS_USER, sys.executable, "-c", CODE, str(shut / "results")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(8, 16, 16, 3)" in done.stdout and sorted((workspace / "data").rglob("*")) == images
    cache = workspace / "results" / "cache"
    assert (cache / "passports" / "tiny" / "passport.json").exists()
    assert len(list((cache / "packed").glob("tiny-train-16-*/A.npy"))) == 1
    refused = f"{shut}/results cannot be written (Permission denied). Allow it, or name another "
    refused += "folder with REPLICATE_RESULTS"
    assert f"--  results                {refused}" in done.stdout
    assert (
        f"data                   {workspace}/data, may only be read: packed copies" in done.stdout
    )
    assert f"train ended with error: {refused}" in done.stdout
    assert "status ended with 0" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_no_cache_is_made_where_the_data_folder_may_be_written(tiny, workspace):
    from replicate.datasets import packed, passport

    for _ in range(2):
        packed.load(tiny, "train", 16, progress=False)
        passport.passport(tiny, progress=False)
    assert not (workspace / "results").exists()


def test_what_was_packed_before_is_taken_from_where_it_is(tiny, monkeypatch):
    from replicate.datasets import packed

    target = packed.load(tiny, "train", 16, progress=False).arrays["A"].filename
    monkeypatch.setattr(paths, "may_write", lambda path: False)
    again = packed.load(tiny, "train", 16, progress=False).arrays["A"].filename
    assert again == target and Path(target).is_relative_to(paths.data())


@pytest.mark.parametrize("name", ["a file/results", "x" * 300, "a file"])
def test_results_under_a_path_that_cannot_be(workspace, monkeypatch, name):
    (workspace / "a file").touch()
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / name))
    with pytest.raises(ReplicateError, match=r"cannot be written .* folder with REPLICATE_RES"):
        paths.made(paths.results() / "runs" / "d")


@pytest.mark.parametrize("variable", ["REPLICATE_RESULTS", "REPLICATE_DATA"])
def test_a_home_of_nobody_is_no_folder(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    with pytest.raises(ReplicateError, match=rf"^{variable}=~nobody\S+: .*; expected a folder"):
        paths.results(), paths.data()
