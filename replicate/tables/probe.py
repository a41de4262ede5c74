"""Do maps of discriminators that learned real A from real B find the object, as a table."""

from collections.abc import Callable

import pandas as pd

from replicate.datasets import drawn, packed
from replicate.datasets.packed import ImageSet
from replicate.experiment.parameters import Parameters
from replicate.experiment.probe import Seen, discs
from replicate.experiment.probe import probe as measure
from replicate.experiment.run import make_run

DISCRIMINATORS = {"PHA": "spatial_guidance", "TAM": "spatial_guidance:tam"}
SETS: dict[str, Callable[[str, int], ImageSet]] = {
    "discs": discs,
    drawn.NAME: lambda split, size: packed.load(drawn.NAME, split, size),
}
SEEDS = range(3)
ITERATIONS = {"smoke": 2, "laptop": 600}
COLUMNS = {"mean": "mean of the map", "auc_A": "pixel AUC, A", "auc_B": "pixel AUC, B"}


def probe(params: Parameters) -> pd.DataFrame:
    """PHA and TAM as classifiers of real images, before and after they learned, as text.

    Args:
        params: its budget alone counts: tiny at smoke, else the laptop's size, 64 px. The images
            are drawn, because they need true masks: `discs`, which colour tells apart, and horses
            and zebras, which a texture does.

    Returns:
        `images, discriminator, iterations, mean of the map` and the pixel AUC of both domains,
        mean ± standard deviation over three seeds: a row untrained, a row at the end.
    """
    budget, rows = "smoke" if params.budget == "smoke" else "laptop", []
    for images, load in SETS.items():
        for name, method in DISCRIMINATORS.items():
            found = [_probed(method, seed, budget, load) for seed in SEEDS]
            about = {"images": images, "discriminator": name}
            rows += [about | _over_seeds(moment) for moment in zip(*found, strict=True)]
    return pd.DataFrame(rows)


def _probed(
    method: str, seed: int, budget: str, load: Callable[[str, int], ImageSet]
) -> list[Seen]:
    run = make_run(method, drawn.NAME, seed, budget)
    train, test = load("train", run.config.load_size), load("test", run.config.crop_size)
    return measure(run, ITERATIONS[budget], train, test)


def _over_seeds(moment: tuple[Seen, ...]) -> dict[str, object]:
    seeds = pd.DataFrame(moment)
    return {"iterations": moment[0].iteration} | {
        column: f"{seeds[key].mean():.3f} ± {seeds[key].std():.3f} ({len(seeds)})"
        for key, column in COLUMNS.items()
    }
