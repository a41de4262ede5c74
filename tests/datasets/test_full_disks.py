"""Full disks, and two processes at one set: real ones, where this machine allows."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.archives import NAME, is_complete, left_behind, members, served, sha, zipped

from replicate import paths
from replicate.datasets.fetch import get
from replicate.errors import ReplicateError


def test_a_full_disk_is_told_while_downloading(root, entry, server):
    """The kernel's own error: what is written to /dev/full finds no room."""
    served(server, entry, zipped(members()))
    url = f"{server.url}/toys.zip"
    part = root / ".fetch" / f"toys.zip.{sha(url.encode())[:8]}.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(ReplicateError, match=r"no room on the disk \(No space left.*Free some and"):
        get(NAME, progress=False)
    assert not (root / NAME).exists() and len(server.ranges) == 1  # no mirror would help


def test_a_file_larger_than_the_free_disk_is_not_begun(root, entry, server, monkeypatch):
    served(server, entry, zipped(members()))
    disk = type("Disk", (), {"free": 5000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: disk)
    with pytest.raises(ReplicateError, match=r"toys\.zip: no room on the disk \(0 MB are needed\)"):
        get(NAME, progress=False)
    assert not list((root / ".fetch").glob("*.part"))


LIMITED = """
import resource, sys
from pathlib import Path
from replicate.datasets import fetch
from replicate.errors import ReplicateError
fetch._local = lambda entry, source: Path(source)  # without the checksum
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    fetch.get("cats_dogs", sys.argv[1])
except ReplicateError as error:
    sys.exit(f"error: {error}")
"""


def test_a_full_disk_is_told_while_unpacking(root, tmp_path):
    """A real process that may write no file as long as one of the images."""
    (tmp_path / "a.zip").write_bytes(zipped(members()))
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "a.zip")]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no room on the disk (File too large)" in done.stderr
    assert "Get it again" not in done.stderr and left_behind(root) == []


FETCH = """
import sys
from replicate.datasets import fetch, spec
entry = spec.Spec(
    name="toys", layout="cyclegan", domains=("x", "y"), source="", licence="", archive="toys.zip",
    urls=[{"url": sys.argv[1], "sha256": sys.argv[2]}],
)
spec._entries = lambda: {"toys": entry}
fetch.get("toys", progress=False)
"""


TINY = """
mount -t tmpfs -o size=$1 tmpfs "$2" || exit 77
"$3" -c "$4" "$5" "$6" && exit 3
find "$2" -type f ! -name '*.lock' ! -name '*.part*'
"""


@pytest.mark.parametrize(
    "size, told", [("64k", "no room on the disk"), ("160k", "declares more bytes than")]
)
def test_a_real_disk_without_room(root, server, size, told):
    """A disk in memory on which there is no room for the archive, or not for its files."""
    content = server.pages["/toys.zip"] = zipped(members())
    server.tells_length = False  # else the first is refused before it is begun
    root.mkdir()
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", TINY, "sh", size]
    command += [str(root), sys.executable, FETCH, f"{server.url}/toys.zip", sha(content)]
    if not shutil.which("unshare"):
        pytest.skip("needs `unshare`")
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"no disk may be mounted here: {done.stderr.strip()}")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("replicate.errors.ReplicateError: ") and told in error
    assert done.stdout == ""  # no file is left but what a later download goes on from


def fetching(server, content: bytes) -> subprocess.Popen:
    command = [sys.executable, "-c", FETCH, f"{server.url}/toys.zip", sha(content)]
    return subprocess.Popen(command, cwd=paths.ROOT, stdout=subprocess.PIPE, text=True)


def two(server, root: Path) -> tuple[subprocess.Popen, subprocess.Popen]:
    """One process that has a part of the file, and one that waits for it."""
    content = server.pages["/toys.zip"] = zipped(members())
    server.chunk = len(content) // 2
    server.gate.clear()
    first = fetching(server, content)
    while not any(part.stat().st_size for part in (root / ".fetch").glob("*.part")):
        assert first.poll() is None
        time.sleep(0.01)
    second = fetching(server, content)
    assert second.stdout.readline() == "toys: another process is fetching it; waiting for it\n"
    return first, second


def test_two_processes_fetch_a_set_once(root, server):
    both = two(server, root)
    server.gate.set()
    told = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "unpacked to" in told[0] and "is complete, nothing to do" in told[1]
    assert is_complete(root) and len(server.ranges) == 1 and left_behind(root / ".fetch") == []


def test_what_a_killed_process_had_is_used_by_the_one_that_waited(root, server):
    first, second = two(server, root)
    first.kill()
    server.gate.set()
    assert first.communicate() and first.returncode == -signal.SIGKILL
    assert second.communicate(timeout=60) and second.returncode == 0
    assert is_complete(root) and server.ranges[1].startswith("bytes=")  # what was on the disk
