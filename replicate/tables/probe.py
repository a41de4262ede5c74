"""Do maps of discriminators that learned real A from real B find the object, as a table."""

from collections.abc import Callable

import pandas as pd

from replicate.datasets import drawn, packed
from replicate.datasets.packed import ImageSet
from replicate.experiment.parameters import Parameters
from replicate.experiment.probe import Seen, discs
from replicate.experiment.probe import probe as measure
from replicate.experiment.run import Run, make_run
from replicate.methods import METHODS

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
    asked = [
        (images, name, layers, iterations)
        for images in SETS
        for name in names
        for layers, iterations in (SMOKE if budget == "smoke" else LAYERS[images]).items()
    ]
    for images, name, layers, iterations in asked:
        runs = [
            make_run(names[name], drawn.NAME, seed, budget, {"n_layers": layers}) for seed in SEEDS
        ]
        found = [_probed(run, iterations, SETS[images]) for run in runs]
        about = {"images": images, "discriminator": name, "layers": layers}
        rows += [about | _over_seeds(moment) for moment in zip(*found, strict=True)]
    return pd.DataFrame(rows)


def _probed(run: Run, iterations: int, load: Callable[[str, int], ImageSet]) -> list[Seen]:
    train, test = load("train", run.config.load_size), load("test", run.config.crop_size)
    return measure(run, iterations, train, test)


def _over_seeds(moment: tuple[Seen, ...]) -> dict[str, object]:
    seeds = pd.DataFrame(moment)
    return {"iterations": moment[0].iteration} | {
        column: f"{seeds[key].mean():.3f} ± {seeds[key].std():.3f} ({len(seeds)})"
        for key, column in COLUMNS.items()
    }
