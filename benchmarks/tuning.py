"""Settings tried for real photographs at budget laptop: as many, and as long, for every method.

    python benchmarks/tuning.py [METHOD...] [--jobs 2]

Trains each of `TRIED` on horse2zebra for `STEPS` steps of one thread, from seed `SEED`, which no
published run has, and writes what came of it to tuning.csv and tuning.md beside this file. A run
that is killed goes on, a finished one is read. Taken is, of each method, the setting with the least
KID by the real network as a share of doing nothing's, averaged over both directions.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from replicate import paths, records
from replicate.lab.run import Run, make_run
from replicate.report.tables import to_markdown

DATASET, SEED, STEPS = "horse2zebra", 7, 1000
KID, RATE, CHANCE, AUC, OPEN = (
    "kid/efficientnet-lite0", "class-rate/efficientnet-lite0",
    "class-probability/efficientnet-lite0", "attention/auc", "attention/mean",
)  # fmt: skip
# Three of each: the paper's weights, and two changes that its failures at this size suggest. All
# that was varied is spelled out, so that the list stays true when a method's own settings change.
TRIED: dict[str, list[dict[str, float]]] = {
    "cyclegan": [
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 5.0},
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 0.0},
        {"lr": 4e-4, "lambda_cyc": 10.0, "lambda_idt": 0.0},
    ],
    "aggan": [
        {"lr": 1e-4, "lambda_cyc": 10.0},
        {"lr": 2e-4, "lambda_cyc": 10.0},
        {"lr": 2e-4, "lambda_cyc": 3.0},
    ],
    "attentiongan": [
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 5.0},
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 0.0},
        {"lr": 2e-4, "lambda_cyc": 3.0, "lambda_idt": 0.0},
    ],
    "ugatit": [
        {"lr": 1e-4, "lambda_cam": 1000.0, "lambda_idt": 10.0},
        {"lr": 1e-4, "lambda_cam": 1.0, "lambda_idt": 10.0},
        {"lr": 2e-4, "lambda_cam": 1.0, "lambda_idt": 1.0},
    ],
    "spatial_guidance": [
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 0.0},
        {"lr": 2e-4, "lambda_cyc": 10.0, "lambda_idt": 5.0},
        {"lr": 4e-4, "lambda_cyc": 10.0, "lambda_idt": 0.0},
    ],
    "spagan": [
        {"lr": 2e-4, "lambda_cyc": 10.0},
        {"lr": 4e-4, "lambda_cyc": 10.0},
        {"lr": 2e-4, "lambda_cyc": 3.0},
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("methods", nargs="*", help="default: all of the list")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    wanted = parser.parse_args()
    os.environ["REPLICATE_RESULTS"] = str(paths.results() / "tuning")
    tried = [
        (
            method,
            settings,
            make_run(method, DATASET, SEED, "laptop", settings | {"iterations": STEPS}),
        )
        for method in wanted.methods or TRIED
        for settings in TRIED[method]
    ]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        for name, code in zip([r.title for *_, r in tried], pool.map(train, tried), strict=True):
            if code:
                sys.exit(f"{name}: failed, see its lines above; ask again to go on")
    if wanted.methods:
        return
    table = pd.DataFrame([row(*entry) for entry in tried])
    table["taken"] = ["yes" if taken else "" for taken in best(table)]
    here = Path(__file__).with_name("tuning")
    table.to_csv(here.with_suffix(".csv"), index=False, float_format="%.4g", lineterminator="\n")
    here.with_suffix(".md").write_text(page(table), "utf-8")


def train(entry: tuple[str, dict[str, float], Run]) -> int:
    """Trains and scores one run in a process of its own; its exit status."""
    method, settings, _ = entry
    changed = [f"{key}={value}" for key, value in (settings | {"iterations": STEPS}).items()]
    command = [sys.executable, "-m", "replicate.cli", "train", method, *changed, "--data", DATASET]
    command += ["--seed", str(SEED), "--budget", "laptop", "--offline-metrics"]
    return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode


def row(method: str, settings: dict[str, float], run: Run) -> dict[str, object]:
    """What one run came to, in both directions."""
    scores = pd.read_csv(run.folder / records.SCORES).set_index(["protocol", "direction"])
    directions = list(dict.fromkeys(scores.loc[KID].index))
    cells: dict[str, object] = {
        "method": method,
        "settings": " ".join(f"{key}={value:g}" for key, value in settings.items()),
    }
    kid = scores.loc[KID]
    cells["KID / doing nothing's"] = (kid["value"] / kid["do_nothing"]).mean()
    for direction in directions:
        cells[f"KID {direction}"] = kid["value"][direction]
        cells[f"class rate {direction}"] = scores.loc[RATE]["value"][direction]
        cells[f"probability {direction}"] = scores.loc[CHANCE]["value"][direction]
        for name, protocol in {"map's mean": OPEN, "map's AUC (pseudo masks)": AUC}.items():
            known = protocol in scores.index.get_level_values(0)
            one = scores[scores["metric"] != "attention_iou"].loc[protocol] if known else None
            cells[f"{name} {direction}"] = one["value"][direction] if known else None
    cells["core minutes"] = 60 * run.record()["hours"]
    return cells


def best(table: pd.DataFrame) -> pd.Series:
    """Which rows are taken: of each method the least share of doing nothing's KID."""
    share = table["KID / doing nothing's"]
    return share == share.groupby(table["method"]).transform("min")


def page(table: pd.DataFrame) -> str:
    """What was tried, as Markdown: the settings and what they came to."""
    text = (
        f"# What was tried on {DATASET}\n\nWritten by `python benchmarks/tuning.py`: {STEPS} steps "
        f"each, seed {SEED}, 64 px crops of 128 px images, whole test images of 128 px, scores by "
        "EfficientNet-Lite0. Doing nothing has a share of 1. Of each method the row with the least "
        "share was taken for the published runs; everything else is as the method's file says.\n"
    )
    for method, rows in table.groupby("method", sort=False):
        shown = rows.drop(columns="method").dropna(axis="columns", how="all").set_index("settings")
        text += f"\n## {method}\n\n" + to_markdown(shown.T.rename_axis("").reset_index())
    return text


if __name__ == "__main__":
    main()
