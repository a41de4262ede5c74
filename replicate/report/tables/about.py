"""What runs are made of and what they cost: data, networks, time."""

from collections.abc import Iterable

import pandas as pd

from replicate import repro
from replicate.datasets import packed
from replicate.datasets.layouts import SPLITS
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import Spec, spec
from replicate.lab import recorded
from replicate.lab.budget_grid import missing
from replicate.lab.fingerprint import data_fingerprint
from replicate.lab.notebook_parameters import Parameters
from replicate.lab.run import Run, parameter_counts
from replicate.methods import METHODS
from replicate.report.tables.catalogue import ABSENT
from replicate.report.tables.registers import entries

RUNS = ["run", "state", "iterations", "images/s", "hours", "peak memory, MB", "threads"]
RUNS += ["precision", "device", "commit"]
DEVIATIONS = ["what", "paper", "official code", "here"]


def runs_table(runs: Iterable[Run]) -> pd.DataFrame:
    """What each run cost, as text: `-` for what a run that is not finished has not got yet.

    Returns:
        `run, state, iterations, images/s, hours, peak memory, threads, precision, device, commit`
        (ten digits, with a plus where the code differed from it).
    """
    return pd.DataFrame([_run(run) for run in runs], columns=RUNS)


def data(params: Parameters) -> pd.DataFrame:
    """What the runs are trained and scored on; packs the sets where that is not done yet.

    Returns:
        One row a data set: `dataset, A, B, paired, size` (px, of training and of test), `train` and
        `test` (images of A + B), `truth` (what is known of the test images), `fingerprint` (of the
        training data, as in `run.json`), `source, licence`. Of a set that is not on this machine
        the counts on record, and how to get it.
    """
    rows = []
    for run in {run.dataset: run for run in params.runs()}.values():
        entry, sizes = spec(run.dataset), (run.config.load_size, run.config.scored_size)
        rows.append(
            {
                "dataset": run.dataset,
                "A": entry.domains[0],
                "B": entry.domains[1],
                "paired": "yes" if entry.paired else "no",
                "size": "{} / {}".format(*sizes),
                **(_elsewhere(entry) if missing(entry) else _here(run)),
                "source": entry.source,
                "licence": entry.licence,
            }
        )
    return pd.DataFrame(rows).replace("", ABSENT)


def _here(run: Run) -> dict[str, str]:
    """What of a set is known by reading its images."""
    train = packed.load(run.dataset, "train", run.config.load_size)
    test = packed.load(run.dataset, "test", run.config.scored_size)
    return {
        "train": _counts(train),
        "test": _counts(test),
        "truth": ", ".join(sorted(set(test.arrays) - {"A", "B"})),
        "fingerprint": data_fingerprint(run.dataset, run.config.load_size, run.config.resize),
    }


def _elsewhere(entry: Spec) -> dict[str, str]:
    """What is on record of a set whose images are not on this machine."""
    stated = dict(entry.counts)
    counts = {
        split: " + ".join(
            str(n) for part in (split, f"{split}A", f"{split}B") if (n := stated.get(part))
        )
        for split in SPLITS
    }
    return counts | {"truth": "", "fingerprint": f"not here: `replicate data get {entry.name}`"}


def networks(params: Parameters) -> pd.DataFrame:
    """Trainable parameters of one network of each kind, at the paper's sizes and at this budget.

    Returns:
        `method, network, paper`, and a column named after the budget: one row a kind of network of
        each method and variant.
    """
    rows = []
    for run in {(run.method, run.label): run for run in params.runs()}.values():
        with repro.shapes_only():
            here = METHODS[run.method](run.config).counts()
        paper = parameter_counts(run.method, run.variant)
        name = run.title.partition(" on ")[0]
        rows += [
            {"method": name, "network": kind, "paper": f"{n:,}", run.budget: f"{here[kind]:,}"}
            for kind, n in paper.items()
        ]
    return pd.DataFrame(rows)


def deviations(params: Parameters) -> pd.DataFrame:
    """The entries of the register: where paper, official code and this project differ, or switch.

    Returns:
        `what` ("<method>/<what>"), `paper`, `official code` and `here` (the choice made), a row a
        point: first those of the paper's own methods, then those of the others asked for.
    """
    methods = {run.method: None for run in params.runs()}
    own_first = sorted(methods, key=lambda method: METHODS[method].paper != params.paper)
    rows = [point[:4] for method in own_first for point in entries(method)]
    return pd.DataFrame(rows, columns=DEVIATIONS)


def short_commit(commit: str, dirty: bool) -> str:
    """Ten digits of a commit, with a plus where the code differed from it."""
    return commit[:10] + "+" * dirty


def _counts(images: ImageSet) -> str:
    return f"{len(images.arrays['A'])} + {len(images.arrays['B'])}"


def _run(run: Run) -> dict[str, object]:
    record = run.record()
    shown = [record.get(key, ABSENT) for key in ("iterations", "images_per_second", "hours")]
    shown += [record.get(key, ABSENT) for key in ("peak_memory_mb", "threads", "precision")]
    commit = short_commit(record["commit"], record["dirty"]) if record else ABSENT
    values = [run.title, recorded.word(run), *shown, record.get("device", ABSENT), commit]
    return dict(zip(RUNS, map(str, values), strict=True))
