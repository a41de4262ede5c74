"""What the network trained on ImageNet makes of real photographs: series, floor, how many images.

Photographs of the target that get worse step by step, in two ways whose order is known: blurred
more and more, and with more and more inputs among them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.evaluation import in_words
from replicate.lab.budget_grid import missing
from replicate.lab.notebook_parameters import ProtocolParameters
from replicate.metrics import inception
from replicate.metrics.arrays import spaced
from replicate.metrics.class_rate import answers
from replicate.metrics.efficientnet import EfficientNet
from replicate.metrics.fid import fid
from replicate.metrics.inception import Features, Inception
from replicate.metrics.kid import kid
from replicate.report.tables.catalogue import ABSENT, number
from replicate.report.tables.order import kendall_tau
from replicate.report.tables.show import Album, show

NAME = EfficientNet.name
SIDE = 256  # px, of photographs
FLOOR = 240  # training images, at most, that stand for perfect translations
BLURS = (128, 64, 32, 16)  # parts of the side that a blur's sigma is
SHARES = (0.25, 0.5, 0.75)  # of the outputs that are inputs
COUNTS = (30, 60, 90, 120)
REAL, IDLE = "real vs real", "do nothing"


def real_network(params: ProtocolParameters) -> Album:
    """KID, FID and class rate of `efficientnet-lite0` along both series, and with fewer images.

    Args:
        params: `photographs` names the set, else it is `dataset`; of each set of images at most
            `standin_images` are taken.

    Returns:
        Tables: the rows of a series from other real images of the target (the floor, and for the
        class rate the ceiling) to the inputs (doing nothing), KID ± its standard error; then floor
        and do-nothing from 30 images to all. A sentence where the images are not here.
    """
    name = params.photographs or params.dataset
    entry = spec(name)
    if lack := missing(entry):
        return Album(f"Needs {name}: {lack}")
    size = SIDE if params.photographs else params.size
    test, train = (packed.load(name, split, size) for split in ("test", "train"))
    X, Y = params.direction
    most = params.standin_images
    sets = {
        IDLE: spaced(test.arrays[X], most or len(test.arrays[X])),
        "target": spaced(test.arrays[Y], most or len(test.arrays[Y])),
        REAL: spaced(train.arrays[Y], most or FLOOR),
    }
    rungs = dict(_blurred(sets[REAL]))
    network = EfficientNet(params.device)
    features = {key: network(np.asarray(images)) for key, images in (sets | rungs).items()}
    target, classes = features.pop("target"), entry.classes_of(test.domains["AB".index(Y)])
    mixed = _mixed(features)
    features = {key: features[key] for key in (REAL, *rungs)} | mixed | {IDLE: features[IDLE]}
    rows = [_row(key, seen, target, classes) for key, seen in features.items()]
    counts = {key: len(images) for key, images in sets.items()}
    said = (
        f"{name}, {in_words(params.direction, test)}, {size} px: {counts[IDLE]} inputs, "
        f"{counts['target']} test and {counts[REAL]} training images of the target. "
        f"{_agreement(features, target, sets, rungs, params)}"
    )
    return Album(said, show(pd.DataFrame(rows)), show(_counted(features, target)))


def _blurred(images: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The images after Gaussian blurs, from slight to strong."""
    for part in BLURS:
        kernel = ImageFilter.GaussianBlur(images.shape[1] / part)
        made = [np.asarray(Image.fromarray(image).filter(kernel)) for image in images]
        yield f"blurred by 1/{part} of the side", np.stack(made)


def _mixed(features: dict[str, Features]) -> dict[str, Features]:
    """Real images of the target with a share of inputs among them; no image is looked at twice."""
    real, idle = features[REAL], features[IDLE]
    n = min(len(real.pool), len(idle.pool))
    mixed = {}
    for share in SHARES:
        inputs = round(share * n)
        parts = [
            np.concatenate([a[: n - inputs], b[:inputs]])
            for a, b in zip((real.pool, real.logits), (idle.pool, idle.logits), strict=True)
        ]
        mixed[f"{share:.0%} inputs"] = Features(*parts)
    return mixed


def _row(what: str, fake: Features, target: Features, classes: tuple[int, ...]) -> dict[str, str]:
    value, error = kid(fake.pool, target.pool)
    rate = number(answers(fake.logits, classes).mean(), 3) if classes else ABSENT
    return {
        "outputs": what,
        f"KID ↓ (kid/{NAME})": f"{number(value, 4)} ± {number(error, 4)}",
        f"FID ↓ (fid/{NAME})": number(fid(fake.pool, target.pool), 1),
        "taken for the target ↑": rate,
    }


def _counted(features: dict[str, Features], target: Features) -> pd.DataFrame:
    """Floor and do-nothing from few images to all."""
    most = min(len(target.pool), *(len(features[key].pool) for key in (REAL, IDLE)))
    rows = []
    for n in [*(n for n in COUNTS if n < most), most]:
        real = spaced(target.pool, n)
        row = {"images of each": str(n)}
        for key in (REAL, IDLE):
            value, error = kid(spaced(features[key].pool, n), real)
            row[f"KID, {key}"] = f"{number(value, 4)} ± {number(error, 4)}"
        for key in (REAL, IDLE):
            row[f"FID, {key}"] = number(fid(spaced(features[key].pool, n), real), 1)
        rows.append(row)
    return pd.DataFrame(rows)


def _agreement(
    features: dict[str, Features],
    target: Features,
    sets: dict[str, np.ndarray],
    rungs: dict[str, np.ndarray],
    params: ProtocolParameters,
) -> str:
    """Whether the official Inception puts the same images in the same order, in a sentence."""
    if params.budget == "smoke":
        return "A smoke run sees too few images to conclude anything."
    if not inception.available() or not Inception().official:
        return (
            "Inception's official weights are not here, so the agreement with its order is not "
            "computed (`replicate data get inception-weights`)."
        )
    network = Inception(device=params.device)
    seen = {key: network(images).pool for key, images in (sets | rungs).items()}
    names = [REAL, *rungs, IDLE]
    ours = [kid(features[name].pool, target.pool)[0] for name in names]
    theirs = [kid(seen[name], seen["target"])[0] for name in names]
    tau = kendall_tau(ours, theirs)
    return f"Kendall's tau with the KID of Inception over blurs and inputs: {number(tau, 2)}."
