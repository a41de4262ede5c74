"""Files, folders and locks: old or new, never half, whatever ends the process or fills the disk."""

import ast
import errno
import shutil
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from replicate import files, paths
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_whole_or_as_before(tmp_path):
    path = files.write(tmp_path / "deep" / "a.txt", "old ä")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old ä" and names(path.parent) == ["a.txt"]


def test_a_sealed_object_comes_back_and_a_changed_one_is_named(tmp_path):
    path = files.write_sealed(tmp_path / "a.json", {"b": 1.5, "a": [1, {"c": "ä"}]})
    assert files.read_json(path, "") == {"b": 1.5, "a": [1, {"c": "ä"}]}
    path.write_text(path.read_text().replace("1.5", "1.6"))
    with pytest.raises(files.Damaged, match=rf"{path} is damaged \(checksum .*\)\. Copy it back"):
        files.read_json(path, "Copy it back")


@pytest.mark.parametrize("content", ["", "{", "[1]", "1", '{"a": 1', "[" * 10**5, "\udcff", "null"])
def test_what_is_no_json_object_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ReplicateError, match=r"a\.json is damaged .* Delete it"):
        files.read_json(tmp_path / "a.json", "Delete it")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"pid": "x", "host": "h"}', '{"pid": 0}', '{"pid": 1e99}', "{"]
)
def test_an_owner_that_tells_nobody_is_nobody(tmp_path, content):
    (tmp_path / "owner.json").write_text(content)
    assert files.read_owner(tmp_path / "owner.json") == {}


@pytest.mark.parametrize("name", ["pets", "pets-big", "pet[s]"])
def test_what_a_killed_builder_left_goes_and_nothing_of_another(tmp_path, name):
    others = {"pets", "pets-big", "pet[s]", "pe"} - {name}
    for one in (name, *others):
        (tmp_path / f".building-{one}-abcd_123" / "all").mkdir(parents=True)
    with files.building(tmp_path / name) as folder:
        (folder / "a").touch()
        files.put(folder, tmp_path / name)
    assert names(tmp_path) == sorted([name, *(f".building-{one}-abcd_123" for one in others)])
    assert names(tmp_path / name) == ["a"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
    for content in ("old", "new"):
        with files.building(tmp_path / "place") as folder:
            files.write(folder / content, content)
            files.put(folder, tmp_path / "place")
    assert names(tmp_path) == ["place"] and names(tmp_path / "place") == ["new"]


def test_where_folders_cannot_be_exchanged_the_old_one_comes_back(tmp_path, monkeypatch):
    place = tmp_path / "place"
    left = tmp_path / ".building-place-abcd_123"
    for folder, content in ((left / "replaced", "old"), (left / "all", "new")):
        files.write(folder / content, content)  # killed between its two renames
    with files.building(place):
        assert names(place) == ["old"]


def test_a_file_system_without_locks_is_told(tiny, monkeypatch):
    def refuse(lock, **how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(ReplicateError, match=r"\.lock cannot be locked \(No locks available\)"):
        ensure(make_run("cyclegan", tiny, 0, "smoke"))


def test_results_that_cannot_be_are_told(tiny, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPLICATE_RESULTS", str(tmp_path / "file" / "below"))
    with pytest.raises(ReplicateError, match=r"cannot be written \(Not a directory\)"):
        ensure(make_run("cyclegan", tiny, 0, "smoke"))


FULL = """
import resource, sys
from pathlib import Path
from replicate import files
from replicate.errors import ReplicateError

if sys.argv[2]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
root = Path(sys.argv[1])
try:
    files.write(root / "file", bytes(10**6))
except ReplicateError as error:
    print(error)
with files.building(root / "folder") as folder:
    try:
        files.write(folder / "a", bytes(10**6))
        files.put(folder, root / "folder")
    except ReplicateError as error:
        print(error)
print({str(p.relative_to(root)): p.read_text()[:30] for p in root.rglob("*") if p.is_file()})
"""
OLD = {"file": "old", "folder/a": "old"}
SHELL = 'mount -t tmpfs -o size=64k tmpfs "$1" && cp -r "$2"/. "$1" && "$3" -c "$4" "$1" ""'


def old(root: Path) -> Path:
    for name, content in OLD.items():
        files.write(root / name, content)
    return root


def check_full(done: subprocess.CompletedProcess, reason: str) -> None:
    *told, there = done.stdout.splitlines()
    assert len(told) == 2 and all(f"cannot be written ({reason})" in line for line in told)
    assert ast.literal_eval(there) == {name: text[:30] for name, text in OLD.items()}


def test_a_limit_on_files_leaves_what_was(tmp_path):
    command = [sys.executable, "-c", FULL, str(old(tmp_path)), "4096"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=paths.ROOT, timeout=120)
    check_full(done, "File too large")


def test_a_disk_that_fills_leaves_what_was(tmp_path):
    if not shutil.which("unshare"):
        pytest.skip("needs `unshare`")
    source, disk = old(tmp_path / "old"), tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SHELL, "sh"]
    command += [str(disk), str(source), sys.executable, FULL]
    done = subprocess.run(command, capture_output=True, text=True, cwd=paths.ROOT, timeout=120)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no disk may be mounted here: {done.stderr.strip()}")
    check_full(done, "No space left on device")


# What is written elsewhere: in folders that are then moved whole or are temporary, caches with a
# checksum, and the logs of processes.
APART = {"datasets/labels.py", "datasets/placing.py", "datasets/recipes/preparing.py"}
APART |= {"datasets/download.py", "datasets/packing.py", "datasets/own.py", "datasets/archives.py"}
APART |= {"datasets/fetch.py", "studies/effects/ladder.py", "report/mailing.py", "evaluation.py"}
APART |= {"lab/attempts.py", "files.py", "lab/preflight.py"}
APART |= {"datasets/masks.py", "weights/published.py"}


def written(source: str) -> list[str]:
    """The calls of a source that write a file in its place."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = []
    for call in calls:
        text = ast.unparse(call)
        name = text.partition("(")[0].rpartition(".")[2]
        in_place = name in ("write_text", "write_bytes") or text.startswith("os.replace(")
        to_a_path = name == "to_csv" and call.args
        opened = name == "open" and any(f"'{mode}'" in text for mode in ("w", "wb", "x", "xb"))
        found += [text] if in_place or to_a_path or opened else []
    return found


def test_nothing_else_writes_what_git_keeps_or_what_is_evidence():
    package = paths.ROOT / "replicate"
    found = {
        str(path.relative_to(package)): written(path.read_text())
        for path in package.rglob("*.py")
        if "metrics" not in path.parts
    }
    assert {name: calls for name, calls in found.items() if calls and name not in APART} == {}
    assert written("a.write_text('x'); b.to_csv(c); os.replace(a, b); p.open('wb')") != []
