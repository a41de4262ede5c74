"""Records of runs that were never trained, for tables to read."""

import json
from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest

from replicate.lab.fingerprint import code_fingerprint, of_stream
from replicate.lab.notebook_parameters import Parameters, checked
from replicate.lab.run import COLUMNS, make_run
from replicate.lab.streams import is_special
from replicate.methods import METHODS

DIRECTIONS = ("horse->zebra", "zebra->horse")
NETWORKS = {"standin": "standin-v1@2ca402d6", "inception": "inception-2015-12-05@6726825d"}
MISSING = "not computed: Inception weights not found at /home/someone/weights.pth; download them"


class Records:
    """A results folder and what puts finished runs into it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def at(self, root: Path) -> "Records":
        """The same for another folder."""
        return Records(root)

    @staticmethod
    def score(metric: str, protocol: str, value: float, floor=nan, idle=nan) -> dict:
        """A row of scores."""
        return {
            "metric": metric, "protocol": protocol, "value": value, "floor": floor,
            "do_nothing": idle, "extractor": NETWORKS.get(protocol.partition("/")[2], ""),
        }  # fmt: skip

    def usual(self, kid: float, iou: float | None) -> list[dict]:
        """What the scoring of the drawn set gives, in short."""
        rows = [
            self.score("kid", "kid/standin", kid, floor=0.0001, idle=0.02),
            self.score("kid", "kid/inception", nan),
            self.score("background_psnr", "background/psnr", 20 + 100 * kid, idle=inf),
        ]
        if iou is None:
            return rows
        return [
            *rows,
            self.score("attention_iou", "attention/iou-0.5", iou, idle=0.14),
            self.score("attention_iou_ceiling", "attention/iou-0.5", 0.7),
        ]

    def add(
        self, name: str, seed: int, rows: list[dict], budget: str = "laptop",
        dataset: str = "horse2zebra_drawn", overrides: dict | None = None, **changes: object,
    ) -> Path:  # fmt: skip
        """The folder of a finished run with `rows` in both directions; `changes` of its record."""
        run = make_run(name, dataset, seed, budget, overrides)
        folder = run.folder_in(self.root)
        folder.mkdir(parents=True)
        record = run.identity() | {"label": run.label, "hash": run.hash, "status": "finished"}
        code = {"code": code_fingerprint(METHODS[run.method]), "data": ""}
        record |= {"fingerprint": code | of_stream(is_special(run))}
        record |= {"commit": "a" * 40, "dirty": True, "precision": run.config.precision}
        record |= {"device": "cpu"}
        record |= {"notes": {f"{d} kid/inception": MISSING for d in DIRECTIONS}, "hours": 0.15}
        (folder / "run.json").write_text(json.dumps(record | {"iterations": 4000} | changes))
        shared = {
            "method": run.method, "variant": run.label, "dataset": dataset, "seed": seed,
            "budget": budget, "split": "test", "iteration": 4000, "n_real": 132, "n_fake": 132,
            "spread": nan, "spread_kind": "",
        }  # fmt: skip
        frame = pd.DataFrame([row | shared | {"direction": d} for d in DIRECTIONS for row in rows])
        frame[COLUMNS].to_csv(folder / "scores.csv", index=False)
        return folder


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """An empty results folder."""
    return Records(tmp_path)


@pytest.fixture
def root(records: Records) -> Path:
    """The folder of `records` with three seeds of CycleGAN and AGGAN, one of AGGAN's ablation."""
    for seed in range(3):
        records.add("aggan", seed, records.usual(0.05 + 0.01 * seed, 0.50 + 0.01 * seed))
        records.add("cyclegan", seed, records.usual(0.03, None))
    records.add("aggan:whole-image-d", 0, records.usual(0.06, 0.35))
    return records.root


def _asked(**changes: object) -> Parameters:
    given = {"paper": "mejjati2018aggan", "methods": ["aggan", "cyclegan"], "seeds": [0, 1, 2]}
    given |= {"datasets": ["horse2zebra_drawn"], "budget": "laptop"}
    return checked(given | changes)


@pytest.fixture
def asked():
    """A function that gives the parameters of a notebook, with changes."""
    return _asked
