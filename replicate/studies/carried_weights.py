"""The small trained weights in the repository, and one synthetic image through them."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from replicate import paths
from replicate.datasets import packed
from replicate.datasets.spec import registered
from replicate.report.tables.catalogue import ABSENT, number
from replicate.report.tables.show import Album, show
from replicate.translating.model import directions_of, load
from replicate.translating.pictures import comparison
from replicate.weights import stored
from replicate.weights.finding import files_in, folders

DIGITS = {"kid/efficientnet-lite0": 3, "class-rate/efficientnet-lite0": 2, "background/psnr": 1}


def carried() -> Album:
    """A row for each file and direction, with the scores of its run; a picture of synthetic sets.

    The picture has the first test image of a set that is drawn here, so nobody needs photographs:
    a pair for each of its models, the input and its translation.
    """
    folder, *_ = folders()
    files = files_in(folder)
    if not files:
        return Album("The repository has no trained weights yet.")
    rows: list[dict[str, str]] = []
    drawn: dict[str, list[Path]] = {}
    for file in files:
        card = stored.read_card(file)
        scores = {(row["protocol"], row["direction"]): row["value"] for row in card.scores}
        for direction in directions_of(card):
            row = {"weights": card.name, "direction": direction}
            for protocol, digits in DIGITS.items():
                value = scores.get((protocol, direction))
                row[protocol] = ABSENT if value is None else number(float(value), digits)
            rows.append(row | {"MB": number(file.stat().st_size / 1e6, 1)})
        entry = registered(card.dataset)
        if entry is not None and entry.layout == "drawn":
            drawn.setdefault(card.dataset, []).append(file)
    pictures = [_picture(dataset, models) for dataset, models in drawn.items()]
    said = (
        f"{len(files)} files in {paths.shown(folder)}; `replicate translate WEIGHTS PICTURE` takes "
        "each by the name in the first column."
    )
    return Album(said, show(pd.DataFrame(rows)), *pictures)


def _picture(dataset: str, models: list[Path]) -> Image.Image:
    loaded = [load(str(file)) for file in models]
    image = np.asarray(packed.load(dataset, "test", loaded[0].size).arrays["A"][0])
    return comparison([(image, model.made(image)) for model in loaded])
