"""Method files of a user, and output that nobody reads to its end."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import replicate

from replicate import methods
from replicate.errors import ReplicateError
from replicate.methods import METHODS

FILES = {
    "bad": "import nothing_there",
    "worse": "def",
    "exits": "raise SystemExit(3)",
    "aggan": "",  # the name of a method of the package
}
SAID = {
    "bad": "ModuleNotFoundError: No module named 'nothing_there'",
    "worse": "SyntaxError: ",
    "exits": "SystemExit: 3",
    "aggan": "has the name of the loaded ",
}


def test_a_broken_method_stops_only_the_command_that_needs_it(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("REPLICATE_METHODS", str(tmp_path))
    monkeypatch.setattr(METHODS, "broken", {})
    methods._load_all()
    for name, said in SAID.items():
        line = f"method {name!r} cannot be loaded: {tmp_path / name}.py: "
        done = replicate(*(["params", name] if name == "aggan" else ["train", name]))
        assert done.status == 1 and f"error: {line}" in done.err and said in done.err
        listed = replicate("methods")
        assert listed.status == 0 and f"left out: {line}" in listed.err
    assert replicate("params", "cyclegan").status == 0
    assert "error: unknown method 'bath'" in replicate("train", "bath").err


@pytest.mark.parametrize("make", [None, Path.touch])
def test_a_folder_of_methods_that_is_none_is_an_error(tmp_path, make, monkeypatch):
    place = tmp_path / "methods"
    if make:
        make(place)
    monkeypatch.setenv("REPLICATE_METHODS", str(place))
    text = f"REPLICATE_METHODS: {place} is no folder; expected one of method files, or several "
    with pytest.raises(ReplicateError, match=f"^{re.escape(text)}with ':' between them$"):
        methods._load_all()


@pytest.mark.parametrize("words, status", [("protocols --json", 0), ("nothing", 2)])
def test_a_pipe_that_nobody_reads_is_no_error(words, status):
    shell = f"{sys.executable!r} -m replicate.cli {words} 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", shell]).returncode == status


def test_work_goes_on_behind_a_closed_pipe(tmp_path):
    code = (
        "import pathlib, subprocess, sys, time; from replicate.cli import streams\n"
        "streams.survive_closed_pipes(); time.sleep(0.5)\n"
        "for i in range(9): print('x' * 100_000, flush=True)\n"
        "subprocess.run(['echo', 'of a process below'], check=True)\n"
        f"pathlib.Path({str(tmp_path / 'done')!r}).touch()"
    )
    shell = '"$0" -c "$1" | true; exit ${PIPESTATUS[0]}'
    assert subprocess.run(["bash", "-c", shell, sys.executable, code]).returncode == 0
    assert (tmp_path / "done").exists()
