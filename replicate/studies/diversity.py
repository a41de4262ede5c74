"""Many translations of one input: how far they lie apart, and how near the best is to the truth."""

import math
from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.datasets import packed
from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import BATCH, in_words, to_uint8
from replicate.lab.equipment import frozen
from replicate.lab.execute import load_method
from replicate.lab.notebook_parameters import Parameters
from replicate.lab.recorded import here_or_recorded
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.metrics.pixels import psnr
from replicate.report import tables
from replicate.report.plots.picture import name_of
from replicate.report.tables.catalogue import number
from replicate.report.tables.show import Album, Sentence, show
from replicate.studies import galleries
from replicate.studies.real_photographs import nothing, runs_on_photographs
from replicate.studies.results import of_runs

NETWORK = "efficientnet-lite0"
TRUTH = "real images of the target domain"
DIGITS = {"PSNR, dB": 2, "best PSNR, dB": 2, "pixel distance": 3, "feature distance": 3}
COLUMNS = ["dataset", "direction", "method", "seed", "translations", *DIGITS]


def several(params: Parameters) -> Album:
    """Several translations of one input, and how far apart they lie.

    Those of the multimodal runs that the grid of photographs lists and that are here or published;
    on a set of pairs beside its other methods, which have one translation.

    Args:
        params: of a paper's notebook; its smoke run shows nothing.
    """
    if params.budget == "smoke":
        return Album("Smoke runs are on synthetic images; `budget: laptop` shows several styles.")
    listed = runs_on_photographs(params)
    sets = {run.dataset for run in listed if METHODS[run.method].multimodal}
    paired = {dataset for dataset in sets if spec(dataset).paired}
    wanted = [r for r in listed if METHODS[r.method].multimodal or r.dataset in paired]
    runs = here_or_recorded(wanted, partly=True)
    many = [run for run in runs if METHODS[run.method].multimodal]
    if not many:
        what = f"{', '.join(sorted(sets))} by a method with several translations of an input"
        return Album(nothing(params.budget, what))
    shown = [
        styles(many),
        Sentence("How far the translations of one input lie apart, means over all test images:"),
        show(distances(many)),
    ]
    if beside := [run for run in runs if run not in many]:
        shown += [Sentence("Methods with one translation of an input:"), show(_of_one(beside))]
    return Album(
        "Test images, each with six random styles; the first is the one that is scored:", *shown
    )


def _of_one(runs: list[Run]) -> pd.DataFrame:
    """The PSNR of runs whose method has one translation of an input, as their scores have it."""
    scores = tables.of_runs(runs)
    table = scores[scores["protocol"] == "psnr/skimage"]
    values = [number(value, DIGITS["PSNR, dB"]) for value in table["value"]]
    table = table[["dataset", "direction", "name", "seed"]].rename(columns={"name": "method"})
    return table.assign(**{"PSNR, dB": values})


styles = of_runs(galleries.styles)


@of_runs
def distances(runs: list[Run]) -> pd.DataFrame:
    """`diversity` as text."""
    frame = diversity(runs).dropna(axis="columns", how="all")
    for column in frame.columns.intersection(list(DIGITS)):
        frame[column] = [number(value, DIGITS[column]) for value in frame[column]]
    counts = ["seed", "translations"]  # which real images have none of
    return frame.assign(**frame[counts].astype("string").fillna(""))


def diversity(runs: Iterable[Run], samples: int = 10) -> pd.DataFrame:
    """Diversity of runs and, on a set of pairs, the PSNR of the best of n translations.

    Args:
        runs: trained ones. Of a multimodal method `samples` translations of every test image are
            made, by the random styles of seeds 0, 1, ...; any other method has one.
        samples: translations of an input, >= 1.

    Returns:
        A row a run and direction, means over the test split. Of pairs the PSNR of the translation
        that is scored everywhere (seed 0), and of the one nearest to the truth. Between the
        translations of one input the mean absolute difference of pixels, in shares of their range,
        and the squared difference of EfficientNet-Lite0's features. These are the first three
        stages', each place's scaled to length 1 and the squares summed over its channels: LPIPS
        without learned weights, comparable with nothing in print. NaN without pairs, or where there
        is one translation. Below them the same distances between every real image of the target
        domain and the next.

    Raises:
        ReplicateError: no run, or a run without a checkpoint.
    """
    chosen = list(runs)
    if not chosen:
        raise ReplicateError("no run to measure; expected METHOD[:VARIANT] of trained ones")
    network, rows = frozen(NETWORK), {}
    for run in chosen:
        test = packed.load(run.dataset, "test", run.config.scored_size)
        method = load_method(run, torch.device("cpu"))
        for direction in method.directions:
            place = {"dataset": run.dataset, "direction": in_words(direction, test)}
            count = samples if method.multimodal else 1
            made = _measured(method, test, direction, count, network)
            about = {"method": name_of(run), "seed": run.seed, "translations": count}
            rows[(run.dataset, direction, len(rows))] = place | about | made
            truth = (run.dataset, direction, math.inf)  # below all runs
            if truth not in rows:
                rows[truth] = place | {"method": TRUTH} | _apart(test, direction, network)
    table = pd.DataFrame([rows[key] for key in sorted(rows)], columns=COLUMNS)
    return table.astype({"seed": "Int64", "translations": "Int64"})


@torch.no_grad()
def _measured(
    method: Method, test: ImageSet, direction: str, count: int, network: nn.Module
) -> dict[str, float]:
    X, Y = direction
    enabled = method.config.precision == "bf16"
    scores: list[np.ndarray] = []
    distances: list[Tensor] = []
    for batch in in_order(test, X, BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            seeds = [{"seed": seed} for seed in range(count)] if method.multimodal else [{}]
            images = [method.translate(batch[X], direction, **seed).image for seed in seeds]
        if test.paired:
            true = np.asarray(test.arrays[Y])[batch[f"{X}_index"].numpy()]
            scores.append(np.stack([psnr(to_uint8(x), true) for x in images]))
        if count > 1:
            views = [_viewed(x, network) for x in images]
            pairs = [_between(one, other) for one, other in combinations(views, 2)]
            distances.append(torch.stack(pairs).mean(dim=0))
    measures = _named(torch.cat(distances)) if distances else {}
    if scores:
        values = np.concatenate(scores, axis=1)
        measures |= {"PSNR, dB": values[0].mean(), "best PSNR, dB": values.max(axis=0).mean()}
    return measures


@torch.no_grad()
def _apart(test: ImageSet, direction: str, network: nn.Module) -> dict[str, float]:
    """Distances between every real image and the next."""
    x = torch.cat([batch[direction[1]] for batch in in_order(test, direction[1], BATCH)])
    pairs = zip(x.split(BATCH), x.roll(-1, dims=0).split(BATCH), strict=True)
    return _named(torch.cat([_between(*(_viewed(x, network) for x in pair)) for pair in pairs]))


def _viewed(x: Tensor, network: nn.Module) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) and their features (N, C, h, w), those of each place of length 1."""
    return x, F.normalize(network(x), dim=1)


def _between(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> Tensor:
    """(N, 2): the distance of pixels and that of features of N pairs of images."""
    (x, a), (y, b) = one, other
    pixel = (x - y).abs().mean((1, 2, 3)) / 2
    return torch.stack([pixel, (a - b).square().sum(1).mean((1, 2))], dim=1)


def _named(distances: Tensor) -> dict[str, float]:
    return dict(zip(COLUMNS[-2:], distances.double().mean(dim=0).tolist(), strict=True))
