"""One job of the graph: a run, or a whole notebook, on a GPU of its own, and nothing left behind.

A run is trained in this very process, so that it takes no more than `replicate train` and is asked
to stop without detours; a notebook is executed by papermill, in a kernel.

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
import traceback
from contextlib import ExitStack, contextmanager
from pathlib import Path

from replicate import files, records
from replicate.errors import ReplicateError
from replicate.lab import attempts, machines

KERNEL = 600  # s that a kernel may take to start, on a machine where hundreds do
STOPPED = 143  # the status of a job that was asked to stop, as of a process that SIGTERM ended


class Stop(BaseException):
    """This job was asked to stop; no handler of errors may take it for one."""


class Asked:
    """Whether this process was asked to stop.

    A kernel is asked in its turn: papermill itself would die and leave it a second to live, too
    little for a checkpoint. A training takes the signals over for as long as it lasts.
    """

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def __call__(self, number: int, frame: object) -> None:
        first, self.number = not self.number, number
        kernels = machines.below()
        machines.send(kernels, signal.SIGTERM)
        if first and not kernels:
            raise Stop("stopped before its training or after it; nothing of it is lost")


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
    request = Asked()
    drawn = kind == "notebooks"
    number = attempts.begin(place, about, attempts.LATEST if drawn else attempts.LATEST[:1])
    end = {"attempt": number, "status": STOPPED, "reason": "stopped before it began"}
    try:
        with _logged(attempts.log(place, number)), ExitStack() as held:
            if not drawn:
                _refuse_diverged(entry, graph["again"])
            uuid = _gpu(entry, held)
            attempts.note(place, {"attempt": number, "gpu": uuid, "began": time.time()})
            try:
                if drawn:
                    _draw(entry, attempts.notebook(place, number))
                else:
                    _train(entry, graph["retrain"])
            finally:
                attempts.note(place, {"attempt": number, "free": time.time()})  # of the GPU
        end |= {"status": 0, "reason": ""}
    except Stop as stop:
        end |= {"status": STOPPED, "reason": str(stop)}
    except Exception as error:
        end |= {"status": STOPPED if request.number else 1, "reason": _in_a_line(error)}
    finally:
        machines.send(machines.below(), signal.SIGKILL)
        attempts.note(place, end | {"ended": time.time(), "processor": _processor()})
    if end["status"]:
        print(f"{entry['title']}: {end['reason']}", file=sys.stderr)
    return end["status"]


def _processor() -> float:
    """Seconds of processor that this job has taken, its kernel's included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(usage.ru_utime + usage.ru_stime for usage in used), 1)


@contextmanager
def _logged(path: Path):
    """All that this process and its children print goes to a file, and the trace of an error."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = [os.dup(handle) for handle in (1, 2)]
    with path.open("ab", buffering=0) as log:
        for handle in (1, 2):
            os.dup2(log.fileno(), handle)
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for handle, old in zip((1, 2), before, strict=True):
            os.dup2(old, handle)
            os.close(old)


def _refuse_diverged(entry: dict, again: bool) -> None:
    """Refuses what would only fail again."""
    record = records.read(Path(entry["folder"]))
    if record.get("status") == "failed" and record.get("diverged") and not again:
        raise ReplicateError(f"{record['reason']}. Not tried again by itself: add --again")


def _gpu(entry: dict, held: ExitStack) -> str:
    """The UUID of the GPU that this job holds from now on; empty where it needs none.

    To be called before torch looks for GPUs, which it does once.
    """
    uuids = machines.listed() if entry["gpu"] else []
    if not uuids:
        return ""
    uuid = held.enter_context(machines.one(uuids))
    os.environ |= {machines.VISIBLE: uuid, machines.HELD: uuid}
    print(f"on GPU {uuid}", file=sys.stderr)
    return uuid


def _train(entry: dict, retrain: bool) -> None:
    """Trains and scores the run, or goes on with it; a stale one first makes room if it may."""
    from replicate.lab.execute import ensure
    from replicate.lab.run import run_of
    from replicate.lab.stopping import Stopped

    try:
        ensure(run_of(entry), entry["device"], retrain, entry["offline"], wait=True)
    except Stopped as stopped:
        raise Stop(str(stopped)) from stopped


def _draw(entry: dict, executed: Path) -> None:
    """Executes a whole notebook; it takes the place of the one before, never half-written."""
    _papermill(entry, executed)
    _check_whole(executed)
    target = Path(entry["executed"])
    files.write(target, executed.read_bytes())
    files.write(attempts.drawn_file(target), entry["digest"])


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


def _check_whole(executed: Path) -> None:
    """Nothing, or the error for a cell that did not end well; papermill lets `sys.exit()` pass."""
    for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]:
        ended = cell["metadata"].get("papermill", {}).get("status")
        if cell["cell_type"] == "code" and ended != "completed":
            first = "".join(cell["source"]).strip().splitlines()[0]
            raise ReplicateError(
                f"the notebook ended early, at the cell {first!r}; expected every cell to be "
                "executed: correct it"
            )


def _in_a_line(error: Exception) -> str:
    """What went wrong; of a cell's error its own words."""
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    text = value if name in ("ReplicateError", "Stopped", "UnknownName") else f"{name}: {value}"
    text = text if name else str(error) or type(error).__name__
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
