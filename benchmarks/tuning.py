"""Settings tried for real photographs at budget laptop: the paper's, and one other, of each method.

    python benchmarks/tuning.py [METHOD...] [--jobs 2]

Trains both settings of `TRIED` on horse2zebra, whole runs of seed 0 on one thread, and writes what
came of them to tuning.csv and tuning.md beside this file. Runs are kept with all others: one that
was killed goes on, a finished one is read, and the paper's settings are those that are published.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from replicate import records
from replicate.lab.run import Run, make_run
from replicate.report.tables import to_markdown

DATASET, SEED = "horse2zebra", 0
KID, RATE, CHANCE, AUC, OPEN = (
    "kid/efficientnet-lite0", "class-rate/efficientnet-lite0",
    "class-probability/efficientnet-lite0", "attention/auc", "attention/mean",
)  # fmt: skip
# Of each method the one change that its failures at small size suggest: a term that keeps the
# output near the input left out or weakened, or, where the paper has none, added.
TRIED: dict[str, dict[str, float]] = {
    "cyclegan": {"lambda_idt": 0.0},
    "aggan": {"lambda_cyc": 3.0},
    "attentiongan": {"lambda_idt": 0.0},
    "ugatit": {"lambda_cam": 1.0},
    "spatial_guidance": {"lambda_idt": 5.0},
    "spagan": {"lambda_cyc": 3.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("methods", nargs="*", help="default: all of the list")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    wanted = parser.parse_args()
    tried = [
        make_run(method, DATASET, SEED, "laptop", settings)
        for settings_of in ("paper", "other")
        for method in wanted.methods or TRIED
        for settings in [TRIED[method] if settings_of == "other" else {}]
    ]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        for run, code in zip(tried, pool.map(train, tried), strict=True):
            if code:
                sys.exit(f"{run.title}: failed, see its lines above; ask again to go on")
    if wanted.methods:
        return
    table = pd.DataFrame([row(run) for run in tried])
    here = Path(__file__).with_name("tuning")
    table.to_csv(here.with_suffix(".csv"), index=False, float_format="%.4g", lineterminator="\n")
    here.with_suffix(".md").write_text(page(table), "utf-8")


def train(run: Run) -> int:
    """Trains and scores one run in a process of its own; its exit status."""
    command = [sys.executable, "-m", "replicate.cli", "train", f"{run.method}:{run.label}"]
    command += ["--data", DATASET, "--seed", str(SEED), "--budget", "laptop"]
    return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode


def row(run: Run) -> dict[str, object]:
    """What one run came to, in both directions."""
    scores = pd.read_csv(run.folder / records.SCORES).set_index(["protocol", "direction"])
    cells: dict[str, object] = {
        "method": run.method,
        "settings": str(run.overrides) if run.overrides else "the paper's",
    }
    kid = scores.loc[KID]
    cells["KID / doing nothing's"] = (kid["value"] / kid["do_nothing"]).mean()
    for direction in dict.fromkeys(kid.index):
        cells[f"KID {direction}"] = kid["value"][direction]
        cells[f"class rate {direction}"] = scores.loc[RATE]["value"][direction]
        cells[f"probability {direction}"] = scores.loc[CHANCE]["value"][direction]
        for name, protocol in {"map's mean": OPEN, "map's AUC (pseudo masks)": AUC}.items():
            known = protocol in scores.index.get_level_values(0)
            one = scores[scores["metric"] != "attention_iou"].loc[protocol] if known else None
            cells[f"{name} {direction}"] = one["value"][direction] if known else None
    cells["core minutes"] = 60 * run.record()["hours"]
    return cells


def page(table: pd.DataFrame) -> str:
    """What was tried, as Markdown: the settings and what they came to."""
    text = (
        f"# What was tried on {DATASET}\n\nWritten by `python benchmarks/tuning.py`: whole runs of "
        f"budget laptop, seed {SEED}, 64 px crops of 128 px images, whole test images of 128 px, "
        "scores by EfficientNet-Lite0. Doing nothing has a share of 1. One change of each method, "
        "so that none was tuned more than another; the paper's settings are the published ones.\n"
    )
    for method, rows in table.groupby("method", sort=False):
        shown = rows.drop(columns="method").dropna(axis="columns", how="all").set_index("settings")
        text += f"\n## {method}\n\n" + to_markdown(shown.T.rename_axis("").reset_index())
    return text


if __name__ == "__main__":
    main()
