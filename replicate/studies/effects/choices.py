"""What a choice does to FID and KID: resize, file format, number of images; what "±" stands for."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
from PIL import Image

from replicate.images import read
from replicate.metrics.fid import fid
from replicate.metrics.kid import kid, kid_blocks, kid_interval, kid_subsets
from replicate.metrics.protocols import Protocol, find
from replicate.metrics.resize import RESIZES
from replicate.studies.effects.ladder import RUNGS
from replicate.studies.effects.studies import Study

CLEAN = find("fid/clean")
NETWORKS = (find("fid/standin"), CLEAN)
PNG = "PNG"
QUALITIES = (100, 95, 87, 75, 50)
SMALLEST = 60  # images; fewer where a quarter of all are fewer
POINTS = 5  # numbers of images
ENOUGH = 20  # images: with fewer there is no growth to see, nor two blocks of 10
DRAWS = 10  # of each number


def distances(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """FID, KID and KID's standard error of features (N, d) and (M, d)."""
    value, error = kid(fake, real)
    return {"FID": fid(fake, real), "KID": value, "error": error}


def resizes(study: Study) -> pd.DataFrame:
    """FID and KID of every rung on features of Inception that differ in the resize only.

    Returns:
        `rung, resize, FID, KID, error` (the standard error of KID).
    """
    rows = []
    for resize in RESIZES:
        protocol = replace(CLEAN, resize=resize)
        real = study.features(study.sample.real, protocol, "real")
        for rung, images in study.sample.rungs().items():
            fake = study.features(images, protocol, rung)
            rows.append({"rung": rung, "resize": resize} | distances(fake, real))
    return pd.DataFrame(rows)


def jpeg(study: Study, rung: str = RUNGS[0]) -> pd.DataFrame:
    """FID and KID of one rung as PNG and as JPEG of several qualities; the real images stay PNG.

    Returns:
        `network, files` ("PNG" or the quality), `FID, KID, error`.
    """
    rows = []
    for protocol in NETWORKS:
        ladder = study.images(protocol)
        images = ladder.rungs()[rung]
        real = study.features(ladder.real, protocol, "real")
        for files in (PNG, *QUALITIES):
            pictures = images if files == PNG else compressed(images, files)
            fake = study.features(pictures, protocol, str(files))
            rows.append({"network": study.name(protocol), "files": files} | distances(fake, real))
    return pd.DataFrame(rows)


def compressed(images: np.ndarray, quality: int) -> np.ndarray:
    """Images (N, H, W, 3) uint8 after JPEG of a quality, Pillow's other settings as they are."""
    return np.stack([_compressed(image, quality) for image in images])


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return read(file)


def counts(study: Study) -> pd.DataFrame:
    """FID and KID of the inputs, and of other real images, as the number of images grows.

    All real images, test and training, are dealt into two piles: one is the target, the other is
    scored as output and gives the floor. Smaller numbers are seeded draws from the piles. A network
    that sees fewer than 20 images is left out.

    Returns:
        `network, what` ("do nothing" or "real vs real"), `n`, `draw`, `FID, KID, error`.
    """
    rows = []
    for protocol in NETWORKS:
        for what, (fake, real) in _piles(study, protocol).items():
            for n in numbers(len(real)) if len(real) >= ENOUGH else []:
                for draw in range(DRAWS if n < len(real) else 1):
                    generator = np.random.default_rng([n, draw])
                    mine, theirs = (_drawn(x, n, generator) for x in (fake, real))
                    about = {"network": study.name(protocol), "what": what, "n": n, "draw": draw}
                    rows.append(about | distances(mine, theirs))
    return pd.DataFrame(rows)


def numbers(largest: int) -> list[int]:
    """From 60, or a quarter of all, to all, in even ratios."""
    smallest = min(SMALLEST, largest // 4)
    return sorted({round(n) for n in np.geomspace(smallest, largest, POINTS)})


def _piles(study: Study, protocol: Protocol) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Features as (output, target), equally many in all of them."""
    ladder = study.images(protocol)
    parts = [
        study.features(images, protocol, label)
        for images, label in ((ladder.real, "real"), (ladder.real_train, "real_train"))
    ]
    real = np.concatenate(parts)
    n = min(len(real) // 2, len(ladder.source) + len(ladder.source_train))
    inputs = study.features(ladder.source, protocol, "source")
    if more := n - len(inputs[:n]):
        others = study.features(ladder.source_train[:more], protocol, "source_train")
        inputs = np.concatenate([inputs, others])
    target, other = real[0 : 2 * n : 2], real[1 : 2 * n : 2]
    return {"do nothing": (inputs[:n], target), "real vs real": (other, target)}


def _drawn(features: np.ndarray, n: int, generator: np.random.Generator) -> np.ndarray:
    return features[np.sort(generator.choice(len(features), n, replace=False))]


RUNG = "half"
SUBSETS = 100
PARTS = (8, 4, 2)  # a subset is one of so many parts of the images


def spreads(study: Study) -> pd.DataFrame:
    """KID of one rung with every kind of "±" that is in use.

    Returns:
        `network, n, what, value, low, high`: for an interval its ends, else value ± spread. A
        network that sees fewer than 20 images is left out.
    """
    rows = []
    for protocol in NETWORKS:
        ladder = study.images(protocol)
        fake = study.features(ladder.rungs()[RUNG], protocol, RUNG)
        real = study.features(ladder.real, protocol, "real")
        n = min(len(fake), len(real))
        if n >= ENOUGH:
            rows += [
                {"network": study.name(protocol), "n": n} | row for row in of_features(fake, real)
            ]
    return pd.DataFrame(rows, columns=["network", "n", "what", "value", "low", "high"])


def of_features(fake: np.ndarray, real: np.ndarray) -> list[dict]:
    """The rows of `spreads` for features (N, d) and (M, d), N and M at least 20."""
    value, error = kid(fake, real)
    low, high = kid_interval(fake, real)
    rows = [
        _row("standard error of the full sample", value, error),
        {"what": "95 % bootstrap interval over images", "value": value, "low": low, "high": high},
        _row("standard error over blocks of 10 (GM)", *kid_blocks(real, fake)),
    ]
    n = min(len(fake), len(real))
    for size in dict.fromkeys(max(2, n // part) for part in PARTS):
        mean, sd = kid_subsets(fake, real, size, SUBSETS)
        rows.append(_row(f"sd over {SUBSETS} subsets of {size}", mean, sd))
    return rows


def _row(what: str, value: float, spread: float) -> dict:
    return {"what": what, "value": value, "low": value - spread, "high": value + spread}
