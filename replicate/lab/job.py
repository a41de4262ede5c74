"""One job of the graph: papermill on a notebook, on a GPU of its own, and nothing left behind.

python -m replicate.lab.job GRAPH runs DATASET/METHOD/LEAF
python -m replicate.lab.job GRAPH notebooks BUDGET/NOTEBOOK
"""

import json
import os
import resource
import signal
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from replicate import files, records
from replicate.errors import ReplicateError
from replicate.lab import attempts, machines

KERNEL = 600  # s that a kernel may take to start, on a machine where hundreds do
TRAINS = "lab.grid("  # stands in the cell of every notebook that trains
STOPPED = 143  # the status of a job that was asked to stop, as of a process that SIGTERM ended


class Asked:
    """Whether this process was asked to stop; a request is passed on to the kernel.

    papermill itself would die and leave its kernel a second to live, too little for a checkpoint.
    """

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def __call__(self, number: int, frame: object) -> None:
        self.number = number
        kernels = machines.below()
        machines.send(kernels, signal.SIGTERM)
        if not kernels:
            raise SystemExit(STOPPED)


def main(words: list[str]) -> int:
    """Works off one job; 0, or how it failed.

    Args:
        words: the file of the graph, "runs" or "notebooks", the job's key.
    """
    file, kind, key = words
    graph = json.loads(Path(file).read_text())
    entry, results = graph[kind][key], Path(graph["results"])
    place = attempts.folder(results, kind, key)
    about = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time()}
    if job := os.environ.get("SLURM_JOB_ID"):
        about["slurm"] = job
    asked = Asked()
    number = attempts.begin(place, about)
    executed = attempts.notebook(place, number)
    end = {"attempt": number, "status": STOPPED, "reason": "stopped before it began"}
    try:
        with _logged(attempts.log(place, number)), ExitStack() as held:
            _check(entry, graph)
            uuid = _gpu(entry, held)
            attempts.note(place, {"attempt": number, "gpu": uuid, "began": time.time()})
            try:
                _papermill(entry, executed)
            finally:
                attempts.note(place, {"attempt": number, "free": time.time()})  # of the GPU
        _check_whole(executed)
        if kind == "notebooks":
            _publish(executed, entry)
        end |= {"status": 0, "reason": ""}
    except Exception as error:
        saved = _saved(entry) if asked.number else ""
        status = STOPPED if asked.number else int(not _is_done(entry, executed, error))
        end |= {"status": status, "reason": saved or _in_a_line(error)}
    finally:
        machines.send(machines.below(), signal.SIGKILL)
        attempts.note(place, end | {"ended": time.time(), "processor": _processor()})
    if end["status"]:
        print(f"{entry['title']}: {end['reason']}", file=sys.stderr)
    return end["status"]


def _processor() -> float:
    """Seconds of processor that this job has taken, its kernel's included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(each.ru_utime + each.ru_stime for each in used), 1)


@contextmanager
def _logged(path: Path):
    """All that this process and its children print goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(handle) for handle in (1, 2)]
    with path.open("ab", buffering=0) as log:
        for handle in (1, 2):
            os.dup2(log.fileno(), handle)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for handle, old in zip((1, 2), kept, strict=True):
            os.dup2(old, handle)
            os.close(old)


def _check(entry: dict, graph: dict) -> None:
    """Refuses what would only fail again, and sets a stale run aside where that was asked for."""
    if "folder" not in entry:
        return
    record = _record(entry)
    if record.get("status") == "failed" and record.get("diverged") and not graph["again"]:
        raise ReplicateError(f"{record['reason']}. Not tried again by itself: add --again")
    if entry["stale"] and graph["retrain"]:
        from replicate.lab.execute import set_aside

        set_aside(_run(entry))


def _record(entry: dict) -> dict:
    return records.read(Path(entry["folder"])) if "folder" in entry else {}


def _saved(entry: dict) -> str:
    """Where a training stopped: its kernel may be gone before it told papermill."""
    record = _record(entry)
    return record["reason"] if record.get("status") == "stopped" else ""


def _cells(executed: Path) -> list[tuple[str, bool]]:
    """The source of each code cell of an executed notebook, and whether it ended well."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    return [
        ("".join(c["source"]), c["metadata"].get("papermill", {}).get("status") == "completed")
        for c in cells
        if c["cell_type"] == "code"
    ]


def _check_whole(executed: Path) -> None:
    """Nothing, or the error for a cell that did not end well; papermill lets `sys.exit()` pass."""
    broken = [source for source, well in _cells(executed) if not well]
    if broken:
        raise ReplicateError(
            f"the notebook ended early, at the cell {broken[0].strip().splitlines()[0]!r}; "
            "expected every cell to be executed: correct it"
        )


def _is_done(entry: dict, executed: Path, error: Exception) -> bool:
    """Whether a run is finished and scored although a cell failed, which came after its training.

    Some figures compare several methods; the whole notebook draws them. Where the cell that trains
    was reached and ended well, the run folder decides: of a notebook that failed before, an earlier
    start may have left a folder that looks finished.
    """
    if "folder" not in entry or not hasattr(error, "ename") or not executed.is_file():
        return False
    if not any(TRAINS in source and well for source, well in _cells(executed)):
        return False
    from replicate.lab import state

    return state.of(_run(entry)).word == "scored"


def _run(entry: dict):
    from replicate.lab.parameters import checked

    return checked(entry["parameters"], entry["notebook"]).runs()[0]


def _gpu(entry: dict, held: ExitStack) -> str:
    """The UUID of the GPU that this job holds from now on; empty where it needs none."""
    uuids = machines.listed() if entry["gpu"] else []
    if not uuids:
        return ""
    uuid = held.enter_context(machines.one(uuids))
    os.environ |= {machines.VISIBLE: uuid, machines.HELD: uuid}
    print(f"on GPU {uuid}", file=sys.stderr)
    return uuid


def _papermill(entry: dict, executed: Path) -> None:
    import logging

    import papermill

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # papermill fills parameters into paths, which so look like a template of themselves
    source, target = (
        str(path).replace("{", "{{").replace("}", "}}") for path in (entry["source"], executed)
    )
    papermill.execute_notebook(
        source, target, entry["parameters"], progress_bar=False, log_output=True,
        cwd=str(executed.parent), start_timeout=KERNEL,
    )  # fmt: skip


def _publish(executed: Path, entry: dict) -> None:
    """A whole notebook takes the place of the one before; it is never seen half-written."""
    target = Path(entry["executed"])
    files.write(target, executed.read_bytes())
    files.write(attempts.drawn_file(target), entry["digest"])


def _in_a_line(error: Exception) -> str:
    """What went wrong; of a cell's error its own words."""
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    text = value if name in ("ReplicateError", "Stopped", "UnknownName") else f"{name}: {value}"
    text = text if name else str(error) or type(error).__name__
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
