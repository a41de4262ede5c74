"""A discriminator that learns real A from real B: does its attention map find the object?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from replicate import repro
from replicate.datasets import drawn, packed
from replicate.datasets.batches import Batches, in_order
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab.notebook_parameters import Parameters
from replicate.lab.run import Run, make_run
from replicate.losses import lsgan_d_loss
from replicate.methods import METHODS, base
from replicate.metrics.attention import attention_auc
from replicate.networks.guidance import enlarge, min_max

BATCH, LR, BETA1 = 8, 2e-4, 0.5  # the discriminators' own rate and moment, whatever the budget's
EVALUATED = 33  # images at a time; a map does not depend on it


SPLITS = {"train": 500, "test": 48}  # discs of each domain
COLOURS = {"A": (255, 0, 0), "B": (0, 255, 0)}
RADII = (9, 13)  # px of a 64 px image


class Seen(NamedTuple):
    """What a discriminator's maps of the test images are at one moment."""

    iteration: int
    mean: float  # of all pixels of both domains, in [0, 1]
    auc_A: float  # mean pixel AUC against the true masks, in [0, 1]
    auc_B: float


def train_probe(run: Run, iterations: int, train: ImageSet, test: ImageSet) -> list[Seen]:
    """The maps of a discriminator before and after it learned real A from real B, without a G.

    Args:
        run: names the method, its configuration and the seed; it is not trained, and nothing is
            written. Its discriminators must give an attention map.
        iterations: of training, each with 8 images of each domain, by LSGAN and Adam.
        train: images of both domains, at the run's `load_size`.
        test: others, at its `crop_size`, with their true masks.

    Returns:
        The untrained maps, then the trained ones. One thread: the same numbers every time.

    Raises:
        ReplicateError: the true masks of the test images are not known.
    """
    repro.prepare(run.seed, threads=1)
    config = run.config
    if missing := {"A_mask", "B_mask"} - set(test.arrays):
        raise ReplicateError(
            f"{test.name} has no {' and '.join(sorted(missing))} of its test images, expected "
            "both: probe a synthetic set, such as horse2zebra_drawn"
        )
    D = METHODS[run.method](config).D["B"]
    optimizer = base.adam(LR, BETA1, D)
    batches = Batches(train, BATCH, config.crop_size, config.flip, run.seed)
    untrained = _seen(D, test, 0)
    for i in range(iterations):
        batch = batches(i)
        loss = lsgan_d_loss(D(batch["B"]).scores, D(batch["A"]).scores)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return [untrained, _seen(D, test, iterations)]


def discs(split: str, size: int = 64) -> ImageSet:
    """One flat disc on coarse grey noise, red in A and green in B: colour alone tells them apart.

    Args:
        split: "train" or "test".
        size: side in px, even.

    Returns:
        `A`, `B` uint8 (N, size, size, 3) and `A_mask`, `B_mask` (N, size, size), 1 on the disc.

    Source: the setting in which PHA's and TAM's maps were first probed for this project.
    """
    rng = np.random.default_rng(list(SPLITS).index(split))
    number, places = SPLITS[split], np.arange(size)
    low, high = (radius * size // 64 for radius in RADII)
    arrays = {}
    for domain, colour in COLOURS.items():
        noise = rng.integers(0, 256, (number, size // 2, size // 2, 1), np.uint8)
        images = np.repeat(noise.repeat(2, axis=1).repeat(2, axis=2), 3, axis=3)
        radii = rng.integers(low, high + 1, (number, 1, 1))
        y, x = rng.integers(high, size - high, (2, number, 1, 1))
        inside = (places[:, None] - y) ** 2 + (places - x) ** 2 <= radii**2
        images[inside] = colour
        arrays |= {domain: images, f"{domain}_mask": inside.astype(np.uint8)}
    return ImageSet("discs", split, size, ("red", "green"), False, arrays, {}, {})


@torch.no_grad()
def _seen(D: nn.Module, test: ImageSet, iteration: int) -> Seen:
    """The maps of all test images, stretched and enlarged as those that guide a generator."""
    D.eval()
    maps = {
        X: np.concatenate(
            [
                enlarge(min_max(D(batch[X]).attention), batch[X].shape[2:])[:, 0].numpy()
                for batch in in_order(test, X, EVALUATED)
            ]
        )
        for X in "AB"
    }
    D.train()
    aucs = [attention_auc(maps[X], np.asarray(test.arrays[f"{X}_mask"])).mean() for X in "AB"]
    mean = np.concatenate([maps["A"], maps["B"]]).mean()
    return Seen(iteration, float(mean), *map(float, aucs))


SETS: dict[str, Callable[[str, int], ImageSet]] = {
    "discs": discs,
    drawn.NAME: lambda split, size: packed.load(drawn.NAME, split, size),
}
SEEDS = range(3)
# stride-2 layers in D, two at laptop and three in the paper: iterations
LAYERS = {"discs": {3: 600}, drawn.NAME: {2: 200, 3: 200}}
SMOKE = {2: 2}
COLUMNS = {"mean": "mean of the map", "auc_A": "pixel AUC, A", "auc_B": "pixel AUC, B"}


def probe(params: Parameters) -> pd.DataFrame:
    """PHA and TAM as classifiers of real images, before and after they learned, as text.

    Args:
        params: its budget alone counts: tiny at smoke, else the laptop's size, 64 px. The images
            are drawn, because they need true masks: `discs`, which colour tells apart, for D as in
            the paper, and horses and zebras, which a texture does, for the laptop's D too.

    Returns:
        `images, discriminator, layers` (of stride 2: the laptop's two and the paper's three),
        `iterations, mean of the map` and the pixel AUC of both domains, mean ± standard deviation
        over three seeds: a row untrained, a row at the end. Smoke has the laptop's layers alone.
    """
    names = {
        discriminator: f"{name}:{variant}"
        for name, method in METHODS.items()
        for discriminator, variant in method.map_discriminators.items()
    }
    budget, rows = "smoke" if params.budget == "smoke" else "laptop", []
    cases = [
        (images, name, layers, iterations)
        for images in SETS
        for name in names
        for layers, iterations in (SMOKE if budget == "smoke" else LAYERS[images]).items()
    ]
    for images, name, layers, iterations in cases:
        runs = [
            make_run(names[name], drawn.NAME, seed, budget, {"n_layers": layers}) for seed in SEEDS
        ]
        moments = [_probed(run, iterations, SETS[images]) for run in runs]
        about = {"images": images, "discriminator": name, "layers": layers}
        rows += [about | _over_seeds(moment) for moment in zip(*moments, strict=True)]
    return pd.DataFrame(rows)


def _probed(run: Run, iterations: int, load: Callable[[str, int], ImageSet]) -> list[Seen]:
    train, test = load("train", run.config.load_size), load("test", run.config.scored_size)
    return train_probe(run, iterations, train, test)


def _over_seeds(moment: tuple[Seen, ...]) -> dict[str, object]:
    seeds = pd.DataFrame(moment)
    return {"iterations": moment[0].iteration} | {
        column: f"{seeds[key].mean():.3f} ± {seeds[key].std():.3f} ({len(seeds)})"
        for key, column in COLUMNS.items()
    }
