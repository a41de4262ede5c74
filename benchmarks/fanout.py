"""What it costs to start many runs: a no-op on finished ones, and scheduler and notebook for each.

    python benchmarks/fanout.py noop 500          # made-up finished runs in a folder of its own
    python benchmarks/fanout.py overhead RESULTS  # of a grid that `replicate runs` has trained

`overhead` reads what the tries noted of themselves.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from replicate.lab import attempts  # noqa: E402
from replicate.lab.budget_grid import grid  # noqa: E402
from replicate.lab.fingerprint import scoring_fingerprint  # noqa: E402


def noop(number: int) -> None:
    """Seconds of `replicate runs` where everything is done."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REPLICATE_RESULTS"] = folder
        per_seed = len(grid("smoke"))
        seeds = ",".join(map(str, range(-(-number // per_seed))))
        runs = [job.run for job in grid("smoke", seeds=seeds)]
        scoring, known = scoring_fingerprint(), {}
        for run in runs:
            kind = (run.method, run.dataset)
            known[kind] = known.get(kind) or run.fingerprint()
            run.folder.mkdir(parents=True)
            record = {**run.identity(), "label": run.label, "status": "finished", "iterations": 4}
            record |= {"fingerprint": known[kind], "scoring": scoring, "inception": True}
            (run.folder / "run.json").write_text(json.dumps(record))
            (run.folder / "scores.csv").touch()
            with zipfile.ZipFile(run.folder / "checkpoint-00000004.pt", "w") as file:
                file.writestr("made", "up")
        command = [sys.executable, "-m", "replicate.cli", "runs", "--budget", "smoke"]
        command += ["--seeds", seeds, "--no-draw"]
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        wall, used = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.stdout.endswith(f"done: {len(runs)} runs, 0 notebooks\n"), done.stdout
        print(
            f"no-op on {len(runs)} finished runs: {used.ru_utime + used.ru_stime:.1f} s of "
            f"processor, {wall:.1f} s by the clock"
        )


def overhead(results: Path) -> None:
    """Seconds of processor of every job, notebook and scores included; of training by the clock.

    What a run takes without scheduler and notebook is that of `replicate train`.
    """
    jobs, trained = [], []
    for record in sorted((results / "runs").glob("*/*/*/run.json")):
        key = record.parent.relative_to(results / "runs").as_posix()
        ended = [t for t in attempts.read(attempts.folder(results, "runs", key)) if "ended" in t]
        jobs.append(ended[-1]["processor"])
        trained.append(json.loads(record.read_text())["hours"] * 3600)
    print(
        f"{len(jobs)} runs: {statistics.median(jobs):.1f} s of processor a job (least "
        f"{min(jobs):.1f}, most {max(jobs):.1f}); training {statistics.median(trained):.1f} s "
        "by the clock"
    )


if __name__ == "__main__":
    if sys.argv[1] == "noop":
        noop(int(sys.argv[2]))
    else:
        overhead(Path(sys.argv[2]))
