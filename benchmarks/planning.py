"""Seconds of `replicate plan` and `replicate status` on a thousand made-up run folders.

python benchmarks/planning.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.made_up_runs import make_up

from replicate.lab.budget_grid import grid

RUNS = 1000
SEEDS = ",".join(map(str, range(70)))


def main() -> None:
    with tempfile.TemporaryDirectory() as results:
        os.environ["REPLICATE_RESULTS"] = results
        runs = [job.run for job in grid("laptop", seeds=SEEDS)][:RUNS]
        for i, run in enumerate(runs):
            make_up(run, "finished" if i % 3 else "stopped", iterations=10, hours=1.0)
        print(f"{len(runs)} run folders")
        for words in (["plan", "laptop", "--seeds", SEEDS], ["status"]):
            start = time.perf_counter()
            used = os.times()
            ended = subprocess.run(
                [sys.executable, "-m", "replicate.cli", *words], capture_output=True, check=True
            )
            spent = os.times().children_user + os.times().children_system
            spent -= used.children_user + used.children_system
            wall = time.perf_counter() - start
            print(
                f"{words[0]}: {wall:.1f} s, {spent:.1f} s of processor, {len(ended.stdout)} bytes"
            )


if __name__ == "__main__":
    main()
