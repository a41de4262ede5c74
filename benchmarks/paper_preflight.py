"""Writes the table of the preflights that this machine has made, one line a kind of run.

    python benchmarks/paper_preflight.py [BUDGET] [DEVICE] > benchmarks/paper_preflight.csv

`replicate preflight --budget paper` makes them; what was not measured has an empty line.
"""

import csv
import sys

from replicate.lab.budget_grid import grid
from replicate.lab.preflight import estimate, place

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


def main(budget: str = "paper", device: str = "cpu") -> None:
    kinds = {place(job.run, device): job.run for job in reversed(grid(budget))}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in sorted(kinds.values(), key=lambda run: (run.method, run.variant)):
        found = estimate(run, device)
        name = f"{run.method}:{run.variant}"
        row = [getattr(found, field, "") for field in COLUMNS.values()]
        writer.writerow([name, run.config.crop_size, *map(_short, row[2:])])


def _short(value: object) -> object:
    return (
        f"{value:.4g}"
        if isinstance(value, float) and value < 1000
        else (round(value) if isinstance(value, float) else value)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
