"""Files that people write: whatever is wrong with one is a line with its name and the line."""

import re
from pathlib import Path

import pytest

from replicate import documents, paths
from replicate.errors import ReplicateError
from replicate.lab.budget_grid import pages
from replicate.lab.engine import executor
from replicate.report.tables import registers

NOTEBOOK = "02_aggan"
GOOD = (paths.notebooks() / "params" / "smoke" / f"{NOTEBOOK}.yaml").read_text()
YAML = {
    "empty": (b"", r"is empty; expected lines of `key: value`"),
    "comments alone": (b"# nothing\n", r"is empty"),
    "nothing": (b"null\n", r"is empty"),
    "a list": (b"\n- aggan\n", r", line 2: found a list; expected lines of `key: value`"),
    "a text": (b"aggan", r", line 1: found a text; expected"),
    "a number": (b"3", r", line 1: found 3; expected"),
    "a tab": (
        b"budget: smoke\nseeds:\n\t- 0\n",
        r", line 3: found character '\\t' .*expected YAML",
    ),
    "a bracket": (b"budget: smoke\nseeds: [0\n", r", line 3: .*; expected YAML"),
    "a key twice": (
        b"seeds: [0]\nbudget: smoke\nseeds: [1]",
        r", line 3: the key 'seeds' stands t",
    ),
    "one inside": (b"also:\n  a: [x]\n  a: [y]\n", r", line 3: the key 'a' stands twice"),
    "Latin-1": (
        "budget: smoke\npaper: M\u00fcller".encode("latin-1"),
        r", line 2: expected text in UTF",
    ),
    "UTF-16": ("budget: smoke".encode("utf-16"), r", line 1: expected text in UTF-8"),
    "a control character": (b"budget: \x00", r"unacceptable character .*expected YAML"),
    "a date that is none": (b"seeds: 2024-99-99", r"expected YAML"),
    "brackets without end": (b"seeds: " + b"[" * 5000, r"expected YAML"),
}
CONTENT = {
    "a typing error": (
        "seeds:",
        "seed:",
        r", line 5: unknown parameter 'seed' \(did you mean 'seeds'",
    ),
    "another type": ("[0]", "nought", r", line 5: seeds='nought': expected list\[int\]"),
    "one of a list": ("[0]", "[0, x]", r", line 5: seeds\.1='x': expected list\[int\]"),
    "nothing": ("[0]", "", r", line 5: seeds=None: expected list\[int\]"),
    "a number as key": ("seeds:", "3:", r", line 5: unknown parameter 3"),
    "a name": ("cyclegan,", "cyclegam,", r": unknown method 'cyclegam' \(did you mean 'cyclegan'"),
}


def refusal(folder: Path, content: bytes) -> str:
    """What `replicate runs --params` says of a parameter file."""
    (folder / f"{NOTEBOOK}.yaml").write_bytes(content)
    with pytest.raises(ReplicateError) as caught:
        pages("smoke", [NOTEBOOK], folder=folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content, text", YAML.values(), ids=YAML)
def test_a_parameter_file_that_is_none(tmp_path, content, text):
    said = refusal(tmp_path, content)
    assert said.startswith(f"{tmp_path}/{NOTEBOOK}.yaml")
    assert re.search(text, said), said


@pytest.mark.parametrize("old, new, text", CONTENT.values(), ids=CONTENT)
def test_a_parameter_file_with_a_wrong_entry(tmp_path, old, new, text):
    assert old in GOOD
    said = refusal(tmp_path, GOOD.replace(old, new).encode())
    assert said.startswith(f"{tmp_path}/{NOTEBOOK}.yaml")
    assert re.search(text, said), said


def test_a_mark_at_the_start_and_windows_lines_are_no_fault(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbfbudget: smoke\r\nseeds: [0]\r\n")
    assert documents.read_yaml(file) == {"budget": "smoke", "seeds": [0]}


def test_a_folder_or_nothing_in_the_place_of_a_file(tmp_path):
    (tmp_path / f"{NOTEBOOK}.yaml").mkdir()
    with pytest.raises(ReplicateError, match=rf"{NOTEBOOK}\.yaml is a folder; expected a file"):
        pages("smoke", [NOTEBOOK], folder=tmp_path)
    with pytest.raises(ReplicateError, match=r"gone\.yaml cannot be read: No such file"):
        documents.read_yaml(tmp_path / "gone.yaml")
    for nothing in (tmp_path / "gone", tmp_path / f"{NOTEBOOK}.yaml"):
        with pytest.raises(ReplicateError, match="no parameter files; expected NOTEBOOK"):
            pages("smoke", folder=nothing)


def test_seeds_of_the_command_line_are_not_blamed_on_the_file():
    for seeds, text in (
        ("0,x", r"^seeds\.1='x': expected int"),
        ("\u00b2", r"^seeds\.0='\u00b2': "),
    ):
        with pytest.raises(ReplicateError, match=text):
            pages("smoke", [NOTEBOOK], seeds)


@pytest.mark.parametrize(
    "content, text",
    [
        (b"", r"x\.toml is empty; expected TOML"),
        (b"a = 1\nb = \n", r"x\.toml, line 2: invalid value; expected TOML"),
        (b"a = 1\na = 2\n", r"x\.toml, line 2: cannot overwrite a value; expected TOML"),
        (b"[[entry]]\n[entry\n", r"x\.toml, line 2: .*; expected TOML"),
        (b"a = '\xe9'", r"x\.toml, line 1: expected text in UTF-8"),
        (b"entry = 3", r"x\.toml: no \[\[entry\]\]; expected at least one"),
        (b"entry = []", r"x\.toml: no \[\[entry\]\]; expected at least one"),
        (b"[[entri]]", r"x\.toml: unknown table 'entri' \(did you mean 'entry'\?\)"),
    ],
)
def test_a_toml_file_that_is_wrong(tmp_path, content, text):
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ReplicateError, match=text):
        documents.read_toml(tmp_path / "x.toml", "entry")


def test_the_other_files_are_read_by_the_same_function(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("- 1")
    with pytest.raises(ReplicateError, match=r"config\.yaml, line 1: found a list"):
        executor(tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "data" / "deviations").mkdir(parents=True)
    for name, read in (
        ("coverage", registers.exhibits),
        ("deviations/aggan", lambda: registers.entries("aggan")),
    ):
        (tmp_path / "data" / f"{name}.toml").write_text("")
        with pytest.raises(ReplicateError, match=f"^data/{name}.toml is empty; expected TOML"):
            read()
