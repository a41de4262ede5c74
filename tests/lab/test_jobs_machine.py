"""What jobs share a machine by: GPUs, processes, the lock of a results folder."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from replicate import paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import engine, machines, slurm
from replicate.lab.budget_grid import pages
from replicate.lab.forecast import FINISHED, HERE, PUBLISHED, Known
from replicate.lab.graph import needs

UUIDS = ["GPU-aaaa", "GPU-bbbb"]


# GPUs


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A pretended `nvidia-smi` of two GPUs, and a folder of locks of this test alone."""
    tools = Path(__file__).parents[1] / "cluster" / "bin"
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.delenv(machines.VISIBLE, raising=False)
    monkeypatch.setattr(machines, "LOCKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "visible, expected",
    [
        (None, UUIDS),
        ("1,0", UUIDS[::-1]),
        ("1", UUIDS[1:]),
        ("", []),
        ("GPU-bbbb", ["GPU-bbbb"]),
        ("MIG-1,MIG-2", ["MIG-1", "MIG-2"]),
    ],
)
def test_the_gpus_are_those_that_are_visible(machine, monkeypatch, visible, expected):
    if visible is not None:
        monkeypatch.setenv(machines.VISIBLE, visible)
    assert machines.listed() == expected


def test_a_machine_without_nvidia_smi_has_no_gpu_to_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(machines.VISIBLE, raising=False)
    assert machines.listed() == []


def test_each_job_holds_another_gpu_and_gives_it_back(machine):
    with machines.one(UUIDS) as first, machines.one(UUIDS) as second:
        assert [first, second] == UUIDS
        assert machines._lock(first) is None and machines._lock(second) is None
    with machines.one(UUIDS) as again:
        assert again == UUIDS[0]


def test_the_lock_file_of_another_user_is_opened_as_linux_allows_it(machine, monkeypatch):
    """`fs.protected_regular`: in a sticky folder O_CREAT on another user's file is EACCES."""
    before, opened = os.umask(0o077), os.open
    try:
        os.close(machines._lock(UUIDS[0]))
    finally:
        os.umask(before)
    (file,) = machine.iterdir()
    assert file.stat().st_mode & 0o777 == 0o644  # readable by others, whatever the umask

    def protected(path, flags, *mode, **place):
        if flags & os.O_CREAT and os.path.exists(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, flags, *mode, **place)

    monkeypatch.setattr(os, "open", protected)
    with machines.one(UUIDS[:1]):
        assert machines._lock(UUIDS[0]) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a process as somebody else")
def test_two_users_exclude_each_other(machine):
    machine.chmod(0o1777)
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with machines.one(UUIDS[:1]) as uuid:
        file = machine / f"replicate-{uuid}.lock"
        os.chown(file, 65534, 65534)  # nobody's; the folder is root's
        assert machines._lock(uuid) is None
        words = [sys.executable, "-c", code, str(file)]
        refused = subprocess.run(words, capture_output=True, text=True)
        assert "BlockingIOError" in refused.stderr
    with machines.one(UUIDS[:1]) as again:
        assert again == uuid


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "unreadable"])
def test_what_stands_in_the_place_of_a_lock_file_is_named_and_left_alone(
    machine, kind, monkeypatch
):
    place = machine / f"replicate-{UUIDS[0]}.lock"
    aim = machine / "precious"
    if kind == "link":
        place.symlink_to(aim)
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        refusal = PermissionError(errno.EACCES, "Permission denied")
        monkeypatch.setattr(os, "open", lambda *a, **k: (_ for _ in ()).throw(refusal))
    with pytest.raises(ReplicateError, match=rf"{place.name} cannot be locked \("):
        machines._lock(UUIDS[0])
    assert not aim.exists()


HOLD = """
import sys, time
from pathlib import Path
from replicate.lab import machines
machines.LOCKS = Path(sys.argv[1])
with machines.one(["GPU-aaaa"], poll=0.01) as uuid:
    print(uuid, time.monotonic(), flush=True)
    time.sleep(float(sys.argv[2]))
    print(time.monotonic(), flush=True)
"""


def test_who_comes_second_waits_also_for_one_that_is_killed(machine):
    def start(seconds: float) -> subprocess.Popen:
        words = [sys.executable, "-c", HOLD, str(machine), str(seconds)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    first = start(60)
    assert first.stdout.readline().startswith("GPU-aaaa")
    second = start(0)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.5)  # s; long enough for fifty looks at the lock
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert second.stdout.readline().startswith("GPU-aaaa")
    for process in (first, second):
        process.communicate()


def test_a_gpu_is_not_free_while_something_is_still_on_it(machine):
    environment = os.environ | {machines.HELD: UUIDS[0]}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    left = subprocess.Popen(["sh", "-c", "echo; read line"], env=environment, **pipes)
    left.stdout.readline()  # before it, the process may have no environment yet
    try:
        with machines.one(UUIDS) as taken:
            assert taken == UUIDS[1]
    finally:
        left.kill()
        left.communicate()
    with machines.one(UUIDS) as taken:
        assert taken == UUIDS[0]


