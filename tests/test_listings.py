"""What the listings of the command line have in common: 80 columns, quick starts, closed pipes."""

import json
import os
import re
import subprocess
import sys

import pytest
import typer
from support.commands import replicate
from support.made_up_runs import make_up, make_up_examined

from replicate import cli, paths
from replicate.cli import terminal
from replicate.lab import make_run, method_list, state
from replicate.lab.facts import Facts
from replicate.methods import METHODS

WIDTH = 80
LISTINGS = (
    "methods", "protocols", "protocols kid/torch-fidelity", "data list", "status", "health",
    "weights list", "plan laptop", "plan smoke --runs", "plan paper --cells", "params cyclegan",
    "doctor",
)  # fmt: skip
QUICK = ("methods", "protocols", "data list", "status", "health")
HEAVY = {"torch", "torchvision", "pandas", "scipy", "skimage", "matplotlib", "httpx"}


@pytest.fixture
def runs(workspace):
    """Made-up runs in several states, one of a long name and a long reason."""
    long = make_run("spatial_guidance_paired:no-s-component", "facades", 3, "laptop")
    make_up(long, "failed", reason="no space: " + "a long reason " * 20)
    make_up_examined(make_run("cyclegan", "horse2zebra_drawn", 0, "laptop"))
    return workspace


def command_lines(node=None, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group of commands."""
    node = node or typer.main.get_command(cli.app)
    inner = getattr(node, "commands", {}).items()
    return [words, *(line for name, each in inner for line in command_lines(each, (*words, name)))]


def too_wide(text: str) -> list[str]:
    """Lines that go beyond the terminal, but for those with a path, which nothing may break."""
    long = [line for line in text.splitlines() if len(line) > WIDTH]
    return [line for line in long if max(map(len, line.split())) < WIDTH / 3]


@pytest.mark.parametrize("command", LISTINGS)
def test_a_listing_fits_the_terminal_or_says_where_the_rest_is(runs, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    ended = replicate(*command.split())
    assert ended.status == 0 and ended.out and too_wide(ended.out) == []
    cut = terminal.CUT in ended.out
    assert cut == ("cut to 80 columns: " in ended.err), ended.err
    if cut:
        whole = replicate(*command.split(), "--wide")
        assert terminal.CUT not in whole.out and not whole.err


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_help_fits_the_terminal_and_names_no_type_of_python(monkeypatch, words):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERMINAL_WIDTH", str(WIDTH))
    ended = replicate(*words, "--help")
    assert ended.status == 0 and too_wide(ended.out) == []
    assert [
        word for word in ("<bool>", "<str>", "<int", "list[", terminal.CUT) if word in ended.out
    ] == []


def test_columns_are_cut_from_the_widest_on(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    rows = [("key", "0123456789" * 3, 1, ""), ("a long key", "short", 12, "")]
    terminal.table(("name", "what", ">n", "empty"), rows)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "name        what             n",
        "key         0123456789012…   1",
        "a long key  short           12",
    ]
    assert printed.err == f"cut to 30 columns: {terminal.MORE}\n"
    terminal.table(("name",), [])
    terminal.table(("name", "what"), [("key", "0123456789" * 3)], wide=True)
    assert capsys.readouterr() == ("name  what\nkey   012345678901234567890123456789\n", "")


def test_in_a_pipe_nothing_is_cut(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(terminal, "width", lambda: 0)
    terminal.table(("name",), [("x" * 200,)])
    terminal.lines("y" * 200)
    assert capsys.readouterr() == (f"name\n{'x' * 200}\n{'y' * 200}\n", "")


def test_quick_commands_import_nothing_heavy(runs):
    for words in ("status", "health"):
        replicate(words)  # what they find out of this code and these runs, they remember
    code = f"""
import json, sys
from replicate import cli
for words in {[q.split() for q in QUICK]}:
    sys.argv = ["replicate", *words]
    try:
        cli.main()
    except SystemExit:
        pass
    print(words, sorted({HEAVY} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert said == [f"{words.split()} []" for words in QUICK]


def test_the_list_without_torch_is_that_of_the_registry():
    found, left_out = method_list.describe()
    loaded, _ = method_list._loaded()
    assert found == loaded and [each["method"] for each in found] == list(METHODS) and not left_out


def test_what_is_remembered_of_the_code_says_what_the_code_says(runs):
    first, second = state.Today(Facts(paths.results())), state.Today()
    folders = [run.folder for run in (make_run("cyclegan", "horse2zebra_drawn", 0, "laptop"),)]
    described = [state.describe(folder, first) for folder in folders]
    first._facts.keep()
    kept = json.loads((paths.results() / "cache" / "code.json").read_text())["facts"]
    again = Facts(paths.results())
    assert kept and again._held == kept
    for today in (second, state.Today(again)):
        seen = [state.describe(folder, today) for folder in folders]
        assert [s["word"] for s in seen] == [s["word"] for s in described] == ["scored"]
    again._file.write_text("{}")
    assert Facts(paths.results())._held == {}


def test_one_method_on_drawn_and_real_images_has_the_settings_of_each(workspace):
    runs = [
        make_run("cyclegan", name, 0, "laptop") for name in ("horse2zebra_drawn", "horse2zebra")
    ]
    assert runs[0].config != runs[1].config
    today = state.Today()
    for run in runs:
        make_up(run)
        assert "settings" not in state.of(run, today).stale


@pytest.mark.parametrize("words", [("methods",), ("data", "list"), ("protocols",), ("--help",)])
def test_a_closed_pipe_is_no_error(workspace, words):
    read, write = os.pipe()
    os.close(read)  # as `| head -1`, which is gone before anything is written
    command = [sys.executable, "-m", "replicate.cli", *words]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_command_says_that_nothing_is_lost(workspace, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(method_list, "describe", interrupted)
    ended = replicate("methods")
    assert (ended.status, ended.out, ended.err) == (130, "", f"{cli.STOPPED}\n")


def test_make_help_is_the_head_of_the_makefile():
    done = subprocess.run(
        ["make", "-s", "help"], capture_output=True, text=True, check=True, cwd=paths.ROOT
    )
    assert done.stdout.startswith("Needs Python 3.11") and too_wide(done.stdout) == []
    targets = re.findall(r"^([a-z-]+):", (paths.ROOT / "Makefile").read_text(), re.M)
    told = re.findall(r"^  make ([a-z-]+)", done.stdout, re.M)
    assert set(told) <= set(targets) and {"replicate", "runs", "test", "help"} <= set(told)


def test_the_version_is_that_of_the_package():
    import replicate as package

    assert replicate("--version").out == f"replicate {package.__version__}\n"


COMPLETED = {
    "replicate pl": ["plan"],
    "replicate data li": ["list"],
    "replicate train agg": ["aggan"],
    "replicate train aggan:who": ["aggan:whole-image-d"],
    "replicate train aggan --budget lap": ["laptop"],
    "replicate data get horse2zebra_h": ["horse2zebra_herd_drawn"],
}


@pytest.mark.parametrize("line, wanted", COMPLETED.items())
def test_a_shell_completes_commands_and_values(workspace, monkeypatch, line, wanted):
    # typer looks at the parent processes, which of a test under make are no shell it knows
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("bash", "/bin/bash"))
    assert "_REPLICATE_COMPLETE=complete_bash" in replicate("--show-completion", "bash").out
    monkeypatch.setenv("_REPLICATE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert replicate().out.split() == wanted
