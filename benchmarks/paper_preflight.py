"""Enters the preflights that this machine has made into paper_preflight.csv, a line a kind of run.

    python benchmarks/paper_preflight.py [METHOD[:VARIANT]...]

`replicate preflight --budget paper` makes them, on the CPU. Methods that no notebook asks for at
that budget are named, and were measured on horse2zebra. A kind that was not measured here keeps its
line, which is empty where nobody has measured it.
"""

import csv
import sys
from pathlib import Path

from replicate.lab.budget_grid import grid
from replicate.lab.preflight import estimate, place
from replicate.lab.run import make_run

COLUMNS = {
    "method": "name",
    "size": "size",
    "peak_mb": "peak_memory_mb",
    "processor_s_per_step": "processor_seconds_per_step",
    "s_per_step": "seconds_per_step",
    "steps": "steps",
    "made_up_images": "made_up",
    "checkpoint_mb": "checkpoint_mb",
    "iterations": "iterations",
}


TABLE = Path(__file__).with_suffix(".csv")


def main(named: list[str]) -> None:
    runs = [job.run for job in grid("paper")]
    runs += [make_run(name, "horse2zebra", 0, "paper") for name in named]
    with TABLE.open(newline="") as file:
        rows = {(row["method"], row["size"]): row for row in csv.DictReader(file)}
    for run in {place(run, "cpu"): run for run in reversed(runs)}.values():
        size = str(run.config.crop_size)
        row = {"method": f"{run.method}:{run.variant}", "size": size}
        rows.setdefault((row["method"], size), dict.fromkeys(COLUMNS, "") | row)
        if found := estimate(run, "cpu"):
            measured = {column: _short(getattr(found, field)) for column, field in COLUMNS.items()}
            rows[row["method"], size] = measured | row
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))


def _short(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.4g}" if value < 1000 else round(value)


if __name__ == "__main__":
    main(sys.argv[1:])