def test_more_gpus_than_there_are_is_refused(machine, workspace):
    asked = pages("smoke", ["02_aggan"])
    local = engine.find_profile("local")
    assert engine.snakemake_limits(asked, local) == []
    assert engine.snakemake_limits(asked, local, 4, 2) == ["--cores", "4", "--resources", "gpu=2"]
    with pytest.raises(ReplicateError, match="4 GPU asked for, but nvidia-smi lists 2"):
        engine.snakemake_limits(asked, local, wanted=4)
    cuda = pages("paper", ["02_aggan"])
    assert engine.snakemake_limits(cuda, local) == ["--resources", "gpu=2"]
    there = engine.snakemake_limits(cuda, engine.find_profile("slurm"), 5)
    assert there == ["--jobs", "5", "--slurm-jobname-prefix", slurm.prefix(paths.results())]


# Processes and locks


def test_processes_of_a_results_folder_are_found_and_ended(tmp_path):
    environment = os.environ | {machines.OWNER: str(tmp_path)}
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); "
    stubborn += "time.sleep(60)"
    one = subprocess.Popen(["sleep", "60"], env=environment)
    two = subprocess.Popen(
        [sys.executable, "-c", stubborn], env=environment, stdout=subprocess.PIPE
    )
    other = subprocess.Popen(["sleep", "60"], env=os.environ | {machines.OWNER: "elsewhere"})
    two.stdout.readline()
    found = machines.of(tmp_path)
    assert {p.pid for p in found} == {one.pid, two.pid}
    assert [p.pid for p in machines.of(tmp_path, "sleep")] == [one.pid]
    machines.end(found, patience=0.2)
    assert machines.of(tmp_path) == [] and other.poll() is None
    other.kill()
    for process in (one, two, other):
        process.communicate()


LOCKED = """
import sys, time
from pathlib import Path
from replicate.lab.machines import locked
with locked(Path(sys.argv[1])):
    print(flush=True)
    time.sleep(60)
"""


def test_a_second_start_is_refused_until_the_first_is_gone(tmp_path, capsys):
    first = subprocess.Popen([sys.executable, "-c", LOCKED, str(tmp_path)], stdout=subprocess.PIPE)
    first.stdout.readline()
    text = rf"is in use by another start: pid {first.pid} on host \S+, since 2\d{{3}}-"
    with pytest.raises(ReplicateError, match=text), machines.locked(tmp_path):
        pass
    first.kill()
    first.communicate()
    with machines.locked(tmp_path):
        assert f"the start of pid {first.pid} on host" in capsys.readouterr().out
    with machines.locked(tmp_path):
        assert capsys.readouterr().out == ""  # the one before ended well


@pytest.mark.parametrize("error", [ReplicateError, OSError, KeyboardInterrupt])
def test_a_start_that_raises_is_gone_too(tmp_path, capsys, error):
    with pytest.raises(error), machines.locked(tmp_path):
        raise error("stopped")
    with machines.locked(tmp_path):
        assert capsys.readouterr().out == ""


def test_an_unknown_profile_is_refused_with_the_closest(tmp_path):
    with pytest.raises(UnknownName, match=r"profile 'slrum' \(did you mean 'slurm'"):
        engine.find_profile("slrum")
    (tmp_path / "config.yaml").write_text("executor: slurm\n")
    assert engine.find_profile(str(tmp_path)) == tmp_path
    assert engine.executor(tmp_path) == "slurm"
    assert engine.executor(engine.find_profile("local")) == "local"


@pytest.mark.parametrize(
    "known, expected",
    [
        (Known(), {"mem_mb": 4000, "minutes": 60}),
        # 1.25 x 8000 + 2000; 1.5 x 120 + 15
        (Known(2.0, 8000, 1.0, HERE), {"mem_mb": 12_000, "minutes": 195}),
        (Known(0.2, 800, 1.0, "preflight on a GPU"), {"mem_mb": 3000, "minutes": 33}),
        # nobody knows how many images there are
        (Known(None, 8000, 1.0, HERE), {"mem_mb": 12_000, "minutes": 60}),
        # no less than the default: they may be of a faster machine
        (Known(0.2, 800, None, PUBLISHED), {"mem_mb": 4000, "minutes": 60}),
        (Known(2.0, None, 1.0, FINISHED), {"mem_mb": 4000, "minutes": 195}),
    ],
)
def test_a_cluster_is_asked_for_what_is_known_of_a_run(known, expected):
    assert needs("laptop", known) == expected


def test_a_path_that_the_slurm_plugin_takes_apart_is_refused():
    slurm.check_paths(Path("/a b/ü {x}"), Path("/c"))
    with pytest.raises(ReplicateError, match=r"it's holds an apostrophe.* REPLICATE_RESULTS"):
        slurm.check_paths(Path("/a"), Path("/it's"))
