"""Translations as the official test of U-GAT-IT wrote them: JPEG, where the inputs were JPEG.

The printed numbers of its tables may rest on such files, and KID tells JPEG from PNG. So a run at
budget paper has this score beside the one of its PNG files, under an id of its own.

Source: taki0112/UGATIT @d508e8f, utils.py:54-58: cv2.imwrite under the name of the input, at its
default quality.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from replicate.datasets.packed import ImageSet
from replicate.evaluation import Outputs, image_sets
from replicate.images import read
from replicate.metrics.compare import Bench, compare
from replicate.metrics.protocols import JPEG, find
from replicate.metrics.score import Score
from replicate.parallel import in_order

QUALITY, SAMPLING = 95, "4:2:0"  # OpenCV's defaults
PROTOCOLS = (f"kid/gm-mean098{JPEG}",)  # what the printed tables are believed to hold


def scores(
    outputs: Outputs,
    direction: str,
    test: ImageSet,
    train: ImageSet,
    cache: Path | None,
    offline: bool,
) -> list[Score]:
    """The scores of the translations as JPEG; arguments as of `evaluation.score_direction`."""
    written = outputs._replace(images=as_jpeg(outputs.images))
    bench = Bench(image_sets(written, direction, test, train), cache, offline=offline)
    return compare(bench, [find(name) for name in PROTOCOLS])


def as_jpeg(images: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 as it comes back from JPEG files."""
    return np.stack(list(in_order(_there_and_back, list(images))))


def _there_and_back(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=QUALITY, subsampling=SAMPLING)
    file.seek(0)
    return read(file)
