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
from replicate.errors import ReplicateError
from replicate.evaluation import BATCH, in_words, to_uint8
from replicate.lab.equipment import frozen
from replicate.lab.execute import load_method
from replicate.lab.run import Run
from replicate.methods.base import Method
from replicate.metrics.pixels import psnr
from replicate.report.plots.picture import name_of

NETWORK = "efficientnet-lite0"
TRUTH = "true images of other inputs"
COLUMNS = ["dataset", "direction", "method", "seed", "translations", "PSNR, dB", "best PSNR, dB"]
COLUMNS += ["pixel distance", "feature distance"]


def diversity(runs: Iterable[Run], samples: int = 10) -> pd.DataFrame:
    """Diversity and best-of-n PSNR of runs on a set of pairs.

    Args:
        runs: trained ones. Of a multimodal method `samples` translations of every test image are
            made, by the random styles of seeds 0, 1, ...; any other method has one.
        samples: translations of an input, >= 1.

    Returns:
        A row a run and direction, means over the test split: the PSNR of the translation that is
        scored everywhere (seed 0), and of the one nearest to the truth; between the translations of
        one input the mean absolute difference of pixels, in shares of their range, and the squared
        difference of EfficientNet-Lite0's features. These are the first three stages', each
        place's scaled to length 1 and the squares summed over its channels: LPIPS without learned
        weights, comparable with nothing in print. NaN where there is one translation. Below them
        the same distances between the true images of neighbouring inputs.

    Raises:
        ReplicateError: no run, a set without pairs, or a run without a checkpoint.
    """
    chosen = list(runs)
    if not chosen:
        raise ReplicateError("no run to measure; expected METHOD[:VARIANT] of trained ones")
    network, rows = frozen(NETWORK), {}
    for run in chosen:
        test = packed.load(run.dataset, "test", run.config.scored_size)
        if not test.paired:
            raise ReplicateError(
                f"{run.dataset} has no pairs, so no true translations; expected a set such as "
                "facades"
            )
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
        places = batch[f"{X}_index"].numpy()
        true = np.asarray(test.arrays[Y])[places]
        scores.append(np.stack([psnr(to_uint8(x), true) for x in images]))
        if count > 1:
            distances.append(_between(list(combinations(images, 2)), network))
    values = np.concatenate(scores, axis=1)
    measures = {"PSNR, dB": values[0].mean(), "best PSNR, dB": values.max(axis=0).mean()}
    return measures | (_named(torch.cat(distances)) if distances else {})


@torch.no_grad()
def _apart(test: ImageSet, direction: str, network: nn.Module) -> dict[str, float]:
    """Distances between every true image and the next."""
    x = torch.cat([batch[direction[1]] for batch in in_order(test, direction[1], BATCH)])
    pairs = zip(x.split(BATCH), x.roll(-1, dims=0).split(BATCH), strict=True)
    return _named(torch.cat([_between([pair], network) for pair in pairs]))


def _between(pairs: list[tuple[Tensor, Tensor]], network: nn.Module) -> Tensor:
    """(N, 2): of pixels and of features, the mean over pairs of (N, 3, H, W) images each."""
    measures = []
    for one, other in pairs:
        pixel = (one - other).abs().mean((1, 2, 3)) / 2
        a, b = (F.normalize(network(x), dim=1) for x in (one, other))
        measures.append(torch.stack([pixel, (a - b).square().sum(1).mean((1, 2))], dim=1))
    return torch.stack(measures).mean(dim=0)


def _named(distances: Tensor) -> dict[str, float]:
    return dict(zip(COLUMNS[-2:], distances.double().mean(dim=0).tolist(), strict=True))
