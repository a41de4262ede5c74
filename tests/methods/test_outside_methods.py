"""Method files of a user, and output that nobody reads to its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
CODE = """
import sys
from replicate.cli import main
for words in (["params", "cyclegan"], ["methods"], ["train", "bad"], ["train", "worse"],
              ["train", "exits"], ["params", "aggan"], ["train", "bath"]):
    sys.argv = ["replicate", *words]
    try:
        main()
    except SystemExit as ended:
        print(words[-1], "ended with", ended.code)
"""


def replicate(code: str, methods: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"REPLICATE_METHODS": str(methods)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_broken_method_stops_only_the_command_that_needs_it(tmp_path):
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    done = replicate(CODE, tmp_path)
    assert done.returncode == 0, done.stderr
    for name, said in SAID.items():
        line = f"method {name!r} cannot be loaded: {tmp_path / name}.py: "
        (told,) = [t for t in done.stdout.splitlines() if t.startswith(f"{name} ended with ")]
        assert f"error: {line}" in told and said in told
        assert f"left out: {line}" in done.stderr
    assert "cyclegan ended with 0" in done.stdout and "methods ended with 0" in done.stdout
    assert "bath ended with error: unknown method 'bath'" in done.stdout


@pytest.mark.parametrize("make", [None, Path.touch])
def test_a_folder_of_methods_that_is_none_is_an_error(tmp_path, make):
    place = tmp_path / "methods"
    if make:
        make(place)
    done = replicate(
        "import sys; from replicate.cli import main; sys.argv[1:] = ['methods']; main()", place
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: REPLICATE_METHODS: {place} is no folder; expected one of method files, or several "
        "with ':' between them\n"
    )


@pytest.mark.parametrize("words, status", [("methods", 0), ("protocols --json", 0), ("nothing", 2)])
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
