"""A labelled set of eight pairs, and runs that translate them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.houses import LABEL_COLOURS, PHOTO_COLOURS, SIDE, drawn_classes
from support.made_up_runs import record_of

from replicate.datasets import palettes
from replicate.lab.fingerprint import of_run
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS

ENTRY = """
domain = "B"
side = 64
[classes]
wall = [0, 0, 222]
window = [255, 80, 0]
door = [255, 240, 1]
"""


@pytest.fixture
def houses(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the set, in the pix2pix layout with the photograph at the left."""
    folder = workspace / "palettes"
    folder.mkdir()
    (folder / "houses.toml").write_text(ENTRY)
    monkeypatch.setattr(palettes, "_folder", lambda: folder)
    for split in ("train", "test"):
        place = workspace / "data" / "houses" / split
        place.mkdir(parents=True)
        for i, classes in enumerate(drawn_classes(split)):
            pair = np.concatenate([PHOTO_COLOURS[classes], LABEL_COLOURS[classes]], axis=1)
            Image.fromarray(pair).save(place / f"{i}.png")
    return "houses"


@pytest.fixture
def scored(houses: str):
    """A function that makes a scored smoke run of given translations, and maps of one grey."""

    def make(photos: np.ndarray, labels: np.ndarray, seed: int = 0, grey: int | None = None) -> Run:
        run = make_run("pix2pix", houses, seed, "smoke")
        for words, images in (("B2A", photos), ("A2B", labels)):
            folder = run.folder / "outputs" / words
            (folder / "attention").mkdir(parents=True)
            for i, image in enumerate(images):
                Image.fromarray(image).save(folder / f"{i}.png")
                if grey is not None:
                    flat = np.full((SIDE, SIDE), grey, np.uint8)
                    Image.fromarray(flat).save(folder / "attention" / f"{i}.png")
        (run.folder / "scores.csv").touch()
        c = run.config
        made_by = of_run(METHODS[run.method], run.dataset, c.load_size, c.crop_size)
        record = record_of(run, fingerprint=made_by)
        (run.folder / "run.json").write_text(json.dumps(record))
        return run

    return make
