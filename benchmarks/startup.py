"""Processor seconds until a listing has answered, over those of an empty Python, in turns.

python benchmarks/startup.py [--json]

The results folder is a made-up one with a hundred scored runs. `first`: after the code has changed,
when `status` and `health` import torch once and keep what they find out.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.made_up_runs import make_up_examined

from replicate.lab.budget_grid import grid

COMMANDS = ("--version", "methods", "protocols", "data list", "status", "health", "weights list",
            "plan laptop", "doctor")  # fmt: skip
ROUNDS = 5


def seconds(*words: str) -> float:
    """Processor seconds of one process."""
    before = os.times()
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    after = os.times()
    used = after.children_user - before.children_user
    return used + after.children_system - before.children_system


def measured(words: str, rounds: int = ROUNDS) -> dict:
    """The median over rounds, and the median of the ratios to an empty Python beside it."""
    pairs = [
        (seconds("-m", "replicate.cli", *words.split()), seconds("-c", "pass"))
        for _ in range(rounds)
    ]
    ratio = median(used / empty for used, empty in pairs)
    return {"command": words, "seconds": median(used for used, _ in pairs), "ratio": ratio}


def main() -> None:
    with tempfile.TemporaryDirectory() as results:
        os.environ["REPLICATE_RESULTS"] = results
        for job in grid("laptop", seeds="0,1,2,3,4,5,6")[:100]:
            make_up_examined(job.run)
        firsts = [measured(words, rounds=1) for words in ("status", "health")]
        rows = [row | {"command": f"{row['command']}, first"} for row in firsts]
        rows += [measured(words) for words in COMMANDS]
    if "--json" in sys.argv:
        print(json.dumps(rows))
        return
    print("| command | processor seconds | of an empty Python |\n|---|---|---|")
    for row in rows:
        print(f"| `{row['command']}` | {row['seconds']:.2f} | {row['ratio']:.0f} times |")


if __name__ == "__main__":
    main()
