"""Do maps of discriminators that learned real A from real B find the object, as a table."""

import pandas as pd

from replicate.datasets import drawn
from replicate.experiment.parameters import Parameters
from replicate.experiment.probe import Seen
from replicate.experiment.probe import probe as measure
from replicate.experiment.run import make_run

DISCRIMINATORS = {"PHA": "spatial_guidance", "TAM": "spatial_guidance:tam"}
SEEDS = range(3)
ITERATIONS = {"smoke": 2, "laptop": 600, "paper": 600}
COLUMNS = {
    "mean": "mean of the map",
    "auc_A": f"pixel AUC, {drawn.DOMAINS[0]}",
    "auc_B": f"pixel AUC, {drawn.DOMAINS[1]}",
}


def probe(params: Parameters) -> pd.DataFrame:
    """PHA and TAM as classifiers of real images, before and after they learned, as text.

    Args:
        params: its budget decides size and length alone; the images are drawn horses and zebras,
            at 64 px above smoke, because they need true masks.

    Returns:
        `discriminator, iterations, mean of the map` and the pixel AUC of both domains, mean ±
        standard deviation over three seeds: a row untrained, a row at the end.
    """
    budget = "smoke" if params.budget == "smoke" else "laptop"
    rows = []
    for name, method in DISCRIMINATORS.items():
        found = [
            measure(make_run(method, drawn.NAME, seed, budget), ITERATIONS[params.budget])
            for seed in SEEDS
        ]
        rows += [
            {"discriminator": name, "iterations": moment[0].iteration} | _over_seeds(moment)
            for moment in zip(*found, strict=True)
        ]
    return pd.DataFrame(rows)


def _over_seeds(moment: tuple[Seen, ...]) -> dict[str, str]:
    seeds = pd.DataFrame(moment)
    return {
        column: f"{seeds[key].mean():.3f} ± {seeds[key].std():.3f} ({len(seeds)})"
        for key, column in COLUMNS.items()
    }
